//! The single writer: order, durability, failure and what is checked when a log is opened again.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::disallowed_methods,
    missing_docs,
    reason = "tests, which make, read and damage the files of a log"
)]

mod check;
mod crash;
mod seal;
mod support;
mod wal;
mod writer;
