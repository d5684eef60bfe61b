//! A small log under keys that everyone knows: what it signed stands in the seeds.
#![allow(dead_code, reason = "each check takes what it needs")]
#![allow(clippy::unwrap_used, reason = "everything here is sound")]

use std::sync::LazyLock;
use stepward_ledger::merkle::{Hashes, Inclusion, LeafHash, LeafIndex, MemoryTree, TreeHead, TreeSize};
use stepward_ledger::note::{KeyName, LogSigner, SignedCheckpoint, WitnessSigner};

/// A log, what its events are, and who signs and cosigns.
pub(crate) struct Known {
    pub(crate) signer: LogSigner,
    pub(crate) witness: WitnessSigner,
    pub(crate) leaves: Vec<&'static [u8]>,
    pub(crate) tree: MemoryTree,
}

/// The one log. Its events tell of a run with a call that was in doubt and made again.
pub(crate) static KNOWN: LazyLock<Known> = LazyLock::new(|| {
    let leaves: Vec<_> = include_str!("log.jsonl").lines().map(str::as_bytes).collect();
    let mut tree = MemoryTree::default();
    for leaf in &leaves {
        tree.append(LeafHash::of(leaf)).unwrap();
    }
    let signer = LogSigner::new(KeyName::new("stepward/fuzz").unwrap(), &SEED).unwrap();
    let witness = WitnessSigner::new(KeyName::new("witness.example/fuzz").unwrap(), &[8; 32]).unwrap();
    Known { signer, witness, leaves, tree }
});

/// The seed of the log's key.
pub(crate) const SEED: [u8; 32] = [7; 32];

impl Known {
    /// The head over the first events; nothing when there are fewer.
    pub(crate) fn head(&self, size: TreeSize) -> Option<TreeHead> {
        (size <= self.tree.head().size).then(|| Hashes::head(&self.tree, size).unwrap())
    }

    /// The checkpoint over all events.
    pub(crate) fn newest(&self) -> SignedCheckpoint {
        self.signer.sign(self.tree.head())
    }

    /// The way from an event to the root over all; nothing when there is no such event.
    pub(crate) fn inclusion(&self, sequence: u64) -> Option<Inclusion> {
        Inclusion::prove(&self.tree, LeafIndex::new(sequence).ok()?, self.tree.head().size).ok()
    }
}
