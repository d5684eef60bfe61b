//! What is said over the pipe between the parent and a worker.
//!
//! One Unix socket pair, used both ways. Each frame is a length (four bytes, little endian) and one
//! message in [postcard's wire format](https://postcard.jamesmunns.com/wire-format), which says how
//! each value is written; the message types of this module say what may be written. Parent and worker are the
//! same program in the same version, so there is no negotiation: another version ends the worker.
//!
//! The two ends do not trust each other alike. A worker believes its parent. The parent treats each
//! byte of a worker as hostile: the length is held against what the runs in that worker may send
//! before anything is allocated for it, memory grows with the bytes that came and not with the ones
//! that were promised, and a frame that does not decode to its last byte ends the worker.

mod frame;
mod message;
mod wire;

#[cfg(test)]
mod tests;

pub(crate) use frame::KEPT_BYTES;
pub use frame::{FrameError, Frames, decode_up, encode};
pub use message::{
    Compile, Down, Ended, GuestEnd, Hello, Imported, Load, Overrun, Run, Start, StartKind, Up,
};
pub use wire::{Answer, Bytes, Call, Request, Response, Shown, Signed};

/// The version of the protocol; a worker says it first.
pub const PROTOCOL: u32 = 1;
