//! Digests, pins and the lock file. No I/O: bytes come in, verdicts go out.
#![forbid(unsafe_code)]

mod digest;
mod pinned;

pub use digest::{Digest, DigestError};
pub use pinned::{PIN, Pinned};
