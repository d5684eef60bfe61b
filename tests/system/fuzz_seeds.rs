//! The seeds of the fuzz targets, through the decoders that the targets try.
#![allow(clippy::disallowed_methods, reason = "the seeds are files of this repository")]

use crate::support::sandbox::inspect;
use std::path::Path;

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
            _ => panic!("{} is no seed", path.display()),
        };
        seeds.push((path.file_stem().unwrap().to_str().unwrap().to_owned(), bytes));
    }
    seeds
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
    absent-index: component-invalid
    lying-count: component-structure
    open-nesting: component-invalid
    sections: exports
    smallest: exports
    ");
}
