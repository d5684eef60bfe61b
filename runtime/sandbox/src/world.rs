//! What a component imports and exports, read from its bytes and held against `wit/step.wit`.

mod shape;

use shape::Shape;
use stepward_fault::{Class, Fault, Owner, Rule};
use stepward_seam::{Interface, Label};
use wasmparser::component_types::{ComponentEntityType, ComponentItem};
use wasmparser::types::TypesRef;

/// An import of WASI: no ambient power is granted, not even an inert one.
const IMPORT_WASI: Rule = Rule::new("import-wasi");
/// An import that is none of the contract's interfaces.
const IMPORT_UNKNOWN: Rule = Rule::new("import-unknown");
/// An import whose label is spelt in a way that could be mistaken for another.
const IMPORT_LABEL: Rule = Rule::new("import-label");
/// An interface of the contract, but in another version or with other types.
const IMPORT_TYPES: Rule = Rule::new("import-types");
/// The exports are not exactly `run`.
const EXPORTS: Rule = Rule::new("exports");

/// The name under which every step may import logging, without a grant.
pub const LOG_INTERFACE: &str = "stepward:step/log@0.1.0";
/// The types that the interfaces share; it has no functions, so it reaches nothing.
const TYPES_INTERFACE: &str = "stepward:step/types@0.1.0";
const PACKAGE: &str = "stepward:step/";

/// One import with functions: something that the component can reach.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Import {
    /// What it is.
    pub kind: ImportKind,
    /// The interface's name in `wit/`, also where the component wrote the interface inline.
    pub interface: &'static str,
}

/// Whether an import needs a grant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImportKind {
    /// Logging, which the world of every step includes.
    Log,
    /// A thing that must be granted under this label.
    Granted {
        /// The label.
        label: Label,
        /// The kind of thing.
        interface: Interface,
    },
}

impl Import {
    /// Logging.
    pub fn log() -> Self {
        Self { kind: ImportKind::Log, interface: LOG_INTERFACE }
    }

    /// A thing that is granted under `label`.
    pub fn granted(label: Label, interface: Interface) -> Self {
        Self { kind: ImportKind::Granted { label, interface }, interface: interface.id() }
    }

    /// The import's name as the component writes it.
    pub fn name(&self) -> &str {
        match &self.kind {
            ImportKind::Log => LOG_INTERFACE,
            ImportKind::Granted { label, .. } => label.as_str(),
        }
    }
}

fn refused(rule: Rule) -> Fault {
    Fault::new(Class::Refused, Owner::StepAuthor, rule)
}

/// Reads one import of the component. `Ok(None)` is the shared types, which reach nothing.
pub(crate) fn import(types: TypesRef<'_>, name: &str, item: &ComponentItem) -> Result<Option<Import>, Fault> {
    if name.starts_with("wasi:") {
        return Err(refused(IMPORT_WASI)
            .says(format_args!("the component imports `{name}`, and a step gets nothing of WASI"))
            .hint(
                "compile for wasm32-unknown-unknown with the guest SDK (`stepward build` does), or build the module \
                 for that target and wrap it with wit-component; time, randomness and network are granted by name",
            ));
    }
    // A type that the world uses by name, such as `step-error`: it has no functions either. Resource
    // types are refused wherever they stand.
    if let ComponentEntityType::Type { .. } = item.ty {
        return Ok(None);
    }
    let shape = instance_shape(types, name, item)?;
    if name == TYPES_INTERFACE {
        return if shape.is_types_only() { Ok(None) } else { Err(other_types(name, TYPES_INTERFACE)) };
    }
    if name == LOG_INTERFACE {
        return match shape.is_part_of(shape::LOG) {
            Some(_) => Ok(Some(Import::log())),
            None => Err(other_types(name, LOG_INTERFACE)),
        };
    }
    if name.starts_with(PACKAGE) {
        return Err(refused(IMPORT_LABEL)
            .says(format_args!(
                "the component imports `{name}` without a label of its own, or in another version"
            ))
            .hint(format_args!(
                "name the thing: `import my-label: {name};` with version 0.1.0, and grant `my-label`"
            )));
    }
    labelled(name, item, &shape).map(Some)
}

/// An import under a label, with the interface named by `implements` or told by its types.
fn labelled(name: &str, item: &ComponentItem, shape: &Shape) -> Result<Import, Fault> {
    let by_types = Interface::ALL.into_iter().find(|i| shape.is(expected(*i)).is_some());
    let interface = match (item.implements.as_deref(), by_types) {
        (None, Some(interface)) => interface,
        (Some(named), Some(interface)) if named == interface.id() => interface,
        (Some(named), _) if named.starts_with("wasi:") => {
            return Err(refused(IMPORT_WASI)
                .says(format_args!("`{name}` is an import of `{named}`, and a step gets nothing of WASI"))
                .hint("import one of the interfaces of wit/step.wit under that label"));
        }
        (Some(named), _) => return Err(other_types(name, named)),
        (None, None) => {
            return Err(refused(IMPORT_UNKNOWN)
                .says(format_args!("`{name}` is none of the interfaces of stepward:step@0.1.0"))
                .hint(format_args!("a step can import {}", Interface::ALL.map(Interface::id).join(", "))));
        }
    };
    let label = Label::new(name).map_err(|why| {
        refused(IMPORT_LABEL)
            .says(format_args!("the label `{name}` of an import of {interface} is not accepted: {why}"))
            .hint("rename the label in the step's world; with the SDK it is the parameter's name")
    })?;
    Ok(Import::granted(label, interface))
}

fn instance_shape(types: TypesRef<'_>, name: &str, item: &ComponentItem) -> Result<Shape, Fault> {
    match item.ty {
        ComponentEntityType::Instance(id) => Ok(Shape::of_instance(types, id)),
        ComponentEntityType::Module(_)
        | ComponentEntityType::Func(_)
        | ComponentEntityType::Value(_)
        | ComponentEntityType::Type { .. }
        | ComponentEntityType::Component(_) => Err(refused(IMPORT_UNKNOWN)
            .says(format_args!("`{name}` is imported as something other than an instance of an interface"))
            .hint("a step imports interfaces of stepward:step@0.1.0 under labels, and nothing else")),
    }
}

fn other_types(name: &str, interface: &str) -> Fault {
    refused(IMPORT_TYPES)
        .says(format_args!(
            "`{name}` claims to be `{interface}`, but its functions or types differ from this host's"
        ))
        .hint(
            "this host speaks stepward:step@0.1.0; `stepward schema wit` prints the contract. \
             Rebuild the step with the SDK of the same version",
        )
}

const fn expected(interface: Interface) -> &'static str {
    match interface {
        Interface::HttpEndpoint => shape::HTTP_ENDPOINT,
        Interface::Signer => shape::SIGNER,
        Interface::Secret => shape::SECRET,
        Interface::Clock => shape::CLOCK,
        Interface::Random => shape::RANDOM,
    }
}

/// Checks that the component exports `run` and nothing else.
pub(crate) fn exports<'a>(
    types: TypesRef<'_>,
    exports: impl Iterator<Item = (&'a str, &'a ComponentItem)>,
) -> Result<(), Fault> {
    let mut run = None;
    for (name, item) in exports {
        match (name, item.ty) {
            ("run", ComponentEntityType::Func(id)) => run = Some(Shape::of_function(types, id)),
            _ => {
                return Err(refused(EXPORTS)
                    .says(format_args!(
                        "the component exports `{name}`; a step exports `run` and nothing else"
                    ))
                    .hint("remove the export from the component's world"));
            }
        }
    }
    let Some(run) = run else {
        return Err(refused(EXPORTS)
            .says("the component does not export `run`")
            .hint("include stepward:step/step@0.1.0 in its world; with the SDK, put #[stepward_sdk::step] on the function"));
    };
    match run.is(shape::RUN) {
        Some(_) => Ok(()),
        None => Err(refused(EXPORTS)
            .says("the export `run` has other parameters or results than stepward:step/step@0.1.0")
            .hint("rebuild the step with the SDK of this version")),
    }
}
