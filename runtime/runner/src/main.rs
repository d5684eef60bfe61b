//! The `stepward` binary: command line, builds, runs, the demo.
//!
//! The only room that reads files by path, variables of the environment and the clock. Everything
//! that decides lives in the crates below; this one finds, feeds, and shows.
#![forbid(unsafe_code)]

mod build;
mod cli;
mod command;
mod demo;
mod files;
mod log;
mod project;
mod render;
mod running;
mod session;
mod vendored;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
