//! Runs out of a store.

use super::{
    Fold, Run, Standing,
    scan::{self, Found, NOT_IN_TREE, Unlisted},
};
use crate::{
    event::{Event, What},
    merkle::{Inclusion, LeafHash, LeafIndex, MAX_TREE_SIZE, TreeHead},
    store::{self, MAX_PAGE, Nodes, Records},
};
use std::collections::HashMap;
use stepward_fault::{Class, Fault, Owner, Rule};

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

fn unknown(name: &str) -> Fault {
    Fault::new(Class::BadInput, Owner::Caller, UNKNOWN)
        .says(format_args!("the log has no run `{name}`"))
        .hint("`stepward runs list` shows those that it has")
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
/// One pass hashes every leaf from the first event of the oldest unfinished run to the head, or from the
/// latest checkpoint in the store where that is earlier. The index of runs says where to begin and has to
/// agree with what is found. A run that goes on in these leaves and that the index does not call unfinished
/// is told as one that cannot be read. Where a leaf was changed, nobody knows whose it was: the runs that
/// started before it cannot be read, those that started after it can.
///
/// What this does not see: an unfinished run that the index calls finished, or does not have, and that has
/// no event in these leaves which only a run that goes on has. It is not told here, so nothing of it is
/// sent; [`run`] refuses it by its name (where the row is gone, as unknown), and the verifier of the store,
/// which reads the whole log, finds it.
///
/// # Errors
/// When the index of runs or the store cannot be read.
pub fn unfinished(records: &dyn Records, head: TreeHead) -> Result<Vec<Unfinished>, Fault> {
    let restored = restored(records, head)?;
    let (listed, mut all) = listed(records, head)?;
    let covered = records.checkpoint(head.size.get())?.map_or(0, |checkpoint| checkpoint.size);
    let from = listed.first().map_or(covered, |oldest| oldest.opened.min(covered));
    let (unreadable, Swept { folds, unlisted }) = match sweep(records, head, from, &listed) {
        Ok(swept) => (None, swept),
        Err(fault) if fault.class() == Class::EvidenceInvalid && !listed.is_empty() => {
            let swept = after_damage(records, head, &listed)?;
            (Some(fault), swept)
        }
        Err(fault) => return Err(fault),
    };
    let before = listed.len() - folds.len();
    for run in listed.iter().take(before) {
        all.extend(
            unreadable.clone().map(|fault| Unfinished { name: run.name.clone(), standing: Err(fault) }),
        );
    }
    for (run, folded) in listed.iter().skip(before).zip(folds) {
        let standing = folded.finish(records, head, run).map(|run| run.standing(restored));
        all.push(Unfinished { name: run.name.clone(), standing });
    }
    let unlisted = unlisted.faults(records, head)?.into_iter();
    all.extend(unlisted.map(|(name, fault)| Unfinished { name, standing: Err(fault) }));
    Ok(all)
}

/// The runs that the index calls unfinished and that started below the head, oldest first; and those that
/// it says started after it, where the log has no such event.
fn listed(records: &dyn Records, head: TreeHead) -> Result<(Vec<store::Run>, Vec<Unfinished>), Fault> {
    let (mut listed, mut strays, mut from) = (Vec::new(), Vec::new(), 0);
    loop {
        let page = records.open_runs(from, MAX_PAGE)?;
        // Nothing starts after the largest place, and a forged row must not be read for ever.
        let Some(last) = page.last().filter(|_| from <= MAX_TREE_SIZE) else { return Ok((listed, strays)) };
        from = last.opened + 1;
        for run in page {
            if run.opened < head.size.get() {
                listed.push(run);
            } else if let Err(fault) = scan::newer(records, &run.name, run.opened) {
                strays.push(Unfinished { name: run.name, standing: Err(fault) });
            }
        }
    }
}

/// A run while the leaves pass by.
struct Folded {
    fold: Result<Fold, Fault>,
    found: Found,
}

impl Folded {
    fn take(&mut self, name: &str, event: Result<Event, Fault>) {
        let Ok(fold) = &mut self.fold else { return };
        let taken = event.and_then(|event| {
            if event.run.as_ref().is_none_or(|run| run.as_str() != name) {
                return Ok(());
            }
            self.found.take(&event);
            fold.event(&event)
        });
        if let Err(fault) = taken {
            self.fold = Err(fault);
        }
    }

    fn finish(self, records: &dyn Records, head: TreeHead, indexed: &store::Run) -> Result<Run, Fault> {
        let fold = self.fold?;
        self.found.agrees(records, head, indexed)?;
        fold.finish().ok_or_else(|| unknown(&indexed.name))
    }
}

/// What one pass over the leaves gave.
#[derive(Default)]
struct Swept {
    folds: Vec<Folded>,
    unlisted: Unlisted,
}

/// Folds these runs in one pass over the leaves from `from` on.
fn sweep(records: &dyn Records, head: TreeHead, from: u64, listed: &[store::Run]) -> Result<Swept, Fault> {
    let places: HashMap<&str, usize> = listed.iter().map(|run| run.name.as_str()).zip(0..).collect();
    let empty = || Folded { fold: Ok(Fold::default()), found: Found::default() };
    let mut folds: Vec<_> = listed.iter().map(|_| empty()).collect();
    let mut unlisted = Unlisted::default();
    scan::leaves(records, head, from, &mut |leaf| {
        let Some(name) = scan::named(leaf.bytes) else { return Ok(()) };
        let event = scan::decoded(leaf);
        match places.get(name).and_then(|place| folds.get_mut(*place)) {
            Some(folded) => folded.take(name, event),
            None => unlisted.take(name, event),
        }
        Ok(())
    })?;
    Ok(Swept { folds, unlisted })
}

/// Folds as many of the newest of these runs as have no changed leaf after their start: a search by halves,
/// since whatever concerns a run concerns every older one.
fn after_damage(records: &dyn Records, head: TreeHead, listed: &[store::Run]) -> Result<Swept, Fault> {
    let (mut low, mut high, mut swept) = (0, listed.len(), Swept::default());
    while low < high {
        let middle = low.midpoint(high);
        let newest = listed.get(middle..).unwrap_or_default();
        let from = newest.first().map_or(head.size.get(), |run| run.opened);
        match sweep(records, head, from, newest) {
            Ok(newer) => (high, swept) = (middle, newer),
            Err(fault) if fault.class() == Class::EvidenceInvalid => low = middle + 1,
            Err(fault) => return Err(fault),
        }
    }
    // An older run, which a later pass did not start from, may go on among these leaves.
    swept.unlisted.forget(listed);
    Ok(swept)
}
