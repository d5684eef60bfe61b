//! The store of run keys over real files.
#![allow(clippy::unwrap_used, reason = "tests")]

mod erasure;
mod store;
mod world;
