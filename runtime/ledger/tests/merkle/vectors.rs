//! The tree of eight leaves of the Certificate Transparency reference implementation.
//!
//! Entries, hashes and proofs are those of transparency-dev/merkle, `testonly/constants.go` and
//! `proof/verify_test.go`, which took them over from google/certificate-transparency,
//! `cpp/merkletree/merkle_tree_test.cc`. The ways to spoil a proof are those of `verify_test.go` too.

use crate::{added, dropped, flipped, head, index, size, tree};
use stepward_ledger::merkle::{
    Consistency, Frontier, Inclusion, LeafHash, LeafIndex, MemoryTree, Node, NodeHash, ProofError, RootHash,
    ShapeError, TreeHead, TreeSize,
};

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

/// By size, from the empty tree.
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

/// The complete subtrees, by level and index.
const NODES: [&[&str]; 4] = [
    &[
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "0298d122906dcfc10892cb53a73992fc5b9f493ea4c9badb27b791b4127a7fe7",
        "07506a85fd9dd2f120eb694f86011e5bb4662e5c415a62917033d4a9624487e7",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "4271a26be0d8a84f0bd54c8c302e7cb3a3b5d1fa6780a40bcce2873477dab658",
        "b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f",
        "46f6ffadd3d06a09ff3c5860d2755c8b9819db7df44251788c7d8e3180de8eb1",
    ],
    &[
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
    ],
    &[
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    &["5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"],
];

/// Leaf (from 0), size, path.
const INCLUSION: [(u64, u64, &[&str]); 5] = [
    (0, 1, &[]),
    (
        0,
        8,
        &[
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    ),
    (
        5,
        8,
        &[
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    ),
    (2, 3, &["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"]),
    (
        1,
        5,
        &[
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        ],
    ),
];

/// Older size, newer size, path.
const CONSISTENCY: [(u64, u64, &[&str]); 5] = [
    (1, 1, &[]),
    (
        1,
        8,
        &[
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    ),
    (
        6,
        8,
        &[
            "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    ),
    (
        2,
        5,
        &[
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        ],
    ),
    (
        6,
        7,
        &[
            "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            "b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    ),
];

fn bytes(hex: &str) -> [u8; 32] {
    hex::decode(hex).unwrap().try_into().unwrap()
}

fn path(hexes: &[&str]) -> Vec<NodeHash> {
    hexes.iter().map(|hex| NodeHash::from_bytes(bytes(hex))).collect()
}

fn published_head(leaves: u64) -> TreeHead {
    let root = ROOTS[usize::try_from(leaves).unwrap()];
    TreeHead { size: size(leaves), root: RootHash::from_bytes(bytes(root)) }
}

fn published_leaf(place: u64) -> LeafHash {
    LeafHash::of(ENTRIES[usize::try_from(place).unwrap()])
}

fn published_tree() -> MemoryTree {
    tree(ENTRIES)
}

/// Neither the root of any tree nor the hash of any node.
fn some_hash() -> [u8; 32] {
    bytes("abacaba000000000000000000000000000000000000000000060061e00123456")
}

#[test]
fn roots_of_every_size() {
    let mut frontier = Frontier::default();
    assert_eq!(frontier.head(), published_head(0));
    for place in 0..8 {
        frontier.append(published_leaf(place)).unwrap();
        assert_eq!(frontier.head(), published_head(place + 1));
        assert_eq!(head(&published_tree(), place + 1), published_head(place + 1));
    }
}

#[test]
fn every_completed_subtree_is_handed_over_once() {
    let mut frontier = Frontier::default();
    let mut levels: Vec<Vec<String>> = vec![Vec::new(); NODES.len()];
    for place in 0..8 {
        let keep = |node: Node, hash: NodeHash| {
            let level = &mut levels[node.level() as usize];
            assert_eq!(node.index(), level.len() as u64, "in order, none twice");
            level.push(hash.to_string());
        };
        frontier.append_with(published_leaf(place), keep).unwrap();
    }
    assert_eq!(levels, NODES);
}

#[test]
fn inclusion_proofs_are_made_and_verify() {
    for (place, leaves, hexes) in INCLUSION {
        let made = Inclusion::prove(&published_tree(), index(place), size(leaves)).unwrap();
        assert_eq!(made, Inclusion::new(index(place), path(hexes)));
        let _ = made.verify(published_leaf(place), published_head(leaves)).unwrap();
    }
}

#[test]
fn consistency_proofs_are_made_and_verify() {
    for (older, newer, hexes) in CONSISTENCY {
        let made = Consistency::prove(&published_tree(), size(older), size(newer)).unwrap();
        assert_eq!(made, Consistency::new(path(hexes)));
        let _ = made.verify(published_head(older), published_head(newer)).unwrap();
    }
}

#[test]
fn spoilt_inclusion_proofs_are_refused() {
    for (place, leaves, hexes) in INCLUSION {
        let (good, leaf, head) = (path(hexes), published_leaf(place), published_head(leaves));
        let refuse = |what: &str, place: u64, head: TreeHead, leaf: LeafHash, path: Vec<NodeHash>| {
            // A number that no tree can have never gets as far as a proof.
            let Ok(place) = LeafIndex::new(place) else { return };
            assert!(Inclusion::new(place, path).verify(leaf, head).is_err(), "{place} of {leaves}: {what}");
        };
        let resized = |leaves: u64| TreeHead { size: size(leaves), ..head };
        let rooted = |root: [u8; 32]| TreeHead { root: RootHash::from_bytes(root), ..head };
        let root = NodeHash::from_bytes(*head.root.as_bytes());

        refuse("index - 1", place.wrapping_sub(1), head, leaf, good.clone());
        refuse("index + 1", place + 1, head, leaf, good.clone());
        refuse("index ^ 2", place ^ 2, head, leaf, good.clone());
        refuse("size * 2", place, resized(leaves * 2), leaf, good.clone());
        refuse("size / 2", place, resized(leaves / 2), leaf, good.clone());
        refuse("wrong leaf", place, head, LeafHash::of(b"wrong"), good.clone());
        refuse("empty root", place, rooted(bytes(ROOTS[0])), leaf, good.clone());
        refuse("some root", place, rooted(some_hash()), leaf, good.clone());
        refuse("trailing root", place, head, leaf, added(&good, good.len(), root));
        refuse("preceding root", place, head, leaf, added(&good, 0, root));
        for position in 0..good.len() {
            refuse("flipped", place, head, leaf, flipped(&good, position, 3));
            refuse("removed", place, head, leaf, dropped(&good, position));
            refuse("inserted", place, head, leaf, added(&good, position, NodeHash::from_bytes(some_hash())));
        }
    }
}

#[test]
fn spoilt_consistency_proofs_are_refused() {
    for (older, newer, hexes) in CONSISTENCY.into_iter().filter(|(older, newer, _)| older != newer) {
        let (good, old, new) = (path(hexes), published_head(older), published_head(newer));
        let refuse = |what: &str, old: TreeHead, new: TreeHead, path: Vec<NodeHash>| {
            assert!(Consistency::new(path).verify(old, new).is_err(), "{older} to {newer}: {what}");
        };
        let resized = |head: TreeHead, leaves: u64| TreeHead { size: size(leaves), ..head };
        let wrong = |head: TreeHead| TreeHead { root: RootHash::from_bytes(some_hash()), ..head };
        let node = |head: TreeHead| NodeHash::from_bytes(*head.root.as_bytes());

        refuse("older - 1", resized(old, older - 1), new, good.clone());
        refuse("older + 1", resized(old, older + 1), new, good.clone());
        refuse("older ^ 2", resized(old, older ^ 2), new, good.clone());
        refuse("newer * 2", old, resized(new, newer * 2), good.clone());
        refuse("newer / 2", old, resized(new, newer / 2), good.clone());
        refuse("wrong older root", wrong(old), new, good.clone());
        refuse("wrong newer root", old, wrong(new), good.clone());
        refuse(
            "swapped roots",
            TreeHead { root: new.root, ..old },
            TreeHead { root: old.root, ..new },
            good.clone(),
        );
        refuse("swapped heads", new, old, good.clone());
        refuse("empty proof", old, new, Vec::new());
        for root in [node(old), node(new), good[0]] {
            refuse("trailing hash", old, new, added(&good, good.len(), root));
            refuse("preceding hash", old, new, added(&good, 0, root));
        }
        for position in 0..good.len() {
            refuse("flipped", old, new, flipped(&good, position, 4));
            refuse("removed", old, new, dropped(&good, position));
        }
    }
}

#[test]
fn published_edge_cases_of_consistency() {
    let one = published_head(1);
    let other = TreeHead { root: RootHash::from_bytes(some_hash()), ..one };
    let empty = Consistency::new(Vec::new());
    let extra = Consistency::new(path(&ROOTS[..1]));
    let _ = empty.verify(one, one).unwrap();
    assert_eq!(empty.verify(one, other), Err(ProofError::Fork { size: size(1) }));
    assert_eq!(extra.verify(one, one), Err(ProofError::TooLong { expected: 0, actual: 1 }));
    assert_eq!(empty.verify(one, published_head(2)), Err(ProofError::TooShort { expected: 1, actual: 0 }));
    assert_eq!(
        empty.verify(published_head(2), one),
        Err(ProofError::Shape(ShapeError::SizesReversed { older: size(2), newer: size(1) }))
    );
    assert_eq!(
        empty.verify(one, published_head(0)),
        Err(ProofError::Shape(ShapeError::SizesReversed { older: size(1), newer: TreeSize::EMPTY }))
    );
    // The reference accepts an empty older tree; here it is refused, since it shows nothing.
    for newer in [0, 1] {
        assert_eq!(
            empty.verify(published_head(0), published_head(newer)),
            Err(ProofError::Shape(ShapeError::EmptyTree))
        );
    }
}
