//! Runs out of a store.

use super::{
    Fold, Run,
    scan::{self, Found, NOT_IN_TREE},
};
use crate::{
    event::{Event, What},
    merkle::{Inclusion, LeafHash, LeafIndex, TreeHead},
    store::{MAX_PAGE, Nodes, Records},
};
use stepward_fault::{Class, Fault, Owner, Rule};

/// The rule that there is a run of this name.
const UNKNOWN: Rule = Rule::new("run-unknown");

/// Reads one event and checks that it is the one that the tree has at its place. The tree's head must
/// have been checked before; then nothing that was edited passes.
///
/// # Errors
/// When it is not there, is not in the tree, or is no event of a version that is known.
pub fn event(records: &dyn Records, head: TreeHead, sequence: u64) -> Result<Event, Fault> {
    let place = format!("event {sequence}");
    let refused = |why: String| {
        Fault::new(Class::EvidenceInvalid, Owner::Operator, NOT_IN_TREE)
            .at(&place)
            .says(why)
            .hint("`stepward verify` looks through the whole log; compare it with a backup")
    };
    let leaf = records.leaf(sequence)?.ok_or_else(|| refused("the log does not have it".to_owned()))?;
    let index = LeafIndex::new(sequence).map_err(|error| refused(error.to_string()))?;
    let proof = Inclusion::prove(&Nodes::of(records), index, head.size)
        .map_err(|error| refused(format!("it cannot be proven: {error}")))?;
    let included = proof
        .verify(LeafHash::of(&leaf.bytes), head)
        .map_err(|error| refused(format!("it was changed after it was written: {error}")))?;
    let event = Event::decode(&leaf.bytes).map_err(|fault| fault.at(&place))?;
    if event.sequence == included.index().get() {
        Ok(event)
    } else {
        Err(refused("it names another place".to_owned()))
    }
}

/// Reads the events of a run below the head; none where there is no such run. The tree's head must have
/// been checked before.
///
/// The index of runs says only where to begin. Every leaf from there to the head is hashed and leads to the
/// root, so none is left out, and the index has to say the same as they do. The cost grows with what was
/// written since the run started.
///
/// # Errors
/// When a leaf since the run's start was changed, an event of the run cannot be read, or the index says
/// something else of the run than its events do.
pub fn events(records: &dyn Records, head: TreeHead, run: &str) -> Result<Vec<Event>, Fault> {
    let Some(indexed) = records.run(run)? else { return Ok(Vec::new()) };
    if indexed.opened >= head.size.get() {
        scan::newer(records, run, indexed.opened)?;
        return Ok(Vec::new());
    }
    let (mut events, mut found) = (Vec::new(), Found::default());
    scan::leaves(records, head, indexed.opened, &mut |leaf| {
        if scan::named(leaf.bytes) == Some(run) {
            let event = scan::decoded(leaf)?;
            if event.run.as_ref().is_some_and(|of| of.as_str() == run) {
                found.take(&event);
                events.push(event);
            }
        }
        Ok(())
    })?;
    found.agrees(records, head, &indexed)?;
    Ok(events)
}

/// Reads a run.
///
/// # Errors
/// When there is none of this name, or an event of it cannot be read or cannot follow.
pub fn run(records: &dyn Records, head: TreeHead, name: &str) -> Result<Run, Fault> {
    let mut fold = Fold::default();
    events(records, head, name)?.iter().try_for_each(|event| fold.event(event))?;
    fold.finish().ok_or_else(|| unknown(name))
}

/// Reads a run that has ended, along the index of runs, each event checked against the tree. That the index
/// leaves none out is not checked; [`run`] does, at the cost of all that was written since.
///
/// # Errors
/// When there is none of this name, or an event of it cannot be read or cannot follow.
pub fn ended_run(records: &dyn Records, head: TreeHead, name: &str) -> Result<Run, Fault> {
    let (mut fold, mut from) = (Fold::default(), 0);
    loop {
        let page = records.events_of(name, from, MAX_PAGE)?;
        let Some(last) = page.last() else { break };
        from = last + 1;
        for sequence in page {
            fold.event(&event(records, head, sequence)?)?;
        }
    }
    fold.finish().ok_or_else(|| unknown(name))
}

fn unknown(name: &str) -> Fault {
    Fault::new(Class::BadInput, Owner::Caller, UNKNOWN)
        .says(format_args!("the log has no run `{name}`"))
        .hint("`stepward runs list` shows those that it has")
}

/// The sequence of the last event that says that the log was restored. `remembered` is the value of
/// [`facts::RESTORED`](crate::facts::RESTORED), from where it was sealed.
///
/// # Errors
/// When the store cannot be read, or the event that is remembered is another one.
pub fn restored(
    records: &dyn Records,
    head: TreeHead,
    remembered: Option<Vec<u8>>,
) -> Result<Option<u64>, Fault> {
    let Some(value) = remembered else { return Ok(None) };
    let sequence = <[u8; 8]>::try_from(value).map_or(u64::MAX, u64::from_be_bytes);
    match event(records, head, sequence)?.what {
        What::LogRestored { .. } => Ok(Some(sequence)),
        _ => Err(Fault::new(Class::EvidenceInvalid, Owner::Operator, NOT_IN_TREE)
            .at(format_args!("event {sequence}"))
            .says("the log remembers it as a restore, and it is none")
            .hint("`stepward verify` looks through the whole log; compare it with a backup")),
    }
}
