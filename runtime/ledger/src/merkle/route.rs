//! The way from a subtree up to the root.

use super::{Hashes, LeafIndex, Node, NodeHash, TreeSize};

/// On which hand a sibling lies.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Hand {
    Left,
    Right,
}

/// The way from the complete subtree of 2^`from` leaves that holds leaf `index` up to the root of a
/// tree of `size` leaves.
///
/// It has two parts. Below level `inner` the subtree and the tree's last leaf are still apart, and the
/// index says on which hand the sibling lies; at the top of this part the sibling is on the right
/// and may be incomplete. From there up the way follows the tree's right edge, where only levels
/// with a left sibling count, and each sibling is complete.
pub(super) struct Route {
    index: u64,
    size: u64,
    from: u32,
    inner: u32,
}

impl Route {
    /// From a leaf; nothing when the tree has no such leaf.
    pub(super) fn of_leaf(index: LeafIndex, size: TreeSize) -> Option<Self> {
        Self::new(index.get(), size.get(), 0)
    }

    /// From the last complete subtree of a tree that is the beginning of a larger one; nothing when
    /// it has no leaf or is not smaller.
    pub(super) fn of_prefix(older: TreeSize, newer: TreeSize) -> Option<Self> {
        if older >= newer {
            return None;
        }
        Self::new(older.get().checked_sub(1)?, newer.get(), older.get().trailing_zeros())
    }

    fn new(index: u64, size: u64, from: u32) -> Option<Self> {
        let last = size.checked_sub(1)?;
        (index <= last).then(|| Self { index, size, from, inner: u64::BITS - (index ^ last).leading_zeros() })
    }

    /// The subtree where the way begins.
    pub(super) fn start(&self) -> Node {
        Node::at(self.from, self.index >> self.from)
    }

    /// The levels that have a sibling, and on which hand it lies, from below.
    fn levels(&self) -> impl Iterator<Item = (u32, Hand)> {
        let hands = (self.from..u64::BITS).map(|level| match self.index >> level & 1 {
            0 => (level, Hand::Right),
            _ => (level, Hand::Left),
        });
        hands.filter(|(level, hand)| *level < self.inner || *hand == Hand::Left)
    }

    /// How many siblings there are.
    pub(super) fn len(&self) -> usize {
        self.levels().count()
    }

    /// Reads the siblings, from below.
    pub(super) fn siblings<H: Hashes>(&self, hashes: &H) -> Result<Vec<NodeHash>, H::Error> {
        let mut path = Vec::with_capacity(self.len());
        for (level, _) in self.levels() {
            let sibling = Node::at(level, self.index >> level ^ 1);
            if level + 1 == self.inner {
                let cover = Node::cover(sibling.index() << level, self.size);
                path.extend(NodeHash::join_leftwards(cover.map(|node| hashes.node(node)))?);
            } else {
                path.push(hashes.node(sibling)?);
            }
        }
        Ok(path)
    }

    /// The root of the tree, given as many siblings as there are.
    pub(super) fn root(&self, start: NodeHash, siblings: &[NodeHash]) -> NodeHash {
        self.levels().zip(siblings).fold(start, |hash, ((_, hand), sibling)| match hand {
            Hand::Left => NodeHash::join(*sibling, hash),
            Hand::Right => NodeHash::join(hash, *sibling),
        })
    }

    /// The root of the tree that ends with the start: the siblings on the right came later.
    pub(super) fn root_before(&self, start: NodeHash, siblings: &[NodeHash]) -> NodeHash {
        self.levels().zip(siblings).fold(start, |hash, ((_, hand), sibling)| match hand {
            Hand::Left => NodeHash::join(*sibling, hash),
            Hand::Right => hash,
        })
    }
}
