//! `stepward schema`

use crate::{project::Project, session::Session, vendored};
use clap::{Args, ValueEnum};
use std::process::ExitCode;
use stepward_broker::Environment;
use stepward_fault::Fault;
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

pub(crate) fn run(session: &Session, arguments: &Arguments) -> Result<ExitCode, Fault> {
    let schema = match arguments.name {
        Name::Project => Project::schema(),
        Name::Workflow => Workflow::schema(),
        Name::Environment => Environment::schema(),
        Name::Wit => {
            session.output().raw(vendored::CONTRACT);
            return Ok(ExitCode::SUCCESS);
        }
    };
    session.output().raw(&serde_json::to_string_pretty(&schema).unwrap_or_default());
    Ok(ExitCode::SUCCESS)
}
