//! The Merkle tree of RFC 6962 and RFC 9162, section 2.1, over SHA-256.
//!
//! An entry becomes a [`LeafHash`]; a [`Frontier`] turns the growing list of leaves into a
//! [`TreeHead`], in memory that grows with the logarithm of its size. [`Inclusion`] shows that a leaf
//! is in a tree, [`Consistency`] that a tree only added to an older one. Both are made from stored
//! [`Hashes`] and checked from two or three numbers and a [`TreeHead`] alone.
//!
//! ```
//! use stepward_ledger::merkle::{Consistency, Inclusion, LeafHash, LeafIndex, MemoryTree};
//!
//! let mut tree = MemoryTree::default();
//! for entry in ["run started", "call intended", "call answered"] {
//!     tree.append(LeafHash::of(entry.as_bytes()))?;
//! }
//! let older = tree.head();
//! tree.append(LeafHash::of(b"run ended"))?;
//! let newer = tree.head();
//!
//! let intended = LeafIndex::new(1)?;
//! let proof = Inclusion::prove(&tree, intended, newer.size)?;
//! let included = proof.verify(LeafHash::of(b"call intended"), newer)?;
//! assert_eq!(included.index(), intended);
//! assert!(proof.verify(LeafHash::of(b"call denied"), newer).is_err());
//!
//! let grown = Consistency::prove(&tree, older.size, newer.size)?.verify(older, newer)?;
//! assert_eq!(grown.older(), older);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What a proof does not say
//!
//! A path fixes the way from a leaf to the root, not the number of leaves: trees of 3 and of 4 leaves
//! share the shape of leaf 0's path, so one path and one root may verify under both sizes. What ties
//! a size to its root is the signature over the head. Verify against a head that was signed, never
//! against a size and a root that came from two places.

mod consistency;
mod error;
mod frontier;
mod hash;
mod inclusion;
mod position;
mod route;
mod source;

pub use consistency::{Consistency, Extends};
pub use error::{ProofError, ProveError, ShapeError};
pub use frontier::Frontier;
pub use hash::{HASH_BYTES, LeafHash, NodeHash, RootHash};
pub use inclusion::{Included, Inclusion};
pub use position::{LeafIndex, MAX_PATH, MAX_TREE_SIZE, Node, TooLarge, TreeHead, TreeSize};
pub use source::{Hashes, MemoryTree, Missing};
