//! The values that cross between a sealed step and its host.
//!
//! Host functions have no effects of their own: each turns its arguments into a [`HostCall`] and
//! awaits [`Broker::call`]. Calls and replies are plain values, so that the same guest runs against
//! a live broker, a recorded trace, an author's script, another process, or an embedder's own.
//! `sandbox` and `broker` meet here and nowhere else.
#![forbid(unsafe_code)]

mod body;
mod broker;
mod call;
mod grants;
mod label;
mod limits;
mod secret;

pub use body::Body;
pub use broker::{Broker, BrokerFuture, CallSite, Stop};
pub use call::{
    Algorithm, CallKind, Cause, HostCall, HostReply, HttpFailure, HttpRequest, HttpResponse, LogLevel,
    Method, Pair, Refusal, Revealed, Signature,
};
pub use grants::{EndpointGrant, Grant, Grants, PathMatch, PathPattern, PatternError, TwoGrants};
pub use label::{Interface, Label, LabelError};
pub use limits::{LimitError, LimitName, LimitTable, Limits, Usage};
pub use secret::SecretBytes;
