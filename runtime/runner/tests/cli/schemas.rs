//! The schemas that are written by hand, held to what the binary really reads and writes.

use crate::{folder, stepward};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    sync::Mutex,
};
use stepward::worker::lockdown::Promise;
use stepward_seam::LimitName;

/// What `stepward schema` calls the schema of a document that is named like `stepward.run/1`.
pub(crate) fn of_document(name: &str) -> &str {
    let known = name.strip_prefix("stepward.").and_then(|name| name.split_once('/'));
    known.unwrap_or_else(|| panic!("no document is called `{name}`")).0
}

/// Checks a document against the part of JSON Schema that these schemas use.
pub(crate) fn must_conform(schema: &str, document: &Value) {
    static PRINTED: Mutex<BTreeMap<String, Value>> = Mutex::new(BTreeMap::new());
    let kept = PRINTED.lock().unwrap().get(schema).cloned();
    let root = kept.unwrap_or_else(|| {
        let root = stepward(folder(&[]).path(), &["schema", schema]).must(0).json();
        PRINTED.lock().unwrap().insert(schema.to_owned(), root.clone());
        root
    });
    if let Err(why) = conforms(&root, &root, document, "") {
        panic!("{schema}: {why}\n{document:#}");
    }
}

fn conforms(root: &Value, schema: &Value, value: &Value, at: &str) -> Result<(), String> {
    if let Some(name) = schema["$ref"].as_str() {
        return conforms(root, root.pointer(name.trim_start_matches('#')).expect(name), value, at);
    }
    if let Some(all) = schema["oneOf"].as_array() {
        let errors = all.iter().filter_map(|one| conforms(root, one, value, at).err()).collect::<Vec<_>>();
        return if errors.len() + 1 == all.len() {
            Ok(())
        } else {
            Err(format!("{at}: not one of: {}", errors.join(" | ")))
        };
    }
    let is = match schema["type"].as_str() {
        None => true,
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        Some("string") => value.is_string(),
        Some("boolean") => value.is_boolean(),
        Some("integer") => value.is_u64(),
        Some(other) => panic!("the type {other} is not known here"),
    };
    let constant = schema.get("const").is_none_or(|constant| constant == value);
    if !is || !constant || schema["enum"].as_array().is_some_and(|all| !all.contains(value)) {
        return Err(format!("{at}: {value} against {schema}"));
    }
    for key in schema["required"].as_array().into_iter().flatten().map(|key| key.as_str().unwrap()) {
        value.get(key).ok_or(format!("{at}/{key} is missing"))?;
    }
    for (key, inner) in value.as_object().into_iter().flatten() {
        match schema["properties"].get(key) {
            Some(property) => conforms(root, property, inner, &format!("{at}/{key}"))?,
            None if schema["additionalProperties"] == Value::Bool(false) => {
                return Err(format!("{at}/{key} is not known"));
            }
            None => {}
        }
    }
    for (number, inner) in value.as_array().into_iter().flatten().enumerate() {
        conforms(root, schema.get("items").unwrap_or(&Value::Bool(true)), inner, &format!("{at}/{number}"))?;
    }
    Ok(())
}

#[test]
fn the_cases_of_the_examples_conform() {
    let steps = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../guest-examples/invoice-approval/steps");
    let mut seen = 0;
    for step in fs::read_dir(steps).unwrap() {
        for case in fs::read_dir(step.unwrap().path().join("cases")).unwrap() {
            let text = fs::read_to_string(case.unwrap().path()).unwrap();
            must_conform("case", &serde_json::from_str(&text).unwrap());
            seen += 1;
        }
    }
    assert!(seen > 0);
}

#[test]
fn every_limit_is_in_the_schemas() {
    let here = folder(&[]);
    let schema = stepward(here.path(), &["schema", "trace"]).must(0).json();
    let listed = schema["properties"]["limits"]["propertyNames"]["enum"].as_array().unwrap().clone();
    assert_eq!(listed, LimitName::ALL.iter().map(|limit| Value::from(limit.as_str())).collect::<Vec<_>>());
}

/// What the program writes and does not print: a step's identity and a configuration are hashed alone, and a
/// restore remembers itself. The manifest of a backup is printed inside of `backup-made`.
const NEVER_PRINTED: [&str; 4] = ["definition", "policy", "restore-pending", "backup"];

/// Every document that is named anywhere in the source has a schema under its name, which names it.
#[test]
fn every_document_has_a_schema() {
    let (here, mut named) = (folder(&[]), BTreeSet::new());
    documents_in(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut named);
    assert!(named.len() > 30, "{named:?}");
    for document in &named {
        let (name, _) = document.split_once('/').unwrap();
        if NEVER_PRINTED.contains(&name) {
            continue;
        }
        let schema = stepward(here.path(), &["schema", name]).must(0).json();
        assert_eq!(schema["properties"]["schema"]["const"], format!("stepward.{document}"));
        assert!(schema["required"].as_array().unwrap().contains(&json!("schema")), "{document}");
        resolved(&schema, &schema, name);
    }
}

/// The documents that the files below a folder name, such as `run/1`.
fn documents_in(folder: &Path, named: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            documents_in(&path, named);
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        for word in text.split('"').filter_map(|word| word.strip_prefix("stepward.")) {
            let numbered = word.split_once('/').filter(|(_, number)| number.parse::<u32>().is_ok());
            named.extend(numbered.map(|_| word.to_owned()));
        }
    }
}

/// Every reference leads somewhere.
fn resolved(root: &Value, schema: &Value, name: &str) {
    if let Some(to) = schema["$ref"].as_str() {
        assert!(root.pointer(to.trim_start_matches('#')).is_some_and(|part| !part.is_null()), "{name}: {to}");
    }
    let inner = schema.as_object().into_iter().flat_map(|all| all.values());
    inner.chain(schema.as_array().into_iter().flatten()).for_each(|inner| resolved(root, inner, name));
}

/// The worker crate names the promises; three schemas list them for others.
#[test]
fn every_promise_is_in_the_schemas() {
    let here = folder(&[]);
    let all = Promise::ALL.iter().map(|promise| Value::from(promise.name())).collect::<Vec<_>>();
    for (schema, pointer) in [
        ("doctor", "/$defs/promise/enum"),
        ("run", "/properties/isolation/properties/missing/items/enum"),
        ("environment", "/$defs/Require/oneOf/1/items/enum"),
    ] {
        let schema = stepward(here.path(), &["schema", schema]).must(0).json();
        assert_eq!(schema.pointer(pointer).unwrap().as_array().unwrap(), &all, "{pointer}");
    }
}

#[test]
fn what_does_not_conform_is_told() {
    let here = folder(&[]);
    let root = stepward(here.path(), &["schema", "case"]).must(0).json();
    for bad in [
        r#"{"input":1}"#,
        r#"{"input":1,"expect":{}}"#,
        r#"{"input":1,"expect":{"output":1},"x":1}"#,
        r#"{"input":1,"expect":{"limit":"fule"}}"#,
        r#"{"input":1,"expect":{"output":1},"calls":[{"call":{"call":"now"}}]}"#,
    ] {
        assert!(conforms(&root, &root, &serde_json::from_str(bad).unwrap(), "").is_err(), "{bad}");
    }
}
