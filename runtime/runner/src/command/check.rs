//! `stepward check`

use crate::session::Session;
use clap::Args;
use std::process::ExitCode;
use stepward_fault::Fault;

/// …
#[derive(Args)]
pub(crate) struct Arguments {}

pub(crate) fn run(_: &Session, _: &Arguments) -> Result<ExitCode, Fault> {
    Ok(ExitCode::SUCCESS)
}
