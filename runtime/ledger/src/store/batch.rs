//! What one commit writes.

use super::{Seal, TILE_HEIGHT};
use crate::merkle::{LeafHash, Node, NodeHash, TreeHead};

/// What one commit writes: all of it or nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// The sequence number of the first entry, which is the log's size before.
    pub first: u64,
    /// Consecutive entries.
    pub entries: Vec<Entry>,
    /// The subtrees of 256, 256², … leaves that the entries completed, in the order of completion.
    pub subtrees: Vec<Subtree>,
    /// The tree after the entries.
    pub head: TreeHead,
    /// The seal over `head`, the unfinished runs and the remembered values as the batch leaves them.
    pub seal: Seal,
    /// Signed heads of this log, none larger than `head`. One of a size that is there already, say
    /// with more cosignatures, takes its place.
    pub checkpoints: Vec<Checkpoint>,
    /// Values to remember; a later one of the same name takes the earlier one's place.
    pub facts: Vec<Fact>,
}

/// One event as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The exact bytes of the leaf.
    pub leaf: Vec<u8>,
    /// The hash of `leaf`. It stands beside the bytes so that an edited leaf is located, and so that
    /// proofs need not hash again.
    pub hash: LeafHash,
    /// The run that the event belongs to.
    pub run: Option<RunLink>,
    /// The sealed body that the event commits to.
    pub body: Option<Vec<u8>>,
}

impl Entry {
    /// Bytes of the leaf and its body.
    pub fn bytes(&self) -> usize {
        self.leaf.len() + self.body.as_ref().map_or(0, Vec::len)
    }
}

/// Ties an event to its run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunLink {
    /// The run's name.
    pub run: String,
    /// What the event makes of it.
    pub change: RunChange,
}

/// What an event makes of its run in the index of unfinished runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunChange {
    /// It is unfinished from here on.
    Opens,
    /// It stays what it was; a run that was not there is not put into the index.
    Stays,
    /// It is finished.
    Closes,
}

/// The hash of a complete subtree of 256^`level` leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subtree {
    /// The level of C2SP tlog-tiles, from 1: height 8 × `level` in the tree.
    pub level: u32,
    /// The place among the subtrees of this level, from 0.
    pub index: u64,
    /// Its root.
    pub hash: NodeHash,
}

impl Subtree {
    /// The subtree at a node, where it is one of those that are kept; what
    /// [`Frontier::append_with`](crate::merkle::Frontier::append_with) hands over.
    pub fn kept(node: Node, hash: NodeHash) -> Option<Self> {
        let level = node.level() / TILE_HEIGHT;
        let kept = level > 0 && node.level().is_multiple_of(TILE_HEIGHT);
        kept.then_some(Self { level, index: node.index(), hash })
    }
}

/// A signed head of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The leaves that it covers.
    pub size: u64,
    /// The signed note, whole.
    pub note: String,
}

/// A value that is remembered in the same commit as the events that changed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    /// Its name, chosen by whoever appends.
    pub name: String,
    /// Its value.
    pub value: Vec<u8>,
}
