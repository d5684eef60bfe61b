//! The guest SDK as it travels in this binary.

use std::collections::BTreeSet;
use stepward_fault::{Class, Fault, Owner, Rule};
use toml_edit::{DocumentMut, Item, Table, Value};

/// The rule that the SDK in this binary is whole.
const PACKED: Rule = Rule::new("sdk-packed");

/// Path in the repository, and content.
const FILES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/sdk_files.rs"));
/// The version table of the repository.
const ROOT_MANIFEST: &str = include_str!("../../../Cargo.toml");
/// The versions that this binary was tested with.
const ROOT_LOCK: &str = include_str!("../../../Cargo.lock");
/// The compiler that this binary was tested with.
pub(crate) const TOOLCHAIN: &str = include_str!("../../../rust-toolchain.toml");
/// The contract between steps and hosts.
pub(crate) const CONTRACT: &str = include_str!("../../../wit/step.wit");

/// The files of the SDK, as a workspace of its own: path and content.
pub(crate) fn sdk() -> Result<Vec<(String, String)>, Fault> {
    let mut files = Vec::new();
    let mut used = BTreeSet::new();
    for (path, content) in FILES {
        let content =
            if path.ends_with("Cargo.toml") { manifest(content, &mut used)? } else { (*content).to_owned() };
        files.push(((*path).to_owned(), content));
    }
    files.push(("Cargo.toml".to_owned(), workspace(&used)?));
    Ok(files)
}

fn broken(error: &dyn std::fmt::Display) -> Fault {
    Fault::new(Class::Internal, Owner::Stepward, PACKED)
        .says(format_args!("the SDK in this binary is damaged: {error}"))
        .hint("install `stepward` again; if that does not help, please report it")
}

fn parse(text: &str) -> Result<DocumentMut, Fault> {
    text.parse().map_err(|error| broken(&error))
}

/// A crate's manifest without what only this repository needs. `used` gathers its dependencies.
fn manifest(text: &str, used: &mut BTreeSet<String>) -> Result<String, Fault> {
    let mut manifest = parse(text)?;
    manifest.remove("dev-dependencies");
    manifest.remove("lints");
    let names = |item: Option<&Item>| {
        item.and_then(Item::as_table_like)
            .into_iter()
            .flat_map(|table| table.iter().map(|(name, _)| name.to_owned()))
            .collect::<Vec<_>>()
    };
    used.extend(names(manifest.get("dependencies")));
    for target in names(manifest.get("target")) {
        used.extend(names(
            manifest.get("target").and_then(|all| all.get(&target)).and_then(|one| one.get("dependencies")),
        ));
    }
    Ok(manifest.to_string())
}

/// The SDK's workspace: the tables of the repository, cut down to what the SDK uses.
fn workspace(used: &BTreeSet<String>) -> Result<String, Fault> {
    let mut root = parse(ROOT_MANIFEST)?;
    let all =
        root.get_mut("workspace").and_then(Item::as_table_mut).ok_or_else(|| broken(&"no workspace"))?;
    let mut kept = Table::new();
    kept.insert("resolver", toml_edit::value("3"));
    kept.insert("members", Item::Value(Value::from_iter(["sdk", "sdk/macros"])));
    kept.insert("package", all.remove("package").ok_or_else(|| broken(&"no package table"))?);
    let mut dependencies = Table::new();
    if let Some(versions) = all.get("dependencies").and_then(Item::as_table_like) {
        for (name, version) in versions.iter().filter(|(name, _)| used.contains(*name)) {
            dependencies.insert(name, version.clone());
        }
    }
    kept.insert("dependencies", Item::Table(dependencies));
    let mut document = DocumentMut::new();
    document.insert("workspace", Item::Table(kept));
    Ok(document.to_string())
}

/// A lock file with the tested versions; cargo drops what a project does not use.
pub(crate) fn cargo_lock() -> String {
    let mut blocks = ROOT_LOCK.split("[[package]]\n");
    let head = blocks.next().unwrap_or_default().to_owned();
    blocks
        .filter(|block| block.contains("\nsource = "))
        .fold(head, |text, block| text + "[[package]]\n" + block)
}

/// The version that the repository asks for of a dependency, as a manifest writes it.
pub(crate) fn version(name: &str) -> Result<String, Fault> {
    let root = parse(ROOT_MANIFEST)?;
    let item = root.get("workspace").and_then(|w| w.get("dependencies")).and_then(|d| d.get(name));
    item.map(|item| item.to_string().trim().to_owned())
        .ok_or_else(|| broken(&format_args!("no version of {name}")))
}

#[cfg(test)]
mod tests {
    use super::{FILES, cargo_lock, sdk, version};

    #[test]
    fn the_sdk_is_packed_whole_and_asks_for_nothing_of_this_repository() {
        let files = sdk().unwrap();
        assert_eq!(files.len(), FILES.len() + 1);
        for path in
            ["Cargo.toml", "sdk/Cargo.toml", "sdk/src/lib.rs", "sdk/macros/src/lib.rs", "wit/step.wit"]
        {
            assert!(files.iter().any(|(name, _)| name == path), "{path}");
        }
        let (_, root) = files.iter().find(|(name, _)| name == "Cargo.toml").unwrap();
        assert!(root.contains("stepward-sdk-macros") && !root.contains("wasmtime"), "{root}");
        assert!(
            files
                .iter()
                .all(|(name, text)| !name.ends_with("Cargo.toml") || !text.contains("dev-dependencies"))
        );
    }

    #[test]
    fn the_lock_pins_registries_only() {
        let lock = cargo_lock();
        assert!(lock.contains("name = \"serde\"") && !lock.contains("name = \"stepward"));
        assert!(version("serde").unwrap().contains("derive"));
    }
}
