//! The witness client against witnesses that follow the specification, and against some that do not.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod hostile;
mod network;
mod policy;
mod request;
mod response;
mod scenarios;
mod server;

use stepward_ledger::merkle::{Hashes, LeafHash, MemoryTree, TreeSize};
use stepward_ledger::note::{
    KeyName, LogSigner, SignedCheckpoint, UnixSeconds, WitnessSigner, WitnessVerifier,
};

const ORIGIN: &str = "example.com/log42";
/// 2023-03-20, the time of the specification's example.
const NOW: u64 = 1_679_315_147;

fn name(text: &str) -> KeyName {
    KeyName::new(text).unwrap()
}

fn size(leaves: u64) -> TreeSize {
    TreeSize::new(leaves).unwrap()
}

fn seconds(time: u64) -> UnixSeconds {
    UnixSeconds::new(time).unwrap()
}

fn log() -> LogSigner {
    LogSigner::new(name(ORIGIN), &[1; 32]).unwrap()
}

/// A tree whose entries are the numbers from 0.
fn numbered(leaves: u64) -> MemoryTree {
    forked(leaves, leaves)
}

/// A tree whose entries are the numbers from 0 up to `from`, and others after that.
fn forked(from: u64, leaves: u64) -> MemoryTree {
    let mut tree = MemoryTree::default();
    for leaf in 0..leaves {
        let entry = if leaf < from { leaf } else { u64::MAX - leaf };
        tree.append(LeafHash::of(&entry.to_be_bytes())).unwrap();
    }
    tree
}

/// The checkpoint over the first `leaves` of a tree.
fn checkpoint(tree: &MemoryTree, leaves: u64) -> SignedCheckpoint {
    log().sign(Hashes::head(tree, size(leaves)).unwrap())
}

fn witness(number: u8) -> WitnessSigner {
    WitnessSigner::new(name(&witness_name(number)), &witness_seed(number)).unwrap()
}

fn witness_name(number: u8) -> String {
    format!("witness.example/w{number}")
}

fn witness_seed(number: u8) -> [u8; 32] {
    [100 + number; 32]
}

fn verifiers(numbers: impl IntoIterator<Item = u8>) -> Vec<WitnessVerifier> {
    numbers.into_iter().map(|number| witness(number).verifier()).collect()
}
