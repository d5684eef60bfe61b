//! The one writer of a log.
//!
//! Many callers [`append`](Log::append); one thread owns the [`Store`](crate::store::Store) and
//! commits whatever has gathered while the last commit was synced, so the cost is per batch. An
//! event's bytes are made under the lock that hands out its sequence number: the order of the numbers
//! is the order in which events were taken, and the [`Stamp`]s never go back. Whoever needs an event
//! to be durable waits for its [`Durable`], and an act that must not happen before takes that value.
//!
//! When a commit fails nobody knows what the disk holds. The log is then closed for good: all that wait
//! and all that come get the same fault, and only opening the store again, with all its checks, tells.

mod check;
mod clock;
mod handle;
mod queue;
mod seal;
mod unfinished;
mod writer;

pub use check::{Opened, SequenceOf, Trusted};
pub use clock::{Clock, Stamp};
pub use handle::{Attached, Durable, Log, MAX_LEAF, Ticket, When};
pub use queue::{MAX_WAITING_BYTES, MAX_WAITING_EVENTS};
pub use seal::{Sealer, Vouched};
pub use unfinished::{MAX_FACTS, MAX_UNFINISHED, OpenRun};
