//! One parse of a component before anything is compiled: kind, proposals, counts, sizes, names.

mod counts;
mod proposals;
mod resources;
mod shallow;

use crate::world::{self, Import};
pub(crate) use counts::{MAX_MEMORIES, MAX_TABLES};
use resources::NoResources;
use shallow::Shallow;
use stepward_fault::{Class, Fault, Owner, Rule};
use stepward_seam::{LimitName, Limits};
use stepward_trust::{Digest, Pinned};
use wasmparser::{Parser, Payload, Validator};

/// Larger than the limit `component-bytes`.
const SIZE: Rule = Rule::new("component-size");
/// Not a component in the binary format.
const FORMAT: Rule = Rule::new("component-format");
/// A count, a size or a nesting above what a step may have.
const STRUCTURE: Rule = Rule::new("component-structure");
/// Not valid WebAssembly.
const INVALID: Rule = Rule::new("component-invalid");

/// The custom section in which a step's JSON Schemas travel.
const SCHEMAS_SECTION: &str = "stepward:schemas";
/// Largest schema section.
const MAX_SCHEMAS_BYTES: usize = 1 << 20;

/// A component whose structure is within bounds and whose world is of the contract.
///
/// Made by [`Inspected::read`] alone. Nothing has been compiled yet, and nothing is granted.
#[derive(Debug)]
pub struct Inspected {
    pinned: Pinned,
    imports: Vec<Import>,
    schemas: Option<String>,
    core_instances: u64,
}

impl Inspected {
    /// Parses and validates the bytes that were pinned.
    ///
    /// # Errors
    /// A refusal that names the rule: `component-size`, `component-format`, `component-proposal`,
    /// `component-structure`, `component-invalid`, `component-resource`, or one of the rules on imports
    /// and exports.
    pub fn read(pinned: Pinned, limits: &Limits) -> Result<Self, Fault> {
        let bytes = pinned.bytes();
        let most = limits.get(LimitName::ComponentBytes);
        if bytes.len() as u64 > most {
            return Err(Fault::new(Class::LimitExceeded, Owner::StepAuthor, SIZE)
                .limit(LimitName::ComponentBytes.as_str())
                .says(format_args!("the component has {} bytes; the limit component-bytes is {most}", bytes.len()))
                .hint("build it smaller (release profile, fewer dependencies), or raise component-bytes in the step's limits"));
        }
        binary_component(bytes)?;
        let _shallow: Shallow = Shallow::check(bytes)?;
        let counts = counts::read(bytes, limits.get(LimitName::Instances))?;
        let mut validator = Validator::new_with_features(proposals::ALLOWED);
        let types = validator.validate_all(bytes).map_err(|error| {
            proposals::name(bytes).unwrap_or_else(|| {
                refused(INVALID)
                    .says(format_args!("the component is not valid WebAssembly: {error}"))
                    .hint("the file is damaged or was made by a tool with a defect; build it again")
            })
        })?;
        let types = types.as_ref();
        let (mut imports, mut schemas) = (Vec::new(), None);
        for name in &counts.imports {
            if let Some(item) = types.component_item_for_import(name)
                && let Some(import) = world::import(types, name, item)?
            {
                imports.push(import);
            }
        }
        // After the imports, whose names say more where they are those of WASI.
        let _none: NoResources = counts.resources.none()?;
        let exports =
            counts.exports.iter().filter_map(|n| Some((n.as_str(), types.component_item_for_export(n)?)));
        world::exports(types, exports)?;
        if let Some(section) = counts.schemas {
            schemas = Some(schema_text(section)?);
        }
        Ok(Self { imports, schemas, core_instances: counts.core_instances, pinned })
    }

    /// The digest of the component's bytes.
    pub fn digest(&self) -> Digest {
        self.pinned.digest()
    }

    /// The component's size in bytes.
    pub fn size(&self) -> usize {
        self.pinned.bytes().len()
    }

    /// The component's bytes.
    pub fn bytes(&self) -> &[u8] {
        self.pinned.bytes()
    }

    /// What the component can ask for: all its imports that have functions.
    pub fn imports(&self) -> &[Import] {
        &self.imports
    }

    /// The JSON Schemas of input and output, as the guest SDK wrote them; unchecked text.
    pub fn schemas(&self) -> Option<&str> {
        self.schemas.as_deref()
    }

    /// How many core instances instantiating it makes.
    pub fn core_instances(&self) -> u64 {
        self.core_instances
    }
}

fn refused(rule: Rule) -> Fault {
    Fault::new(Class::Refused, Owner::StepAuthor, rule)
}

/// Tells a component from everything that is offered in its place, by name.
fn binary_component(bytes: &[u8]) -> Result<(), Fault> {
    let wrong = |what: &str, hint: &str| {
        Err(refused(FORMAT).says(format_args!("the file is {what}, not a WebAssembly component")).hint(hint))
    };
    match bytes {
        [] => wrong("empty", "build the step again: `stepward build`"),
        [0, b'a', b's', b'm', 0x0d, 0, 1, 0, ..] => Ok(()),
        [0, b'a', b's', b'm', 1, 0, 0, 0, ..] => wrong(
            "a core module",
            "wrap it: `stepward build` does it for crates, wit-component's encoder for anything else",
        ),
        [0, b'a', b's', b'm', ..] => {
            wrong("of another version of WebAssembly", "encode it as a component, version 0x1000d")
        }
        [0x7f, b'E', b'L', b'F', ..] => wrong(
            "native code",
            "precompiled code is never accepted; give the component that it was compiled from",
        ),
        _ if bytes.trim_ascii_start().starts_with(b"(") => wrong(
            "in the text format",
            "only the binary that was hashed can be run; encode it first: `wasm-tools parse`",
        ),
        _ => wrong("of an unknown kind", "a component starts with the bytes 00 61 73 6d 0d 00 01 00"),
    }
}

fn schema_text(section: &[u8]) -> Result<String, Fault> {
    let bad = || {
        refused(INVALID)
            .says(format_args!(
                "the section {SCHEMAS_SECTION} is not UTF-8 text of at most {MAX_SCHEMAS_BYTES} bytes"
            ))
            .hint("build the step again with `stepward build`")
    };
    if section.len() > MAX_SCHEMAS_BYTES {
        return Err(bad());
    }
    String::from_utf8(section.to_vec()).map_err(|_| bad())
}

/// All payloads of a component and everything nested in it.
fn payloads(bytes: &[u8]) -> impl Iterator<Item = wasmparser::Result<Payload<'_>>> {
    let mut parser = Parser::new(0);
    parser.set_features(proposals::ALLOWED);
    parser.parse_all(bytes)
}
