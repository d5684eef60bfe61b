//! Which protections of worker processes hold here, what an environment demands of them, and what
//! happens where a machine lacks some. A sandbox around the program takes the place of such a
//! machine: system calls answer as on a kernel that does not have them.
#![cfg(target_os = "linux")]

use crate::{
    Ended, folder,
    reach::{DEV, WORKFLOW, component, error, project, run},
    schemas::must_conform,
    stepward,
};
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, TargetArch, apply_filter};
use serde_json::{Value, json};
use std::{fs, path::Path, thread};

#[cfg(target_arch = "x86_64")]
const ARCH: TargetArch = TargetArch::x86_64;
#[cfg(target_arch = "aarch64")]
const ARCH: TargetArch = TargetArch::aarch64;

const LANDLOCK: [&str; 3] = ["landlock-files", "landlock-network", "landlock-scopes"];
/// The first interface that has everything that workers promise.
const WHOLE_ABI: u64 = 6;

/// What `act` starts cannot make these system calls.
fn without(calls: &[i64], act: impl FnOnce() -> Ended + Send) -> Ended {
    let rules = calls.iter().map(|call| (*call, Vec::new())).collect();
    let answer = SeccompAction::Errno(libc::ENOSYS.cast_unsigned());
    let filter: BpfProgram =
        SeccompFilter::new(rules, SeccompAction::Allow, answer, ARCH).unwrap().try_into().unwrap();
    let sandboxed = || {
        apply_filter(&filter).unwrap();
        act()
    };
    thread::scope(|scope| scope.spawn(sandboxed).join().unwrap())
}

fn without_landlock(act: impl FnOnce() -> Ended + Send) -> Ended {
    without(&[libc::SYS_landlock_create_ruleset], act)
}

/// The names of what ended so in a column.
fn named<'a>(list: &'a Value, is: impl Fn(&'a Value) -> bool) -> Vec<&'a str> {
    let all = list.as_array().unwrap().iter();
    all.filter(|one| is(one)).map(|one| one["name"].as_str().unwrap()).collect()
}

fn missing(report: &Value) -> Vec<&str> {
    named(&report["promises"], |one| one["runner"]["state"] == "missing")
}

fn succeeded(report: &Value) -> Vec<&str> {
    named(&report["attempts"], |one| {
        one["compiler"]["end"] == "succeeded" || one["runner"]["end"] == "succeeded"
    })
}

fn doctor(here: &Path, more: &[&str]) -> Ended {
    stepward(here, &[&["doctor", "--json"], more].concat())
}

fn with_environment(workers: &str) -> tempfile::TempDir {
    project(&component("", ""), &[WORKFLOW, (DEV.0, &format!("{}{workers}", DEV.1))])
}

/// The promises that hold without Landlock, as an environment demands them.
fn all_but_landlock() -> String {
    let here = folder(&[]);
    let schema = stepward(here.path(), &["schema", "doctor"]).must(0).json();
    let all = schema.pointer("/$defs/promise/enum").unwrap().as_array().unwrap().clone();
    let rest = all.into_iter().filter(|name| !LANDLOCK.contains(&name.as_str().unwrap()));
    format!("[workers]\nrequire = {}\n", Value::from(rest.collect::<Vec<_>>()))
}

#[test]
fn every_protection_is_tried_and_told_in_both_forms() {
    let here = folder(&[]);
    let ended = doctor(here.path(), &[]);
    let report = ended.json();
    must_conform("doctor", &report);
    assert_eq!(succeeded(&report), [] as [&str; 0]);
    assert_eq!(
        named(&report["process"], |own| own.get("why_missing").is_none()),
        ["no-core-file", "closed-memory"]
    );
    let text = stepward(here.path(), &["doctor"]);
    assert_eq!(text.code, ended.code);
    let lines = text.stdout.lines().collect::<Vec<_>>();
    let shown = |name: &str| lines.iter().filter(|line| line.split_whitespace().next() == Some(name)).count();
    let names = [named(&report["promises"], |_| true), named(&report["attempts"], |_| true)].concat();
    assert!(names.len() >= 15 + 25, "{names:?}");
    for name in names {
        assert_eq!(shown(name), 1, "{name}\n{}", text.stdout);
    }
    // A machine whose kernel is older than what workers promise lacks Landlock's later parts alone.
    if report["machine"]["landlock_abi"].as_u64().is_some_and(|abi| abi >= WHOLE_ABI) {
        assert_eq!((ended.code, &report["status"]), (0, &json!("sound")), "{report:#}");
        assert_eq!(missing(&report), [] as [&str; 0]);
        assert!(text.stdout.contains("\nok 15 of 15 promises hold"), "{}", text.stdout);
    } else {
        assert_eq!((ended.code, &report["status"]), (7, &json!("lacking")), "{report:#}");
        assert!(missing(&report).iter().all(|name| LANDLOCK.contains(name)), "{report:#}");
    }
}

#[test]
fn what_this_machine_lacks_is_told_with_what_to_do() {
    let here = folder(&[]);
    let report = without_landlock(|| doctor(here.path(), &[])).must(7).json();
    must_conform("doctor", &report);
    assert_eq!((&report["status"], report["machine"].get("landlock_abi")), (&json!("lacking"), None));
    assert_eq!(missing(&report), LANDLOCK);
    // The other layers stand in for what is missing.
    assert_eq!(succeeded(&report), [] as [&str; 0]);
    assert_eq!(report["error"]["rule"], "worker-promise-missing");
    let hint = report["error"]["hint"].as_str().unwrap();
    assert!(hint.contains("landlock-scopes: boot Linux 6.12 or newer"), "{hint}");

    let text = without_landlock(|| stepward(here.path(), &["doctor"])).must(7);
    assert!(text.stdout.contains("MISSING") && text.stdout.contains("no Landlock"), "{}", text.stdout);
    assert!(text.stdout.contains("because: the kernel has no Landlock"), "{}", text.stdout);
    assert!(text.stdout.contains("to do:   boot Linux 6.10 or newer"), "{}", text.stdout);
    assert!(!text.stdout.contains("\nok "), "{}", text.stdout);
    assert!(text.stderr.contains("rule: worker-promise-missing (operator)"), "{}", text.stderr);
}

/// With neither of the two layers, some attempts succeed; so what `doctor` says of the others is true.
#[test]
fn an_attempt_that_succeeds_is_told_loudly() {
    let here = with_environment("[workers]\nrequire = []\n");
    let calls = [libc::SYS_landlock_create_ruleset, libc::SYS_seccomp];
    for more in [&[] as &[&str], &["--env", "dev"]] {
        let report = without(&calls, || doctor(here.path(), more)).must(7).json();
        must_conform("doctor", &report);
        assert_eq!(
            (&report["status"], &report["error"]["rule"]),
            (&json!("open"), &json!("protection-open"))
        );
        let got = succeeded(&report);
        assert!(got.contains(&"map-executable") && got.contains(&"open-namespace"), "{got:?}");
        let message = report["error"]["message"].as_str().unwrap();
        assert!(got.iter().all(|name| message.contains(name)), "{message}");
        let hint = report["error"]["hint"].as_str().unwrap();
        assert!(hint.contains("seccomp: boot Linux 4.14"), "{hint}");
    }
    let text = without(&calls, || stepward(here.path(), &["doctor"])).must(7);
    assert!(
        text.stdout.contains("map-executable in a compiler: it got executable memory"),
        "{}",
        text.stdout
    );
}

#[test]
fn a_promise_that_is_demanded_and_missing_refuses_before_anything_starts() {
    for workers in
        ["", "[workers]\n", "[workers]\nrequire = \"all\"\n", "[workers]\nrequire = [\"landlock-scopes\"]\n"]
    {
        let here = with_environment(workers);
        let ended = without_landlock(|| run(here.path(), &["w"]));
        assert_eq!(error(&ended), (json!("worker-promise-missing"), 7), "{workers}");
        let report = ended.json();
        must_conform("run", &report);
        assert_eq!((&report["steps"], report.get("isolation")), (&json!([]), None));
        let fault = &report["error"];
        assert_eq!((&fault["owner"], &fault["place"]), (&json!("operator"), &json!(DEV.0)));
        assert!(
            fault["message"].as_str().unwrap().contains("landlock-scopes (the kernel has no Landlock"),
            "{fault}"
        );
        let traces = here.path().join(".stepward/dev/traces");
        assert!(!traces.exists() || fs::read_dir(traces).unwrap().next().is_none());

        // What it advises is enough.
        let hint = fault["hint"].as_str().unwrap();
        let table = &hint[hint.find("[workers]").unwrap()..hint.find("`stepward doctor --env dev`").unwrap()];
        let advised = with_environment(table);
        let ended = without_landlock(|| run(advised.path(), &["w"])).must(0);
        let missing = &ended.json()["isolation"]["missing"];
        assert!(missing.as_array().unwrap().contains(&json!("landlock-scopes")), "{missing}");
        for command in [["check", "--json"], ["test", "--json"]] {
            without_landlock(|| stepward(advised.path(), &command)).must(0);
        }
    }
}

#[test]
fn a_promise_that_is_missing_and_not_demanded_is_a_warning() {
    let here = with_environment(&all_but_landlock());
    let ended = without_landlock(|| run(here.path(), &["w"])).must(0);
    assert!(
        ended
            .stderr
            .contains("do not promise landlock-files, landlock-network, landlock-scopes on this machine"),
        "{}",
        ended.stderr
    );
    assert_eq!(
        ended.json()["isolation"],
        json!({"workers": true, "isolation": "bundle", "missing": LANDLOCK})
    );
    let report = without_landlock(|| doctor(here.path(), &["--env", "dev"])).must(0).json();
    must_conform("doctor", &report);
    assert_eq!((&report["status"], &report["environment"]), (&json!("sound"), &json!("dev")));
    assert_eq!(missing(&report), LANDLOCK);
    assert!(named(&report["promises"], |one| one["demanded"] == false) == LANDLOCK);
    // Where there is no environment there is nothing to reach, and nothing is demanded.
    let plain = project(&component("", ""), &[WORKFLOW]);
    let ended = without_landlock(|| run(plain.path(), &["w"])).must(0);
    assert!(ended.stderr.contains("do not promise landlock-files"), "{}", ended.stderr);
}

#[test]
fn a_promise_that_nobody_makes_is_bad_input_wherever_the_file_is_read() {
    let here = with_environment("[workers]\nrequire = [\"seccomp\", \"landlock\"]\n");
    let told = |ended: &Ended| {
        let fault = match ended.json() {
            report if report.get("errors").is_some() => report["errors"][0].clone(),
            report => report["error"].clone(),
        };
        assert_eq!((ended.code, &fault["rule"]), (9, &json!("environment-promise")), "{fault}");
        assert_eq!(fault["place"], format!("{}:3:23", DEV.0));
        assert!(fault["hint"].as_str().unwrap().contains("landlock-files, landlock-network"), "{fault}");
    };
    told(&run(here.path(), &["w"]));
    told(&doctor(here.path(), &["--env", "dev"]));
    for command in ["check", "test"] {
        told(&stepward(here.path(), &[command, "--json"]));
    }
    fs::write(here.path().join(DEV.0), format!("{}[workers]\nrequired = []\n", DEV.1)).unwrap();
    assert_eq!(error(&run(here.path(), &["w"])), (json!("environment-syntax"), 9));
}

#[test]
fn a_run_says_what_shares_its_workers() {
    for (written, isolation) in
        [("", "bundle"), ("isolation = \"step\"\n", "step"), ("isolation = \"run\"\n", "run")]
    {
        let here = with_environment(&format!("[workers]\nrequire = []\n{written}"));
        let report = run(here.path(), &["w"]).must(0).json();
        must_conform("run", &report);
        assert_eq!(report["isolation"]["isolation"], isolation);
        let text = stepward(here.path(), &["run", "w", "--input", "in.json"]).must(0);
        assert!(text.stdout.contains("\nran in: worker processes, one for "), "{}", text.stdout);
    }
}
