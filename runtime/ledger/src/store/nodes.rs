//! Any store as a source of hashes.

use super::Records;
use crate::merkle::{Hashes, Node, NodeHash};
use stepward_fault::{Class, Fault, Owner, Rule};

/// Levels of the tree in one tile (C2SP tlog-tiles).
pub const TILE_HEIGHT: u32 = 8;

/// Hashes in one full tile.
pub const TILE_WIDTH: usize = 1 << TILE_HEIGHT;

const NODE_MISSING: Rule = Rule::new("store-node-missing");

/// The nodes of a stored tree.
///
/// A store keeps each leaf's hash and the root of each complete subtree of 256, 256², … leaves. A
/// node between two of those levels is made from at most 128 neighbouring hashes, so a head of any
/// size and a proof cost at most 255 hashes for each of the tree's eight levels of tiles.
#[derive(Clone, Copy)]
pub struct Nodes<'a>(&'a dyn Records);

impl<'a> Nodes<'a> {
    /// Looks at a store.
    pub fn of(records: &'a dyn Records) -> Self {
        Self(records)
    }
}

impl std::fmt::Debug for Nodes<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Nodes")
    }
}

impl Hashes for Nodes<'_> {
    type Error = Fault;

    fn node(&self, node: Node) -> Result<NodeHash, Fault> {
        let (level, above) = (node.level() / TILE_HEIGHT, node.level() % TILE_HEIGHT);
        let mut hashes = self.0.hashes(level, node.index() << above, 1 << above)?;
        while hashes.len() > 1 {
            hashes = hashes.chunks_exact(2).filter_map(joined).collect();
        }
        hashes.pop().ok_or_else(|| {
            Fault::new(Class::EvidenceInvalid, Owner::Operator, NODE_MISSING)
                .at(node)
                .says("the store has no hash for this part of the tree")
                .hint("the store is damaged: restore the last backup")
        })
    }
}

fn joined(pair: &[NodeHash]) -> Option<NodeHash> {
    let [left, right] = pair else { return None };
    Some(NodeHash::join(*left, *right))
}
