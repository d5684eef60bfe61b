//! Proof that a tree only added to an older one.

use super::route::Route;
use super::{Hashes, NodeHash, ProofError, ProveError, RootHash, ShapeError, TreeHead, TreeSize};

/// The claim that an older tree is the beginning of a newer one, and the hashes that show it
/// (RFC 9162, section 2.1.4.1; RFC 6962, section 2.1.2). It may come from anyone and says nothing
/// until it is verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consistency {
    path: Vec<NodeHash>,
}

/// A tree that was shown to extend an older one. Only [`Consistency::verify`] makes one.
///
/// ```compile_fail,E0451
/// use stepward_ledger::merkle::{Extends, TreeHead};
///
/// fn forge(older: TreeHead, newer: TreeHead) -> Extends {
///     Extends { older, newer }
/// }
/// ```
#[derive(Debug, PartialEq, Eq)]
#[must_use = "it is the verdict"]
pub struct Extends {
    older: TreeHead,
    newer: TreeHead,
}

impl Extends {
    /// The tree that was there before.
    pub fn older(&self) -> TreeHead {
        self.older
    }

    /// The tree that begins with it.
    pub fn newer(&self) -> TreeHead {
        self.newer
    }
}

impl Consistency {
    /// A claim as it was received, its path in the order of RFC 9162.
    pub fn new(path: Vec<NodeHash>) -> Self {
        Self { path }
    }

    /// Proves that the tree over the first `newer` leaves extends that over the first `older`. The
    /// proof for two equal sizes is empty.
    ///
    /// # Errors
    /// When `older` is empty or the larger of the two, or a node cannot be read.
    pub fn prove<H: Hashes>(
        hashes: &H,
        older: TreeSize,
        newer: TreeSize,
    ) -> Result<Self, ProveError<H::Error>> {
        if older == TreeSize::EMPTY {
            return Err(ProveError::Shape(ShapeError::EmptyTree));
        }
        if older == newer {
            return Ok(Self::new(Vec::new()));
        }
        let route = Route::of_prefix(older, newer)
            .ok_or(ProveError::Shape(ShapeError::SizesReversed { older, newer }))?;
        let mut path = route.siblings(hashes).map_err(ProveError::Source)?;
        if !is_one_subtree(older) {
            path.insert(0, hashes.node(route.start()).map_err(ProveError::Source)?);
        }
        Ok(Self { path })
    }

    /// The hashes, in the order of RFC 9162; at most [`MAX_PATH`](super::MAX_PATH) when it verifies.
    pub fn path(&self) -> &[NodeHash] {
        &self.path
    }

    /// Checks the claim as RFC 9162, section 2.1.4.2, does. The path's length is checked before
    /// anything is hashed. Trees of one size are the same tree or a fork.
    ///
    /// # Errors
    /// When the older tree is empty (every tree extends that, so a proof would show nothing) or the
    /// larger, the path is too short or too long, or it leads to another root for either tree.
    pub fn verify(&self, older: TreeHead, newer: TreeHead) -> Result<Extends, ProofError> {
        if older.size == TreeSize::EMPTY {
            return Err(ProofError::Shape(ShapeError::EmptyTree));
        }
        if older.size == newer.size {
            ProofError::check_length(0, self.path.len())?;
            return if older.root == newer.root {
                Ok(Extends { older, newer })
            } else {
                Err(ProofError::Fork { size: newer.size })
            };
        }
        let route = Route::of_prefix(older.size, newer.size)
            .ok_or(ProofError::Shape(ShapeError::SizesReversed { older: older.size, newer: newer.size }))?;
        let (expected, parts) = if is_one_subtree(older.size) {
            (route.len(), Some((older.root.as_node(), self.path.as_slice())))
        } else {
            (route.len() + 1, self.path.split_first().map(|(start, siblings)| (*start, siblings)))
        };
        ProofError::check_length(expected, self.path.len())?;
        let (start, siblings) = parts.ok_or(ProofError::TooShort { expected, actual: 0 })?;
        let computed = RootHash::from(route.root_before(start, siblings));
        if computed != older.root {
            return Err(ProofError::OtherOlderRoot { computed, claimed: older.root });
        }
        let computed = RootHash::from(route.root(start, siblings));
        if computed != newer.root {
            return Err(ProofError::OtherNewerRoot { computed, claimed: newer.root });
        }
        Ok(Extends { older, newer })
    }
}

/// Whether the tree is a single complete subtree, whose hash the verifier knows as its root and the
/// proof therefore leaves out.
fn is_one_subtree(size: TreeSize) -> bool {
    size.get().is_power_of_two()
}
