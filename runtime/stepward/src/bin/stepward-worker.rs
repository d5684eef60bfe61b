//! A worker process and nothing else: for programs that embed [`stepward`] and run guests in worker
//! processes.
//!
//! Ship it beside the program and name its path in [`stepward::Program`], or do without it: a program
//! whose own first act is to call [`stepward::worker::main`] can be its own worker.
//!
//! It is started by its parent alone, over a pipe in place of standard input. A person who starts it
//! gets exit code 2.
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    stepward::worker::main(std::env::args_os().skip(1))
}
