//! What holds of every claim that a leaf is in a tree, or that a tree only added to an older one.
#![allow(clippy::unwrap_used, reason = "the tree is sound, and what is unwrapped was checked")]

use std::sync::LazyLock;
use stepward_ledger::merkle::{
    Consistency, HASH_BYTES, Hashes, Inclusion, LeafHash, LeafIndex, MemoryTree, NodeHash, ProofError,
    RootHash, TreeHead, TreeSize,
};

/// Leaves of the known tree: enough for paths of every shape up to seven levels.
const LEAVES: u8 = 100;
/// Hashes of the longest path.
const PATH: usize = 64;

static TREE: LazyLock<MemoryTree> = LazyLock::new(|| {
    let mut tree = MemoryTree::default();
    for leaf in 0..LEAVES {
        tree.append(leaf_hash(leaf)).unwrap();
    }
    tree
});

/// Reads the bytes as a claim: the first one says of which kind, the next two are numbers, and the others
/// make the path. A claim about the known tree verifies exactly when it is what the tree itself proves; one
/// about any other tree leads to one root and no other. Numbers of no tree make no claim.
pub(crate) fn check(bytes: &[u8]) -> Option<Result<(), ProofError>> {
    let mut bytes = bytes.iter().copied();
    let kind = bytes.next().unwrap_or_default();
    if kind > 1 {
        let numbers: [u64; 2] =
            [0; 2].map(|_| u64::from_be_bytes([0; 8].map(|_: u8| bytes.next().unwrap_or(0))));
        return unknown(kind, numbers, &raw(bytes));
    }
    let [first, second] = [0; 2].map(|_| bytes.next().unwrap_or_default());
    Some(if kind == 0 { included(first, second, bytes) } else { extends(first, second, bytes) })
}

/// That a leaf, which is the one at the index or another, is in the tree over the first `size` leaves.
fn included(size: u8, index: u8, mut bytes: impl Iterator<Item = u8>) -> Result<(), ProofError> {
    let head = head(size);
    let place = LeafIndex::new(index.into()).unwrap();
    let leaf = leaf_hash(bytes.next().unwrap_or_default());
    let proof = Inclusion::prove(&*TREE, place, head.size).ok();
    let claim = Inclusion::new(place, path(proof.as_ref().map_or(&[], Inclusion::path), bytes));
    let verified = claim.verify(leaf, head);
    let honest = proof.as_ref() == Some(&claim) && leaf == leaf_hash(index);
    assert_eq!(verified.is_ok(), honest, "{verified:?}");
    if let Ok(included) = &verified {
        assert_eq!((included.leaf(), included.index(), included.head()), (leaf, place, head));
    }
    verified.map(drop)
}

/// That the tree over the first `newer` leaves extends that over the first `older`.
fn extends(older: u8, newer: u8, bytes: impl Iterator<Item = u8>) -> Result<(), ProofError> {
    let (older, newer) = (head(older), head(newer));
    let proof = Consistency::prove(&*TREE, older.size, newer.size).ok();
    let claim = Consistency::new(path(proof.as_ref().map_or(&[], Consistency::path), bytes));
    let verified = claim.verify(older, newer);
    assert_eq!(verified.is_ok(), proof.as_ref() == Some(&claim), "{verified:?}");
    if let Ok(extends) = &verified {
        assert_eq!((extends.older(), extends.newer()), (older, newer));
    }
    // No other tree of either size is taken in its place.
    let other = |head: TreeHead| TreeHead { root: RootHash::from_bytes([1; HASH_BYTES]), ..head };
    assert!(claim.verify(other(older), newer).is_err() && claim.verify(older, other(newer)).is_err());
    verified.map(drop)
}

/// Claims about trees of any size, of which nothing is known.
fn unknown(kind: u8, numbers: [u64; 2], path: &[NodeHash]) -> Option<Result<(), ProofError>> {
    let [zeros, ones] = [0, 1].map(|byte| RootHash::from_bytes([byte; HASH_BYTES]));
    let size = TreeSize::new(numbers[0]).ok()?;
    let refused = if kind == 2 {
        leads_to_one_root(path, LeafIndex::new(numbers[1]).ok()?, TreeHead { size, root: zeros })
    } else {
        let newer = TreeHead { size: TreeSize::new(numbers[1]).ok()?, root: ones };
        leads_to_two_roots(path, TreeHead { size, root: zeros }, newer)
    };
    Some(Err(refused))
}

/// The path leads from a leaf to another root than the one that is claimed, and from no other leaf there.
fn leads_to_one_root(path: &[NodeHash], index: LeafIndex, head: TreeHead) -> ProofError {
    let (claim, leaf) = (Inclusion::new(index, path.to_vec()), leaf_hash(0));
    let refused = claim.verify(leaf, head).unwrap_err();
    if let ProofError::OtherRoot { computed, claimed } = refused {
        assert_eq!(claimed, head.root);
        assert!(path.len() <= PATH);
        let head = TreeHead { root: computed, ..head };
        assert_eq!(claim.verify(leaf, head).unwrap().index(), index);
        assert!(claim.verify(leaf_hash(1), head).is_err());
    }
    refused
}

/// The path leads to other roots than those that are claimed, and to no others.
fn leads_to_two_roots(path: &[NodeHash], mut older: TreeHead, newer: TreeHead) -> ProofError {
    let claim = Consistency::new(path.to_vec());
    let refused = claim.verify(older, newer).unwrap_err();
    if let ProofError::OtherOlderRoot { computed, .. } = refused {
        older.root = computed;
    }
    if let Err(ProofError::OtherNewerRoot { computed, .. }) = claim.verify(older, newer) {
        assert!(path.len() <= PATH);
        let grown = TreeHead { root: computed, ..newer };
        let extends = claim.verify(older, grown).unwrap();
        assert_eq!((extends.older(), extends.newer()), (older, grown));
        assert!(claim.verify(older, newer).is_err());
    }
    refused
}

fn leaf_hash(leaf: u8) -> LeafHash {
    LeafHash::of(&[leaf])
}

/// The head over the first leaves of the known tree, over all when they are fewer.
fn head(size: u8) -> TreeHead {
    Hashes::head(&*TREE, TreeSize::new(size.min(LEAVES).into()).unwrap()).unwrap()
}

/// A path, one hash a byte: below 64 that of the true path, below 255 that of a leaf, else what follows.
fn path(honest: &[NodeHash], mut bytes: impl Iterator<Item = u8>) -> Vec<NodeHash> {
    let mut path = Vec::new();
    while let Some(byte) = bytes.next() {
        match byte {
            0..64 => path.extend(honest.get(usize::from(byte))),
            64..255 => path.push(leaf_hash(byte - 64).into()),
            255 => {
                path.push(NodeHash::from_bytes(
                    [0; HASH_BYTES].map(|_: u8| bytes.next().unwrap_or_default()),
                ));
            }
        }
    }
    path
}

/// A path of the hashes as they stand; what is left is none.
fn raw(bytes: impl Iterator<Item = u8>) -> Vec<NodeHash> {
    let bytes: Vec<_> = bytes.collect();
    bytes.as_chunks().0.iter().map(|hash| NodeHash::from_bytes(*hash)).collect()
}
