//! What the frames add up to.

use super::frame::{Change, Frame, FramedEntry};
use crate::merkle::{LeafHash, NodeHash, RootHash, TreeHead, TreeSize};
use crate::store::{Chain, Checkpoint, Fact, Index, Leaf, LeafRef, MAX_PAGE, Run, Seal, TILE_WIDTH};
use std::collections::BTreeMap;
use std::ops::Range;
use stepward_fault::{Class, Fault, Owner, Rule};

const MISSING: Rule = Rule::new("simulated-missing");

#[derive(Debug)]
pub(super) struct Tables {
    pub(super) head: TreeHead,
    seal: Option<Seal>,
    leaves: Vec<FramedEntry>,
    hashes: BTreeMap<(u32, u64), NodeHash>,
    runs: BTreeMap<u64, Run>,
    events: BTreeMap<String, Vec<u64>>,
    checkpoints: BTreeMap<u64, String>,
    facts: BTreeMap<String, Vec<u8>>,
}

impl Default for Tables {
    fn default() -> Self {
        Self {
            head: TreeHead { size: TreeSize::EMPTY, root: RootHash::empty() },
            seal: None,
            leaves: Vec::new(),
            hashes: BTreeMap::new(),
            runs: BTreeMap::new(),
            events: BTreeMap::new(),
            checkpoints: BTreeMap::new(),
            facts: BTreeMap::new(),
        }
    }
}

impl Tables {
    pub(super) fn apply(&mut self, frame: Frame) {
        match frame {
            Frame::Batch { entries, subtrees, head: (size, root), seal, checkpoints, facts } => {
                for entry in entries {
                    self.add(entry);
                }
                let subtrees = subtrees
                    .into_iter()
                    .map(|(level, index, hash)| ((level, index), NodeHash::from_bytes(hash)));
                self.hashes.extend(subtrees);
                let size = TreeSize::new(size).unwrap_or_default();
                self.head = TreeHead { size, root: RootHash::from_bytes(root) };
                self.seal = Some(Seal::from_bytes(seal));
                self.checkpoints.extend(checkpoints);
                self.facts.extend(facts);
            }
            Frame::Erase(run) => {
                for sequence in self.events.get(&run).into_iter().flatten() {
                    let entry = usize::try_from(*sequence).ok().and_then(|place| self.leaves.get_mut(place));
                    if let Some(entry) = entry {
                        entry.body = None;
                    }
                }
            }
        }
    }

    fn add(&mut self, entry: FramedEntry) {
        let sequence = self.leaves.len() as u64;
        if let Some((name, change)) = &entry.run {
            self.link(sequence, LeafHash::from_bytes(entry.hash), name, *change);
        }
        self.hashes.insert((0, sequence), NodeHash::from_bytes(entry.hash));
        self.leaves.push(entry);
    }

    fn link(&mut self, sequence: u64, event: LeafHash, name: &str, change: Change) {
        if matches!(change, Change::Opens) {
            let (name, chain) = (name.to_owned(), Chain::START);
            self.events.insert(name.clone(), Vec::new());
            let run = Run { name, opened: sequence, last: sequence, open: true, events: 0, chain };
            self.runs.insert(sequence, run);
        }
        let Some(events) = self.events.get_mut(name) else { return };
        events.push(sequence);
        let Some(run) = events.first().and_then(|opened| self.runs.get_mut(opened)) else { return };
        run.last = sequence;
        run.events += 1;
        run.chain = run.chain.after(event);
        run.open &= !matches!(change, Change::Closes);
    }

    /// The event of the same run before this one.
    fn previous(&self, sequence: u64) -> Option<u64> {
        let (name, _) = self.entry(sequence)?.run.as_ref()?;
        let events = self.events.get(name)?;
        let place = events.binary_search(&sequence).ok()?;
        events.get(place.checked_sub(1)?).copied()
    }

    pub(super) fn index(&self) -> Index {
        let open = self.runs.values().filter(|run| run.open).cloned().collect();
        let fact = |(name, value): (&String, &Vec<u8>)| Fact { name: name.clone(), value: value.clone() };
        Index { head: self.head, seal: self.seal, open, facts: self.facts.iter().map(fact).collect() }
    }

    pub(super) fn leaves(
        &self,
        range: Range<u64>,
        visit: &mut dyn FnMut(LeafRef<'_>) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        for sequence in range {
            let entry = self.entry(sequence).ok_or_else(|| missing(format_args!("event {sequence}")))?;
            visit(LeafRef { sequence, bytes: &entry.leaf, hash: LeafHash::from_bytes(entry.hash) })?;
        }
        Ok(())
    }

    pub(super) fn leaf(&self, sequence: u64) -> Option<Leaf> {
        let entry = self.entry(sequence)?;
        let hash = LeafHash::from_bytes(entry.hash);
        Some(Leaf { bytes: entry.leaf.clone(), hash, previous: self.previous(sequence) })
    }

    pub(super) fn hashes(&self, level: u32, from: u64, count: usize) -> Result<Vec<NodeHash>, Fault> {
        let hash = |index| {
            let hash = self.hashes.get(&(level, index)).copied();
            hash.ok_or_else(|| missing(format_args!("hash {index} of tile level {level}")))
        };
        (from..).take(count.min(TILE_WIDTH)).map(hash).collect()
    }

    pub(super) fn body(&self, sequence: u64) -> Option<Vec<u8>> {
        self.entry(sequence)?.body.clone()
    }

    pub(super) fn bodies_of(&self, run: &str) -> u64 {
        let events = self.events.get(run).into_iter().flatten();
        events.filter(|sequence| self.body(**sequence).is_some()).count() as u64
    }

    pub(super) fn run(&self, name: &str) -> Option<Run> {
        self.runs.get(self.events.get(name)?.first()?).cloned()
    }

    pub(super) fn events_of(&self, run: &str, from: u64, limit: usize) -> Vec<u64> {
        let events = self.events.get(run).into_iter().flatten().copied();
        events.filter(|sequence| *sequence >= from).take(limit.min(MAX_PAGE)).collect()
    }

    pub(super) fn open_runs(&self, from: u64, limit: usize) -> Vec<Run> {
        let runs = self.runs.range(from..).map(|(_, run)| run);
        runs.filter(|run| run.open).take(limit.min(MAX_PAGE)).cloned().collect()
    }

    pub(super) fn runs(&self, before: u64, limit: usize) -> Vec<Run> {
        self.runs.range(..before).rev().take(limit.min(MAX_PAGE)).map(|(_, run)| run.clone()).collect()
    }

    pub(super) fn checkpoint(&self, size: u64) -> Option<Checkpoint> {
        self.checkpoints.range(..=size).next_back().map(checkpoint)
    }

    pub(super) fn checkpoints(&self, from: u64, limit: usize) -> Vec<Checkpoint> {
        self.checkpoints.range(from..).take(limit.min(MAX_PAGE)).map(checkpoint).collect()
    }

    pub(super) fn fact(&self, name: &str) -> Option<Vec<u8>> {
        self.facts.get(name).cloned()
    }

    fn entry(&self, sequence: u64) -> Option<&FramedEntry> {
        self.leaves.get(usize::try_from(sequence).ok()?)
    }
}

fn checkpoint((size, note): (&u64, &String)) -> Checkpoint {
    Checkpoint { size: *size, note: note.clone() }
}

fn missing(what: std::fmt::Arguments<'_>) -> Fault {
    Fault::new(Class::EvidenceInvalid, Owner::Operator, MISSING)
        .says(format_args!("{what} is missing"))
        .hint("the simulated disk lost it")
}
