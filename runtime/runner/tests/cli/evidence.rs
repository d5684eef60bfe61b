//! What a run did is told, whatever becomes of its record.

use crate::{
    Ended,
    reach::{DEV, WORKFLOW, component, error, project, run, until_there},
    schemas::must_conform,
    spawn,
};
use rustix::process::geteuid;
use serde_json::json;
use std::{
    fs,
    os::unix::{
        fs::{PermissionsExt as _, lchown},
        process::CommandExt as _,
    },
    path::Path,
    process::Command,
};

/// An account that owns nothing here: `nobody`, and 65534 on most systems.
const NOBODY: u32 = 65_534;
/// Some seconds of work, which ends by itself.
const A_WHILE: &str = "(local $left i32) (local.set $left (i32.const 2_000_000_000))
  (loop $again (br_if $again (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))";

/// Makes the name that a file shall get a folder's, while the step runs: so nobody can write it.
#[test]
fn a_record_that_cannot_be_written_hides_nothing() {
    let slow = format!("{}[steps.limits]\nfuel = 100_000_000_000\nwall-time-ms = 600_000\n", WORKFLOW.1);
    let here = project(&component("", A_WHILE), &[(WORKFLOW.0, &slow), DEV]);
    let words = ["run", "w", "--input", "in.json", "--json", "--record", "case.json"];
    let child = spawn(here.path(), &words);
    let traces = until_there(&here.path().join(".stepward/dev/traces"));
    fs::create_dir(traces.join("a.json")).unwrap();
    fs::create_dir(here.path().join("case.json")).unwrap();
    let ended = Ended::of(child.wait_with_output().unwrap()).must(7);
    let report = ended.json();
    must_conform("run", &report);
    assert_eq!(
        (&report["status"], &report["output"], report.get("error")),
        (&json!("succeeded"), &json!({"n": 1}), None)
    );
    let step = &report["steps"][0];
    assert_eq!((&step["status"], step.get("trace")), (&json!("succeeded"), None));
    for (lost, said) in [("trace_error", "its trace is not kept"), ("case_error", "its case is not written")]
    {
        assert_eq!(step[lost]["rule"], "file-write", "{step}");
        assert!(ended.stderr.contains(said), "{}", ended.stderr);
    }
}

/// A state folder so deep that the database of the log could not name its files.
#[test]
fn a_place_that_takes_no_log_is_refused_before_the_first_step() {
    let here = project(&component("", ""), &[WORKFLOW, DEV]);
    let deep = |length: usize| {
        let mut path = here.path().join("deep").to_str().unwrap().to_owned();
        while path.len() < length {
            let more = (length - path.len()).saturating_sub(1).clamp(1, 200);
            path.push('/');
            path.push_str(&"d".repeat(more));
        }
        path
    };
    // "/dev/wrapping.db" has 16 bytes, and SQLite takes 504.
    run(here.path(), &["w", "--state", &deep(504 - 16)]).must(0);
    let ended = run(here.path(), &["w", "--state", &deep(504 - 15)]);
    assert_eq!(error(&ended), (json!("state-too-deep"), 3), "{}", ended.stdout);
    assert_eq!(ended.json()["steps"], json!([]));
}

/// The account may not put anything into the folder of traces. Root may, so another account runs it.
#[test]
fn a_place_that_takes_no_traces_is_refused_before_the_first_step() {
    let here = project(&component("", ""), &[WORKFLOW, DEV]);
    run(here.path(), &["w"]).must(0);
    let traces = here.path().join(".stepward/dev/traces");
    fs::remove_dir_all(&traces).unwrap();
    fs::create_dir(&traces).unwrap();
    fs::set_permissions(&traces, fs::Permissions::from_mode(0o500)).unwrap();
    // A place that every account can enter: a checkout may lie in a home that it cannot.
    let binary = here.path().join("stepward");
    fs::copy(env!("CARGO_BIN_EXE_stepward"), &binary).unwrap();
    let root = geteuid().is_root();
    if root {
        give(here.path(), NOBODY);
    }
    let as_account = |words: &[&str]| {
        let mut program = Command::new(&binary);
        program.args(words).current_dir(here.path()).env("XDG_STATE_HOME", here.path().join("user"));
        if root {
            program.uid(NOBODY).gid(NOBODY);
        }
        Ended::of(program.output().unwrap())
    };
    let ended = as_account(&["run", "w", "--input", "in.json", "--json"]);
    assert_eq!(error(&ended), (json!("file-write"), 7), "{}", ended.stdout);
    assert_eq!(ended.json()["steps"], json!([]));
    assert!(ended.json()["error"]["place"].as_str().unwrap().contains("/dev/traces/"), "{}", ended.stdout);
    // The log has it that the run was refused.
    let listed = as_account(&["runs", "list", "--json"]).must(0).json();
    assert_eq!(listed["runs"][0]["run"], ended.json()["run"]);
    assert_eq!(listed["runs"][0]["outcome"], "refused");
}

/// Gives a folder with all that is in it to an account.
fn give(path: &Path, account: u32) {
    if path.is_dir() && !path.is_symlink() {
        for entry in fs::read_dir(path).unwrap() {
            give(&entry.unwrap().path(), account);
        }
    }
    lchown(path, Some(account), Some(account)).unwrap();
}
