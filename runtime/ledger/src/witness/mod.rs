//! Asking witnesses to cosign, and judging what they say (C2SP tlog-witness).
//!
//! A log alone cannot show that nobody put an older copy in its place: the older copy was right once.
//! A witness remembers the largest checkpoint of a log that it cosigned, and cosigns only what extends
//! it. Enough witnesses that the log's operator does not control make a rollback or a second story visible.
//!
//! [`round`] submits a checkpoint to every witness and gathers the cosignatures; a [`Policy`] judges whether
//! they are enough. Nothing here opens a connection or reads a clock: a [`Transport`] does the one, the
//! caller gives the time.
//!
//! # Asking what the witnesses know
//!
//! A witness has no call that asks for the size it knows. Submitting the log's newest checkpoint asks it all
//! the same: a witness that knows less cosigns it, one that knows as much cosigns it again, and one that knows
//! more says so, which shows that this copy of the log is not the newest. Do that at each start. That answer is
//! not signed; the checkpoint that the witness serves at [`checkpoint_path`] is, by the log's own key.
//!
//! # Entry points for hostile bytes
//!
//! [`Response::read`] takes whatever a witness sent; [`SignedNote::parse`](crate::note::SignedNote::parse) and
//! [`VerifierKey::parse`](crate::note::VerifierKey::parse) take notes and keys.

mod finding;
mod policy;
mod request;
mod response;
mod round;
mod submission;

pub use finding::{Finding, Outcome, Refusal};
pub use policy::{
    FUTURE_SECONDS, Lacking, MAX_FRESH_SECONDS, MAX_WITNESSES, Policy, PolicyError, Unreachable, Unwitnessed,
    Witnessed,
};
pub use request::{ADD_CHECKPOINT, AddCheckpoint, MAX_PROOF_LINES, RequestError, checkpoint_path};
use response::CONFLICT;
pub use response::{Answer, MAX_ANSWER_BYTES, Response, ResponseError, SIZE_TYPE};
pub use round::{Round, RoundError, Transport, TransportFailure, round};
