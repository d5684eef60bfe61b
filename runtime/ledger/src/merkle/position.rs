//! Sizes, indices and places in a tree.

use super::{NodeHash, RootHash};
use std::fmt;

/// Leaves in the largest tree: 2^63 - 1, what a signed 64-bit integer holds, since databases and
/// other tools count in those. It also keeps every sum here below an overflow.
pub const MAX_TREE_SIZE: u64 = u64::MAX >> 1;

/// Hashes in the longest proof, that of the consistency of a tree of [`MAX_TREE_SIZE`] leaves:
/// one for each of its 63 levels and one to begin with.
pub const MAX_PATH: usize = 64;

/// A number that no tree can have as its size, or no leaf as its index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{number} is beyond the largest tree, of {MAX_TREE_SIZE} leaves")]
pub struct TooLarge {
    /// The number that was given.
    pub number: u64,
}

/// The number of leaves in a tree, at most [`MAX_TREE_SIZE`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TreeSize(u64);

impl TreeSize {
    /// The tree without leaves.
    pub const EMPTY: Self = Self(0);

    /// Takes a number of leaves.
    ///
    /// # Errors
    /// When it is above [`MAX_TREE_SIZE`].
    pub const fn new(leaves: u64) -> Result<Self, TooLarge> {
        if leaves > MAX_TREE_SIZE { Err(TooLarge { number: leaves }) } else { Ok(Self(leaves)) }
    }

    /// The number of leaves.
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for TreeSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The place of a leaf, counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LeafIndex(u64);

impl LeafIndex {
    /// Takes a place.
    ///
    /// # Errors
    /// When no tree is large enough to hold it.
    pub const fn new(index: u64) -> Result<Self, TooLarge> {
        if index >= MAX_TREE_SIZE { Err(TooLarge { number: index }) } else { Ok(Self(index)) }
    }

    /// The place, counted from 0.
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for LeafIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A tree by its size and root, as a checkpoint states it. Only a signature ties the two together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TreeHead {
    /// How many leaves.
    pub size: TreeSize,
    /// The hash over them all.
    pub root: RootHash,
}

impl TreeHead {
    /// The head over a tree's root, or over none for a tree without leaves.
    pub(super) fn over(size: TreeSize, root: Option<NodeHash>) -> Self {
        Self { size, root: root.map_or_else(RootHash::empty, RootHash::from) }
    }
}

/// The place of a complete subtree: at level `l` and index `i` it covers the 2^l leaves from i * 2^l.
/// Its hash never changes again, whatever is appended. These are the coordinates of C2SP tlog-tiles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Node {
    level: u32,
    index: u64,
}

impl Node {
    /// `level` is below 64.
    pub(super) const fn at(level: u32, index: u64) -> Self {
        Self { level, index }
    }

    /// The height above the leaves, which are level 0; at most 62.
    pub const fn level(self) -> u32 {
        self.level
    }

    /// The place among the nodes of its level, from the left, counted from 0.
    pub const fn index(self) -> u64 {
        self.index
    }

    /// The fewest complete subtrees that cover the leaves from `begin` to before `end`, the rightmost
    /// and smallest first. `begin` must be a place where a subtree of that many leaves can begin.
    pub(super) fn cover(begin: u64, end: u64) -> impl Iterator<Item = Self> {
        let leaves = end.saturating_sub(begin);
        (0..u64::BITS).filter(move |level| leaves >> level & 1 == 1).scan(end, |end, level| {
            *end -= 1 << level;
            Some(Self::at(level, *end >> level))
        })
    }
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "node {} of level {}", self.index, self.level)
    }
}
