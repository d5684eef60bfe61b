//! The stores: both behave alike, and the real one on a real disk.
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

mod alike;
mod disk;
mod nodes;
mod sqlite;
mod stray;
mod support;
