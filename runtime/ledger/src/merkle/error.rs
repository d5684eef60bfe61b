//! Why a proof was refused or cannot be made.

use super::{LeafIndex, RootHash, TreeSize};
use std::fmt;
use stepward_fault::{Class, Fault, Owner, Rule};

const EMPTY_TREE: Rule = Rule::new("proof-empty-tree");
const INDEX_OUTSIDE_TREE: Rule = Rule::new("proof-index-outside-tree");
const SIZES_REVERSED: Rule = Rule::new("proof-sizes-reversed");
const LENGTH: Rule = Rule::new("proof-length");
const ROOT: Rule = Rule::new("proof-root");
const FORK: Rule = Rule::new("log-forked");

/// What no proof can be about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ShapeError {
    /// A tree without leaves holds none and constrains no later tree.
    #[error("nothing can be proved about a tree without leaves")]
    EmptyTree,
    /// The tree ends before the leaf.
    #[error("leaf {index} is not in a tree of {size} leaves")]
    IndexOutsideTree {
        /// The place that is claimed or asked for.
        index: LeafIndex,
        /// The leaves in the tree.
        size: TreeSize,
    },
    /// The tree that should be the beginning is the larger one.
    #[error("a tree of {newer} leaves cannot extend one of {older}")]
    SizesReversed {
        /// Leaves in the tree that should be the beginning.
        older: TreeSize,
        /// Leaves in the tree that should extend it.
        newer: TreeSize,
    },
}

/// What is wrong with a proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// Nothing can be proved about such trees.
    #[error(transparent)]
    Shape(#[from] ShapeError),
    /// Hashes are missing.
    #[error("the proof has {actual} hashes where {expected} are needed")]
    TooShort {
        /// Hashes in a proof of this shape.
        expected: usize,
        /// Hashes in this one.
        actual: usize,
    },
    /// Hashes are left over.
    #[error("the proof has {actual} hashes where only {expected} belong")]
    TooLong {
        /// Hashes in a proof of this shape.
        expected: usize,
        /// Hashes in this one.
        actual: usize,
    },
    /// The leaf or the path is not that of the tree.
    #[error("leaf and path lead to the root {computed}, not to {claimed}")]
    OtherRoot {
        /// Where they lead.
        computed: RootHash,
        /// The root in the tree's head.
        claimed: RootHash,
    },
    /// The proof is not about this older tree.
    #[error("the proof leads to the root {computed} for the older tree, not to {claimed}")]
    OtherOlderRoot {
        /// Where it leads.
        computed: RootHash,
        /// The root in the older tree's head.
        claimed: RootHash,
    },
    /// The newer tree does not begin with the older one.
    #[error("the proof leads to the root {computed} for the newer tree, not to {claimed}")]
    OtherNewerRoot {
        /// Where it leads.
        computed: RootHash,
        /// The root in the newer tree's head.
        claimed: RootHash,
    },
    /// Two trees of one size differ.
    #[error("there are two different trees of {size} leaves")]
    Fork {
        /// The leaves in each.
        size: TreeSize,
    },
}

impl ProofError {
    pub(super) fn check_length(expected: usize, actual: usize) -> Result<(), Self> {
        match actual.cmp(&expected) {
            std::cmp::Ordering::Less => Err(Self::TooShort { expected, actual }),
            std::cmp::Ordering::Equal => Ok(()),
            std::cmp::Ordering::Greater => Err(Self::TooLong { expected, actual }),
        }
    }

    /// The refusal as it is shown, with the place of the proof: a file, a service, an event.
    pub fn fault(&self, place: impl fmt::Display) -> Fault {
        let (rule, hint) = match self {
            Self::Shape(ShapeError::EmptyTree) => {
                (EMPTY_TREE, "use a checkpoint that was made after the first event")
            }
            Self::Shape(ShapeError::IndexOutsideTree { .. }) => {
                (INDEX_OUTSIDE_TREE, "use a checkpoint that was made after this event")
            }
            Self::Shape(ShapeError::SizesReversed { .. }) => (
                SIZES_REVERSED,
                "give the older checkpoint first; if it was, the log has been cut back or replaced by an older copy",
            ),
            Self::TooShort { .. } | Self::TooLong { .. } => {
                (LENGTH, "ask the log for a proof about exactly these sizes")
            }
            Self::OtherRoot { .. } | Self::OtherOlderRoot { .. } | Self::OtherNewerRoot { .. } => (
                ROOT,
                "ask the log for the proof again; if it differs still, keep both checkpoints: the log was changed",
            ),
            Self::Fork { .. } => (FORK, "keep both checkpoints: they show that the log told two stories"),
        };
        Fault::new(Class::EvidenceInvalid, Owner::Operator, rule).at(place).says(self).hint(hint)
    }
}

/// Why a proof cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProveError<E> {
    /// Nothing can be proved about such trees.
    #[error(transparent)]
    Shape(#[from] ShapeError),
    /// A node could not be read.
    #[error("a node of the tree cannot be read")]
    Source(#[source] E),
}
