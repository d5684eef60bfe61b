//! What stands beside the tree for whoever holds the environment's key.

use crate::merkle::LeafHash;
use sha2::{Digest as _, Sha256};

/// Bytes of a [`Chain`] and of a [`Seal`]: SHA-256 and HMAC-SHA-256.
pub const SEAL_BYTES: usize = 32;

/// Domain of a chain's links, so that none of them is a hash of anything else.
const LINK: &[u8] = b"stepward/ledger/1 run\n";

/// One hash over all events of a run, in order: each link is SHA-256 over a domain, the link before it and the
/// event's leaf hash. With it, the events that are found by walking back from the last one are known to be
/// those that were written, all of them, without a look at any other event.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Chain([u8; SEAL_BYTES]);

impl Chain {
    /// Before the first event.
    pub const START: Self = Self([0; SEAL_BYTES]);

    /// As it was stored.
    pub const fn from_bytes(bytes: [u8; SEAL_BYTES]) -> Self {
        Self(bytes)
    }

    /// The bytes to store.
    pub const fn as_bytes(&self) -> &[u8; SEAL_BYTES] {
        &self.0
    }

    /// The chain with one more event.
    #[must_use]
    pub fn after(self, event: LeafHash) -> Self {
        Self(
            Sha256::new()
                .chain_update(LINK)
                .chain_update(self.0)
                .chain_update(event.as_bytes())
                .finalize()
                .into(),
        )
    }
}

impl std::fmt::Debug for Chain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Chain({})", hex::encode(self.0))
    }
}

/// A keyed hash over the head of the log, its unfinished runs and the values that it remembers; see
/// [`Sealer`](crate::log::Sealer). A store keeps it and cannot make it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Seal([u8; SEAL_BYTES]);

impl Seal {
    /// As it was made or stored.
    pub const fn from_bytes(bytes: [u8; SEAL_BYTES]) -> Self {
        Self(bytes)
    }

    /// The bytes to store.
    pub const fn as_bytes(&self) -> &[u8; SEAL_BYTES] {
        &self.0
    }
}

impl std::fmt::Debug for Seal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Seal({})", hex::encode(self.0))
    }
}
