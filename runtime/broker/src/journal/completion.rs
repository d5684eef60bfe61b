//! How calls end.

use super::intent::Intent;
use crate::gate::{Applied, Refused};
use stepward_fault::Fault;
use stepward_seam::{CallSite, HostCall, HostReply, HttpFailure, Label, Method};

/// One call that ended. Log lines are not among them.
#[derive(Debug)]
pub struct Completion<'a> {
    /// Which call of which run it was.
    pub site: &'a CallSite,
    /// The item of a for-each that the step runs for.
    pub item: Option<&'a str>,
    /// The call as it may be written down.
    pub call: &'a HostCall,
    /// What came of it.
    pub end: End<'a>,
    /// What the step is told, as it may be written down (see [`HostReply::recorded`]), or the fault
    /// that ends the run instead.
    pub reply: Result<&'a HostReply, &'a Fault>,
}

/// What came of a call.
#[derive(Debug)]
pub enum End<'a> {
    /// The gate refused a request; nothing left the host.
    Refused {
        /// The endpoint that the request was for.
        endpoint: &'a Label,
        /// The rule, and what would allow the request.
        refused: &'a Refused,
    },
    /// A read was sent.
    Read {
        /// Where it went, and what allowed it.
        request: Permitted<'a>,
        /// How it ended.
        exchange: Exchange<'a>,
    },
    /// An effect was to be sent. A step that is gone by then is not told its reply.
    Effect {
        /// What was intended.
        intent: &'a Intent<'a>,
        /// How it ended.
        end: EffectEnd<'a>,
    },
    /// A message was signed.
    Signed {
        /// The name of the key.
        secret: &'a Label,
        /// Its version.
        version: &'a str,
    },
    /// A secret was revealed.
    Revealed {
        /// Its name.
        secret: &'a Label,
        /// Its version.
        version: &'a str,
    },
    /// The time was told.
    Time,
    /// Random bytes were given.
    Random,
    /// The host did not answer: a label that was not granted, more random bytes than there are in
    /// one call, a source of them that failed. The completion's reply is the fault.
    Stopped,
}

/// Where a request goes, and what in each owner's file allowed it.
#[derive(Clone, Copy, Debug)]
pub struct Permitted<'a> {
    /// The endpoint.
    pub endpoint: &'a Label,
    /// The method.
    pub method: Method,
    /// What in the workflow's grant allowed it, such as `POST /payments`.
    pub workflow_rule: &'a str,
    /// What in the environment allowed it.
    pub environment_rule: &'a str,
}

/// The end of one request that was sent, or that failed on the way.
#[derive(Debug)]
pub enum Exchange<'a> {
    /// The endpoint answered, and the answer goes to the step.
    Answered {
        /// The answer's status.
        status: u16,
    },
    /// There is no answer.
    Failed {
        /// What the step is told; it says whether the request may have been acted on.
        failure: &'a HttpFailure,
        /// The whole story with what to do, for operators: it names addresses and inner causes.
        detail: &'a Fault,
    },
    /// The endpoint answered; the answer held this secret and was withheld, and the run ends.
    Withheld(&'a Label),
}

/// The end of one effect.
#[derive(Debug)]
pub enum EffectEnd<'a> {
    /// It was sent, or failed on the way.
    Attempted(Exchange<'a>),
    /// Its intent was not recorded, so nothing was sent, and the run ends with this fault.
    Unsent(&'a Fault),
    /// The task that sent it died, and the run ends with this fault.
    Lost(&'a Fault),
}

impl EffectEnd<'_> {
    /// Whether the endpoint acted on the request.
    ///
    /// Any answer counts as applied: what its status means is the service's own to say.
    pub fn applied(&self) -> Applied {
        match self {
            Self::Attempted(Exchange::Answered { .. } | Exchange::Withheld(_)) => Applied::Yes,
            Self::Attempted(Exchange::Failed { failure, .. }) => Applied::after(failure),
            Self::Unsent(_) => Applied::No,
            Self::Lost(_) => Applied::Unknown,
        }
    }
}
