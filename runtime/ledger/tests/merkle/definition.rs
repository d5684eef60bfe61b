//! The tree as RFC 9162 defines it, by recursion over lists: slow, and unlike the code under test.

use crate::{head, index, numbered, numbered_leaf, size};
use stepward_ledger::merkle::{Consistency, Frontier, Inclusion, LeafHash, NodeHash, RootHash};

/// The largest power of two below `n`.
fn split(n: usize) -> usize {
    n.next_power_of_two() / 2
}

/// `MTH` of section 2.1.1, for at least one leaf.
pub(crate) fn root(leaves: &[LeafHash]) -> NodeHash {
    match leaves {
        [] => panic!("the empty tree has no node"),
        [leaf] => (*leaf).into(),
        _ => {
            let (left, right) = leaves.split_at(split(leaves.len()));
            NodeHash::join(root(left), root(right))
        }
    }
}

/// `PATH` of section 2.1.3.1.
pub(crate) fn path(place: usize, leaves: &[LeafHash]) -> Vec<NodeHash> {
    if leaves.len() == 1 {
        return Vec::new();
    }
    let (left, right) = leaves.split_at(split(leaves.len()));
    let (mut found, sibling) = if place < left.len() {
        (path(place, left), root(right))
    } else {
        (path(place - left.len(), right), root(left))
    };
    found.push(sibling);
    found
}

/// `SUBPROOF` of section 2.1.4.1; `PROOF` with `whole`.
pub(crate) fn subproof(older: usize, leaves: &[LeafHash], whole: bool) -> Vec<NodeHash> {
    if older == leaves.len() {
        return if whole { Vec::new() } else { vec![root(leaves)] };
    }
    let (left, right) = leaves.split_at(split(leaves.len()));
    let (mut found, sibling) = if older <= left.len() {
        (subproof(older, left, whole), root(right))
    } else {
        (subproof(older - left.len(), right, false), root(left))
    };
    found.push(sibling);
    found
}

#[test]
fn every_proof_of_every_small_tree_is_the_defined_one_and_verifies() {
    const LARGEST: u64 = 70;
    let tree = numbered(LARGEST);
    let leaves: Vec<_> = (0..LARGEST).map(numbered_leaf).collect();
    for newer in 1..=LARGEST {
        let present = &leaves[..usize::try_from(newer).unwrap()];
        let newer_head = head(&tree, newer);
        assert_eq!(newer_head.root, RootHash::from(root(present)), "{newer}");
        for other in 0..newer {
            let at = usize::try_from(other).unwrap();
            let proof = Inclusion::prove(&tree, index(other), size(newer)).unwrap();
            assert_eq!(proof.path(), path(at, present), "leaf {other} of {newer}");
            let included = proof.verify(leaves[at], newer_head).unwrap();
            assert_eq!((included.leaf(), included.head()), (leaves[at], newer_head));

            let older = other + 1;
            let proof = Consistency::prove(&tree, size(older), size(newer)).unwrap();
            assert_eq!(proof.path(), subproof(at + 1, present, true), "{older} to {newer}");
            let extends = proof.verify(head(&tree, older), newer_head).unwrap();
            assert_eq!((extends.older(), extends.newer()), (head(&tree, older), newer_head));
        }
    }
}

#[test]
fn a_frontier_has_the_defined_root_at_every_size_and_can_be_resumed_at_each() {
    const LARGEST: u64 = 300;
    let tree = numbered(LARGEST);
    let leaves: Vec<_> = (0..LARGEST).map(numbered_leaf).collect();
    let mut frontier = Frontier::default();
    assert_eq!(frontier.head().root, RootHash::empty());
    for (place, leaf) in (0..).zip(&leaves) {
        assert_eq!(Frontier::resume(&tree, size(place)).unwrap(), frontier);
        assert_eq!(frontier.append(*leaf), Ok(index(place)));
        let present = &leaves[..=usize::try_from(place).unwrap()];
        assert_eq!(frontier.head().root, RootHash::from(root(present)));
        assert_eq!(frontier.head(), head(&tree, place + 1));
    }
    assert_eq!(frontier.head(), tree.head());
}
