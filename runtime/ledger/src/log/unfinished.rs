//! The runs that have not ended, as the one writer knows them.

use crate::merkle::LeafHash;
use crate::store::{self, Chain, Fact, RunChange, RunLink};
use std::collections::{BTreeMap, HashMap};
use stepward_fault::{Class, Fault, Owner, Rule};

/// Runs that can be unfinished at one time: all of them are read when a log is opened. Each takes some 200
/// bytes of memory.
pub const MAX_UNFINISHED: usize = 1 << 20;

/// Values that can be remembered: one for each bundle, and a few.
pub const MAX_FACTS: usize = 1 << 16;

const TWICE: Rule = Rule::new("log-run-twice");
const TOO_MANY: Rule = Rule::new("log-too-many");

/// A run that has not ended: where its events begin and end, and the hash over all of them. What it says is
/// what the log's writer wrote: it comes from memory, or was [checked](super::Sealer::check) against a seal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenRun {
    name: String,
    opened: u64,
    last: u64,
    events: u64,
    chain: Chain,
}

impl OpenRun {
    pub(super) fn found(run: store::Run) -> Self {
        let store::Run { name, opened, last, open: _, events, chain } = run;
        Self { name, opened, last, events, chain }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The sequence number of its first event.
    pub fn opened(&self) -> u64 {
        self.opened
    }

    /// The sequence number of its last event.
    pub fn last(&self) -> u64 {
        self.last
    }

    /// How many events it has.
    pub fn events(&self) -> u64 {
        self.events
    }

    /// The hash over its events.
    pub fn chain(&self) -> Chain {
        self.chain
    }

    /// What its number in the seal's sum is made from.
    pub(super) fn sealed(&self) -> Vec<u8> {
        let numbers = [self.opened, self.last, self.events].map(u64::to_be_bytes);
        [&[1], numbers.as_flattened(), self.chain.as_bytes(), self.name.as_bytes()].concat()
    }

    fn follow(&mut self, sequence: u64, event: LeafHash) {
        self.last = sequence;
        self.events += 1;
        self.chain = self.chain.after(event);
    }
}

/// The unfinished runs and the remembered values after the last event that was taken.
#[derive(Default)]
pub(super) struct Places {
    runs: HashMap<String, OpenRun>,
    facts: BTreeMap<String, Vec<u8>>,
    /// Runs that changed since they were handed over last.
    changed: Vec<String>,
}

/// Runs as a commit leaves them; none where a run is finished.
pub(super) type Changed = Vec<(String, Option<OpenRun>)>;

impl Places {
    pub(super) fn is_empty(&self) -> bool {
        self.runs.is_empty() && self.facts.is_empty()
    }

    pub(super) fn insert(&mut self, run: OpenRun) -> Result<(), &'static str> {
        match self.runs.insert(run.name.clone(), run) {
            None => Ok(()),
            Some(_) => Err("it has one run twice"),
        }
    }

    pub(super) fn remember(&mut self, fact: Fact) {
        self.facts.insert(fact.name, fact.value);
    }

    pub(super) fn get(&self, name: &str) -> Option<&OpenRun> {
        self.runs.get(name)
    }

    pub(super) fn all(&self) -> Vec<OpenRun> {
        let mut all: Vec<_> = self.runs.values().cloned().collect();
        all.sort_unstable_by_key(|run| run.opened);
        all
    }

    pub(super) fn fact(&self, name: &str) -> Option<&[u8]> {
        self.facts.get(name).map(Vec::as_slice)
    }

    /// Refuses an event that could not be taken, before anything changes.
    pub(super) fn check(&self, link: Option<&RunLink>, facts: &[Fact]) -> Result<(), Fault> {
        let new = facts.iter().filter(|fact| !self.facts.contains_key(&fact.name)).count();
        if self.facts.len() + new > MAX_FACTS {
            return Err(too_many(MAX_FACTS, "remembered values"));
        }
        match link {
            Some(RunLink { run, change: RunChange::Opens }) if self.runs.contains_key(run) => {
                Err(Fault::new(Class::Internal, Owner::Embedder, TWICE)
                    .says(format_args!("run {} starts a second time", stepward_fault::shown(run)))
                    .hint("give every run a name of its own"))
            }
            Some(RunLink { change: RunChange::Opens, .. }) if self.runs.len() >= MAX_UNFINISHED => {
                Err(too_many(MAX_UNFINISHED, "unfinished runs"))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Takes an event. One of a run that is not unfinished changes nothing here.
    pub(super) fn take(&mut self, sequence: u64, event: LeafHash, link: Option<&RunLink>, facts: &[Fact]) {
        for fact in facts {
            self.remember(fact.clone());
        }
        let Some(RunLink { run, change }) = link else { return };
        if *change == RunChange::Opens {
            let opened =
                OpenRun { name: run.clone(), opened: sequence, last: 0, events: 0, chain: Chain::START };
            self.runs.insert(run.clone(), opened);
        }
        let Some(place) = self.runs.get_mut(run) else { return };
        place.follow(sequence, event);
        match change {
            RunChange::Opens | RunChange::Stays => {}
            RunChange::Closes => drop(self.runs.remove(run)),
        }
        self.changed.push(run.clone());
    }

    /// Hands over what changed since the last time.
    pub(super) fn changed(&mut self) -> Changed {
        let mut names = std::mem::take(&mut self.changed);
        names.sort_unstable();
        names.dedup();
        let now = |name: String| {
            let run = self.runs.get(&name).cloned();
            (name, run)
        };
        names.into_iter().map(now).collect()
    }
}

fn too_many(most: usize, what: &str) -> Fault {
    Fault::new(Class::LimitExceeded, Owner::Operator, TOO_MANY)
        .says(format_args!("the log has {most} {what}, which is the most"))
        .hint("`stepward runs list` shows what waits: go on with runs or cancel them")
}
