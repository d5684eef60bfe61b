//! What an attacker can put into a proof, and what each is called.

use crate::{added, dropped, flipped, flipped_root, head, index, numbered, numbered_leaf, size};
use stepward_ledger::merkle::{
    Consistency, Frontier, Hashes, Inclusion, LeafHash, LeafIndex, MAX_PATH, MAX_TREE_SIZE, Missing, Node,
    NodeHash, ProofError, ProveError, RootHash, ShapeError, TooLarge, TreeHead, TreeSize,
};

/// A tree of any size whose nodes all have one hash.
struct Uniform;

impl Hashes for Uniform {
    type Error = std::convert::Infallible;

    fn node(&self, _: Node) -> Result<NodeHash, Self::Error> {
        Ok(NodeHash::from_bytes([7; 32]))
    }
}

#[test]
fn a_number_beyond_the_largest_tree_is_neither_size_nor_index() {
    assert!(TreeSize::new(MAX_TREE_SIZE).is_ok());
    assert!(LeafIndex::new(MAX_TREE_SIZE - 1).is_ok());
    for number in [MAX_TREE_SIZE + 1, u64::MAX] {
        assert_eq!(TreeSize::new(number), Err(TooLarge { number }));
        assert_eq!(LeafIndex::new(number), Err(TooLarge { number }));
    }
    assert_eq!(LeafIndex::new(MAX_TREE_SIZE), Err(TooLarge { number: MAX_TREE_SIZE }));
}

#[test]
fn a_full_tree_refuses_a_leaf_and_stays_as_it_was() {
    let full = Frontier::resume(&Uniform, size(MAX_TREE_SIZE)).unwrap();
    let mut after = full.clone();
    let refused = after.append_with(LeafHash::of(b"one more"), |_, _| panic!("nothing was completed"));
    assert_eq!(refused, Err(TooLarge { number: MAX_TREE_SIZE }));
    assert_eq!(after, full);
}

#[test]
fn the_longest_proofs_fit_their_bound() {
    let largest = size(MAX_TREE_SIZE);
    for place in [0, 1, MAX_TREE_SIZE / 2, MAX_TREE_SIZE - 2, MAX_TREE_SIZE - 1] {
        let proof = Inclusion::prove(&Uniform, index(place), largest).unwrap();
        assert!(proof.path().len() < MAX_PATH, "{place}: {}", proof.path().len());
        let claimed = RootHash::from_bytes([0; 32]);
        let refused = proof.verify(LeafHash::of(b""), TreeHead { size: largest, root: claimed });
        assert!(matches!(refused, Err(ProofError::OtherRoot { .. })), "{refused:?}");
    }
    let lengths = [1, 2, 3, MAX_TREE_SIZE / 2, MAX_TREE_SIZE / 2 + 1, MAX_TREE_SIZE - 2, MAX_TREE_SIZE - 1]
        .map(|older| Consistency::prove(&Uniform, size(older), largest).unwrap().path().len());
    assert_eq!(lengths.iter().max(), Some(&MAX_PATH));
}

#[test]
fn each_fault_of_an_inclusion_proof_has_its_name() {
    let tree = numbered(11);
    let (leaf, top) = (numbered_leaf(6), head(&tree, 11));
    let good = Inclusion::prove(&tree, index(6), size(11)).unwrap();
    let verify = |path: Vec<NodeHash>| Inclusion::new(index(6), path).verify(leaf, top);

    let nothing = TreeHead { size: TreeSize::EMPTY, root: RootHash::empty() };
    assert_eq!(good.verify(leaf, nothing), Err(ProofError::Shape(ShapeError::EmptyTree)));
    for place in [11, 12, MAX_TREE_SIZE - 1] {
        assert_eq!(
            Inclusion::new(index(place), good.path().to_vec()).verify(leaf, top),
            Err(ProofError::Shape(ShapeError::IndexOutsideTree { index: index(place), size: size(11) }))
        );
    }
    assert_eq!(verify(Vec::new()), Err(ProofError::TooShort { expected: 4, actual: 0 }));
    assert_eq!(verify(dropped(good.path(), 2)), Err(ProofError::TooShort { expected: 4, actual: 3 }));
    assert_eq!(
        verify(added(good.path(), 2, good.path()[1])),
        Err(ProofError::TooLong { expected: 4, actual: 5 })
    );
    assert_eq!(verify(vec![leaf.into(); 1 << 16]), Err(ProofError::TooLong { expected: 4, actual: 1 << 16 }));
    let swapped = good.path().iter().rev().copied().collect();
    for path in [flipped(good.path(), 0, 0), flipped(good.path(), 3, 255), swapped] {
        let refused = verify(path);
        assert!(matches!(refused, Err(ProofError::OtherRoot { claimed, .. }) if claimed == top.root));
    }
}

#[test]
fn each_fault_of_a_consistency_proof_has_its_name() {
    let tree = numbered(11);
    let (older, newer) = (head(&tree, 6), head(&tree, 11));
    let good = Consistency::prove(&tree, older.size, newer.size).unwrap();
    let verify = |path: Vec<NodeHash>| Consistency::new(path).verify(older, newer);

    assert_eq!(
        good.verify(newer, older),
        Err(ProofError::Shape(ShapeError::SizesReversed { older: size(11), newer: size(6) }))
    );
    let expected = good.path().len();
    for actual in 0..expected {
        assert_eq!(verify(good.path()[..actual].to_vec()), Err(ProofError::TooShort { expected, actual }));
    }
    assert_eq!(
        verify(added(good.path(), 0, good.path()[0])),
        Err(ProofError::TooLong { expected, actual: expected + 1 })
    );
    assert!(matches!(verify(flipped(good.path(), 0, 9)), Err(ProofError::OtherOlderRoot { .. })));
    assert!(matches!(good.verify(flipped_root(older, 1), newer), Err(ProofError::OtherOlderRoot { .. })));
    assert!(matches!(good.verify(older, flipped_root(newer, 1)), Err(ProofError::OtherNewerRoot { .. })));
    // The second hash lies to the right of the older tree, which therefore still comes out.
    assert!(matches!(verify(flipped(good.path(), 1, 9)), Err(ProofError::OtherNewerRoot { .. })));
}

#[test]
fn a_log_that_changed_its_past_cannot_prove_that_it_only_grew() {
    let honest = numbered(9);
    let mut edited = crate::tree((0..9_u64).map(|place| if place == 4 { 99 } else { place }.to_be_bytes()));
    for place in 9..20 {
        edited.append(numbered_leaf(place)).unwrap();
    }
    let proof = Consistency::prove(&edited, size(9), size(20)).unwrap();
    let refused = proof.verify(head(&honest, 9), head(&edited, 20));
    assert!(matches!(refused, Err(ProofError::OtherOlderRoot { .. })));
    let empty = Consistency::new(Vec::new());
    assert_eq!(empty.verify(head(&honest, 9), head(&edited, 9)), Err(ProofError::Fork { size: size(9) }));
}

#[test]
fn a_node_cannot_pose_as_a_leaf() {
    let tree = numbered(2);
    let posing = [NodeHash::from(numbered_leaf(0)), numbered_leaf(1).into()].map(|node| *node.as_bytes());
    let forged = Inclusion::new(index(0), Vec::new());
    let one = TreeHead { size: size(1), ..tree.head() };
    assert!(forged.verify(LeafHash::of(posing.as_flattened()), one).is_err());
}

#[test]
fn a_size_is_bound_by_its_head_and_not_by_the_path() {
    // Said in the documentation: why sizes and roots must come from one signed head.
    let tree = numbered(4);
    let proof = Inclusion::prove(&tree, index(0), size(4)).unwrap();
    let unsigned = TreeHead { size: size(3), ..tree.head() };
    assert!(proof.verify(numbered_leaf(0), unsigned).is_ok());
    let unsigned = TreeHead { size: size(5), ..tree.head() };
    assert_eq!(
        proof.verify(numbered_leaf(0), unsigned),
        Err(ProofError::TooShort { expected: 3, actual: 2 })
    );
}

#[test]
fn proofs_that_cannot_be_made_say_why() {
    let tree = numbered(5);
    assert_eq!(
        Inclusion::prove(&tree, index(0), TreeSize::EMPTY),
        Err(ProveError::Shape(ShapeError::IndexOutsideTree { index: index(0), size: TreeSize::EMPTY }))
    );
    assert_eq!(
        Inclusion::prove(&tree, index(5), size(5)),
        Err(ProveError::Shape(ShapeError::IndexOutsideTree { index: index(5), size: size(5) }))
    );
    assert_eq!(
        Consistency::prove(&tree, TreeSize::EMPTY, size(5)),
        Err(ProveError::Shape(ShapeError::EmptyTree))
    );
    assert_eq!(
        Consistency::prove(&tree, size(5), size(4)),
        Err(ProveError::Shape(ShapeError::SizesReversed { older: size(5), newer: size(4) }))
    );
    // The source holds five leaves, so nothing can be said about six.
    let missing = Inclusion::prove(&tree, index(4), size(6)).unwrap_err();
    assert!(
        matches!(missing, ProveError::Source(Missing { node }) if (node.level(), node.index()) == (0, 5))
    );
    assert!(matches!(Consistency::prove(&tree, size(3), size(6)), Err(ProveError::Source(_))));
    assert!(Frontier::resume(&tree, size(6)).is_err());
}

#[test]
fn a_refusal_says_where_which_rule_and_what_to_do() {
    let fault = ProofError::Fork { size: size(9) }.fault("checkpoint.txt");
    assert_eq!(fault.class().exit_code(), 8);
    let text = fault.to_string();
    for part in ["log-forked", "checkpoint.txt", "two different trees of 9 leaves"] {
        assert!(text.contains(part), "{part} is not in: {text}");
    }
}
