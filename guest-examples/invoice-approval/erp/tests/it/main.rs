//! The service as its clients see it: real sockets, real TLS, a real database on disk.
#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must end"
)]

mod client;
mod payments;
mod process;
mod service;
