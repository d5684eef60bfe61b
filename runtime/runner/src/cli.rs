//! The command line: what can be said, and where each command goes.

use crate::{
    command, hardening,
    log::LogArguments,
    render::{self, Output},
    session::Session,
};
use clap::{Args, Parser, Subcommand, error::ErrorKind};
use std::{ffi::OsString, path::PathBuf, process::ExitCode};
use stepward_fault::{Class, Fault, Owner, Rule};

/// The rule that a command line is well formed.
const COMMAND_LINE: Rule = Rule::new("command-line");

/// Runs every step of a workflow as a sealed WebAssembly component: exactly the bytes that were
/// pinned, reaching only what was granted.
#[derive(Parser)]
#[command(name = "stepward", version, propagate_version = false, max_term_width = 100, after_help = EXIT_CODES)]
pub(crate) struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "\
Exit codes: 0 done, 2 usage, 3 refused, 4 step failed, 5 limit exceeded, 6 waiting for a person,
7 unavailable, 8 evidence invalid, 9 bad input, 70 a defect of Stepward, 130 cancelled.

New here? `stepward demo` in a checkout shows it at work; `stepward new NAME` starts a project.";

/// The heading of what every command takes, in its help.
const EVERYWHERE: &str = "Everywhere";

/// What every command takes.
#[derive(Args)]
struct Global {
    /// Prints one JSON object on standard output, errors too; each names its schema
    #[arg(long, global = true, help_heading = EVERYWHERE)]
    json: bool,
    /// Never asks anything: fails where a person would have to answer
    #[arg(long, global = true, help_heading = EVERYWHERE)]
    no_input: bool,
    /// The project's folder [default: the nearest above with a stepward.toml]
    #[arg(long, global = true, help_heading = EVERYWHERE, value_name = "DIR")]
    project: Option<PathBuf>,
    /// Where keys, traces and compiled code lie [default: .stepward in the project]; the key that
    /// authenticates compiled code lies in the user's own state folder
    #[arg(long, global = true, help_heading = EVERYWHERE, value_name = "DIR", env = "STEPWARD_STATE")]
    state: Option<PathBuf>,
    /// Where the passphrase of a sealed environment key stands [default: the credential
    /// stepward.passphrase; without one it is asked for]
    #[arg(long, global = true, help_heading = EVERYWHERE, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
    #[command(flatten)]
    log: LogArguments,
}

/// Each command is documented where its arguments are.
#[derive(Subcommand)]
enum Command {
    New(command::new::Arguments),
    Build(command::build::Arguments),
    Test(command::test::Arguments),
    Check(command::check::Arguments),
    Inspect(command::inspect::Arguments),
    Measure(command::measure::Arguments),
    Run(command::run::Arguments),
    /// Looks at runs that were recorded
    #[command(subcommand)]
    Runs(command::runs::Command),
    Backup(command::backup::Arguments),
    Restore(command::restore::Arguments),
    /// Looks after the key of an environment
    #[command(subcommand)]
    Key(command::key::Command),
    /// Reads the event log, and takes out what others can check
    #[command(subcommand)]
    Ledger(command::ledger::Command),
    Evidence(command::evidence::Arguments),
    Verify(command::verify::Arguments),
    Doctor(command::doctor::Arguments),
    Demo(command::demo::Arguments),
    Schema(command::schema::Arguments),
    Completions(command::completions::Arguments),
}

impl Command {
    fn run(self, session: &Session) -> Result<ExitCode, Fault> {
        match self {
            Self::New(arguments) => command::new::run(session, &arguments),
            Self::Build(arguments) => command::build::run(session, &arguments),
            Self::Test(arguments) => command::test::run(session, &arguments),
            Self::Check(arguments) => command::check::run(session, &arguments),
            Self::Inspect(arguments) => command::inspect::run(session, &arguments),
            Self::Measure(arguments) => command::measure::run(session, &arguments),
            Self::Run(arguments) => Ok(command::run::run(session, &arguments)),
            Self::Runs(command) => command::runs::run(session, command),
            Self::Backup(arguments) => command::backup::run(session, &arguments),
            Self::Restore(arguments) => command::restore::run(session, &arguments),
            Self::Key(command) => command::key::run(session, &command),
            Self::Ledger(command) => command::ledger::run(session, &command),
            Self::Evidence(arguments) => command::evidence::run(session, &arguments),
            Self::Verify(arguments) => command::verify::run(session, &arguments),
            Self::Doctor(arguments) => command::doctor::run(session, &arguments),
            Self::Demo(arguments) => command::demo::run(session, &arguments),
            Self::Schema(arguments) => Ok(command::schema::run(&arguments)),
            Self::Completions(arguments) => Ok(command::completions::run(&arguments)),
        }
    }
}

/// Reads the command line, does what it says, and shows what came of it.
pub(crate) fn main() -> ExitCode {
    let arguments = std::env::args_os().collect::<Vec<OsString>>();
    // Asked of the raw words, since a command line that does not parse has no parsed flags.
    let json = arguments.iter().take_while(|word| *word != "--").any(|word| word == "--json");
    let output = Output::new(json);
    if let Err(fault) = hardening::apply() {
        return output.fault(&fault);
    }
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => return unparsed(&output, error),
    };
    let Global { json: _, no_input, project, state, passphrase_file, log } = cli.global;
    log.install();
    let session = Session::new(output, project, state, no_input, passphrase_file);
    cli.command.run(&session).unwrap_or_else(|fault| session.output().fault(&fault))
}

fn unparsed(output: &Output, error: clap::Error) -> ExitCode {
    let error = render::plain_words(error);
    let shown_on_purpose = matches!(
        error.kind(),
        ErrorKind::DisplayHelp
            | ErrorKind::DisplayVersion
            | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
    );
    if !output.is_json() || shown_on_purpose {
        render::usage(&error);
        return ExitCode::from(if error.use_stderr() { Class::Usage.exit_code() } else { 0 });
    }
    let text = error.to_string();
    let message = text.lines().next().unwrap_or_default();
    let fault = Fault::new(Class::Usage, Owner::Caller, COMMAND_LINE)
        .says(message.trim_start_matches("error: "))
        .hint("`stepward help` lists the commands");
    output.fault(&fault)
}

#[cfg(test)]
mod tests {
    use super::Cli;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
