//! The `stepward` binary: command line, builds, runs, the demo.
//!
//! The only room that reads files by path, variables of the environment and the clock. Everything
//! that decides lives in the crates below; this one finds, feeds, and shows.
// Not forbidden for the sake of one system call, in `running/book/clock/kernel.rs`.
#![deny(unsafe_code)]

mod build;
mod cli;
mod command;
mod demo;
mod files;
mod hardening;
mod log;
mod project;
mod render;
mod running;
mod session;
mod vendored;

use std::process::ExitCode;

/// The first argument of a process that guests live in. Nobody types it: it stands in no help.
const WORKER: &str = "worker";

/// The first argument of a locked process in which `doctor` tries something.
const PROBE: &str = "worker-probe";

fn main() -> ExitCode {
    // Before anything is read, opened or started: a worker holds nothing that it could give away.
    let mut arguments = std::env::args_os().skip(1);
    // A person who types one of these words alone is told that it is no command.
    match arguments.next() {
        Some(first) if first == WORKER && arguments.len() > 0 => stepward::worker::main(arguments),
        Some(first) if first == PROBE && arguments.len() > 0 => command::doctor::probe(arguments),
        Some(_) | None => cli::main(),
    }
}
