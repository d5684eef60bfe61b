//! Proof that a leaf is in a tree.

use super::route::Route;
use super::{
    Hashes, LeafHash, LeafIndex, NodeHash, ProofError, ProveError, RootHash, ShapeError, TreeHead, TreeSize,
};

/// The claim that a leaf stands at an index, and the path that shows it (RFC 9162, section 2.1.3.1;
/// the audit path of RFC 6962, section 2.1.1): the siblings on the way from the leaf to the root.
/// It may come from anyone and says nothing until it is verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inclusion {
    index: LeafIndex,
    path: Vec<NodeHash>,
}

/// A leaf that was shown to be in a tree. Only [`Inclusion::verify`] makes one.
///
/// ```compile_fail,E0451
/// use stepward_ledger::merkle::{Included, LeafHash, LeafIndex, TreeHead};
///
/// fn forge(leaf: LeafHash, index: LeafIndex, head: TreeHead) -> Included {
///     Included { leaf, index, head }
/// }
/// ```
#[derive(Debug, PartialEq, Eq)]
#[must_use = "it is the verdict"]
pub struct Included {
    leaf: LeafHash,
    index: LeafIndex,
    head: TreeHead,
}

impl Included {
    /// The leaf.
    pub fn leaf(&self) -> LeafHash {
        self.leaf
    }

    /// Where it stands.
    pub fn index(&self) -> LeafIndex {
        self.index
    }

    /// The tree that it is in.
    pub fn head(&self) -> TreeHead {
        self.head
    }
}

impl Inclusion {
    /// A claim as it was received, its path from the leaf's sibling upwards.
    pub fn new(index: LeafIndex, path: Vec<NodeHash>) -> Self {
        Self { index, path }
    }

    /// Proves that the leaf at `index` is in the tree over the first `size` leaves.
    ///
    /// # Errors
    /// When that tree has no such leaf, or a node cannot be read.
    pub fn prove<H: Hashes>(
        hashes: &H,
        index: LeafIndex,
        size: TreeSize,
    ) -> Result<Self, ProveError<H::Error>> {
        let route = Route::of_leaf(index, size)
            .ok_or(ProveError::Shape(ShapeError::IndexOutsideTree { index, size }))?;
        Ok(Self { index, path: route.siblings(hashes).map_err(ProveError::Source)? })
    }

    /// The index that is claimed.
    pub fn index(&self) -> LeafIndex {
        self.index
    }

    /// The siblings, from the leaf's upwards; at most [`MAX_PATH`](super::MAX_PATH) when it verifies.
    pub fn path(&self) -> &[NodeHash] {
        &self.path
    }

    /// Checks the claim as RFC 9162, section 2.1.3.2, does. The path's length is checked before
    /// anything is hashed.
    ///
    /// # Errors
    /// When the tree has no such leaf, the path is too short or too long, or it leads to another root.
    pub fn verify(&self, leaf: LeafHash, head: TreeHead) -> Result<Included, ProofError> {
        if head.size == TreeSize::EMPTY {
            return Err(ProofError::Shape(ShapeError::EmptyTree));
        }
        let route = Route::of_leaf(self.index, head.size)
            .ok_or(ProofError::Shape(ShapeError::IndexOutsideTree { index: self.index, size: head.size }))?;
        ProofError::check_length(route.len(), self.path.len())?;
        let computed = RootHash::from(route.root(leaf.into(), &self.path));
        if computed != head.root {
            return Err(ProofError::OtherRoot { computed, claimed: head.root });
        }
        Ok(Included { leaf, index: self.index, head })
    }
}
