//! Digests, pins and the lock file. No I/O: bytes come in, verdicts go out.
#![forbid(unsafe_code)]

mod digest;
mod lock;
mod pinned;

pub use digest::{Digest, DigestError};
pub use lock::{Difference, LOCK, Lock, LockedStep, Toolchain};
pub use pinned::{PIN, Pinned};
