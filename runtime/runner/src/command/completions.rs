//! `stepward completions`

use crate::{cli::Cli, render::raw};
use clap::{Args, CommandFactory as _};
use clap_complete::Shell;
use std::process::ExitCode;

/// Prints the completion script for a shell.
///
/// Put it where the shell looks, such as
/// ~/.local/share/bash-completion/completions/stepward for bash.
#[derive(Args)]
pub(crate) struct Arguments {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Cli::command(), "stepward", &mut script);
    raw(&String::from_utf8_lossy(&script));
    ExitCode::SUCCESS
}
