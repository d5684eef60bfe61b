//! The schemas of documents that share parts: each is printed with the parts that it uses.

use serde_json::{Map, Value, json};
use stepward_ledger::event::What;

const SHARED: &str = include_str!("../../../schemas/shared.json");
const ERROR: &str = include_str!("../../../schemas/error.json");
const RUN: &str = include_str!("../../../schemas/run.json");

/// A schema, whole: its references lead to `$defs` of its own.
pub(super) fn whole(text: &str) -> String {
    let mut schema: Map<String, Value> = serde_json::from_str(text).unwrap_or_default();
    let (shared, mut used) = (shared(), Map::new());
    schema.values().for_each(|inner| take(inner, &shared, &mut used));
    if !used.is_empty() {
        schema.insert("$defs".to_owned(), used.into());
    }
    serde_json::to_string_pretty(&schema).unwrap_or_default()
}

/// The parts by name: those that other schemas have keep one spelling, and the actions are what the log knows.
fn shared() -> Map<String, Value> {
    let parsed = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_default();
    let (own, error, run) = (parsed(SHARED), parsed(ERROR), parsed(RUN));
    let of = |schema: &Value, pointer: &str| schema.pointer(pointer).cloned().unwrap_or_default();
    let others = [
        ("action", json!({ "enum": What::ACTIONS })),
        ("fault", of(&error, "/properties/error")),
        ("limit", of(&error, "/properties/error/properties/limit")),
        ("step", of(&run, "/properties/steps/items")),
        ("usage", of(&run, "/properties/steps/items/properties/usage")),
    ];
    let mut parts = own.get("$defs").and_then(Value::as_object).cloned().unwrap_or_default();
    parts.extend(others.map(|(name, part)| (name.to_owned(), part)));
    parts
}

/// Takes the parts that a schema refers to, and those that these refer to.
fn take(schema: &Value, shared: &Map<String, Value>, used: &mut Map<String, Value>) {
    match schema {
        Value::Object(all) => {
            let to = all.get("$ref").and_then(Value::as_str).and_then(|to| to.strip_prefix("#/$defs/"));
            if let Some((name, part)) = to.and_then(|name| shared.get_key_value(name))
                && used.insert(name.clone(), part.clone()).is_none()
            {
                take(part, shared, used);
            }
            all.values().for_each(|inner| take(inner, shared, used));
        }
        Value::Array(all) => all.iter().for_each(|inner| take(inner, shared, used)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
