//! Whether a log that nobody signed is one that has only begun.
//!
//! ```text
//!  service-started is durable ─► the first checkpoint is durable ─► a run's key ─► run-started
//! ```
//!
//! Each arrow is one that a crash cannot turn round. So a log without events has no keys of runs beside
//! it, and a log with a run has a checkpoint: what looks otherwise was removed, put in its place, or cut
//! and edited, and must not be signed.

#[cfg(test)]
mod tests;

use stepward_fault::{Class, Fault, Owner, Rule};
use stepward_ledger::{
    event::{Event, What},
    log::{Log, Trusted},
    merkle::TreeSize,
    store::{LeafRef, Records},
};
use stepward_vault::RunKeys;

/// The rule that the keys of runs have their log beside them.
const GONE: Rule = Rule::new("log-missing-with-keys");
/// The rule that a log with more than a beginning was signed.
const UNSIGNED: Rule = Rule::new("log-unsigned");

/// How far a log is that may be written.
#[derive(Debug)]
pub(super) enum Begun {
    /// No checkpoint is over any event of it. It holds no run.
    Unsigned,
    /// It extends a checkpoint that is.
    Signed,
}

impl Begun {
    /// Looks at a log that was opened against these heads, and not written to. `place` is its file.
    ///
    /// # Errors
    /// When it was never signed, and is not one that a first start left behind.
    pub(super) async fn check(
        log: &Log,
        keys: &RunKeys,
        trusted: &[Trusted],
        place: &str,
    ) -> Result<Self, Fault> {
        // A checkpoint over no event is true of every log.
        if trusted.iter().any(|known| known.head.size > TreeSize::EMPTY) {
            return Ok(Self::Signed);
        }
        let (size, runs) = (log.head().size.get(), keys.count()?);
        match (size, runs) {
            (0, 0) => Ok(Self::Unsigned),
            (0, runs) => Err(gone(runs).at(place)),
            (size, 0) => {
                log.read(move |records| only_begun(records, size)).await.map_err(|fault| fault.at(place))?;
                Ok(Self::Unsigned)
            }
            (_, runs) => Err(unsigned(format_args!("there are keys of {runs} runs")).at(place)),
        }
    }
}

/// Refuses events that no first start writes before its checkpoint.
fn only_begun(records: &dyn Records, size: u64) -> Result<(), Fault> {
    records.leaves(0..size, &mut |leaf: LeafRef<'_>| {
        let sequence = leaf.sequence;
        let event = Event::decode(leaf.bytes)
            .map_err(|_| unsigned(format_args!("event {sequence} is not one that this version writes")))?;
        match event {
            Event {
                run: None,
                what:
                    What::ServiceStarted { .. }
                    | What::ServiceRecovered { not_started: 0, can_go_on: 0, in_doubt: 0, unreadable: 0 }
                    | What::ConfigurationChanged { .. }
                    | What::GapFound { .. },
                ..
            } => Ok(()),
            Event { what, .. } => Err(unsigned(format_args!("event {sequence} is `{}`", what.action()))),
        }
    })
}

fn gone(runs: u64) -> Fault {
    Fault::new(Class::EvidenceInvalid, Owner::Operator, GONE)
        .says(format_args!(
            "there are keys of {runs} runs and no log: the log was removed or another one was put in its place"
        ))
        .hint("put it back, or `stepward restore` a backup")
}

fn unsigned(but: std::fmt::Arguments<'_>) -> Fault {
    Fault::new(Class::EvidenceInvalid, Owner::Operator, UNSIGNED)
        .says(format_args!(
            "no checkpoint of this log is there, and {but}: a log is signed before its first run, so its \
             checkpoints were removed and its events may have been changed"
        ))
        .hint(
            "keep this copy; put ledger.db and the folder tiles/ back as they were, or `stepward restore` a backup",
        )
}
