//! The body of a request.

use crate::server::Request;
use crate::{ORIGIN, checkpoint, name, numbered, size};
use sha2::{Digest as _, Sha256};
use stepward_ledger::merkle::ProveError;
use stepward_ledger::merkle::{Consistency, Hashes, MAX_TREE_SIZE, Node, NodeHash, ShapeError, TreeSize};
use stepward_ledger::witness::{AddCheckpoint, MAX_PROOF_LINES, RequestError, checkpoint_path};

#[test]
fn a_first_submission_has_no_proof() {
    let tree = numbered(5);
    let signed = checkpoint(&tree, 5);
    let request = AddCheckpoint::prove(&tree, TreeSize::EMPTY, &signed).unwrap();
    assert_eq!(request.to_string(), format!("old 0\n\n{signed}"));
}

#[test]
fn a_later_one_carries_the_proof_and_the_note_as_it_is() {
    let tree = numbered(50);
    for old in 1..=50 {
        let signed = checkpoint(&tree, 50);
        let body = AddCheckpoint::prove(&tree, size(old), &signed).unwrap().to_string();
        let request = Request::parse(&body).unwrap();
        assert_eq!((request.old, request.note), (old, signed.to_string()));
        let proof = Consistency::prove(&tree, size(old), size(50)).unwrap();
        let path: Vec<_> = request.proof.iter().map(|hash| NodeHash::from_bytes(hash.0)).collect();
        assert_eq!(path, proof.path());
    }
}

#[test]
fn nothing_is_proved_about_a_tree_that_is_larger() {
    let tree = numbered(5);
    let refused = AddCheckpoint::prove(&tree, size(5), &checkpoint(&tree, 4)).unwrap_err();
    let (older, newer) = (size(5), size(4));
    assert_eq!(refused, RequestError::Prove(ProveError::Shape(ShapeError::SizesReversed { older, newer })));
}

/// A tree of any size whose nodes are all alike.
struct Vast;

impl Hashes for Vast {
    type Error = std::convert::Infallible;

    fn node(&self, _: Node) -> Result<NodeHash, Self::Error> {
        Ok(NodeHash::from_bytes([0; 32]))
    }
}

#[test]
fn a_proof_has_at_most_as_many_lines_as_a_witness_takes() {
    let signed = |leaves| crate::log().sign(Hashes::head(&Vast, size(leaves)).unwrap());
    let half = signed(1 << 62);
    let body = AddCheckpoint::prove(&Vast, size((1 << 61) - 1), &half).unwrap().to_string();
    assert_eq!(Request::parse(&body).unwrap().proof.len(), MAX_PROOF_LINES);
    let whole = signed(MAX_TREE_SIZE);
    let refused = AddCheckpoint::prove(&Vast, size((1 << 62) - 1), &whole).unwrap_err();
    assert_eq!(refused, RequestError::ProofTooLong { hashes: MAX_PROOF_LINES + 1 });
}

#[test]
fn monitors_find_the_log_under_the_hash_of_its_origin() {
    let expected = format!("{}/checkpoint", hex::encode(Sha256::digest(ORIGIN)));
    assert_eq!(checkpoint_path(&name(ORIGIN)), expected);
}
