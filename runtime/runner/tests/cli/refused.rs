//! Files that are missing, malformed, or not what they should be.

use crate::{folder, stepward, with_input};
use std::fs;

const PROJECT: &str = "[project]\nname = 'p'\n[steps.a]\ncomponent = 'a.wasm'\n";
const WORKFLOW: &str = "name = 'w'\n[[steps]]\nname = 'a'\n";

/// The rule and the exit code of a refusal.
fn rule(files: &[(&str, &str)], arguments: &[&str]) -> (String, i32) {
    let here = folder(files);
    let ended = stepward(here.path(), &[arguments, &["--json"]].concat());
    let json = ended.json();
    (json["error"]["rule"].as_str().unwrap_or_default().to_owned(), ended.code)
}

fn refused(rule: &str, code: i32) -> (String, i32) {
    (rule.to_owned(), code)
}

#[test]
fn without_a_project() {
    for command in [&["build"][..], &["check"], &["test"], &["inspect", "a"], &["run", "a", "--input", "x"]] {
        assert_eq!(rule(&[], command), refused("project-missing", 9), "{command:?}");
    }
    assert_eq!(rule(&[], &["build", "--project", "nowhere"]), refused("file-read", 9));
    assert_eq!(rule(&[], &["demo"]), refused("demo-checkout", 9));
}

#[test]
fn a_bad_project_file() {
    for text in [
        "",
        "[project",
        "[project]\nname = 'P'",
        "[project]\nname = 'p'\nx = 1",
        "[project]\nname = 'p'\n[steps.a]",
    ] {
        assert_eq!(rule(&[("stepward.toml", text)], &["build"]), refused("project-definition", 9), "{text}");
    }
    assert_eq!(rule(&[("stepward.toml", "[project]\nname = 'p'")], &["build"]), refused("project-empty", 9));
    let here = folder(&[]);
    fs::write(here.path().join("stepward.toml"), [0xff]).unwrap();
    assert!(stepward(here.path(), &["build"]).must(9).stderr.contains("file-utf8"));
}

#[test]
fn a_step_that_is_not_there() {
    assert_eq!(rule(&[("stepward.toml", PROJECT)], &["build"]), refused("file-read", 9));
    let project = "[project]\nname = 'p'\n[steps.a]\ncrate = 'a'\n";
    assert_eq!(rule(&[("stepward.toml", project)], &["build"]), refused("step-crate", 9));
}

#[test]
fn a_component_of_the_wrong_kind_is_not_pinned() {
    for (text, kind) in [
        ("", "empty"),
        ("(component)", "text format"),
        ("\0asm\u{1}\0\0\0", "core module"),
        ("\x7fELF", "native code"),
    ] {
        let here = folder(&[("stepward.toml", PROJECT), ("a.wasm", text)]);
        let ended = stepward(here.path(), &["build", "--json"]).must(3);
        assert_eq!(ended.json()["error"]["rule"], "component-format", "{kind}");
        assert!(ended.json()["error"]["message"].as_str().unwrap().contains(kind), "{}", ended.stdout);
        assert!(!here.path().join("stepward.lock").exists());
    }
}

#[test]
fn nothing_runs_unpinned() {
    let files =
        [("stepward.toml", PROJECT), ("workflows/w.toml", WORKFLOW), ("a.wasm", ""), ("in.json", "1")];
    assert_eq!(rule(&files, &["run", "w", "--input", "in.json"]), refused("lock-missing", 3));
    let lock = "version = 1\n[toolchain]\nrustc = ''\ntarget = ''\nstepward = ''\n";
    let with = |lock| [&files[..], &[("stepward.lock", lock)]].concat();
    assert_eq!(rule(&with(lock), &["run", "w", "--input", "in.json"]), refused("lock-step-missing", 3));
    assert_eq!(rule(&with("version = 1"), &["run", "w", "--input", "in.json"]), refused("lock-file", 9));
    assert_eq!(rule(&files, &["run", "a.wasm", "--input", "in.json"]), refused("digest-missing", 3));
}

#[test]
fn a_refused_run_has_the_shape_of_a_run() {
    let here = folder(&[("stepward.toml", PROJECT)]);
    let json = stepward(here.path(), &["run", "nope", "--input", "x", "--json"]).must(9).json();
    assert_eq!((json["schema"].as_str(), json["status"].as_str()), (Some("stepward.run/1"), Some("refused")));
    assert_eq!(json["error"]["rule"], "target-unknown");
    assert_eq!(json["steps"].as_array().map(Vec::len), Some(0));
}

#[test]
fn a_workflow_file_carries_its_name_and_known_keys() {
    let run =
        |text| rule(&[("stepward.toml", PROJECT), ("workflows/w.toml", text)], &["run", "w", "--input", "x"]);
    assert_eq!(run("name = 'v'\n[[steps]]\nname = 'a'\n"), refused("workflow-name", 9));
    assert_eq!(run("name = 'w'\n[[steps]]\nname = 'a'\nretry = 1\n"), refused("workflow-definition", 9));
    assert_eq!(run("name = 'w'\n[[steps]]\nname = 'b'\n"), refused("step-unknown", 9));
}

#[test]
fn check_says_all_of_it() {
    let here = folder(&[
        ("stepward.toml", PROJECT),
        ("stepward.lock", "version = 1\n[toolchain]\nrustc = ''\ntarget = ''\nstepward = ''\n"),
        ("workflows/w.toml", "name = 'w'\n[[steps]]\nname = 'b'\n"),
        ("workflows/x.toml", "name = 'y'\n[[steps]]\nname = 'a'\n"),
        ("environments/dev/environment.toml", "name = 'prod'\n"),
        ("steps/a/cases/c.json", "{}"),
    ]);
    let json = stepward(here.path(), &["check", "--json"]).json();
    let rules = json["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| error["rule"].as_str().unwrap())
        .collect::<Vec<_>>();
    for rule in ["lock-step-missing", "step-unknown", "workflow-name", "environment-name", "case-format"] {
        assert!(rules.contains(&rule), "{rule} in {rules:?}");
    }
    assert!(!here.path().join(".stepward").exists(), "looking changes nothing");
}

#[test]
fn a_new_project_needs_a_free_name() {
    let here = folder(&[("taken/file", "")]);
    assert_eq!(stepward(here.path(), &["new", "taken"]).must(3).stdout, "");
    assert_eq!(fs::read_dir(here.path().join("taken")).unwrap().count(), 1);
    for bad in ["Order", "a_b", "..", "/"] {
        assert_eq!(stepward(here.path(), &["new", bad]).code, 2, "{bad}");
    }
    assert_eq!(fs::read_dir(here.path()).unwrap().count(), 1, "nothing half-made is left");
}

#[test]
fn a_trace_that_is_none() {
    for text in ["", "{}", "{\"schema\":\"stepward.trace/9\"}"] {
        assert_eq!(
            rule(&[("t.json", text)], &["runs", "replay", "t.json"]),
            refused("trace-format", 9),
            "{text}"
        );
    }
    assert_eq!(rule(&[], &["runs", "replay", "t.json"]), refused("file-read", 9));
}

#[test]
fn an_input_that_is_no_json() {
    let here = folder(&[("stepward.toml", PROJECT), ("a.wasm", "")]);
    let digest = format!("sha256:{}", "0".repeat(64));
    let run = |input: &str| {
        with_input(here.path(), &["run", "a.wasm", "--digest", &digest, "--input", "-", "--json"], input)
    };
    assert_eq!(run("{").must(9).json()["error"]["rule"], "input-json");
    assert_eq!(run("{}").must(3).json()["error"]["rule"], "component-digest");
}
