//! The seeds of the fuzz targets, through the decoders that the targets try.
#![allow(clippy::disallowed_methods, reason = "the seeds are files of this repository")]

use crate::support::sandbox::inspect;
use std::path::Path;
use stepward_fault::Fault;

/// The seeds of one target, with their names.
fn seeds(target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/seeds").join(target);
    let mut seeds = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let bytes = match path.extension().and_then(|extension| extension.to_str()) {
            Some("wat") => wat::parse_str(&text).unwrap(),
            Some("hex") => unhex(&text),
            Some("toml" | "json") => text.into_bytes(),
            _ => panic!("{} is no seed", path.display()),
        };
        seeds.push((path.file_stem().unwrap().to_str().unwrap().to_owned(), bytes));
    }
    seeds
}

/// What a decoder of text says of each seed of its target, by name.
fn said<T>(target: &str, decode: impl Fn(&str, &str) -> Result<T, Fault>) -> String {
    let mut seeds = seeds(target);
    seeds.sort();
    let ends = seeds.into_iter().map(|(name, bytes)| {
        let text = String::from_utf8(bytes).unwrap();
        match decode(&text, "seed") {
            Ok(_) => format!("{name}: accepted"),
            Err(fault) => format!("{name}: {} at {}", fault.rule(), fault.place()),
        }
    });
    ends.collect::<Vec<_>>().join("\n")
}

#[test]
fn text_seeds() {
    let all = [
        said("workflow", stepward_flow::Workflow::parse),
        said("environment", stepward::broker::Environment::parse),
        said("lock", stepward_trust::Lock::parse),
        said("case", stepward::Case::from_json),
        said("trace", stepward::Trace::from_json),
    ];
    insta::assert_snapshot!(all.join("\n"), @r"
    label-twice: workflow-definition at seed:6:8
    limit-past-the-most: workflow-definition at seed:6:1
    whole: accepted
    roots-outside: environment-root-name at seed:7:9
    url-with-more: environment-url at seed:4:7
    whole: accepted
    short-digest: lock-file at seed:9:13
    whole: accepted
    label-in-capitals: case-format at seed
    whole: accepted
    another-version: trace-format at seed
    whole: accepted
    ");
}

fn unhex(text: &str) -> Vec<u8> {
    let code = text.lines().map(|line| line.split('#').next().unwrap());
    code.flat_map(str::split_whitespace).map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
}

#[test]
fn inspect_seeds() {
    let mut seeds = seeds("inspect");
    seeds.sort();
    let ends: Vec<_> = seeds
        .into_iter()
        .map(|(name, bytes)| {
            let fault = inspect(bytes).expect_err("every seed is refused");
            format!("{name}: {}", fault.rule())
        })
        .collect();
    insta::assert_snapshot!(ends.join("\n"), @r"
    absent-index: component-structure
    lying-count: component-structure
    open-nesting: component-structure
    sections: component-structure
    smallest: exports
    ");
}
