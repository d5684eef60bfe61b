//! The three kinds of hash in a tree, which share a size and must not be mixed up.

use sha2::{Digest as _, Sha256};
use std::fmt;

/// Bytes in a SHA-256 hash (FIPS 180-4).
pub const HASH_BYTES: usize = 32;

/// Goes before a leaf's bytes (RFC 9162, section 2.1.1), so that no leaf can pose as a node.
const LEAF_DOMAIN: u8 = 0x00;

/// Goes before the two children of a node (RFC 9162, section 2.1.1).
const NODE_DOMAIN: u8 = 0x01;

macro_rules! hash_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash)]
        pub struct $name([u8; HASH_BYTES]);

        impl $name {
            /// Takes over a hash that was taken elsewhere.
            pub const fn from_bytes(bytes: [u8; HASH_BYTES]) -> Self {
                Self(bytes)
            }

            /// The 32 bytes.
            pub const fn as_bytes(&self) -> &[u8; HASH_BYTES] {
                &self.0
            }
        }

        /// 64 lower-case hex digits.
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&hex::encode(self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }
    };
}

hash_type! {
    /// The hash of one entry of the log.
    LeafHash
}

hash_type! {
    /// The hash of a subtree, which may be a single leaf. Paths are made of these.
    NodeHash
}

hash_type! {
    /// The hash of a whole tree.
    RootHash
}

impl LeafHash {
    /// Hashes an entry: SHA-256 over `0x00` and its bytes.
    pub fn of(entry: &[u8]) -> Self {
        Self(Sha256::new().chain_update([LEAF_DOMAIN]).chain_update(entry).finalize().into())
    }
}

impl NodeHash {
    /// Hashes two neighbours into their parent: SHA-256 over `0x01`, `left` and `right`.
    pub fn join(left: Self, right: Self) -> Self {
        let hash = Sha256::new().chain_update([NODE_DOMAIN]).chain_update(left.0).chain_update(right.0);
        Self(hash.finalize().into())
    }

    /// Joins the roots of neighbouring subtrees, the rightmost first, into the root of them all;
    /// nothing when there are none.
    pub(super) fn join_leftwards<E>(
        subtrees: impl Iterator<Item = Result<Self, E>>,
    ) -> Result<Option<Self>, E> {
        let mut root = None;
        for subtree in subtrees {
            let left = subtree?;
            root = Some(root.map_or(left, |right| Self::join(left, right)));
        }
        Ok(root)
    }
}

impl RootHash {
    /// The root of the tree without leaves: SHA-256 of nothing (RFC 9162, section 2.1.1).
    pub fn empty() -> Self {
        Self(Sha256::digest([]).into())
    }

    /// The root as the lone subtree that begins an older tree's proof.
    pub(super) fn as_node(self) -> NodeHash {
        NodeHash(self.0)
    }
}

/// A leaf is the smallest subtree.
impl From<LeafHash> for NodeHash {
    fn from(leaf: LeafHash) -> Self {
        Self(leaf.0)
    }
}

/// The subtree that covers every leaf is the tree.
impl From<NodeHash> for RootHash {
    fn from(node: NodeHash) -> Self {
        Self(node.0)
    }
}
