//! What a run has come to, told from its events alone.
//!
//! [`Fold`] takes the events of one run in order and gives a [`Run`]; [`Run::standing`] says whether it
//! is finished, can go on, has not started, or is in doubt. Bodies are not needed: whether a call was
//! carried out is an event of its own.
//!
//! A run goes on by running its unfinished step again. Each call that has an answer in the log is
//! answered from there, and the first one that has none is made. That is safe for a read, and for an
//! effect whose service acts once for equal keys. Any other effect that was intended and has no answer
//! is in doubt: an operator has to look, and say what came of it.

mod chain;
mod fold;
mod read;
mod scan;
mod standing;

pub use chain::{Unfinished, open_events, open_run, unfinished};
pub use fold::Fold;
pub use read::{ended_run, event, events, restored, run};
pub use standing::{Doubt, Standing};

use crate::event::{Commitment, Effect, Name, Outcome, Resolution};
use stepward_trust::Digest;

/// Where a body lies, and what it must open to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BodyAt {
    /// The event that it belongs to.
    pub sequence: u64,
    /// That event's action, to which the body is bound.
    pub kind: &'static str,
    /// What stands for it in the event.
    pub commitment: Commitment,
}

/// A run as its events tell it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// Its name.
    pub name: Name,
    /// The workflow or step that runs.
    pub object: Name,
    /// The digest of its definition.
    pub definition: Digest,
    /// The digest of the environment's configuration under which it started or went on.
    pub policy: Digest,
    /// Its input.
    pub input: Option<BodyAt>,
    /// Its steps in the order in which they started.
    pub steps: Vec<Step>,
    /// How it ended.
    pub ended: Option<Outcome>,
    /// The sequence from which on the key of its bodies is gone.
    pub erased: Option<u64>,
    /// Its first event.
    pub first: u64,
    /// Its last event.
    pub last: u64,
    /// The last time that an operator vouched for the whole run.
    vouched: Option<(u64, Resolution)>,
}

/// One step of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Its name in the workflow.
    pub name: Name,
    /// Its component.
    pub component: Digest,
    /// The fingerprint of the engine that ran it.
    pub engine: Digest,
    /// The digest of its limits.
    pub limits: Digest,
    /// Its calls that were recorded, in order. Log lines are not.
    pub calls: Vec<Call>,
    /// How it ended.
    pub ended: Option<StepEnd>,
}

/// The end of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StepEnd {
    /// How.
    pub outcome: Outcome,
    /// Its output or its error.
    pub body: Option<BodyAt>,
}

/// A call that was recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Its number within the step, log lines counted.
    pub number: u64,
    /// What was asked, such as `endpoint:erp`.
    pub object: Name,
    /// What is known of it.
    pub made: Made,
}

/// What is known of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Made {
    /// It has no effect and was answered; the body is the call and its reply.
    Recorded(Option<BodyAt>),
    /// It has an effect. There is more than one attempt where a run went on.
    Effect(Vec<Attempt>),
}

/// One intent, and what came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// Which attempt at its operation it is within the step, from 1.
    pub number: u64,
    /// Whether the service acts once for equal keys.
    pub idempotent: bool,
    /// The call.
    pub intent: Option<BodyAt>,
    /// What came of it by itself.
    pub answer: Option<Answer>,
    /// What an operator found out.
    pub resolved: Option<Resolved>,
}

impl Attempt {
    /// Whether nobody knows what came of it, nobody was told so, and the service could carry it out twice.
    pub const fn in_doubt(&self) -> bool {
        let open = match self.answer {
            None => true,
            // A step that heard that it is unknown has gone on from there.
            Some(Answer { effect: Effect::Unknown, reply }) => reply.is_none(),
            Some(Answer { effect: Effect::Applied | Effect::NotApplied, .. }) => false,
        };
        open && self.resolved.is_none() && !self.idempotent
    }
}

/// What came of an effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Whether it was carried out.
    pub effect: Effect,
    /// The reply; none where it was withheld or lost.
    pub reply: Option<BodyAt>,
}

/// What an operator said of an effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// Whether it was carried out.
    pub effect: Resolution,
    /// The reason, and the answer where one was given.
    pub body: Option<BodyAt>,
}
