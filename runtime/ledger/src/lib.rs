//! The event log of an environment: what was decided, done and answered, in an order that nobody can
//! change unnoticed, and from which runs go on after a crash.
//!
//! ```text
//!  Draft ─► Log::append ─► Ticket ─► Log::durable ─► Durable ─► the act that had to wait
//!           number, stamp,           one commit for
//!           leaf, hash               all that wait     LogSigner::sign ─► SignedCheckpoint ─► witnesses
//! ```
//!
//! | module | what it is |
//! | --- | --- |
//! | [`event`] | the closed set of events, and the exact bytes of each |
//! | [`log`] | the one writer: order, group commit, the check at start |
//! | [`store`] | where a log lies: a small trait, SQLite (feature `sqlite`), and a disk that fails for tests (feature `simulated`) |
//! | [`runs`] | what each run has come to, told from its events |
//! | [`facts`] | the names of what a log remembers beside its events |
//! | [`merkle`] | the tree of RFC 6962 and RFC 9162, and its proofs |
//! | [`note`] | C2SP signed notes, checkpoints and cosignatures |
//! | [`witness`] | the client of C2SP tlog-witness |
//! | [`tiles`], [`proof`], [`export`] | C2SP tlog-tiles and tlog-proof, and all events in one file: what outsiders read |
//! | [`verify`] | checks any of these, and a store, without the service that wrote it |
//!
//! How it lies on disk is in the manual, [`manual::storage`], and what somebody has to check who does not believe
//! its owner in [`manual::verifying`].
//!
//! It holds no key and no body: bodies arrive sealed and are opaque here. It reads no clock, no
//! variable and no configuration; SQLite is given a path because it opens its files itself.
//!
//! # What a log shows, and what it cannot
//!
//! Who has a checkpoint of size *n* can check that every later tree still begins with the same *n*
//! events. So whoever keeps a checkpoint where the log's owner cannot change it, a witness for
//! instance, will notice an event that was edited, removed or moved, and a log that was replaced by an
//! older copy. Without such a checkpoint an administrator who holds the signing key can write another
//! history from the start; nothing inside a log can tell.
//!
//! What a checkpoint does not cover yet, and the index of unfinished runs, stand under a seal that takes the
//! environment's key to make: [`log::Sealer`].
#![forbid(unsafe_code)]

pub mod event;
pub mod export;
pub mod facts;
pub mod log;
pub mod merkle;
pub mod note;
pub mod proof;
pub mod runs;
pub mod store;
pub mod tiles;
pub mod verify;
pub mod witness;

/// The manual.
#[cfg(doc)]
pub mod manual {
    #[doc = include_str!("../docs/storage.md")]
    pub mod storage {}
    #[doc = include_str!("../docs/verifying.md")]
    pub mod verifying {}
}
