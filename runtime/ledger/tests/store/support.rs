//! Batches and files for the tests.

use std::fs::File;
use std::path::Path;
use stepward_fault::Fault;
use stepward_ledger::merkle::{Frontier, LeafHash, TreeHead};
use stepward_ledger::store::owner::{Holder, Ownership};
use stepward_ledger::store::sqlite::Writer;
use stepward_ledger::store::{Batch, Entry, Seal, Store, Subtree};

pub(crate) const HOLDER: Holder<'static> = Holder { pid: 4711, since: "2026-01-02T03:04:05Z", what: "test" };

pub(crate) fn lock(folder: &Path) -> File {
    let path = folder.join("ledger.lock");
    File::options().read(true).write(true).create(true).truncate(false).open(path).unwrap()
}

pub(crate) fn writer(folder: &Path) -> Result<Writer, Fault> {
    let ownership = Ownership::claim(lock(folder), "ledger.lock", &HOLDER)?;
    Writer::open(&folder.join("ledger.db"), ownership)
}

/// Makes batches that follow each other.
#[derive(Clone, Default)]
pub(crate) struct Batches {
    frontier: Frontier,
}

impl Batches {
    pub(crate) fn head(&self) -> TreeHead {
        self.frontier.head()
    }

    pub(crate) fn next(&mut self, entries: Vec<Entry>) -> Batch {
        let first = self.head().size.get();
        let mut subtrees = Vec::new();
        for entry in &entries {
            let kept = |node, hash| subtrees.extend(Subtree::kept(node, hash));
            self.frontier.append_with(entry.hash, kept).unwrap();
        }
        let (head, seal) = (self.head(), Seal::from_bytes([7; 32]));
        Batch { first, entries, subtrees, head, seal, checkpoints: Vec::new(), facts: Vec::new() }
    }
}

pub(crate) fn entry(leaf: impl Into<Vec<u8>>) -> Entry {
    let leaf = leaf.into();
    Entry { hash: LeafHash::of(&leaf), leaf, run: None, body: None }
}

/// Commits events without runs, in batches, until there are so many.
pub(crate) fn fill(store: &mut dyn Store, batches: &mut Batches, to: u64) {
    while batches.head().size.get() < to {
        let first = batches.head().size.get();
        let entries = (first..to.min(first + 4096)).map(|place| entry(place.to_be_bytes())).collect();
        store.commit(&batches.next(entries)).unwrap();
    }
}
