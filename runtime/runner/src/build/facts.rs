//! What the lock records of a component, read from the component's own bytes.

use serde_json::Value;
use stepward_fault::Fault;
use stepward_sandbox::{ImportKind, Inspected};
use stepward_seam::Limits;
use stepward_trust::{Digest, LockedStep, Pinned};

/// What the lock says of a component with this world file.
pub(crate) fn locked_step(component: &Inspected, world: Option<&str>) -> LockedStep {
    let schemas = schemas(component);
    let digest = |schema: Option<&Value>| schema.map(|schema| Digest::of(canonical(schema).as_bytes()));
    let mut imports = component
        .imports()
        .iter()
        .filter_map(|import| match &import.kind {
            ImportKind::Log => None,
            ImportKind::Granted { label, interface } => Some(format!("{label}: {interface}")),
        })
        .collect::<Vec<_>>();
    imports.sort();
    LockedStep {
        component: component.digest(),
        size: component.size() as u64,
        world: world.map(|text| Digest::of(text.as_bytes())),
        imports,
        input_schema: digest(schemas.as_ref().and_then(|schemas| schemas.get("input"))),
        output_schema: digest(schemas.as_ref().and_then(|schemas| schemas.get("output"))),
    }
}

/// Reads a component that nobody has pinned yet: to pin it, or to look at it.
pub(crate) fn inspect_unpinned(bytes: Vec<u8>) -> Result<Inspected, Fault> {
    // The component's own author sets the limit of a run; looking takes the most that any may set.
    Inspected::read(Pinned::trust_on_first_use(bytes), &Limits::most())
}

/// The schemas that a component carries: an object with the keys `input` and `output`.
pub(crate) fn schemas(component: &Inspected) -> Option<Value> {
    component.schemas().and_then(|text| serde_json::from_str(text).ok())
}

/// RFC 8785. Schemas have no number that it cannot write.
fn canonical(value: &Value) -> String {
    serde_json_canonicalizer::to_string(value).unwrap_or_else(|_| value.to_string())
}
