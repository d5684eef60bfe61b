//! Random sizes up to a few thousand leaves, and one random change to a good proof.

use crate::definition;
use crate::{added, dropped, flipped, flipped_root, head, index, numbered, numbered_leaf, resized, size};
use proptest::prelude::*;
use std::sync::LazyLock;
use stepward_ledger::merkle::{
    Consistency, Frontier, HASH_BYTES, Inclusion, LeafHash, LeafIndex, MAX_TREE_SIZE, MemoryTree, NodeHash,
    RootHash, TreeHead, TreeSize,
};

const LARGEST: u64 = 4_000;

static TREE: LazyLock<MemoryTree> = LazyLock::new(|| numbered(LARGEST));

/// A size and the index of a leaf in it.
fn leaf_in_tree() -> impl Strategy<Value = (u64, u64)> {
    (1..=LARGEST).prop_flat_map(|leaves| (0..leaves, Just(leaves)))
}

/// Two sizes, the first the smaller.
fn growth() -> impl Strategy<Value = (u64, u64)> {
    (2..=LARGEST).prop_flat_map(|newer| (1..newer, Just(newer)))
}

/// One change to a list of hashes.
#[derive(Clone, Debug)]
enum Change {
    Flip(prop::sample::Index, usize),
    Drop(prop::sample::Index),
    Add(prop::sample::Index, [u8; HASH_BYTES]),
    Swap(prop::sample::Index),
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        (any::<prop::sample::Index>(), 0..HASH_BYTES * 8).prop_map(|(at, bit)| Change::Flip(at, bit)),
        any::<prop::sample::Index>().prop_map(Change::Drop),
        (any::<prop::sample::Index>(), any::<[u8; HASH_BYTES]>())
            .prop_map(|(at, hash)| Change::Add(at, hash)),
        any::<prop::sample::Index>().prop_map(Change::Swap),
    ]
}

impl Change {
    /// The changed path; nothing when the path is too short for this change.
    fn apply(&self, path: &[NodeHash]) -> Option<Vec<NodeHash>> {
        match self {
            Self::Flip(at, bit) if !path.is_empty() => Some(flipped(path, at.index(path.len()), *bit)),
            Self::Drop(at) if !path.is_empty() => Some(dropped(path, at.index(path.len()))),
            Self::Add(at, hash) => Some(added(path, at.index(path.len() + 1), NodeHash::from_bytes(*hash))),
            Self::Swap(at) if path.len() > 1 => {
                let mut path = path.to_vec();
                let at = at.index(path.len() - 1);
                path.swap(at, at + 1);
                Some(path)
            }
            Self::Flip(..) | Self::Drop(_) | Self::Swap(_) => None,
        }
    }
}

proptest! {
    #[test]
    fn a_good_inclusion_proof_verifies_and_one_change_spoils_it(
        (place, leaves) in leaf_in_tree(),
        change in change(),
        bit in 0..HASH_BYTES * 8,
        elsewhere in 0..LARGEST,
    ) {
        let (leaf, top) = (numbered_leaf(place), head(&TREE, leaves));
        let good = Inclusion::prove(&*TREE, index(place), size(leaves)).unwrap();
        prop_assert!(good.verify(leaf, top).is_ok());
        if let Some(path) = change.apply(good.path()) {
            prop_assert!(Inclusion::new(index(place), path).verify(leaf, top).is_err());
        }
        prop_assert!(good.verify(leaf, flipped_root(top, bit)).is_err());
        prop_assert!(good.verify(leaf, resized(top, leaves * 2)).is_err());
        prop_assert!(good.verify(leaf, resized(top, leaves / 2)).is_err());
        if elsewhere != place {
            prop_assert!(good.verify(numbered_leaf(elsewhere), top).is_err());
            let moved = Inclusion::new(index(elsewhere), good.path().to_vec());
            prop_assert!(moved.verify(leaf, top).is_err());
        }
        if elsewhere != leaves {
            prop_assert!(good.verify(leaf, head(&TREE, elsewhere)).is_err());
        }
    }

    #[test]
    fn a_good_consistency_proof_verifies_and_one_change_spoils_it(
        (older, newer) in growth(),
        change in change(),
        bit in 0..HASH_BYTES * 8,
        elsewhere in 1..LARGEST,
    ) {
        let (old, new) = (head(&TREE, older), head(&TREE, newer));
        let good = Consistency::prove(&*TREE, size(older), size(newer)).unwrap();
        prop_assert!(good.verify(old, new).is_ok());
        if let Some(path) = change.apply(good.path()) {
            prop_assert!(Consistency::new(path).verify(old, new).is_err());
        }
        prop_assert!(good.verify(flipped_root(old, bit), new).is_err());
        prop_assert!(good.verify(old, flipped_root(new, bit)).is_err());
        prop_assert!(good.verify(new, old).is_err());
        prop_assert!(good.verify(old, resized(new, newer * 2)).is_err());
        if elsewhere != older {
            prop_assert!(good.verify(resized(old, elsewhere), new).is_err());
            prop_assert!(good.verify(head(&TREE, elsewhere), new).is_err());
        }
        if elsewhere != newer {
            prop_assert!(good.verify(old, head(&TREE, elsewhere)).is_err());
        }
    }

    /// Nothing that can be put into a proof ends the process, and none of it verifies.
    #[test]
    fn arbitrary_proofs_are_refused(
        place in any::<u64>(),
        older in any::<u64>(),
        newer in any::<u64>(),
        hashes in prop::collection::vec(any::<[u8; HASH_BYTES]>(), 0..70),
        roots in any::<[[u8; HASH_BYTES]; 2]>(),
    ) {
        let path: Vec<_> = hashes.into_iter().map(NodeHash::from_bytes).collect();
        let [old_root, new_root] = roots.map(RootHash::from_bytes);
        let mask = MAX_TREE_SIZE;
        let old = TreeHead { size: TreeSize::new(older & mask).unwrap(), root: old_root };
        let new = TreeHead { size: TreeSize::new(newer & mask).unwrap(), root: new_root };
        prop_assert!(Consistency::new(path.clone()).verify(old, new).is_err());
        if let Ok(place) = LeafIndex::new(place & mask) {
            prop_assert!(Inclusion::new(place, path).verify(LeafHash::of(b"forged"), new).is_err());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn frontier_and_proofs_equal_the_recursive_definition((older, newer) in growth(), resumed in 0..=LARGEST) {
        let leaves: Vec<_> = (0..newer).map(numbered_leaf).collect();
        let resumed = resumed.min(newer);
        let mut frontier = Frontier::resume(&*TREE, size(resumed)).unwrap();
        for leaf in &leaves[usize::try_from(resumed).unwrap()..] {
            frontier.append(*leaf).unwrap();
        }
        prop_assert_eq!(frontier.head().root, RootHash::from(definition::root(&leaves)));
        prop_assert_eq!(frontier.head(), head(&TREE, newer));

        let at = usize::try_from(older).unwrap();
        let proof = Inclusion::prove(&*TREE, index(older), size(newer)).unwrap();
        prop_assert_eq!(proof.path(), definition::path(at, &leaves));
        let proof = Consistency::prove(&*TREE, size(older), size(newer)).unwrap();
        prop_assert_eq!(proof.path(), definition::subproof(at, &leaves, true));
    }
}
