//! What `--log` reports on standard error: the same for every command, and nothing that a guest can forge.

use crate::{
    Ended, command,
    ledger::ran,
    reach::{DEV, WORKFLOW, project, run},
    stepward,
};
use serde_json::{Value, json};
use std::{collections::BTreeSet, fs};

/// What a step logs: an escape sequence, line breaks, quotation marks, a change of the reading direction.
const EVIL: &str = "fine\u{1b}[2J\u{1b}]0;owned\u{7}\r\n2026-01-01T00:00:00Z ERROR stepward::alert: forged \u{9b}2J\u{202e}\u{2066}\u{200b}\",\"level\":\"ERROR\"}\n{\"level\":\"ERROR\"}\t\\ end";

/// A step that logs this line at the level `info`.
fn logging(line: &str) -> Vec<u8> {
    let bytes = line.bytes().map(|byte| format!("\\{byte:02x}")).collect::<Vec<_>>().concat();
    wat::parse_str(format!(
        r#"(component
  (import "stepward:step/types@0.1.0" (instance $types
    (type $kind' (enum "retryable" "permanent"))
    (export "error-kind" (type $kind (eq $kind')))
    (type $error' (record (field "kind" $kind) (field "code" string) (field "message" string)))
    (export "step-error" (type (eq $error')))))
  (alias export $types "step-error" (type $step-error))
  (import "stepward:step/log@0.1.0" (instance $log
    (type $level' (enum "trace" "debug" "info" "warn" "error"))
    (export "level" (type $level (eq $level')))
    (export "emit" (func (param "level" $level) (param "message" string)))))
  (core module $memory
    (memory (export "memory") 2)
    (data (i32.const 8192) "{bytes}")
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 4096)))
  (core instance $of (instantiate $memory))
  (core func $emit (canon lower (func $log "emit") (memory $of "memory")))
  (core module $step
    (import "of" "memory" (memory 2))
    (import "log" "emit" (func $emit (param i32 i32 i32)))
    (func (export "run") (param $at i32) (param $length i32) (result i32)
      (call $emit (i32.const 2) (i32.const 8192) (i32.const {length}))
      (i32.store8 (i32.const 1024) (i32.const 0))
      (i32.store (i32.const 1028) (local.get $at))
      (i32.store (i32.const 1032) (local.get $length))
      (i32.const 1024)))
  (core instance $step (instantiate $step
    (with "of" (instance $of))
    (with "log" (instance (export "emit" (func $emit))))))
  (func (export "run") (param "input" string) (result (result string (error $step-error)))
    (canon lift (core func $step "run") (memory $of "memory") (realloc (func $of "realloc")))))"#,
        length = line.len(),
    ))
    .unwrap()
}

/// The reports of a command, as JSON lines.
fn reports(here: &std::path::Path, words: &[&str]) -> Vec<Value> {
    let ended = stepward(here, &[words, &["--log", "--log-json"]].concat()).must(0);
    ended.stderr.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The actions that a command's reports tell of.
fn actions(here: &std::path::Path, words: &[&str]) -> BTreeSet<String> {
    let reports = reports(here, words);
    let events = reports.iter().filter(|report| report["target"] == "stepward::event");
    events.map(|event| event["fields"]["action"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn no_line_of_a_step_forges_a_report() {
    let here = project(&logging(EVIL), &[WORKFLOW, DEV]);
    for json in [false, true] {
        let words = ["--log=trace", "run", "w", "--input", "in.json", "--json"];
        let more: &[&str] = if json { &["--log-json"] } else { &[] };
        let output = command(here.path(), &[&words, more].concat()).output().unwrap();
        let raw = output.stderr.clone();
        Ended::of(output).must(0);
        let of_step = |line: &&[u8]| line.windows(4).any(|four| four == b"fine");
        let lines = raw.split(|byte| *byte == b'\n').collect::<Vec<_>>();
        let [said] = lines.iter().copied().filter(|line| of_step(line)).collect::<Vec<_>>()[..] else {
            panic!("{:?}", String::from_utf8_lossy(&raw))
        };
        let all = String::from_utf8(raw.clone()).unwrap();
        let steers = |c: char| c != '\n' && (c.is_control() || ('\u{200b}'..='\u{2069}').contains(&c));
        assert!(!all.contains(steers), "{all:?}");
        // All of it stands in its one line, which is the step's, and none of the others is an error.
        let said = std::str::from_utf8(said).unwrap();
        if json {
            let report: Value = serde_json::from_str(said).unwrap();
            let shown = stepward_fault::shown(EVIL).to_string();
            assert_eq!((&report["level"], &report["target"]), (&json!("INFO"), &json!("stepward::step")));
            assert_eq!(
                (&report["fields"]["message"], &report["fields"]["step"]),
                (&json!(shown), &json!("a"))
            );
            for line in all.lines() {
                let report: Value = serde_json::from_str(line).unwrap();
                assert_ne!(report["level"], "ERROR", "{line}");
            }
        } else {
            assert!(said.contains(&stepward_fault::shown(EVIL).to_string()), "{said}");
            for line in all.lines() {
                let level = line.split_whitespace().nth(1).unwrap();
                assert!(["INFO", "WARN", "DEBUG", "TRACE"].contains(&level), "{line}");
            }
        }
    }
}

#[test]
fn every_command_reports_the_events_that_it_writes() {
    let here = ran(1);
    let name = run(here.path(), &["w"]).must(0).json()["run"].as_str().unwrap().to_owned();
    let of = |words: &[&str]| actions(here.path(), words);
    for (words, action) in [
        (&["ledger", "export", "--out", "e"][..], "operator-acted"),
        (&["runs", "erase", &name], "body-erased"),
        (&["runs", "show", &name, "--json"], ""),
        (&["backup", "--to", "b", "--keys-to", "k"], "operator-acted"),
        (&["key", "rotate-wrapping"], "operator-acted"),
        (&["restore", "--from", "b", "--keys-from", "k", "--replace"], "log-restored"),
        (&["run", "w", "--input", "in.json"], "run-started"),
    ] {
        let told = of(words);
        assert!(told.contains(action) || (action.is_empty() && told.is_empty()), "{words:?}: {told:?}");
    }
    // The option stands before the command as well, and without it nothing is reported.
    let ended = stepward(here.path(), &["--log", "ledger", "export", "--out", "f"]).must(0);
    assert!(ended.stderr.contains("stepward::event: v=1 seq="), "{}", ended.stderr);
    let ended = stepward(here.path(), &["ledger", "export", "--out", "g"]).must(0);
    assert!(!ended.stderr.contains("stepward::event"), "{}", ended.stderr);
    assert!(fs::exists(here.path().join("g")).unwrap());
}
