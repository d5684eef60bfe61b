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
pub(crate) const SCHEMAS_SECTION: &str = "stepward:schemas";

/// The world's name where the module does not describe its step.
const UNNAMED_WORLD: &str = "step";

const COMPONENTIZE: Rule = Rule::new("step-componentize");
const DESCRIPTION: Rule = Rule::new("step-description");

/// A sealed component, and what people and the lock want to know about it.
#[derive(Debug)]
pub(crate) struct Componentized {
    /// The component. Equal core modules give equal bytes.
    pub(crate) bytes: Vec<u8>,
    /// The world as WIT text, for review: every import and export, and nothing else.
    pub(crate) world_wit: String,
    /// The step's name, when the module describes its step.
    pub(crate) step_name: Option<String>,
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
pub(crate) fn componentize(core: &[u8]) -> Result<Componentized, Fault> {
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
    Ok(Componentized { bytes, world_wit, step_name: described.map(|described| described.step) })
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
        .hint("build the step with the SDK that belongs to this version of stepward, then `stepward build` again")
}

#[cfg(test)]
mod tests {
    use super::{Componentized, SCHEMAS_SECTION, componentize};
    use stepward_fault::Fault;
    use wasmparser::{Parser, Payload};
    use wit_component::{StringEncoding, embed_component_metadata};
    use wit_parser::Resolve;

    /// A step that asks for a clock, as a compiler would write it: memory, a description at 64, and
    /// a world in a custom section.
    fn core(description: &str, body: &str) -> Vec<u8> {
        let length = description.len();
        let escaped = description.replace('"', "\\22");
        let text = format!(
            r#"(module
                (import "office" "now" (func $now (result i64)))
                (memory (export "memory") 1)
                (data (i32.const 16) "\40\00\00\00\{length:02x}\00\00\00")
                (data (i32.const 64) "{escaped}")
                (func (export "run") (param i32 i32) (result i32) {body})
                (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) unreachable)
                (func (export "stepward-describe") (result i32) i32.const 16)
                (@custom "producers" "\00")
                (@custom ".debug_line" "/home/author/secret"))"#
        );
        let contract = include_str!("../../../../wit/step.wit").replacen(
            "package stepward:step@0.1.0;",
            "package stepward:step@0.1.0 {",
            1,
        );
        let world = "package local:step; world w {
            include stepward:step/step@0.1.0; import office: stepward:step/clock@0.1.0; }";
        let mut resolve = Resolve::default();
        let package = resolve.push_str("world.wit", &format!("{world}\n{contract}\n}}")).unwrap();
        let world = resolve.select_world(&[package], None).unwrap();
        let mut core = wat::parse_str(text).unwrap();
        embed_component_metadata(&mut core, &resolve, world, StringEncoding::UTF8).unwrap();
        core
    }

    const DESCRIPTION: &str = r#"{"step":"tell-time","output":{"type":"integer"},"input":true}"#;
    const BODY: &str = "(drop (call $now)) i32.const 0";

    fn sections(component: &[u8], name: &str) -> Vec<String> {
        let payloads = Parser::new(0).parse_all(component);
        payloads
            .filter_map(|payload| match payload.unwrap() {
                Payload::CustomSection(section) if section.name() == name => {
                    Some(String::from_utf8_lossy(section.data()).into_owned())
                }
                _ => None,
            })
            .collect()
    }

    fn made(core: &[u8]) -> Componentized {
        componentize(core).unwrap()
    }

    #[test]
    fn a_component_carries_its_world_and_its_schemas_and_no_path() {
        let component = made(&core(DESCRIPTION, BODY));
        assert_eq!(
            component.world_wit,
            "package local:tell-time;\n\nworld tell-time {\n  import office: stepward:step/clock@0.1.0;\n  \
             import stepward:step/types@0.1.0;\n  use stepward:step/types@0.1.0.{step-error};\n\n  \
             export run: func(input: string) -> result<string, step-error>;\n}\n"
        );
        assert_eq!(component.step_name.as_deref(), Some("tell-time"));
        assert_eq!(
            sections(&component.bytes, SCHEMAS_SECTION),
            [r#"{"input":true,"output":{"type":"integer"},"step":"tell-time"}"#]
        );
        for gone in ["stepward-describe", "/home/author"] {
            assert!(!component.bytes.windows(gone.len()).any(|window| window == gone.as_bytes()), "{gone}");
        }
    }

    #[test]
    fn equal_modules_give_equal_bytes() {
        assert_eq!(made(&core(DESCRIPTION, BODY)).bytes, made(&core(DESCRIPTION, BODY)).bytes);
    }

    #[test]
    fn what_is_wrong_is_said() {
        let refusal = |core: &[u8]| componentize(core).unwrap_err();
        let says = |fault: &Fault, text: &str| assert!(fault.message().contains(text), "{fault:?}");
        says(&refusal(b"no module"), "cannot be made a component");
        says(&refusal(&core("{}", BODY)), "missing field `step`");
        says(&refusal(&core(r#"{"step":"a","input":1,"output":1,"more":1}"#, BODY)), "unknown field `more`");
        says(&refusal(&wat::parse_str(r#"(module (import "env" "time" (func)))"#).unwrap()), "env");
    }
}
