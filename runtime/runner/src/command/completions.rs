//! `stepward completions`

use crate::{cli::Cli, session::Session};
use clap::{Args, CommandFactory as _};
use clap_complete::Shell;
use std::process::ExitCode;
use stepward_fault::Fault;

/// Prints the completion script for a shell. Put it where the shell looks, such as
/// ~/.local/share/bash-completion/completions/stepward for bash.
#[derive(Args)]
pub(crate) struct Arguments {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

pub(crate) fn run(session: &Session, arguments: &Arguments) -> Result<ExitCode, Fault> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Cli::command(), "stepward", &mut script);
    session.output().raw(&String::from_utf8_lossy(&script));
    Ok(ExitCode::SUCCESS)
}
