//! `stepward runs`

use crate::session::Session;
use clap::Subcommand;
use std::process::ExitCode;
use stepward_fault::Fault;

/// …
#[derive(Subcommand)]
pub(crate) enum Command {}

pub(crate) fn run(_: &Session, command: Command) -> Result<ExitCode, Fault> {
    match command {}
}
