//! What a step can reach and use, and how loudly it is said: environments, bare components, revealed
//! secrets, limits, signals. The components are written by hand, so nothing is compiled by cargo.

use crate::{Ended, folder, schemas::must_conform, spawn, stepward, with_input};
use serde_json::{Value, json};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// Far longer than anything here takes.
const SOON: Duration = Duration::from_mins(1);
const PROJECT: &str = "[project]\nname = 'p'\n[steps.a]\ncomponent = 'a.wasm'\n";
pub(crate) const WORKFLOW: (&str, &str) = ("workflows/w.toml", "name = 'w'\n[[steps]]\nname = 'a'\n");
pub(crate) const DEV: (&str, &str) = ("environments/dev/environment.toml", "name = 'dev'\n");
const SECRET: &str = r#"(import "token" (instance $token
  (type $a-revealed (record (field "version" string) (field "value" (list u8))))
  (export "revealed" (type $revealed (eq $a-revealed)))
  (export "reveal" (func (result (result $revealed (error string)))))))"#;
const FOREVER: &str = "(loop $forever (br $forever))";
const CASE: &str = r#"{"input": {"n": 1}, "expect": {"output": {"n": 1}}}"#;

/// A component with these imports that does `first`, and then answers with its input.
pub(crate) fn component(imports: &str, first: &str) -> Vec<u8> {
    wat::parse_str(format!(
        r#"(component
  (import "stepward:step/types@0.1.0" (instance $types
    (type $kind' (enum "retryable" "permanent"))
    (export "error-kind" (type $kind (eq $kind')))
    (type $error' (record (field "kind" $kind) (field "code" string) (field "message" string)))
    (export "step-error" (type (eq $error')))))
  (alias export $types "step-error" (type $step-error))
  {imports}
  (core module $step
    (memory (export "memory") 2)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 4096))
    (func (export "run") (param $at i32) (param $length i32) (result i32)
      {first}
      (i32.store8 (i32.const 1024) (i32.const 0))
      (i32.store (i32.const 1028) (local.get $at))
      (i32.store (i32.const 1032) (local.get $length))
      (i32.const 1024)))
  (core instance $step (instantiate $step))
  (func (export "run") (param "input" string) (result (result string (error $step-error)))
    (canon lift (core func $step "run") (memory $step "memory") (realloc (func $step "realloc")))))"#
    ))
    .unwrap()
}

/// A project whose step `a` is this component, built.
pub(crate) fn project(component: &[u8], files: &[(&str, &str)]) -> TempDir {
    let here = folder(&[&[("stepward.toml", PROJECT), ("in.json", "{\"n\": 1}")], files].concat());
    fs::write(here.path().join("a.wasm"), component).unwrap();
    stepward(here.path(), &["build"]).must(0);
    here
}

pub(crate) fn run(here: &Path, more: &[&str]) -> Ended {
    let ended = stepward(here, &[&["run", "--input", "in.json", "--json"], more].concat());
    must_conform("run", &ended.json());
    ended
}

pub(crate) fn error(ended: &Ended) -> (Value, i32) {
    (ended.json()["error"]["rule"].clone(), ended.code)
}

#[test]
fn warnings_stand_beside_json() {
    let granted = format!("{}[steps.grants.clock.time]\n", WORKFLOW.1);
    let here = project(&component("", ""), &[(WORKFLOW.0, &granted), DEV]);
    let first = run(here.path(), &["w"]).must(0);
    assert!(first.stderr.contains("`time` is granted, but the step does not import it"), "{}", first.stderr);
    let cache = here.path().join(".stepward/dev/cache");
    let kept = fs::read_dir(cache).unwrap().next().unwrap().unwrap().path();
    let mut code = fs::read(&kept).unwrap();
    *code.last_mut().unwrap() ^= 1;
    fs::write(&kept, code).unwrap();
    let again = run(here.path(), &["w"]).must(0);
    assert_eq!(again.json()["status"], "succeeded");
    assert!(again.stderr.contains("compiled again"), "{}", again.stderr);
}

#[test]
fn an_environment_that_is_missing_is_refused() {
    let here =
        project(&component("", ""), &[WORKFLOW, ("environments/live/environment.toml", "name = 'live'")]);
    for (more, missing) in [(&["a", "--env", "nosuch"][..], "nosuch"), (&["w"], "dev")] {
        let ended = run(here.path(), more);
        assert_eq!(error(&ended), (json!("environment-missing"), 9), "{more:?}");
        let fault = &ended.json()["error"];
        assert_eq!(fault["place"], format!("environments/{missing}/environment.toml"));
        assert!(fault["hint"].as_str().unwrap().contains("live"), "{fault}");
    }
    run(here.path(), &["w", "--env", "live"]).must(0);
    for command in
        [&["test", "--env", "nosuch"][..], &["measure", "a", "--input", "in.json", "--env", "nosuch"]]
    {
        let ended = stepward(here.path(), &[command, &["--json"]].concat());
        assert_eq!(error(&ended), (json!("environment-missing"), 9), "{command:?}");
    }
}

/// Without an operator's word, the default limits are the ceilings.
#[test]
fn no_environment_raises_no_limit() {
    let raised = format!("{}[steps.limits]\nfuel = 3_000_000_000\n", WORKFLOW.1);
    let here = project(&component("", ""), &[(WORKFLOW.0, &raised)]);
    assert_eq!(error(&run(here.path(), &["w"])), (json!("limit-above-ceiling"), 3));
    assert_eq!(error(&run(here.path(), &["w", "--env", "dev"])), (json!("environment-missing"), 9));
    fs::create_dir_all(here.path().join("environments/dev")).unwrap();
    assert_eq!(error(&run(here.path(), &["w"])), (json!("environment-missing"), 9));
    fs::write(here.path().join(DEV.0), DEV.1).unwrap();
    run(here.path(), &["w"]).must(0);
    let plain = project(&component("", ""), &[WORKFLOW]);
    run(plain.path(), &["w"]).must(0);
}

#[test]
fn a_component_file_of_any_name_needs_a_digest() {
    let here = folder(&[("in.json", "1"), ("sub/b", "")]);
    fs::write(here.path().join("a"), component("", "")).unwrap();
    for target in ["a", "./a", "sub/b", "c.wasm"] {
        assert_eq!(error(&run(here.path(), &[target])), (json!("digest-missing"), 3), "{target}");
    }
    assert_eq!(error(&run(here.path(), &["nothing"])), (json!("project-missing"), 9));
    // A file beside it does not hide a step or a workflow of that name.
    let here = project(&component("", ""), &[WORKFLOW, DEV, ("a", ""), ("w", "")]);
    for target in ["a", "w"] {
        run(here.path(), &[target]).must(0);
    }
}

#[test]
fn a_bare_component_that_imports_is_answered_by_a_case_alone() {
    let here = folder(&[("in.json", "{\"n\": 1}"), ("case.json", CASE)]);
    fs::write(here.path().join("a.wasm"), component(SECRET, "")).unwrap();
    let inspected = stepward(here.path(), &["inspect", "a.wasm", "--json"]).must(0).json();
    let digest = inspected["digest"].as_str().unwrap();
    let ended = run(here.path(), &["a.wasm", "--digest", digest]);
    assert_eq!(error(&ended), (json!("grant-missing"), 3));
    let hint = ended.json()["error"]["hint"].as_str().unwrap().to_owned();
    assert!(hint.contains("gets no grants") && hint.contains("component = \"PATH\""), "{hint}");
    assert!(!hint.contains("workflow file"), "{hint}");
    let ended = run(here.path(), &["a.wasm", "--digest", digest, "--script", "case.json"]).must(0);
    assert_eq!((ended.json()["output"].clone(), ended.stderr.as_str()), (json!({"n": 1}), ""));
    let named = run(here.path(), &["a.wasm", "--digest", digest, "--script", "case.json", "--env", "prod"]);
    assert_eq!(error(&named), (json!("environment-missing"), 9));
}

#[test]
fn a_revealed_secret_is_loud() {
    let granted = format!("{}[steps.grants.secret.token]\n", WORKFLOW.1);
    let here = project(&component(SECRET, ""), &[(WORKFLOW.0, &granted)]);
    for command in [&["inspect", "a"][..], &["build"]] {
        let shown = stepward(here.path(), command).must(0).stdout;
        assert!(shown.contains("REVEALS SECRET token"), "{command:?}: {shown}");
    }
    let checked = stepward(here.path(), &["check", "--json"]).must(0);
    let warnings = checked.json()["warnings"].to_string();
    assert!(warnings.contains("workflows/w.toml: step a: REVEALS SECRET token"), "{warnings}");
    assert!(checked.stderr.contains("REVEALS SECRET token"), "{}", checked.stderr);
}

/// Waits for a file that the binary makes.
pub(crate) fn until_there(folder: &Path) -> PathBuf {
    let late = Instant::now() + SOON;
    loop {
        if let Some(Ok(entry)) = fs::read_dir(folder).ok().and_then(|mut entries| entries.next()) {
            return entry.path();
        }
        assert!(Instant::now() < late, "nothing in {}", folder.display());
        thread::yield_now();
    }
}

#[test]
fn a_signal_cancels_a_run() {
    let slow = format!("{}[steps.limits]\nfuel = 1_000_000_000_000\nwall-time-ms = 600_000\n", WORKFLOW.1);
    for signal in ["TERM", "INT"] {
        let here = project(&component("", FOREVER), &[(WORKFLOW.0, &slow), DEV]);
        let child = spawn(here.path(), &["run", "w", "--input", "in.json", "--json"]);
        // Compiled code is kept just before the first step starts.
        until_there(&here.path().join(".stepward/dev/cache"));
        let sent =
            Command::new("kill").arg(format!("-{signal}")).arg(child.id().to_string()).status().unwrap();
        assert!(sent.success());
        let ended = Ended::of(child.wait_with_output().unwrap()).must(130);
        let report = ended.json();
        must_conform("run", &report);
        assert_eq!(
            (&report["status"], &report["error"]["class"], &report["steps"]),
            (&json!("cancelled"), &json!("cancelled"), &json!([])),
            "{signal}"
        );
    }
}

#[test]
fn a_limit_that_ends_a_run_early_names_the_step() {
    let here = project(&component("", ""), &[WORKFLOW, DEV]);
    let ended = run(here.path(), &["w", "--limit", "component-bytes=10"]).must(5);
    let report = ended.json();
    assert_eq!(
        (&report["status"], &report["error"]["limit"]),
        (&json!("limit-exceeded"), &json!("component-bytes"))
    );
    let step = &report["steps"][0];
    let lock = fs::read_to_string(here.path().join("stepward.lock")).unwrap();
    assert!(lock.contains(step["component"].as_str().unwrap()), "{step}");
    assert_eq!(
        (&step["name"], &step["status"], &step["limit"], &step["usage"]["fuel"], step.get("trace")),
        (&json!("a"), &json!("limit-exceeded"), &json!("component-bytes"), &json!(0), None)
    );
    let text = stepward(here.path(), &["run", "w", "--input", "in.json", "--limit", "component-bytes=10"]);
    assert!(text.stdout.contains("limit-exceeded") && text.code == 5, "{}", text.stdout);
    // A step that did not run leaves no case.
    run(here.path(), &["w", "--limit", "component-bytes=10", "--record", "case.json"]).must(5);
    assert!(!here.path().join("case.json").exists());
}

#[test]
fn roots_that_are_missing_disturb_only_who_is_granted_them() {
    let environment = "name = 'dev'\n[endpoints.erp]\nurl = 'https://erp.example.com'\nmethods = ['GET']\n\
                       paths = ['/x']\nroots = ['trust/none.pem']\n";
    let granted = "name = 'v'\n[[steps]]\nname = 'b'\nstep = 'a'\n\
                   [steps.grants.endpoint.erp]\nmethods = ['GET']\npaths = ['/x']\n";
    let here = project(&component("", ""), &[WORKFLOW, (DEV.0, environment)]);
    run(here.path(), &["a"]).must(0);
    let check = |code| stepward(here.path(), &["check", "--env", "dev", "--json"]).must(code).json();
    let sound = check(0);
    assert!(sound["warnings"].to_string().contains("trust/none.pem"), "{sound}");
    fs::write(here.path().join("workflows/v.toml"), granted).unwrap();
    run(here.path(), &["w"]).must(0);
    let report = check(9);
    let rules = report["errors"].as_array().unwrap().iter().map(|fault| &fault["rule"]).collect::<Vec<_>>();
    assert_eq!(rules, ["environment-roots"], "{report}");
    assert_eq!(error(&run(here.path(), &["v"])), (json!("environment-roots"), 9));
}

#[test]
fn standard_input_without_a_document_has_a_hint() {
    let here = project(&component("", ""), &[WORKFLOW, DEV]);
    let ended = with_input(here.path(), &["run", "w", "--input", "-", "--json"], "{").must(9);
    assert_ne!(ended.json()["error"]["hint"], "");
    let unknown = stepward(here.path(), &["test", "Nope", "--json"]).must(9);
    assert_ne!(unknown.json()["error"]["hint"], "");
    let unknown = stepward(here.path(), &["inspect", "Nope", "--json"]).must(9);
    assert_ne!(unknown.json()["error"]["hint"], "");
}
