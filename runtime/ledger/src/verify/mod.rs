//! Verification without the service that wrote the log: of its store, an export, a proof, the evidence of a
//! run, or the tiles that it publishes.
//!
//! Each gives a [`Report`]: what holds, what could not be told from what was given, and what does not hold,
//! with its rule and its place. Nothing here reads a file by its name or believes a key by itself: [`Keys`]
//! says where each is from.
//!
//! | given | checked | found by |
//! | --- | --- | --- |
//! | [`store`] | every leaf, hash, checkpoint, event, body and row of the index | place |
//! | [`tiles`] | every entry and every hash | place |
//! | [`export`] | every line and its hash, against one checkpoint | place; an event changed together with its hash by [`compare`] |
//! | [`proof`], [`evidence`] | each event's path to one checkpoint | event |
//!
//! An event that was changed together with all hashes over it is found by the checkpoints, as a range; a
//! [`Copy`](struct@Copy) beside it tells which event. That the whole log is an older copy, or one of two that grew apart,
//! cannot be seen in it: only somebody who kept a checkpoint, best a witness, can tell. The report says so.

mod copy;
mod decode;
mod events;
mod export;
mod index;
mod keys;
mod proof;
mod report;
mod store;
mod tiles;
mod tree;

pub use copy::Copy;
pub use export::{compare, export};
pub use index::{OpenBody, Opening};
pub use keys::Keys;
pub use proof::{Evidence, evidence, proof};
pub use report::{Cosigner, Established, MAX_FINDINGS, Open, Report, Signed, Trust, Utc, Verdict};
pub use store::{Beside, KnownNote, store, tree};
pub use tiles::tiles;
