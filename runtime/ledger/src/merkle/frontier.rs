//! The right edge of a growing tree.

use super::{Hashes, LeafHash, LeafIndex, Node, NodeHash, TooLarge, TreeHead, TreeSize};
use std::convert::Infallible;

/// The complete subtrees that cover a tree: as many hashes as its size has set bits, 63 at most.
/// They are enough to append and to know the root.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frontier {
    size: TreeSize,
    /// The largest, leftmost first; one for each set bit of `size`.
    peaks: Vec<NodeHash>,
}

impl Frontier {
    /// The frontier of the tree over the first `size` leaves of a source, to append after them.
    ///
    /// # Errors
    /// When a node cannot be read.
    pub fn resume<H: Hashes>(hashes: &H, size: TreeSize) -> Result<Self, H::Error> {
        let mut peaks =
            Node::cover(0, size.get()).map(|node| hashes.node(node)).collect::<Result<Vec<_>, _>>()?;
        peaks.reverse();
        Ok(Self { size, peaks })
    }

    /// Appends a leaf and says where it stands.
    ///
    /// # Errors
    /// When the tree is full; it stays as it was.
    pub fn append(&mut self, leaf: LeafHash) -> Result<LeafIndex, TooLarge> {
        self.append_with(leaf, |_, _| ())
    }

    /// Appends a leaf and hands over each subtree that it completes, from the leaf up: what a store
    /// has to keep to be a source of [`Hashes`].
    ///
    /// # Errors
    /// When the tree is full; it stays as it was and nothing is handed over.
    pub fn append_with(
        &mut self,
        leaf: LeafHash,
        mut completed: impl FnMut(Node, NodeHash),
    ) -> Result<LeafIndex, TooLarge> {
        let place = self.size.get();
        let index = LeafIndex::new(place)?;
        let size = TreeSize::new(place + 1)?;
        let mut hash = NodeHash::from(leaf);
        completed(Node::at(0, place), hash);
        // As in adding one to a binary number: each trailing set bit is a peak that is carried.
        let kept = self.peaks.len().saturating_sub(place.trailing_ones() as usize);
        for (level, left) in (1..).zip(self.peaks.drain(kept..).rev()) {
            hash = NodeHash::join(left, hash);
            completed(Node::at(level, place >> level), hash);
        }
        self.peaks.push(hash);
        self.size = size;
        Ok(index)
    }

    /// The size and the root.
    pub fn head(&self) -> TreeHead {
        let peaks = self.peaks.iter().rev().map(|peak| Ok::<_, Infallible>(*peak));
        let Ok(root) = NodeHash::join_leftwards(peaks);
        TreeHead::over(self.size, root)
    }
}
