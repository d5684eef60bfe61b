//! What sealing costs: each figure beside its floor, taken in turns in the same process.
//!
//! `cargo bench -p stepward-benches` builds the guests, runs everything in some minutes and
//! prints the table that stands in the README. `-- step cold endpoint effect waiting worker ledger` chooses
//! parts; `-- ledger-long` opens and verifies a log of ten million events. With `--strict` a missed aim
//! ends it with exit code 1.
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

mod bare;
mod cold;
mod effect;
mod endpoint;
mod guests;
mod ledger;
mod long;
mod rounds;
mod step;
mod waiting;
mod worker;

use std::process::ExitCode;

/// What can be asked for. `--bench` is Cargo's.
const PARTS: [&str; 10] = [
    "step",
    "cold",
    "endpoint",
    "effect",
    "waiting",
    "worker",
    "ledger",
    "ledger-long",
    "--strict",
    "--bench",
];

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    match arguments.next() {
        Some(first) if first == worker::PROCESS => return stepward::worker::main(arguments),
        Some(first) if first == worker::NOTHING => return ExitCode::SUCCESS,
        _ => {}
    }
    let asked: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with('-')).collect();
    let side = asked.first().and_then(|argument| waiting::Side::of(argument));
    let unknown = std::env::args().skip(1).find(|word| side.is_none() && !PARTS.contains(&word.as_str()));
    if let Some(unknown) = unknown {
        eprintln!("there is no `{unknown}`; there are {}", PARTS.join(", "));
        return ExitCode::FAILURE;
    }
    let wants = |name: &str| asked.is_empty() || asked.iter().any(|a| a == name);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    if asked.iter().any(|a| a == "ledger-long") {
        long::measure(10_000_000);
        return end();
    }
    if let Some(side) = side {
        waiting::alone(side, &runtime, &guests::built());
        return ExitCode::SUCCESS;
    }
    println!("| what | floor | Stepward | ratio | aim |\n| --- | --- | --- | --- | --- |");
    if ["step", "cold", "waiting", "worker"].into_iter().any(wants) {
        with_guests(&runtime, wants);
    }
    if wants("endpoint") {
        endpoint::measure(&runtime);
    }
    if wants("effect") {
        effect::measure(&runtime);
    }
    if wants("ledger") {
        ledger::measure();
        long::measure(20_000);
        long::measure(1_000_000);
    }
    end()
}

/// Says how many aims were missed, and fails for it where this was asked for.
fn end() -> ExitCode {
    let missed = rounds::missed();
    if missed == 0 {
        return ExitCode::SUCCESS;
    }
    eprintln!("{missed} aims were missed");
    if std::env::args().any(|argument| argument == "--strict") {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}

/// What needs guests, which take minutes to build the first time.
fn with_guests(runtime: &tokio::runtime::Runtime, wants: impl Fn(&str) -> bool) {
    let guests = guests::build();
    if wants("step") {
        step::measure(runtime, &guests);
    }
    if wants("cold") {
        cold::measure(&guests);
    }
    if wants("waiting") {
        waiting::measure();
    }
    if wants("worker") {
        worker::measure(&guests);
    }
}
