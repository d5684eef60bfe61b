//! What tiles are made from.

use super::HEIGHT;
use crate::merkle::{Hashes, Node, NodeHash};
use crate::store::Records;
use std::{fmt, ops::Range};
use stepward_fault::{Class, Fault, Owner, Rule};

const HASHES_MISSING: Rule = Rule::new("tiles-hashes-missing");

/// A log's hashes, tile by tile, and its entries.
#[expect(clippy::missing_errors_doc, reason = "said once for the whole trait")]
pub trait Source {
    /// The hashes of `count` neighbouring subtrees of 256^`level` leaves, from the one at `from`; at
    /// most 256 of them.
    ///
    /// Fails when they cannot be read or are not there; so does the other call.
    fn hashes(&self, level: u32, from: u64, count: usize) -> Result<Vec<NodeHash>, Fault>;

    /// Visits the entries of a range in order and ends early only when the visitor refuses.
    fn entries(
        &self,
        range: Range<u64>,
        visit: &mut dyn FnMut(&[u8]) -> Result<(), Fault>,
    ) -> Result<(), Fault>;
}

/// A store keeps both.
impl Source for dyn Records + '_ {
    fn hashes(&self, level: u32, from: u64, count: usize) -> Result<Vec<NodeHash>, Fault> {
        Records::hashes(self, level, from, count)
    }

    fn entries(
        &self,
        range: Range<u64>,
        visit: &mut dyn FnMut(&[u8]) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        // What was edited must not be published beside what was published before.
        self.leaves(range, &mut |leaf| visit(leaf.checked()?))
    }
}

/// The nodes of a tree whose hashes are kept in tiles. A node between two levels of tiles is made from
/// at most 128 neighbouring hashes of one tile.
pub struct Subtrees<'a, S: Source + ?Sized>(pub &'a S);

impl<S: Source + ?Sized> fmt::Debug for Subtrees<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Subtrees")
    }
}

impl<S: Source + ?Sized> Hashes for Subtrees<'_, S> {
    type Error = Fault;

    fn node(&self, node: Node) -> Result<NodeHash, Fault> {
        let (level, above) = (node.level() / HEIGHT, node.level() % HEIGHT);
        let count = 1 << above;
        let mut hashes = self.0.hashes(level, node.index() << above, count)?;
        if hashes.len() != count {
            return Err(missing(node));
        }
        while hashes.len() > 1 {
            hashes = hashes.chunks_exact(2).filter_map(joined).collect();
        }
        hashes.pop().ok_or_else(|| missing(node))
    }
}

pub(super) fn joined(pair: &[NodeHash]) -> Option<NodeHash> {
    let [left, right] = pair else { return None };
    Some(NodeHash::join(*left, *right))
}

/// The source gave fewer hashes than it was asked for.
pub(super) fn missing(place: impl fmt::Display) -> Fault {
    Fault::new(Class::EvidenceInvalid, Owner::Operator, HASHES_MISSING)
        .at(place)
        .says("the log has not all the hashes of this part of the tree")
        .hint("the log is damaged: restore the last backup")
}
