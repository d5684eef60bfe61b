//! The record of what a step was allowed, what it did and what came of it.
//!
//! ```text
//!  gate ─► claim ─► Journal::intend ─► Intended ─► wire ─► Journal::completed ─► the step
//! ```
//!
//! A journal hears, in this order:
//!
//! 1. when a step's broker is made, [`granted`](Journal::granted) for each label and
//!    [`secret_used`](Journal::secret_used) for each secret;
//! 2. for an effect, [`intend`](Journal::intend): nothing is sent before it said yes;
//! 3. for every call but log lines, [`completed`](Journal::completed), with the call and the reply as
//!    they may be written down, so that the step can be replayed from the journal alone. A read ends
//!    with its step and is not heard of when that is gone before it; an effect is.
//!
//! A step waits for each reply, so within one step a call's end is heard before the next call's
//! intent. Nothing that a journal hears holds a secret: names and versions stand in their place.

mod completion;
mod intent;

pub use completion::{Completion, EffectEnd, End, Exchange, Permitted};
pub use intent::{Intended, Intent};

use crate::live::{SecretUse, StepIdentity};
use std::{
    future::{Future, ready},
    pin::Pin,
};
use stepward_fault::Fault;
use stepward_seam::{Grant, Label};

/// An intent that is being recorded.
pub type Recording<'a> = Pin<Box<dyn Future<Output = Result<(), Fault>> + Send + 'a>>;

/// Keeps the record of steps and their effects.
///
/// Everything but [`intend`](Self::intend) is told without waiting and cannot be refused, because it
/// has happened. A journal that cannot record it must remember that, refuse every later intent, and
/// let no outcome of a run stand that is not recorded.
pub trait Journal: Send + Sync {
    /// An effect is about to be sent.
    ///
    /// It is awaited in the effect's own task, also when the step that asked is gone by then. `Ok`
    /// means that the intent is as durable as this journal makes anything: the next thing that
    /// happens is the wire.
    ///
    /// # Errors
    /// When the intent cannot be recorded. Nothing is sent, [`EffectEnd::Unsent`] is told, and the
    /// run ends with the fault.
    fn intend<'a>(&'a self, intent: &'a Intent<'a>) -> Recording<'a>;

    /// A call ended. Must not block.
    fn completed(&self, completion: &Completion<'_>);

    /// A step was given a label. Must not block.
    fn granted(&self, granted: &Granted<'_>);

    /// A step was given the use of a secret. Must not block.
    fn secret_used(&self, used: &SecretUse, step: &StepIdentity);
}

/// The decision that a step may use a label. It says nothing yet of any request: of those the gate
/// decides one by one.
#[derive(Debug)]
pub struct Granted<'a> {
    /// The step.
    pub step: &'a StepIdentity,
    /// The label.
    pub label: &'a Label,
    /// What the workflow grants.
    pub grant: &'a Grant,
    /// The environment's name.
    pub environment: &'a Label,
    /// The environment's file.
    pub place: &'a str,
    /// The table of that file that binds the label, such as `[endpoints.erp]`; none where nothing
    /// needs to be bound, as for the time and random bytes.
    pub binding: Option<String>,
}

/// No journal at all.
///
/// Effects are sent and nothing remembers them: after a crash nobody can tell which were applied,
/// and nobody can be shown what was done. For tests, for measurements, and for embedders who keep a
/// record of their own at a place that cannot be missed.
#[derive(Clone, Copy, Debug)]
pub struct Unrecorded;

impl Journal for Unrecorded {
    fn intend<'a>(&'a self, _: &'a Intent<'a>) -> Recording<'a> {
        Box::pin(ready(Ok(())))
    }

    fn completed(&self, _: &Completion<'_>) {}

    fn granted(&self, _: &Granted<'_>) {}

    fn secret_used(&self, _: &SecretUse, _: &StepIdentity) {}
}
