//! The store of a service: one SQLite file in WAL mode.
//!
//! One [`Writer`] owns it; any number of [`Reader`]s, in other processes too, look at it meanwhile.
//! Every commit is synced (`synchronous=FULL`) before it returns, and what is deleted is overwritten
//! (`secure_delete`). In WAL mode the bytes of a deleted body can stay in freed blocks of the disk:
//! what makes an erased body unreadable is that its key is gone.

mod backup;
mod fault;
mod index;
mod reader;
mod rows;
mod schema;
mod stray;
mod writer;

pub use reader::Reader;
pub use writer::Writer;
