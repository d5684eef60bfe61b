//! The Merkle tree against published vectors, the recursive definition and hostile proofs.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod definition;
mod hostile;
mod properties;
mod rfc9162;
mod transparency_dev;
mod vectors;

use stepward_ledger::merkle::{
    Hashes, LeafHash, LeafIndex, MemoryTree, NodeHash, RootHash, TreeHead, TreeSize,
};

fn size(leaves: u64) -> TreeSize {
    TreeSize::new(leaves).unwrap()
}

fn index(place: u64) -> LeafIndex {
    LeafIndex::new(place).unwrap()
}

/// A tree over the entries.
fn tree<E: AsRef<[u8]>>(entries: impl IntoIterator<Item = E>) -> MemoryTree {
    let mut tree = MemoryTree::default();
    for entry in entries {
        tree.append(LeafHash::of(entry.as_ref())).unwrap();
    }
    tree
}

/// A tree whose entries are the numbers from 0, so that no two leaves are alike.
fn numbered(leaves: u64) -> MemoryTree {
    tree((0..leaves).map(u64::to_be_bytes))
}

fn numbered_leaf(place: u64) -> LeafHash {
    LeafHash::of(&place.to_be_bytes())
}

/// The head over the first `leaves` of a tree.
fn head(tree: &MemoryTree, leaves: u64) -> TreeHead {
    Hashes::head(tree, size(leaves)).unwrap()
}

/// A path with one bit changed in the hash at `position`.
fn flipped(path: &[NodeHash], position: usize, bit: usize) -> Vec<NodeHash> {
    let mut path = path.to_vec();
    let mut bytes = *path[position].as_bytes();
    bytes[bit / 8] ^= 1 << (bit % 8);
    path[position] = NodeHash::from_bytes(bytes);
    path
}

/// A head with the size of another tree.
fn resized(head: TreeHead, leaves: u64) -> TreeHead {
    TreeHead { size: size(leaves), ..head }
}

/// A head with one bit of its root changed.
fn flipped_root(head: TreeHead, bit: usize) -> TreeHead {
    let mut bytes = *head.root.as_bytes();
    bytes[bit / 8] ^= 1 << (bit % 8);
    TreeHead { root: RootHash::from_bytes(bytes), ..head }
}

/// A path without the hash at `position`.
fn dropped(path: &[NodeHash], position: usize) -> Vec<NodeHash> {
    let mut path = path.to_vec();
    path.remove(position);
    path
}

/// A path with one more hash at `position`.
fn added(path: &[NodeHash], position: usize, hash: NodeHash) -> Vec<NodeHash> {
    let mut path = path.to_vec();
    path.insert(position, hash);
    path
}
