//! What sealing costs: each figure beside its floor, taken in turns in the same process.
//!
//! `cargo bench -p stepward-benches` builds the guests, runs everything in under two minutes and
//! prints the table that stands in the README. `-- step cold endpoint waiting` chooses parts.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    clippy::cast_precision_loss,
    missing_docs,
    reason = "a benchmark reads the clock, starts processes and fails by panicking"
)]

mod cold;
mod endpoint;
mod guests;
mod rounds;
mod step;
mod waiting;

fn main() {
    let asked: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with('-')).collect();
    let wants = |name: &str| asked.is_empty() || asked.iter().any(|a| a == name);
    let guests = guests::build();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    println!("| what | floor | Stepward | ratio | aim |\n| --- | --- | --- | --- | --- |");
    if wants("step") {
        step::measure(&runtime, &guests);
    }
    if wants("cold") {
        cold::measure(&guests);
    }
    if wants("endpoint") {
        endpoint::measure(&runtime);
    }
    if wants("waiting") {
        waiting::measure(&runtime, &guests);
    }
}
