//! What the documents say is so: their commands are the ones that CI runs, their links lead
//! somewhere, and each test that they name is there.
#![allow(clippy::disallowed_methods, reason = "the tests read the documents of the repository")]

use crate::stage::{ROOT, files};
use std::{fs, path::Path};

fn document(name: &str) -> String {
    fs::read_to_string(Path::new(ROOT).join(name)).unwrap()
}

#[test]
fn the_two_commands_are_those_that_the_tests_run() {
    let readme = document("README.md");
    let commands = readme.lines().map(str::trim).collect::<Vec<_>>();
    for command in ["cargo run -- demo", "cargo test --workspace"] {
        assert!(commands.contains(&command), "{command} is no line of the README");
    }
    // The demonstration runs in `demo.rs`; the tests run in CI by the README's own command.
    assert!(document(".ci/run").contains("\ncargo test --workspace"));
    // `cargo run` at the root means the runner.
    assert!(document("Cargo.toml").contains("default-members = [\"runtime/runner\"]"));
}

/// The targets of `[text](target)`.
fn links(text: &str) -> impl Iterator<Item = &str> {
    text.split("](").skip(1).filter_map(|rest| rest.split([')', ' ']).next())
}

/// The heading that an anchor means, as code hosts derive it.
fn anchor(heading: &str) -> String {
    let plain = heading.trim_start_matches('#').trim().to_lowercase();
    plain
        .chars()
        .filter(|c| c.is_alphanumeric() || [' ', '-', '_'].contains(c))
        .collect::<String>()
        .replace(' ', "-")
}

#[test]
fn every_relative_link_leads_somewhere() {
    let mut seen = 0;
    for name in [
        "README.md",
        "SECURITY.md",
        "CONTRIBUTING.md",
        "CHANGELOG.md",
        "guest-examples/invoice-approval/README.md",
    ] {
        let text = document(name);
        let folder = Path::new(ROOT).join(name).parent().unwrap().to_owned();
        for link in links(&text).filter(|link| !link.contains("://") && !link.starts_with("mailto:")) {
            let (path, fragment) = link.split_once('#').unwrap_or((link, ""));
            let target = if path.is_empty() { Path::new(ROOT).join(name) } else { folder.join(path) };
            assert!(target.exists(), "{name} links to {link}, which is not there");
            if !fragment.is_empty() {
                let text = fs::read_to_string(&target).unwrap();
                let found = text.lines().any(|line| line.starts_with('#') && anchor(line) == fragment);
                assert!(found, "{name} links to {link}, which has no such heading");
            }
            seen += 1;
        }
    }
    assert!(seen > 0, "no link was looked at");
}

/// The tests that the tables name, as `file::test`.
fn named_tests(text: &str) -> Vec<(&str, &str)> {
    let word = |part: &str| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
    };
    text.lines()
        .filter(|line| line.starts_with('|'))
        .flat_map(|line| line.split('`').skip(1).step_by(2))
        .filter(|quoted| quoted.contains("::") && quoted.split("::").all(word))
        .map(|quoted| {
            let (path, test) = quoted.rsplit_once("::").unwrap();
            (path.rsplit("::").next().unwrap(), test)
        })
        .collect()
}

#[test]
fn each_test_that_the_threat_table_names_exists() {
    let security = document("SECURITY.md");
    let named = named_tests(&security);
    assert!(named.len() > 10, "{named:?}");
    let sources = ["tests", "runtime", "sdk", "guest-examples"]
        .into_iter()
        .flat_map(|folder| files(&Path::new(ROOT).join(folder)))
        .filter(|file| file.extension().is_some_and(|extension| extension == "rs"))
        .filter(|file| !file.components().any(|part| part.as_os_str() == "target"))
        .map(|file| (fs::read_to_string(&file).unwrap(), file))
        .collect::<Vec<_>>();
    let missing = named.iter().filter(|(module, test)| {
        let declared = [format!("fn {test}("), format!("fn {test}<")];
        !sources.iter().any(|(text, file)| {
            let within = file.with_extension("").components().any(|part| part.as_os_str() == *module);
            within && declared.iter().any(|line| text.contains(line))
        })
    });
    assert_eq!(missing.collect::<Vec<_>>(), [] as [&(&str, &str); 0]);
}
