//! `stepward schema`

use crate::{render::raw, vendored};
use clap::{Args, ValueEnum};
use schemars::Schema;
use serde_json::{Value, json};
use std::process::ExitCode;
use stepward::worker::lockdown::Promise;
use stepward_broker::Environment;
use stepward_flow::{ProjectDefinition, Workflow};

/// Prints the JSON Schema of a file or an output.
///
/// Editors and other programs read it; `wit` prints the contract between steps and hosts instead.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Of what
    #[arg(value_enum)]
    name: Name,
}

const TRACE: &str = include_str!("../../schemas/trace.json");

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
    /// STEP.late.json beside the traces: what came of an effect of a run that was cancelled
    Late,
    /// What `run --json` prints
    Run,
    /// What `inspect --json` prints
    Inspect,
    /// What `doctor --json` prints
    Doctor,
    /// What every command prints with --json when it fails
    Error,
    /// The contract between a step and its host, in WIT
    Wit,
}

pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    let derived = |schema: Schema| serde_json::to_string_pretty(&schema).unwrap_or_default();
    raw(&match arguments.name {
        Name::Project => derived(ProjectDefinition::schema()),
        Name::Workflow => derived(Workflow::schema()),
        Name::Environment => environment(),
        Name::Case => include_str!("../../schemas/case.json").to_owned(),
        Name::Trace => TRACE.to_owned(),
        Name::Late => late(),
        Name::Run => include_str!("../../schemas/run.json").to_owned(),
        Name::Inspect => include_str!("../../schemas/inspect.json").to_owned(),
        Name::Doctor => include_str!("../../schemas/doctor.json").to_owned(),
        Name::Error => include_str!("../../schemas/error.json").to_owned(),
        Name::Wit => vendored::CONTRACT.to_owned(),
    });
    ExitCode::SUCCESS
}

/// The crate that reads the file does not know which promises there are.
fn environment() -> String {
    let mut schema = Environment::schema().to_value();
    if let Some(names) = schema.pointer_mut("/$defs/Require/oneOf/1/items") {
        *names = json!({ "enum": Promise::ALL });
    }
    serde_json::to_string_pretty(&schema).unwrap_or_default()
}

/// A late answer as a trace keeps it, with the names that a trace has of its own.
fn late() -> String {
    let trace: Value = serde_json::from_str(TRACE).unwrap_or_default();
    let of_trace = |pointer: &str| trace.pointer(pointer).cloned().unwrap_or_default();
    let late = json!({
        "$schema": of_trace("/$schema"),
        "title": "Late",
        "description": "What came of an effect when its run was cancelled: such a step leaves no trace. As confidential as a trace.",
        "type": "object",
        "properties": {
            "schema": { "const": "stepward.late/1" },
            "run": { "type": "string" },
            "step": { "type": "string" },
            "call": { "type": "integer", "minimum": 0, "description": "The call of the step, from 0." },
            "asked": { "type": "string" },
            "operation": { "type": "string", "description": "The step's name for the effect." },
            "after_ms": of_trace("/$defs/late/properties/after_ms"),
            "answer": of_trace("/$defs/late/properties/answer"),
        },
        "required": ["schema", "run", "step", "call", "asked", "after_ms", "answer"],
        "additionalProperties": false,
        "$defs": of_trace("/$defs"),
    });
    serde_json::to_string_pretty(&late).unwrap_or_default()
}
