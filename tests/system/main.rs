//! Whole-system tests.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "the helpers of tests end a test as its assertions do"
)]

mod fuzz_seeds;
mod embedder;
mod hostile;
mod stage;
mod support;
mod workflow;
