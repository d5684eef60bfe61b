//! The events of runs, found by looking at every leaf.
//!
//! The index of runs is beside the tree: whoever can write the file can leave an event out of it, and no
//! root tells. So what decides whether a run goes on is read from the leaves, all of them from some place
//! to the head, and the index is compared with what they say.

use crate::{
    event::{Event, What},
    merkle::{Frontier, LeafHash, TreeHead, TreeSize},
    store::{self, LeafRef, MAX_PAGE, Nodes, Records},
};
use stepward_fault::{Class, Fault, Owner, Rule};

/// The rule that an event is in the tree that was checked.
pub(super) const NOT_IN_TREE: Rule = Rule::new("event-not-in-tree");
/// The rule that the index of runs says what the events say.
const INDEX: Rule = Rule::new("run-index");
/// The first key and the quotation mark of a run in the one spelling of an event. Text inside a value has
/// its quotation marks escaped, so nothing else is spelt like this.
const RUN_KEY: &[u8] = br#""run":""#;

/// Visits every leaf from `from` to the head, and proves that they lead to its root: none was edited, left
/// out or put in. The subtrees before `from` come from the store; the root stands for them too. What the
/// visitor took counts only when this has returned.
pub(super) fn leaves(
    records: &dyn Records,
    head: TreeHead,
    from: u64,
    visit: &mut dyn FnMut(LeafRef<'_>) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let base = TreeSize::new(from).map_err(|error| changed(from, head).says(error))?;
    let mut frontier = Frontier::resume(&Nodes::of(records), base)?;
    records.leaves(from..head.size.get(), &mut |leaf| {
        let hash = LeafHash::of(leaf.bytes);
        if hash != leaf.hash {
            return Err(changed(leaf.sequence, head)
                .at(format_args!("event {}", leaf.sequence))
                .says("it was changed after it was written"));
        }
        frontier.append(hash).map_err(|error| changed(from, head).says(error))?;
        visit(leaf)
    })?;
    if frontier.head() == head {
        Ok(())
    } else {
        Err(changed(from, head).says("they do not lead to the root of the log: one of them was changed"))
    }
}

fn changed(from: u64, head: TreeHead) -> Fault {
    Fault::new(Class::EvidenceInvalid, Owner::Operator, NOT_IN_TREE)
        .at(format_args!("events {from} to {}", head.size.get().saturating_sub(1)))
        .hint("`stepward verify` looks through the whole log; compare it with a backup")
}

/// The run that a leaf names, before it is decoded.
pub(super) fn named(leaf: &[u8]) -> Option<&str> {
    let at = leaf.windows(RUN_KEY.len()).position(|window| window == RUN_KEY)?;
    let rest = leaf.get(at + RUN_KEY.len()..)?;
    let end = rest.iter().position(|byte| *byte == b'"')?;
    std::str::from_utf8(rest.get(..end)?).ok()
}

/// Reads a leaf that stands in its place.
pub(super) fn decoded(leaf: LeafRef<'_>) -> Result<Event, Fault> {
    let place = format_args!("event {}", leaf.sequence);
    let event = Event::decode(leaf.bytes).map_err(|fault| fault.at(place))?;
    if event.sequence == leaf.sequence {
        return Ok(event);
    }
    Err(Fault::new(Class::EvidenceInvalid, Owner::Operator, NOT_IN_TREE)
        .at(place)
        .says("it names another place")
        .hint("`stepward verify` looks through the whole log; compare it with a backup"))
}

/// What the leaves say of a run that the index has too.
#[derive(Debug, Default)]
pub(super) struct Found {
    places: Vec<u64>,
    started: Option<u64>,
    open: bool,
}

impl Found {
    pub(super) fn take(&mut self, event: &Event) {
        self.places.push(event.sequence);
        match event.what {
            What::RunStarted { .. } => {
                self.started.get_or_insert(event.sequence);
                self.open = true;
            }
            What::RunEnded { .. } | What::BodyErased { .. } => self.open = false,
            _ => {}
        }
    }

    /// Compares the index with what was found below the head, and names the first difference.
    pub(super) fn agrees(
        &self,
        records: &dyn Records,
        head: TreeHead,
        indexed: &store::Run,
    ) -> Result<(), Fault> {
        let (size, name) = (head.size.get(), indexed.name.as_str());
        if self.started != Some(indexed.opened) || self.places.first() != Some(&indexed.opened) {
            return Err(differs(name, format_args!("it did not start at event {}", indexed.opened)));
        }
        let (mut expected, mut from) = (self.places.iter(), 0);
        loop {
            let page = records.events_of(name, from, MAX_PAGE)?;
            // In order: nothing that is below the head follows one that is not.
            let Some(last) = page.last().filter(|_| from < size) else { break };
            from = last + 1;
            for place in page.into_iter().filter(|place| *place < size) {
                match expected.next() {
                    Some(event) if *event == place => {}
                    Some(event) if *event < place => return Err(left_out(name, *event)),
                    Some(_) | None => {
                        return Err(differs(name, format_args!("event {place} does not belong to it")));
                    }
                }
            }
        }
        if let Some(event) = expected.next() {
            return Err(left_out(name, *event));
        }
        if indexed.last >= size {
            return newer(records, name, indexed.last);
        }
        if self.places.last() != Some(&indexed.last) {
            return Err(differs(name, format_args!("its last event is not {}", indexed.last)));
        }
        match (self.open, indexed.open) {
            (true, false) => Err(differs(name, "it has not ended")),
            (false, true) => Err(differs(name, "it has ended")),
            (true, true) | (false, false) => Ok(()),
        }
    }
}

/// An index may be ahead of the head that was taken before it: then the event that it names is there.
pub(super) fn newer(records: &dyn Records, run: &str, sequence: u64) -> Result<(), Fault> {
    match records.leaf(sequence)? {
        Some(leaf) if named(&leaf.bytes) == Some(run) => Ok(()),
        Some(_) | None => Err(differs(run, format_args!("event {sequence} does not belong to it"))),
    }
}

fn left_out(run: &str, event: u64) -> Fault {
    differs(run, format_args!("event {event} belongs to it and is left out"))
}

fn differs(run: &str, why: impl std::fmt::Display) -> Fault {
    Fault::new(Class::EvidenceInvalid, Owner::Operator, INDEX)
        .at(format_args!("the index of run {run}"))
        .says(format_args!("the index of runs is not that of the events: {why}"))
        .hint("the index was changed after it was written: `stepward verify` tells more; put the last good copy back")
}
