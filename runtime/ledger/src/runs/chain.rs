//! The events of a run that has not ended, found by its chain.
//!
//! The writer knows of each unfinished run its last event, how many events it has, and one hash over all of
//! them, and its word is sealed. So the events are read by walking back from the last one, and are complete
//! and unchanged when they lead to that hash: no other event is looked at, however long the log is, and what
//! was damaged in another run concerns this one as little.

use super::{Fold, Run, Standing, scan};
use crate::{
    event::Event,
    log::OpenRun,
    store::{Chain, Leaf, LeafRef, Records},
};
use stepward_fault::{Class, Fault, Owner, Rule};

/// The rule that the events of a run are those that were written.
const CHANGED: Rule = Rule::new("run-events-changed");

/// Reads the events of an unfinished run, in order.
///
/// # Errors
/// When one of them was changed or left out, or cannot be read.
pub fn open_events(records: &dyn Records, run: &OpenRun) -> Result<Vec<Event>, Fault> {
    let mut leaves = walk(records, run)?;
    leaves.reverse();
    let mut chain = Chain::START;
    let mut events = Vec::with_capacity(leaves.len());
    for (sequence, leaf) in &leaves {
        let leaf = LeafRef { sequence: *sequence, bytes: &leaf.bytes, hash: leaf.hash };
        leaf.checked()?;
        chain = chain.after(leaf.hash);
        let event = scan::decoded(leaf)?;
        if event.run.as_ref().is_none_or(|of| of.as_str() != run.name()) {
            return Err(changed(run, format_args!("event {sequence} does not belong to it")));
        }
        events.push(event);
    }
    if chain == run.chain() {
        Ok(events)
    } else {
        Err(changed(run, "its events are not all, or not only, those that were written"))
    }
}

/// Reads an unfinished run.
///
/// # Errors
/// When one of its events was changed or left out, cannot be read, or cannot follow.
pub fn open_run(records: &dyn Records, run: &OpenRun) -> Result<Run, Fault> {
    let mut fold = Fold::default();
    open_events(records, run)?.iter().try_for_each(|event| fold.event(event))?;
    fold.finish().ok_or_else(|| changed(run, "it has no event"))
}

/// A run that has not ended, and where it stands.
#[derive(Debug)]
pub struct Unfinished {
    /// Its name.
    pub name: String,
    /// Where it stands; a fault where its record cannot be read. The runs beside it are not concerned.
    pub standing: Result<Standing, Fault>,
}

/// Looks at every run that has not ended; what one of them holds stops none of the others. `restored` is what
/// [`restored`](super::restored) says. The cost is that of the events of these runs.
pub fn unfinished(records: &dyn Records, open: Vec<OpenRun>, restored: Option<u64>) -> Vec<Unfinished> {
    let look = |run: OpenRun| Unfinished {
        standing: open_run(records, &run).map(|run| run.standing(restored)),
        name: run.name().to_owned(),
    };
    open.into_iter().map(look).collect()
}

/// The leaves of a run from the last to the first.
fn walk(records: &dyn Records, run: &OpenRun) -> Result<Vec<(u64, Leaf)>, Fault> {
    let (mut leaves, mut next) = (Vec::new(), Some(run.last()));
    for _ in 0..run.events() {
        let sequence = next.ok_or_else(|| changed(run, "its first event is not where it was"))?;
        let leaf = records
            .leaf(sequence)?
            .ok_or_else(|| changed(run, format_args!("event {sequence} is missing")))?;
        next = leaf.previous.filter(|previous| *previous < sequence);
        leaves.push((sequence, leaf));
    }
    match (leaves.last(), next) {
        (Some((first, _)), None) if *first == run.opened() => Ok(leaves),
        (Some(_) | None, _) => Err(changed(run, "its first event is not where it was")),
    }
}

fn changed(run: &OpenRun, why: impl std::fmt::Display) -> Fault {
    Fault::new(Class::EvidenceInvalid, Owner::Operator, CHANGED)
        .at(format_args!("run {}", run.name()))
        .says(format_args!("the log has other events of the run than were written: {why}"))
        .hint("`stepward verify` looks through the whole log; put the last good copy back, or end the run with `stepward runs cancel`")
}
