//! What a run did is told, whatever becomes of its record.

use crate::{
    Ended,
    reach::{DEV, WORKFLOW, component, error, project, run, until_there},
    schemas::must_conform,
    spawn,
};
use serde_json::json;
use std::{fs, path::PathBuf};

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

/// A state folder so deep that every name in it fits the system's longest path but those of traces.
#[test]
fn a_place_that_takes_no_traces_is_refused_before_the_first_step() {
    // linux/limits.h, PATH_MAX: with the zero at the end.
    const PATH_MAX: usize = 4096;
    let here = project(&component("", ""), &[WORKFLOW, DEV]);
    let deep = |length: usize| {
        let mut path = here.path().join("deep").to_str().unwrap().to_owned();
        while path.len() < length {
            let more = (length - path.len()).saturating_sub(1).clamp(1, 200);
            path.push('/');
            path.push_str(&"d".repeat(more));
        }
        PathBuf::from(path)
    };
    // "/dev/keys/.stepward-123456" fits; "/dev/traces/1795238456000-01234567" does not.
    let (fits, too_deep) = (deep(PATH_MAX - 60), deep(PATH_MAX - 31));
    run(here.path(), &["w", "--state", fits.to_str().unwrap()]).must(0);
    let ended = run(here.path(), &["w", "--state", too_deep.to_str().unwrap()]);
    assert_eq!(error(&ended), (json!("file-write"), 7), "{}", ended.stdout);
    assert_eq!(ended.json()["steps"], json!([]));
    assert!(ended.json()["error"]["place"].as_str().unwrap().contains("/dev/traces/"), "{}", ended.stdout);
}
