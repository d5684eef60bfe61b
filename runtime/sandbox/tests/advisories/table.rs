//! The manual's table says what the tests show, and of every advisory that was published.

use crate::linked::packages;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

const MANUAL: &str = include_str!("../../docs/advisories.md");
const PUBLISHED: &str = include_str!("published.txt");

/// The section for what the version in use does not fix.
const OPEN: &str = "Open in this version";

struct Row {
    section: &'static str,
    advisory: &'static str,
    cells: Vec<&'static str>,
}

fn rows() -> Vec<Row> {
    let mut section = "";
    let mut rows = Vec::new();
    for line in MANUAL.lines() {
        if let Some(title) = line.strip_prefix("## ") {
            section = title;
        }
        if let Some(row) = line.strip_prefix("| ").and_then(|l| l.strip_suffix(" |"))
            && row.starts_with("GHSA-")
        {
            let cells = row.split(" | ").collect::<Vec<_>>();
            let advisory = cells.first().unwrap().split(", ").next().unwrap();
            rows.push(Row { section, advisory, cells });
        }
    }
    rows
}

/// Advisory to the first release of the line in use that fixes it.
fn published() -> BTreeMap<&'static str, [u32; 3]> {
    let lines = PUBLISHED.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| line.split_once(' ').unwrap()).map(|(id, fixed)| (id, version(fixed))).collect()
}

fn version(text: &str) -> [u32; 3] {
    text.split('.').map(|part| part.parse().unwrap()).collect::<Vec<_>>().try_into().unwrap()
}

fn locked(name: &str) -> &'static str {
    packages().into_iter().find(|(package, _)| *package == name).unwrap().1
}

/// The tests of this binary, as `module::name`.
fn tests() -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/advisories");
    let mut tests = BTreeSet::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "rs") {
            let module = path.file_stem().unwrap().to_str().unwrap().to_owned();
            let source = std::fs::read_to_string(&path).unwrap();
            for after in source.split("\n#[test]\nfn ").skip(1) {
                tests.insert(format!("{module}::{}", after.split('(').next().unwrap()));
            }
        }
    }
    tests
}

#[test]
fn each_row_names_tests_that_exist() {
    let tests = tests();
    assert!(tests.contains("table::each_row_names_tests_that_exist"));
    let mut named = BTreeSet::new();
    for row in rows() {
        assert_eq!(row.cells.len(), 5, "{}", row.advisory);
        assert!(row.cells.iter().all(|cell| !cell.trim().is_empty()), "{}", row.advisory);
        for test in row.cells[4].split(", ") {
            let test = test.trim_matches('`');
            assert!(tests.contains(test), "{}: no test {test}", row.advisory);
            named.insert(test.to_owned());
        }
    }
    // No reproducer without a row that says what it is for.
    let unnamed = tests.difference(&named).filter(|test| !test.starts_with("table::")).collect::<Vec<_>>();
    assert!(unnamed.is_empty(), "{unnamed:?}");
}

#[test]
fn each_advisory_has_one_row() {
    let listed = published();
    let rows = rows();
    let named = rows.iter().map(|row| row.advisory).collect::<BTreeSet<_>>();
    assert_eq!(named.len(), rows.len(), "an advisory has two rows");
    assert_eq!(named, listed.keys().copied().collect::<BTreeSet<_>>());
}

/// A new version of the engine is a new review.
#[test]
fn the_review_is_of_the_version_in_use() {
    let reviewed =
        format!("Reviewed for wasmtime {} and cranelift {}", locked("wasmtime"), locked("cranelift-codegen"));
    assert!(MANUAL.contains(&reviewed), "review docs/advisories.md: it must say `{reviewed}`");
}

/// What the version in use does not fix stands apart, and nothing else stands there.
#[test]
fn what_is_open_stands_apart() {
    let ours = version(locked("wasmtime"));
    let published = published();
    for row in rows() {
        let open = published[row.advisory] > ours;
        assert_eq!(open, row.section == OPEN, "{}", row.advisory);
    }
}
