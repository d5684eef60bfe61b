//! Where a log lies.
//!
//! [`Records`] is what can be read, [`Store`] adds the one way to write: a [`Batch`], all or nothing.
//! [`Nodes`] makes any of them a source of hashes for proofs. A store keeps the log and understands
//! none of it: leaves and bodies are opaque bytes, and every hash was taken by whoever appends.
//!
//! | part | what it is |
//! | --- | --- |
//! | `sqlite` (a feature) | the store of a service: one file, written by one process, read by any |
//! | `simulated` (a feature) | a store on a disk that fails on purpose, for tests |
//! | [`owner`] | the lock that lets one process write |

mod batch;
mod chain;
mod nodes;
pub mod owner;
mod records;
#[cfg(feature = "simulated")]
pub mod simulated;
#[cfg(feature = "sqlite")]
pub mod sqlite;

pub use batch::{Batch, Checkpoint, Entry, Fact, RunChange, RunLink, Subtree};
pub use chain::{Chain, SEAL_BYTES, Seal};
pub use nodes::{Nodes, TILE_HEIGHT, TILE_WIDTH};
pub(crate) use records::EDITED;
pub use records::{Index, Leaf, LeafRef, MAX_PAGE, Records, Run, Store};
