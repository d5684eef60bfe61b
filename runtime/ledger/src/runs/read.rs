//! Runs out of a store.

use super::{Fold, Run, Standing};
use crate::{
    event::{Event, What},
    merkle::{Inclusion, LeafHash, LeafIndex, TreeHead},
    store::{self, MAX_PAGE, Nodes, Records},
};
use stepward_fault::{Class, Fault, Owner, Rule};

/// The rule that an event is in the tree that was checked.
const NOT_IN_TREE: Rule = Rule::new("event-not-in-tree");
/// The rule that there is a run of this name.
const UNKNOWN: Rule = Rule::new("run-unknown");
/// The remembered value that holds the sequence of the last event of a restore.
pub const RESTORED_FACT: &str = "restored";

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

/// Reads the events of a run, each checked as [`event`] does.
///
/// # Errors
/// As for [`event`].
pub fn events(records: &dyn Records, head: TreeHead, run: &str) -> Result<Vec<Event>, Fault> {
    let (mut events, mut from) = (Vec::new(), 0);
    loop {
        let page = records.events_of(run, from, MAX_PAGE)?;
        let Some(last) = page.last() else { return Ok(events) };
        from = last + 1;
        for sequence in page.into_iter().filter(|sequence| *sequence < head.size.get()) {
            events.push(event(records, head, sequence)?);
        }
    }
}

/// Reads a run.
///
/// # Errors
/// When there is none of this name, or an event of it cannot be read or cannot follow.
pub fn run(records: &dyn Records, head: TreeHead, name: &str) -> Result<Run, Fault> {
    let mut fold = Fold::default();
    events(records, head, name)?.iter().try_for_each(|event| fold.event(event))?;
    fold.finish().ok_or_else(|| {
        Fault::new(Class::BadInput, Owner::Caller, UNKNOWN)
            .says(format_args!("the log has no run `{name}`"))
            .hint("`stepward runs list` shows those that it has")
    })
}

/// The sequence of the last event that says that the log was restored.
///
/// # Errors
/// When the store cannot be read, or the event that it remembers is another one.
pub fn restored(records: &dyn Records, head: TreeHead) -> Result<Option<u64>, Fault> {
    let Some(value) = records.fact(RESTORED_FACT)? else { return Ok(None) };
    let sequence = <[u8; 8]>::try_from(value).map_or(u64::MAX, u64::from_be_bytes);
    match event(records, head, sequence)?.what {
        What::LogRestored { .. } => Ok(Some(sequence)),
        _ => Err(Fault::new(Class::EvidenceInvalid, Owner::Operator, NOT_IN_TREE)
            .at(format_args!("event {sequence}"))
            .says("the log remembers it as a restore, and it is none")
            .hint("`stepward verify` looks through the whole log; compare it with a backup")),
    }
}

/// A run that has not ended, and where it stands.
#[derive(Debug)]
pub struct Unfinished {
    /// Its name.
    pub name: String,
    /// Where it stands; a fault where its record cannot be read. The runs beside it are not concerned.
    pub standing: Result<Standing, Fault>,
}

/// Looks at every run that has not ended. What one of them holds stops none of the others.
///
/// # Errors
/// When the index of runs cannot be read.
pub fn unfinished(records: &dyn Records, head: TreeHead) -> Result<Vec<Unfinished>, Fault> {
    let restored = restored(records, head)?;
    let (mut all, mut from) = (Vec::new(), 0);
    loop {
        let page = records.open_runs(from, MAX_PAGE)?;
        let Some(last) = page.last() else { return Ok(all) };
        from = last.opened + 1;
        all.extend(page.into_iter().map(|store::Run { name, .. }| {
            let standing = run(records, head, &name).map(|run| run.standing(restored));
            Unfinished { name, standing }
        }));
    }
}
