//! The life of a project outside this repository: made, built, tested, run, replayed, tampered with.

use crate::{folder, schemas::must_conform, stepward, with_input};
use serde_json::{Value, json};
use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
};

const STEP: &str = "steps/hello/src/lib.rs";
const COMPONENT: &str = "target/stepward/components/hello.wasm";

/// Changes a file, looks, and puts it back.
fn with_changed<T>(path: &Path, change: impl FnOnce(&mut Vec<u8>), look: impl FnOnce() -> T) -> T {
    let good = fs::read(path).unwrap();
    let mut bytes = good.clone();
    change(&mut bytes);
    fs::write(path, bytes).unwrap();
    let seen = look();
    fs::write(path, good).unwrap();
    seen
}

fn replace(bytes: &mut Vec<u8>, old: &str, new: &str) {
    *bytes = String::from_utf8_lossy(bytes).replace(old, new).into_bytes();
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// A copy of a project without what was built.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let (path, name) = (entry.path(), entry.file_name());
        match path.is_dir() {
            true if name == "target" || name == ".stepward" => {}
            true => copy(&path, &to.join(name)),
            false => drop(fs::copy(path, to.join(name)).unwrap()),
        }
    }
}

fn run_json(project: &Path, more: &[&str]) -> (Value, i32) {
    let ended =
        stepward(project, &[&["run", "hello", "--input", "steps/hello/ada.json", "--json"], more].concat());
    must_conform("run", &ended.json());
    (ended.json(), ended.code)
}

/// One test, since every part needs the build before it.
#[test]
fn a_new_project_lives() {
    let here = folder(&[]);
    stepward(here.path(), &["new", "first/order-intake"]).must(0);
    let project = here.path().join("first/order-intake");
    stepward(&project, &["build"]).must(0);
    builds_are_equal(here.path(), &project);
    native_tests_pass(&project);
    cases_pass_and_fail(&project);
    runs_and_limits(&project);
    recorded_cases_hold(&project);
    traces_replay(&project);
    bare_components(&project);
    tampering_is_refused(&project);
    measures_and_checks(&project);
}

fn builds_are_equal(here: &Path, project: &Path) {
    let lock = fs::read(project.join("stepward.lock")).unwrap();
    let bytes = fs::read(project.join(COMPONENT)).unwrap();
    let elsewhere = here.join("quite/another/place");
    copy(project, &elsewhere);
    stepward(&elsewhere, &["build", "--locked"]).must(0);
    assert_eq!(
        fs::read(elsewhere.join(COMPONENT)).unwrap(),
        bytes,
        "the place of a project must not reach its bytes"
    );
    let home = std::env::var("HOME").unwrap();
    for path in [here.to_str().unwrap(), &home] {
        assert!(!bytes.windows(path.len()).any(|window| window == path.as_bytes()), "{path}");
    }
    // Another function makes other bytes: --locked refuses, says so, and changes nothing.
    let hello = |bytes: &mut Vec<u8>| replace(bytes, "\"Hello, {}!\"", "\"Hej, {}!\"");
    let refused = with_changed(&elsewhere.join(STEP), hello, || {
        stepward(&elsewhere, &["build", "--locked", "--json"]).must(3).json()
    });
    assert_eq!(refused["error"]["rule"], "lock-differs");
    assert!(
        refused["error"]["message"].as_str().unwrap().contains("hello: component changed from sha256:"),
        "{refused}"
    );
    assert_eq!(fs::read(elsewhere.join("stepward.lock")).unwrap(), lock);
    assert_eq!(fs::read(elsewhere.join(COMPONENT)).unwrap(), bytes);
}

fn native_tests_pass(project: &Path) {
    let status = Command::new("cargo")
        .args(["test", "--quiet"])
        .current_dir(project)
        .env_remove("CARGO_TARGET_DIR")
        .env_remove("RUSTUP_TOOLCHAIN")
        .output()
        .unwrap();
    assert!(status.status.success(), "{}", String::from_utf8_lossy(&status.stderr));
}

fn cases_pass_and_fail(project: &Path) {
    let report = stepward(project, &["test", "--json"]).must(0).json();
    assert_eq!((&report["passed"], &report["failed"]), (&json!(2), &json!(0)));
    assert!(report["cases"][0]["headroom"][0]["most"].as_u64().unwrap() > 0);
    let case = project.join("steps/hello/cases/ada.json");
    let wrong = |bytes: &mut Vec<u8>| replace(bytes, "Hello, Ada!", "Hello, Bob!");
    let ended = with_changed(&case, wrong, || stepward(project, &["test"]).must(4));
    assert!(ended.stdout.contains("Hello, Ada!") && ended.stdout.contains("Hello, Bob!"), "{}", ended.stdout);
}

fn runs_and_limits(project: &Path) {
    let (run, code) = run_json(project, &[]);
    assert_eq!(
        (code, &run["status"], &run["output"]["text"]),
        (0, &json!("succeeded"), &json!("Hello, Ada!"))
    );
    let step = &run["steps"][0];
    assert!(step["component"].as_str().unwrap().starts_with("sha256:"));
    for usage in [
        "fuel",
        "peak_memory_bytes",
        "table_elements",
        "host_calls",
        "bytes_in",
        "bytes_out",
        "log_bytes",
        "wall_us",
    ] {
        assert!(step["usage"][usage].is_u64(), "{usage}");
    }
    let (limited, code) = run_json(project, &["--limit", "fuel=100"]);
    assert_eq!(
        (code, &limited["status"], &limited["steps"][0]["limit"]),
        (5, &json!("limit-exceeded"), &json!("fuel"))
    );
    let (raised, code) = run_json(project, &["--limit", "host-calls=11"]);
    assert_eq!((code, &raised["error"]["rule"]), (3, &json!("limit-raised")));
    let failed =
        with_input(project, &["run", "hello", "--input", "-", "--json"], "{\"name\":\"\"}").must(4).json();
    assert_eq!((&failed["status"], &failed["error"]["code"]), (&json!("failed"), &json!("name-empty")));
    let other = with_input(project, &["run", "hello", "--input", "-"], "{\"nom\":1}").must(4);
    assert!(other.stderr.contains("input-invalid") && other.stdout.contains("failed"), "{}", other.stderr);
    assert!(stepward(project, &["inspect", "hello"]).must(0).stdout.contains("reaches  nothing"));
    let inspected = stepward(project, &["inspect", "hello", "--json"]).must(0).json();
    assert_eq!((&inspected["imports"], &inspected["exports"]), (&json!([]), &json!(["run"])));
    assert_eq!(inspected["input_schema"]["title"], "Person");
    must_conform("inspect", &inspected);
}

fn trace(project: &Path) -> PathBuf {
    let (run, _) = run_json(project, &[]);
    project.join(run["steps"][0]["trace"].as_str().unwrap())
}

/// A case that was recorded is one that can be tested.
fn recorded_cases_hold(project: &Path) {
    let case = "steps/hello/cases/recorded.json";
    let (_, code) = run_json(project, &["--record", case]);
    assert_eq!(code, 0);
    must_conform("case", &serde_json::from_slice(&fs::read(project.join(case)).unwrap()).unwrap());
    assert_eq!(stepward(project, &["test", "hello", "--json"]).must(0).json()["passed"], 3);
    let scripted = stepward(project, &["run", "hello", "--script", case, "--json"]).must(0).json();
    assert_eq!(scripted["output"]["text"], "Hello, Ada!");
}

fn traces_replay(project: &Path) {
    let trace = trace(project);
    assert_eq!((mode(&trace), mode(&project.join(".stepward/dev"))), (0o600, 0o700));
    must_conform("trace", &serde_json::from_slice(&fs::read(&trace).unwrap()).unwrap());
    let name = trace.to_str().unwrap();
    assert_eq!(stepward(project, &["runs", "replay", name, "--json"]).must(0).json()["verdict"], "identical");
    let other = |bytes: &mut Vec<u8>| replace(bytes, "Ada", "Eve");
    let refused = with_changed(&trace, other, || stepward(project, &["runs", "replay", name]).must(8));
    assert!(refused.stderr.contains("replay-diverged"), "{}", refused.stderr);
}

fn bare_components(project: &Path) {
    let digest = stepward(project, &["inspect", COMPONENT, "--json"]).must(0).json()["digest"]
        .as_str()
        .unwrap()
        .to_owned();
    let run = |digest: &str| {
        with_input(
            project,
            &["run", COMPONENT, "--digest", digest, "--input", "-", "--json"],
            "{\"name\":\"Bo\"}",
        )
    };
    assert_eq!(run(&digest).must(0).json()["output"]["text"], "Hello, Bo!");
    let wrong = format!("sha256:{}", "1".repeat(64));
    assert_eq!(run(&wrong).must(3).json()["error"]["rule"], "component-digest");
}

fn tampering_is_refused(project: &Path) {
    let component = project.join(COMPONENT);
    let length = usize::try_from(fs::metadata(&component).unwrap().len()).unwrap();
    for at in [0, 9, length / 3, length - 1] {
        let (run, code) = with_changed(&component, |bytes| bytes[at] ^= 1, || run_json(project, &[]));
        assert_eq!(
            (code, &run["status"], &run["error"]["rule"]),
            (3, &json!("refused"), &json!("component-digest")),
            "byte {at}"
        );
    }
    let (run, _) = with_changed(&component, |bytes| bytes.truncate(100), || run_json(project, &[]));
    assert!(run["error"]["message"].as_str().unwrap().contains("size changed from"), "{run}");
    let world = project.join("steps/hello/wit/world.wit");
    let (run, code) = with_changed(&world, |bytes| bytes.push(b'\n'), || run_json(project, &[]));
    assert_eq!((code, &run["error"]["rule"]), (3, &json!("lock-differs")));
    let lock = project.join("stepward.lock");
    let sized = |bytes: &mut Vec<u8>| replace(bytes, "size = ", "size = 1");
    assert_eq!(with_changed(&lock, sized, || run_json(project, &[])).0["error"]["rule"], "lock-differs");
    // Compiled code is believed only with its tag: a changed one is compiled again, and said.
    let cached = fs::read_dir(project.join(".stepward/dev/cache")).unwrap().next().unwrap().unwrap().path();
    let ended = with_changed(
        &cached,
        |bytes| *bytes.last_mut().unwrap() ^= 1,
        || stepward(project, &["run", "hello", "--input", "steps/hello/ada.json"]).must(0),
    );
    assert!(ended.stderr.contains("compiled again"), "{}", ended.stderr);
    fs::set_permissions(project.join(".stepward/dev/secrets"), fs::Permissions::from_mode(0o755)).unwrap();
    let (run, code) = run_json(project, &[]);
    assert_eq!((code, &run["error"]["rule"]), (3, &json!("state-private")));
    fs::set_permissions(project.join(".stepward/dev/secrets"), fs::Permissions::from_mode(0o700)).unwrap();
}

fn measures_and_checks(project: &Path) {
    let words = ["measure", "hello", "--input", "steps/hello/ada.json", "--runs", "20"];
    let measured = stepward(project, &words).must(0).stdout;
    let json = stepward(project, &[&words[..], &["--json"]].concat()).must(0).json();
    assert_eq!((&json["schema"], &json["runs"]), (&json!("stepward.measure/1"), &json!(20)));
    let table = measured.split_once("[steps.limits]").unwrap().1;
    let workflow = project.join("workflows/hello.toml");
    let pasted = format!("name = \"hello\"\n[[steps]]\nname = \"hello\"\n[steps.limits]{table}");
    let (run, code) =
        with_changed(&workflow, |bytes| *bytes = pasted.into_bytes(), || run_json(project, &[]));
    assert_eq!(code, 0, "the suggested limits are enough: {run}");
    stepward(project, &["check", "--env", "dev"]).must(0);
    let granted = |bytes: &mut Vec<u8>| bytes.extend(b"[steps.grants.clock.time]\n");
    let warned = with_changed(&workflow, granted, || stepward(project, &["check"]).must(0));
    assert!(
        warned.stderr.contains("`time` is granted, but the step does not import it"),
        "{}",
        warned.stderr
    );
}
