//! Whole-system tests.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "the helpers of tests end a test as its assertions do"
)]

mod demo;
mod embedder;
mod fuzz_seeds;
mod hostile;
mod judges;
mod kill;
mod new_project;
mod process;
mod readme;
mod relay;
mod reproducible;
mod stage;
mod support;
mod workers;
mod workflow;
mod wrong_turns;
