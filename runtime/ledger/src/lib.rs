//! The event log of an environment. No I/O: bytes and hashes come in, proofs and verdicts go out.
//!
//! [`merkle`] is the tree that makes the log append-only in a way that outsiders can check.
#![forbid(unsafe_code)]

pub mod merkle;
