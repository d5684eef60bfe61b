//! What many runs have come to, from one pass over their events.

#[cfg(test)]
mod tests;

use serde::Deserialize;
use std::{borrow::Cow, collections::HashMap};
use stepward_fault::{Class, Fault, Owner, Rule};
use stepward_ledger::{
    event::{Event, What},
    merkle::{Frontier, LeafHash, TreeHead, TreeSize},
    runs::{Fold, Run},
    store::{self, LeafRef, MAX_PAGE, Nodes, Records},
};

/// The rule that the leaves of a pass lead to the root.
const CHANGED: Rule = Rule::new("event-not-in-tree");

/// Reads these runs below a head that was checked, in their order. The leaves from the oldest one's start
/// to the head are read once, and must lead to the root. A record that cannot be read concerns its own run.
///
/// `alone` reads one run along its own events. That is left to runs of which the index says something else
/// than their events do, and to all of them where a leaf was changed: it knows which ones that concerns, and
/// all together read each event once more.
pub(super) fn sweep(
    records: &dyn Records,
    head: TreeHead,
    listed: &[store::Run],
    alone: impl Fn(&str) -> Result<Run, Fault>,
) -> Vec<Result<Run, Fault>> {
    let Ok(passed) = pass(records, head, listed) else {
        return listed.iter().map(|run| alone(&run.name)).collect();
    };
    let read = |(indexed, seen): (&store::Run, Seen)| match seen.fold {
        Err(fault) => Err(fault),
        Ok(fold) => match fold.finish() {
            Some(run) if seen.places.agree(records, head, indexed) => Ok(run),
            Some(_) | None => alone(&indexed.name),
        },
    };
    listed.iter().zip(passed).map(read).collect()
}

/// What a pass saw of one run.
struct Seen {
    fold: Result<Fold, Fault>,
    places: Places,
}

/// Where the events of a run stand, and whether it has not ended.
#[derive(Default)]
struct Places {
    of_events: Vec<u64>,
    open: bool,
}

impl Seen {
    fn take(&mut self, leaf: LeafRef<'_>) {
        let Ok(fold) = &mut self.fold else { return };
        let event = match Event::decode(leaf.bytes) {
            Ok(event) => event,
            Err(fault) => {
                self.fold = Err(fault.at(format_args!("event {}", leaf.sequence)));
                return;
            }
        };
        self.places.of_events.push(event.sequence);
        match event.what {
            What::RunStarted { .. } => self.places.open = true,
            What::RunEnded { .. } | What::BodyErased { .. } => self.places.open = false,
            _ => {}
        }
        if let Err(fault) = fold.event(&event) {
            self.fold = Err(fault);
        }
    }
}

impl Places {
    /// Whether the index says the same. An index that cannot be read says nothing.
    fn agree(&self, records: &dyn Records, head: TreeHead, indexed: &store::Run) -> bool {
        let ends = (self.of_events.first(), self.of_events.last());
        if ends != (Some(&indexed.opened), Some(&indexed.last)) || self.open != indexed.open {
            return false;
        }
        let (mut expected, mut from) = (self.of_events.iter(), 0);
        while from < head.size.get() {
            let Ok(page) = records.events_of(&indexed.name, from, MAX_PAGE) else { return false };
            let Some(last) = page.last() else { break };
            from = last + 1;
            if !page.iter().all(|place| expected.next() == Some(place)) {
                return false;
            }
        }
        expected.next().is_none()
    }
}

/// Looks at every leaf from the oldest run's start to the head, and proves that they lead to its root.
fn pass(records: &dyn Records, head: TreeHead, listed: &[store::Run]) -> Result<Vec<Seen>, Fault> {
    let places: HashMap<&str, usize> = listed.iter().map(|run| run.name.as_str()).zip(0..).collect();
    let unseen = || Seen { fold: Ok(Fold::default()), places: Places::default() };
    let mut seen = listed.iter().map(|_| unseen()).collect::<Vec<_>>();
    let Some(first) = listed.iter().map(|run| run.opened).min() else { return Ok(seen) };
    let changed = |why: &dyn std::fmt::Display| {
        Fault::new(Class::EvidenceInvalid, Owner::Operator, CHANGED)
            .says(format_args!("the events from {first} on do not lead to the root of the log: {why}"))
            .hint("`stepward verify` looks through the whole log; compare it with a backup")
    };
    let size = TreeSize::new(first).map_err(|error| changed(&error))?;
    let mut frontier = Frontier::resume(&Nodes::of(records), size)?;
    records.leaves(first..head.size.get().max(first), &mut |leaf| {
        frontier.append(LeafHash::of(leaf.bytes)).map_err(|error| changed(&error))?;
        let of = run_of(leaf.bytes).and_then(|run| places.get(&*run).copied());
        if let Some(seen) = of.and_then(|place| seen.get_mut(place)) {
            seen.take(leaf);
        }
        Ok(())
    })?;
    if frontier.head() == head { Ok(seen) } else { Err(changed(&"one of them was changed")) }
}

/// The run that a leaf names, whether or not it can be read as a whole.
fn run_of(leaf: &[u8]) -> Option<Cow<'_, str>> {
    #[derive(Deserialize)]
    struct Named<'a> {
        #[serde(borrow)]
        run: Option<Cow<'a, str>>,
    }
    serde_json::from_slice::<Named<'_>>(leaf).ok()?.run
}
