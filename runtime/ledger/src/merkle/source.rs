//! Where proofs take their hashes from.

use super::{Frontier, LeafHash, LeafIndex, Node, NodeHash, TooLarge, TreeHead, TreeSize};

/// The hashes of the complete subtrees of a tree, which is all that any proof needs.
///
/// A source may hold more leaves than the tree that is asked about: an older tree's nodes are among
/// the newer one's.
pub trait Hashes {
    /// Why a node could not be read.
    type Error;

    /// The hash of a complete subtree.
    ///
    /// # Errors
    /// When it cannot be read or the subtree is not complete yet.
    fn node(&self, node: Node) -> Result<NodeHash, Self::Error>;

    /// The head of the tree over the first `size` leaves.
    ///
    /// # Errors
    /// When a node cannot be read.
    fn head(&self, size: TreeSize) -> Result<TreeHead, Self::Error> {
        let root = NodeHash::join_leftwards(Node::cover(0, size.get()).map(|node| self.node(node)))?;
        Ok(TreeHead::over(size, root))
    }
}

/// A node that the tree does not have, or not yet complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{node} is not in this tree")]
pub struct Missing {
    /// The place that was asked for.
    pub node: Node,
}

/// A tree with all its nodes in memory: 64 bytes for each leaf.
#[derive(Clone, Debug, Default)]
pub struct MemoryTree {
    frontier: Frontier,
    levels: Vec<Vec<NodeHash>>,
}

impl MemoryTree {
    /// Appends a leaf and says where it stands.
    ///
    /// # Errors
    /// When the tree is full.
    pub fn append(&mut self, leaf: LeafHash) -> Result<LeafIndex, TooLarge> {
        let levels = &mut self.levels;
        self.frontier.append_with(leaf, |node, hash| match levels.get_mut(node.level() as usize) {
            Some(level) => level.push(hash),
            None => levels.push(vec![hash]),
        })
    }

    /// The head of the whole tree.
    pub fn head(&self) -> TreeHead {
        self.frontier.head()
    }
}

impl Hashes for MemoryTree {
    type Error = Missing;

    fn node(&self, node: Node) -> Result<NodeHash, Missing> {
        let level = self.levels.get(node.level() as usize);
        let index = usize::try_from(node.index()).ok();
        level.zip(index).and_then(|(level, index)| level.get(index)).copied().ok_or(Missing { node })
    }
}
