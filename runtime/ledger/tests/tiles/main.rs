//! The log as files: paths, tiles, folders and proofs against another implementation, and all of it
//! against a verifier in Python that was written from the specifications.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
#![allow(clippy::disallowed_methods, reason = "tests make files and start python3")]

mod folder;
mod oracle;
mod paths;
mod proof;
mod python;
mod sizes;

use cap_std::{ambient_authority, fs::Dir};
use std::num::NonZeroU32;
use std::ops::Range;
use std::path::Path;
use stepward_fault::Fault;
use stepward_ledger::merkle::{
    Frontier, Hashes as _, LeafHash, LeafIndex, NodeHash, RootHash, TreeHead, TreeSize,
};
use stepward_ledger::note::{KeyName, LogSigner, Signature, SignedCheckpoint, UnixSeconds, WitnessSigner};
use stepward_ledger::tiles::{Source, Subtrees, TileDir};

fn size(leaves: u64) -> TreeSize {
    TreeSize::new(leaves).unwrap()
}

fn index(place: u64) -> LeafIndex {
    LeafIndex::new(place).unwrap()
}

/// A log in memory, that keeps what a store keeps.
#[derive(Clone, Default)]
struct Memory {
    frontier: Frontier,
    entries: Vec<Vec<u8>>,
    levels: Vec<Vec<NodeHash>>,
}

impl Memory {
    fn of(entries: impl IntoIterator<Item = Vec<u8>>) -> Self {
        let mut log = Self::default();
        entries.into_iter().for_each(|entry| log.append(entry));
        log
    }

    /// Entries that are the numbers from 0, so that no two are alike.
    fn numbered(leaves: u64) -> Self {
        Self::of((0..leaves).map(|leaf| leaf.to_be_bytes().to_vec()))
    }

    fn append(&mut self, entry: Vec<u8>) {
        let levels = &mut self.levels;
        let keep = |node: stepward_ledger::merkle::Node, hash| {
            if node.level().is_multiple_of(8) {
                let level = node.level() as usize / 8;
                levels.resize_with(levels.len().max(level + 1), Vec::new);
                levels[level].push(hash);
            }
        };
        self.frontier.append_with(LeafHash::of(&entry), keep).unwrap();
        self.entries.push(entry);
    }

    fn head(&self) -> TreeHead {
        self.frontier.head()
    }

    fn head_at(&self, leaves: u64) -> TreeHead {
        Subtrees(self).head(size(leaves)).unwrap()
    }
}

impl Source for Memory {
    fn hashes(&self, level: u32, from: u64, count: usize) -> Result<Vec<NodeHash>, Fault> {
        let from = usize::try_from(from).unwrap();
        Ok(self.levels[level as usize][from..from + count].to_vec())
    }

    fn entries(
        &self,
        range: Range<u64>,
        visit: &mut dyn FnMut(&[u8]) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        range.map(|place| self.entries[usize::try_from(place).unwrap()].as_slice()).try_for_each(visit)
    }
}

fn log() -> LogSigner {
    LogSigner::of_environment("prod", NonZeroU32::MIN, &[1; 32]).unwrap()
}

fn witness() -> WitnessSigner {
    WitnessSigner::new(KeyName::new("witness.example/w1").unwrap(), &[2; 32]).unwrap()
}

/// 2025-11-21 10:01:07 UTC.
const COSIGNED: u64 = 1_763_719_267;

fn cosignature(checkpoint: &SignedCheckpoint) -> Signature {
    witness().cosign(checkpoint, UnixSeconds::new(COSIGNED).unwrap())
}

/// A checkpoint that the log signed and the witness cosigned.
fn cosigned(head: TreeHead) -> SignedCheckpoint {
    let bare = log().sign(head);
    let note = format!("{bare}{}", cosignature(&bare));
    SignedCheckpoint::open(note.as_bytes(), &log().verifier()).unwrap()
}

fn open(path: &Path) -> TileDir {
    TileDir::new(Dir::open_ambient_dir(path, ambient_authority()).unwrap())
}

/// The roots of the trees over the first 0 to 8 of the entries that google/certificate-transparency
/// tests with (`cpp/merkletree/merkle_tree_test.cc`); they follow RFC 6962, section 2.1.
const ENTRIES: [&[u8]; 8] = [
    b"",
    b"\x00",
    b"\x10",
    b"\x20\x21",
    b"\x30\x31",
    b"\x40\x41\x42\x43",
    b"\x50\x51\x52\x53\x54\x55\x56\x57",
    b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
];

const ROOTS: [&str; 9] = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

fn root(hex_digits: &str) -> RootHash {
    RootHash::from_bytes(hex::decode(hex_digits).unwrap().try_into().unwrap())
}
