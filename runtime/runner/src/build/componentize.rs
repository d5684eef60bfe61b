//! Makes a component of the core module that the Rust compiler wrote.
//!
//! The component holds the code that a run can reach, the type of its world, and the schemas of its
//! step. Function names, producers and debug sections are left out: they hold paths of the machine
//! that built it, and a panic tells its place by itself.

use super::{prune, world_text};
use serde::{Deserialize, Serialize};
use stepward_fault::{Class, Fault, Owner, Rule};
use stepward_sandbox::{DESCRIBE_EXPORT, describe};
use wasm_encoder::{ComponentSection as _, CustomSection};
use wasmparser::{Parser, Payload};
use wit_component::ComponentEncoder;

/// The custom section of a component that holds what its step takes and gives: an object with the
/// keys `step`, `input` and `output`, in the canonical form of RFC 8785.
pub const SCHEMAS_SECTION: &str = "stepward:schemas";

/// The world's name where the module does not describe its step.
const UNNAMED_WORLD: &str = "step";

const COMPONENTIZE: Rule = Rule::new("step-componentize");
const DESCRIPTION: Rule = Rule::new("step-description");

/// A sealed component, and what people and the lock want to know about it.
#[derive(Debug)]
pub struct Componentized {
    /// The component. Equal core modules give equal bytes.
    pub bytes: Vec<u8>,
    /// The world as WIT text, for review: every import and export, and nothing else.
    pub world_wit: String,
    /// The JSON Schema of the input, when the module describes its step.
    pub input_schema: Option<serde_json::Value>,
    /// The JSON Schema of the output, when the module describes its step.
    pub output_schema: Option<serde_json::Value>,
    /// The step's name, when the module describes its step.
    pub step_name: Option<String>,
}

/// What a step says about itself.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Description {
    step: String,
    input: serde_json::Value,
    output: serde_json::Value,
}

/// Makes a component of a core module for `wasm32-unknown-unknown`.
///
/// A module that the SDK built describes its step: that is read, and the code for it removed. A
/// module without a description keeps all its code.
///
/// # Errors
/// When the module is malformed, describes its step wrongly, carries no world, or does not have the
/// imports and exports of its world.
pub fn componentize(core: &[u8]) -> Result<Componentized, Fault> {
    let described = if exports_description(core)? { Some(read_description(core)?) } else { None };
    let module = prune::prune(core, DESCRIBE_EXPORT).map_err(fault)?;
    let mut bytes = ComponentEncoder::default()
        .module(&module)
        .and_then(|encoder| encoder.validate(true).encode())
        .map_err(|error| {
            fault(format_args!("{error:#}")).hint(
                "build a `cdylib` for wasm32-unknown-unknown with exactly one `#[stepward_sdk::step]`, without \
                 crates that need an operating system or a browser",
            )
        })?;
    let name = described.as_ref().map_or(UNNAMED_WORLD, |described| &described.step);
    let world_wit = world_text::world_text(&bytes, name).map_err(fault)?;
    if let Some(described) = &described {
        append_schemas(&mut bytes, described)?;
    }
    let (step_name, input_schema, output_schema) = described
        .map(|d| (d.step, d.input, d.output))
        .map_or((None, None, None), |(s, i, o)| (Some(s), Some(i), Some(o)));
    Ok(Componentized { bytes, world_wit, input_schema, output_schema, step_name })
}

fn exports_description(core: &[u8]) -> Result<bool, Fault> {
    for payload in Parser::new(0).parse_all(core) {
        if let Payload::ExportSection(section) = payload.map_err(fault)? {
            for export in section {
                if export.map_err(fault)?.name == DESCRIBE_EXPORT {
                    return Ok(true);
                }
            }
        }
    }
    Ok(false)
}

fn read_description(core: &[u8]) -> Result<Description, Fault> {
    serde_json::from_str(&describe(core)?).map_err(|error| {
        Fault::new(Class::BadInput, Owner::StepAuthor, DESCRIPTION)
            .says(format_args!("the step's description of itself cannot be read: {error}"))
            .hint("build the step with the SDK that belongs to this version of stepward")
    })
}

fn append_schemas(component: &mut Vec<u8>, described: &Description) -> Result<(), Fault> {
    let data = serde_json_canonicalizer::to_vec(described).map_err(|error| {
        Fault::new(Class::BadInput, Owner::StepAuthor, DESCRIPTION)
            .says(format_args!("the schemas have no canonical form: {error}"))
            .hint("keep the numbers in schema attributes within what a JSON number can hold")
    })?;
    CustomSection { name: SCHEMAS_SECTION.into(), data: data.into() }.append_to_component(component);
    Ok(())
}

fn fault(message: impl std::fmt::Display) -> Fault {
    Fault::new(Class::BadInput, Owner::StepAuthor, COMPONENTIZE)
        .says(format_args!("the core module cannot be made a component: {message}"))
}
