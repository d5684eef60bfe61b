//! `stepward schema`

mod document;

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

const TRACE: &str = include_str!("../../../schemas/trace.json");

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
    /// What `new --json` prints
    New,
    /// What `build --json` prints
    Build,
    /// What `test --json` prints
    Test,
    /// What `check --json` prints
    Check,
    /// What `measure --json` prints
    Measure,
    /// What `demo --json` prints
    Demo,
    /// What `runs replay --json` prints
    Replay,
    /// What `runs list --json` prints
    Runs,
    /// What `runs show --json` prints
    RunEvents,
    /// What `runs resolve --json` prints
    Resolved,
    /// What `runs cancel --json` prints
    Cancelled,
    /// What `runs erase --json` prints
    Erased,
    /// What `ledger key --json` prints
    LedgerKey,
    /// What `ledger export --json` prints
    Exported,
    /// What `ledger checkpoint --json` prints
    Checkpoint,
    /// What `ledger prove --json` prints
    Proof,
    /// What `ledger show --json` prints
    Event,
    /// What `evidence --json` prints
    Evidence,
    /// What `verify --json` prints
    Verify,
    /// What `key show`, `protect` and `unprotect` print with --json
    Key,
    /// What `key rotate-wrapping --json` prints
    Rotation,
    /// What `backup --json` prints
    BackupMade,
    /// What `restore --json` prints
    Restore,
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
        Name::Case => include_str!("../../../schemas/case.json").to_owned(),
        Name::Trace => TRACE.to_owned(),
        Name::Late => late(),
        Name::Run => include_str!("../../../schemas/run.json").to_owned(),
        Name::Inspect => include_str!("../../../schemas/inspect.json").to_owned(),
        Name::Doctor => include_str!("../../../schemas/doctor.json").to_owned(),
        Name::New => document::whole(include_str!("../../../schemas/new.json")),
        Name::Build => document::whole(include_str!("../../../schemas/build.json")),
        Name::Test => document::whole(include_str!("../../../schemas/test.json")),
        Name::Check => document::whole(include_str!("../../../schemas/check.json")),
        Name::Measure => document::whole(include_str!("../../../schemas/measure.json")),
        Name::Demo => document::whole(include_str!("../../../schemas/demo.json")),
        Name::Replay => document::whole(include_str!("../../../schemas/replay.json")),
        Name::Runs => document::whole(include_str!("../../../schemas/runs.json")),
        Name::RunEvents => document::whole(include_str!("../../../schemas/run-events.json")),
        Name::Resolved => document::whole(include_str!("../../../schemas/resolved.json")),
        Name::Cancelled => document::whole(include_str!("../../../schemas/cancelled.json")),
        Name::Erased => document::whole(include_str!("../../../schemas/erased.json")),
        Name::LedgerKey => document::whole(include_str!("../../../schemas/ledger-key.json")),
        Name::Exported => document::whole(include_str!("../../../schemas/exported.json")),
        Name::Checkpoint => document::whole(include_str!("../../../schemas/checkpoint.json")),
        Name::Proof => document::whole(include_str!("../../../schemas/proof.json")),
        Name::Event => document::whole(include_str!("../../../schemas/event.json")),
        Name::Evidence => document::whole(include_str!("../../../schemas/evidence.json")),
        Name::Verify => document::whole(include_str!("../../../schemas/verify.json")),
        Name::Key => document::whole(include_str!("../../../schemas/key.json")),
        Name::Rotation => document::whole(include_str!("../../../schemas/rotation.json")),
        Name::BackupMade => document::whole(include_str!("../../../schemas/backup-made.json")),
        Name::Restore => document::whole(include_str!("../../../schemas/restore.json")),
        Name::Error => include_str!("../../../schemas/error.json").to_owned(),
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
