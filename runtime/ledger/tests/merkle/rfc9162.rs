//! The example of RFC 9162, section 2.1.5: a tree of seven leaves, its nodes named as there.
//!
//! ```text
//!             hash
//!           /      \
//!          k        l
//!        /   \     / \
//!       g     h   i   j
//!      / \   / \ / \  |
//!      a b   c d e f  d6
//! ```

use crate::{head, index, size, tree};
use stepward_ledger::merkle::{Consistency, Inclusion, LeafHash, MemoryTree, NodeHash};

const ENTRIES: [&str; 7] = ["d0", "d1", "d2", "d3", "d4", "d5", "d6"];

fn leaf(place: usize) -> NodeHash {
    LeafHash::of(ENTRIES[place].as_bytes()).into()
}

/// The node of one name.
fn node(name: char) -> NodeHash {
    match name {
        'a' => leaf(0),
        'b' => leaf(1),
        'c' => leaf(2),
        'd' => leaf(3),
        'e' => leaf(4),
        'f' => leaf(5),
        'j' => leaf(6),
        'g' => NodeHash::join(node('a'), node('b')),
        'h' => NodeHash::join(node('c'), node('d')),
        'i' => NodeHash::join(node('e'), node('f')),
        'k' => NodeHash::join(node('g'), node('h')),
        'l' => NodeHash::join(node('i'), node('j')),
        _ => panic!("no node {name}"),
    }
}

fn nodes(names: &str) -> Vec<NodeHash> {
    names.chars().map(node).collect()
}

fn example() -> MemoryTree {
    tree(ENTRIES)
}

#[test]
fn inclusion_proofs_of_the_example() {
    for (place, names) in [(0, "bhl"), (3, "cgl"), (4, "fjk"), (6, "ik")] {
        let proof = Inclusion::prove(&example(), index(place), size(7)).unwrap();
        assert_eq!(proof.path(), nodes(names), "PATH({place}, D[7])");
    }
}

#[test]
fn consistency_proofs_of_the_example() {
    for (older, names) in [(3, "cdgl"), (4, "l"), (6, "ijk")] {
        let proof = Consistency::prove(&example(), size(older), size(7)).unwrap();
        assert_eq!(proof.path(), nodes(names), "PROOF({older}, D[7])");
        let _ = proof.verify(head(&example(), older), head(&example(), 7)).unwrap();
    }
}
