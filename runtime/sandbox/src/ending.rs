//! How a run ends: what the host ends it with is carried through wasmtime as a typed error and read
//! back after it, and what the guest said becomes an outcome.

use crate::document;
use crate::failure::{failed as engine_failed, unavailable};
use crate::host::plain::{random_count, secret_absent};
use crate::outcome::{Outcome, StepError, StepErrorKind};
use std::fmt;
use stepward_fault::Fault;
use stepward_seam::{Broker, LimitName, Stop};

/// The host's reason to end a run.
#[derive(Debug)]
pub(crate) enum Ended {
    /// A limit ran out.
    Limit(LimitName),
    /// The broker will not answer, or the guest broke a rule that ends the run.
    Stopped(Fault),
    /// The guest gave up; the SDK's panic hook calls this.
    Aborted { place: String, message: String },
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Limit(name) => write!(f, "the limit {name} ran out"),
            Self::Stopped(fault) => write!(f, "{fault}"),
            Self::Aborted { .. } => f.write_str("the guest aborted"),
        }
    }
}

impl std::error::Error for Ended {}

/// How a run ended, in the guest's own words: nothing of them is released, cut or escaped yet.
#[derive(Debug)]
pub enum GuestEnd {
    /// It returned this text, no longer than its limit.
    Returned(String),
    /// It returned an error.
    Errored {
        /// Whether trying again can help.
        kind: StepErrorKind,
        /// The error's name.
        code: String,
        /// For people.
        message: String,
    },
    /// It gave up and said where; the SDK's panic hook does this.
    Aborted {
        /// File, line and column.
        place: String,
        /// Why.
        message: String,
    },
    /// It trapped or broke the component ABI. The text is the engine's.
    Trapped(String),
    /// This limit ran out.
    Limit(LimitName),
    /// The host ended it.
    Stopped(Fault),
}

/// A fault by which the sandbox ended a guest in another process, from what that process said of it.
/// None where the sandbox has no such fault: then nothing else of it is to be believed.
pub fn restored(rule: &str, owner: &str, message: &str) -> Option<Fault> {
    let faults =
        [random_count(message), secret_absent(message), unavailable(message), engine_failed(message)];
    faults.into_iter().find(|fault| fault.rule().as_str() == rule && fault.owner().to_string() == owner)
}

impl GuestEnd {
    /// What the run's end is to everyone else: the broker that holds secrets lets text leave, errors
    /// are cut and escaped, and an output is a JSON document.
    pub fn settle(self, broker: &dyn Broker) -> Outcome {
        match self {
            Self::Returned(text) => released(broker, text),
            Self::Errored { kind, code, message } => failed(broker, kind, code, message),
            Self::Aborted { place, message } => {
                let message = format!("panicked at {place}: {message}");
                failed(broker, StepErrorKind::Permanent, "panic".to_owned(), message)
            }
            Self::Trapped(message) => {
                Outcome::Failed(StepError::from_guest(StepErrorKind::Permanent, "trap", &message))
            }
            Self::Limit(name) => Outcome::LimitExceeded(name),
            Self::Stopped(fault) => Outcome::Refused(fault),
        }
    }
}

fn released(broker: &dyn Broker, text: String) -> Outcome {
    if let Err(error) = document::read(&text) {
        let message = format!("the step returned text that is not a JSON document: {error}");
        return Outcome::Failed(StepError::from_guest(StepErrorKind::Permanent, "output-not-json", &message));
    }
    match broker.released(text) {
        Ok(text) => Outcome::Succeeded(text),
        Err(Stop(fault)) => Outcome::Refused(fault),
    }
}

fn failed(broker: &dyn Broker, kind: StepErrorKind, code: String, message: String) -> Outcome {
    match (broker.released(code), broker.released(message)) {
        (Ok(code), Ok(message)) => Outcome::Failed(StepError::from_guest(kind, &code, &message)),
        (Err(Stop(fault)), _) | (_, Err(Stop(fault))) => Outcome::Refused(fault),
    }
}
