//! `stepward schema`

use crate::{project::Project, render::raw, vendored};
use clap::{Args, ValueEnum};
use schemars::Schema;
use std::process::ExitCode;
use stepward_broker::Environment;
use stepward_flow::Workflow;

/// Prints the JSON Schema of a file or an output.
///
/// Editors and other programs read it; `wit` prints the contract between steps and hosts instead.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Of what
    #[arg(value_enum)]
    name: Name,
}

#[derive(Clone, Copy, ValueEnum)]
enum Name {
    /// stepward.toml
    Project,
    /// workflows/NAME.toml
    Workflow,
    /// environments/NAME/environment.toml
    Environment,
    /// steps/NAME/cases/CASE.json
    Case,
    /// The trace of a step
    Trace,
    /// What `run --json` prints
    Run,
    /// What `inspect --json` prints
    Inspect,
    /// What every command prints with --json when it fails
    Error,
    /// The contract between a step and its host, in WIT
    Wit,
}

pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    let derived = |schema: Schema| serde_json::to_string_pretty(&schema).unwrap_or_default();
    raw(&match arguments.name {
        Name::Project => derived(Project::schema()),
        Name::Workflow => derived(Workflow::schema()),
        Name::Environment => derived(Environment::schema()),
        Name::Case => include_str!("../../schemas/case.json").to_owned(),
        Name::Trace => include_str!("../../schemas/trace.json").to_owned(),
        Name::Run => include_str!("../../schemas/run.json").to_owned(),
        Name::Inspect => include_str!("../../schemas/inspect.json").to_owned(),
        Name::Error => include_str!("../../schemas/error.json").to_owned(),
        Name::Wit => vendored::CONTRACT.to_owned(),
    });
    ExitCode::SUCCESS
}
