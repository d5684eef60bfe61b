//! `stepward schema`

use crate::{project::Project, render::raw, vendored};
use clap::{Args, ValueEnum};
use std::process::ExitCode;
use stepward_broker::Environment;
use stepward_flow::Workflow;

/// Prints the JSON Schema of a file, for editors and for other programs; `wit` prints the contract
/// between steps and hosts.
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
    /// The contract between a step and its host, in WIT
    Wit,
}

pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    let schema = match arguments.name {
        Name::Project => Project::schema(),
        Name::Workflow => Workflow::schema(),
        Name::Environment => Environment::schema(),
        Name::Wit => {
            raw(vendored::CONTRACT);
            return ExitCode::SUCCESS;
        }
    };
    raw(&serde_json::to_string_pretty(&schema).unwrap_or_default());
    ExitCode::SUCCESS
}
