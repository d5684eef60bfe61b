//! The log of runs, as the commands on runs show it: what started, how it ended, who owns it, what was
//! erased. Runs that are killed while they talk to a service are in the tests of the whole system.

use crate::{
    Ended,
    reach::{DEV, WORKFLOW, component, error, project, run, until_there},
    schemas::must_conform,
    spawn, stepward,
};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use std::{
    fs,
    path::Path,
    process::Child,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};
use stepward_seam::SecretBytes;
use stepward_vault::{EnvironmentRoot, RunKeys};
use tempfile::TempDir;

/// Far longer than anything here takes.
const SOON: Duration = Duration::from_mins(1);

/// A step that never ends by itself.
const FOREVER: &str = "(loop $forever (br $forever))";

/// A project whose step runs until it is ended.
pub(crate) fn endless() -> TempDir {
    let slow = format!("{}[steps.limits]\nfuel = 1_000_000_000_000\nwall-time-ms = 600_000\n", WORKFLOW.1);
    project(&component("", FOREVER), &[(WORKFLOW.0, &slow), DEV])
}

/// Starts a run and waits until the log has it that its step started.
pub(crate) fn started(here: &Path) -> (Child, String) {
    let child = spawn(here, &["run", "w", "--input", "in.json", "--json"]);
    (child, in_log(here))
}

/// The name of the first run, once the log has it that its step started. Its place for traces is there
/// just before.
fn in_log(here: &Path) -> String {
    let traces = until_there(&here.join(".stepward/dev/traces"));
    let name = traces.file_name().unwrap().to_str().unwrap().to_owned();
    let late = Instant::now() + SOON;
    loop {
        let shown = stepward(here, &["runs", "show", &name, "--json"]);
        if shown.code == 0 && actions(&shown.json()).contains(&"step-started") {
            return name;
        }
        assert!(Instant::now() < late, "{}", shown.stdout);
    }
}

pub(crate) fn end(child: Child, signal: Signal) -> std::process::Output {
    kill_process(Pid::from_child(&child), signal).unwrap();
    child.wait_with_output().unwrap()
}

fn list(here: &Path) -> Value {
    stepward(here, &["runs", "list", "--json"]).must(0).json()["runs"].clone()
}

fn show(here: &Path, run: &str) -> Value {
    stepward(here, &["runs", "show", run, "--json"]).must(0).json()
}

fn actions(shown: &Value) -> Vec<&str> {
    shown["events"].as_array().unwrap().iter().map(|event| event["action"].as_str().unwrap()).collect()
}

/// What a command that goes on with a run answers.
fn resume(here: &Path, run: &str) -> Ended {
    let ended = stepward(here, &["runs", "resume", run, "--json"]);
    must_conform("run", &ended.json());
    ended
}

#[test]
fn a_run_is_in_the_log_with_all_its_steps() {
    let here = project(&component("", ""), &[WORKFLOW, DEV]);
    let missing = stepward(here.path(), &["runs", "list", "--json"]);
    assert_eq!(error(&missing), (json!("log-missing"), 9));
    let first = run(here.path(), &["w"]).must(0).json();
    let name = first["run"].as_str().unwrap();
    let shown = show(here.path(), name);
    assert_eq!(actions(&shown), ["run-started", "step-started", "step-ended", "run-ended"]);
    assert_eq!((&shown["standing"], &shown["object"]), (&json!("finished"), &json!("w")));
    let events = shown["events"].as_array().unwrap();
    assert_eq!(events[1]["component"], first["steps"][0]["component"]);
    assert_eq!(events[0]["actor"]["by"], "os-account");
    for body in [&events[0], &events[2], &events[3]] {
        assert!(body["body"].is_string(), "{body}");
    }
    // A case answers for no log.
    let case = (here.path().join("case.json"), r#"{"input": {"n": 1}, "expect": {"output": {"n": 1}}}"#);
    fs::write(&case.0, case.1).unwrap();
    let scripted = stepward(here.path(), &["run", "w", "--script", "case.json", "--json"]).must(0).json();
    assert_eq!(scripted.get("run"), None);
    let second = run(here.path(), &["a", "--limit", "fuel=1"]).must(5).json();
    let listed = list(here.path());
    let line = |at: usize| [&listed[at]["run"], &listed[at]["object"], &listed[at]["outcome"]];
    assert_eq!(line(0), [&second["run"], &json!("a"), &json!("limit-exceeded")]);
    assert_eq!(line(1), [&first["run"], &json!("w"), &json!("succeeded")]);
    assert_eq!(listed.as_array().unwrap().len(), 2);
    let newest = stepward(here.path(), &["runs", "list", "--json", "--limit", "1"]).must(0).json();
    assert_eq!((&newest["runs"][0]["run"], &newest["more"]), (&second["run"], &json!(true)));
    assert_eq!(resume(here.path(), name).must(3).json()["error"]["rule"], "run-ended");
    assert_eq!(resume(here.path(), "nobody").must(9).json()["error"]["rule"], "run-unknown");
}

#[test]
fn the_bodies_of_a_run_are_opened_by_name_and_that_is_recorded() {
    let here = project(&component("", ""), &[WORKFLOW, DEV]);
    let run = run(here.path(), &["w"]).must(0).json()["run"].as_str().unwrap().to_owned();
    let opened = stepward(here.path(), &["runs", "show", &run, "--bodies", "--json"]).must(0).json();
    let bodies = opened["bodies"].as_array().unwrap();
    let actions = bodies.iter().map(|body| body["action"].as_str().unwrap()).collect::<Vec<_>>();
    assert_eq!(actions, ["run-started", "step-ended", "run-ended"]);
    assert!(bodies.iter().all(|body| body["body"] == json!({"n": 1})), "{opened}");
    let events = show(here.path(), &run)["events"].clone();
    let last = events.as_array().unwrap().last().unwrap();
    assert_eq!((&last["action"], &last["act"]), (&json!("operator-acted"), &json!("bodies-opened")));
    assert_eq!(last["actor"]["kind"], "person");
    // One that somebody took out is not passed over.
    let log = rusqlite::Connection::open(here.path().join(".stepward/dev/ledger.db")).unwrap();
    let output = bodies[1]["event"].as_i64().unwrap();
    assert_eq!(log.execute("DELETE FROM body WHERE sequence = ?1", [output]).unwrap(), 1);
    drop(log);
    let opened = stepward(here.path(), &["runs", "show", &run, "--bodies", "--json"]).must(0).json();
    let missing = opened["bodies"].as_array().unwrap().iter().map(|body| body["missing"] == true);
    assert_eq!(missing.collect::<Vec<_>>(), [false, true, false]);
}

#[test]
fn one_process_owns_the_log_and_a_second_is_told_which() {
    let here = endless();
    let (child, name) = started(here.path());
    let refused = run(here.path(), &["w"]);
    assert_eq!(error(&refused), (json!("log-owned"), 7));
    let message = refused.json()["error"]["message"].as_str().unwrap().to_owned();
    let owner = format!("process {}, since ", child.id());
    assert!(message.contains(&owner) && message.ends_with(": stepward run"), "{message}");
    assert_eq!(resume(here.path(), &name).must(7).json()["error"]["rule"], "log-owned");
    // Who only looks is not in the way, and nobody is in theirs.
    let listed = list(here.path());
    assert_eq!((&listed[0]["run"], listed.as_array().unwrap().len()), (&json!(name), 1));
    Ended::of(end(child, Signal::TERM)).must(130);
}

#[test]
fn a_run_that_a_signal_interrupts_goes_on() {
    let here = endless();
    let (child, name) = started(here.path());
    let ended = Ended::of(end(child, Signal::INT)).must(130);
    let report = ended.json();
    must_conform("run", &report);
    assert_eq!((&report["status"], &report["run"]), (&json!("cancelled"), &json!(name)));
    let hint = report["error"]["hint"].as_str().unwrap();
    assert!(hint.contains(&format!("`stepward runs resume {name}`")), "{hint}");
    let shown = show(here.path(), &name);
    assert_eq!(shown["standing"], "can-go-on");
    assert!(!actions(&shown).contains(&"run-ended"), "{shown}");
    // It goes on as the same run, here under a limit that ends it.
    let ended = stepward(here.path(), &["runs", "resume", &name, "--json", "--limit", "fuel=1000"]).must(5);
    assert_eq!((&ended.json()["run"], ended.stderr.as_str()), (&json!(name), ""));
    let shown = show(here.path(), &name);
    assert_eq!(
        actions(&shown),
        [
            "run-started",
            "step-started",
            "run-continued",
            "step-started",
            "limit-reached",
            "step-ended",
            "run-ended"
        ]
    );
}

#[test]
fn a_run_that_was_killed_is_told_of_and_can_be_ended() {
    let here = endless();
    let (child, name) = started(here.path());
    end(child, Signal::KILL);
    let other = run(here.path(), &["w", "--limit", "fuel=1000"]).must(5);
    let told = format!("run {name} was interrupted and can go on: `stepward runs resume {name}`");
    assert!(other.stderr.contains(&told), "{}", other.stderr);
    stepward(here.path(), &["runs", "cancel", &name]).must(0);
    assert_eq!(
        show(here.path(), &name)["events"].as_array().unwrap().last().unwrap()["outcome"],
        "cancelled"
    );
    assert_eq!(run(here.path(), &["w", "--limit", "fuel=1000"]).must(5).stderr, "");
    let twice = stepward(here.path(), &["runs", "cancel", &name, "--json"]);
    assert_eq!(error(&twice), (json!("run-ended"), 3));
    let decided = ["runs", "resolve", &name, "0", "--as", "applied", "--reason", "seen", "--json"];
    assert_eq!(error(&stepward(here.path(), &decided)), (json!("resolve-not-in-doubt"), 3));
}

#[test]
fn a_run_goes_on_as_what_it_was_started_as() {
    let here = endless();
    let (child, name) = started(here.path());
    end(child, Signal::INT);
    let refused = |said: &str| {
        let ended = resume(here.path(), &name);
        assert_eq!(error(&ended), (json!("resume-changed"), 3), "{}", ended.stdout);
        let message = ended.json()["error"]["message"].as_str().unwrap().to_owned();
        assert!(message.contains(said), "{message}");
    };
    let file = here.path().join(WORKFLOW.0);
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replace("600_000", "500_000")).unwrap();
    refused("the grants or limits of its steps");
    fs::write(&file, &text).unwrap();
    fs::write(here.path().join("a.wasm"), component("", "")).unwrap();
    stepward(here.path(), &["build"]).must(0);
    refused("the step a was the component sha256:");
    // Nothing was written that says that it went on.
    assert!(!actions(&show(here.path(), &name)).contains(&"run-continued"));
    let other = stepward(here.path(), &["run", "a", "--resume", &name, "--json"]);
    assert_eq!(error(&other), (json!("resume-other"), 2));
    fs::write(here.path().join("a.wasm"), component("", FOREVER)).unwrap();
    stepward(here.path(), &["build"]).must(0);
    let words = ["run", "w", "--resume", &name, "--json", "--limit", "fuel=1000"];
    assert_eq!(stepward(here.path(), &words).must(5).json()["run"], json!(name));
}

/// A component's file is known to the log by its digest alone.
#[test]
fn a_run_of_a_component_file_goes_on_with_the_file() {
    let here = crate::folder(&[("in.json", "{\"n\": 1}")]);
    let file = here.path().join("a \"b\".wasm");
    fs::write(&file, component("", FOREVER)).unwrap();
    let file = file.to_str().unwrap();
    let digest = stepward(here.path(), &["inspect", file, "--json"]).must(0).json()["digest"].clone();
    let digest = digest.as_str().unwrap();
    let child = spawn(here.path(), &["run", file, "--digest", digest, "--input", "in.json"]);
    let name = &*in_log(here.path());
    end(child, Signal::KILL);
    assert_eq!(list(here.path())[0]["object"], digest);
    let ended = resume(here.path(), name).must(2);
    let hint = ended.json()["error"]["hint"].as_str().unwrap().to_owned();
    assert_eq!(hint, format!("name the file: stepward run FILE --digest {digest} --resume {name}"));
    let words = ["run", file, "--digest", digest, "--resume", name, "--json", "--limit", "fuel=1000"];
    assert_eq!(stepward(here.path(), &words).must(5).json()["run"], name);
}

#[test]
fn what_was_erased_cannot_be_opened_and_its_story_stays() {
    let here = project(&component("", ""), &[WORKFLOW, DEV]);
    let name = run(here.path(), &["w"]).must(0).json()["run"].as_str().unwrap().to_owned();
    let traces = here.path().join(".stepward/dev/traces").join(&name);
    assert!(traces.is_dir());
    let before = actions(&show(here.path(), &name)).len();
    let erased = stepward(here.path(), &["runs", "erase", &name, "--json"]).must(0).json();
    assert_eq!((&erased["complete"], &erased["traces_removed"]), (&json!(false), &json!(true)));
    assert!(erased["complete_at"].as_str().unwrap().ends_with("T00:00:00Z"), "{erased}");
    assert!(!traces.exists());
    let shown = show(here.path(), &name);
    assert_eq!((actions(&shown).len(), actions(&shown)[before]), (before + 1, "body-erased"));
    let opened = stepward(here.path(), &["runs", "show", &name, "--bodies", "--json"]);
    assert_eq!(error(&opened), (json!("run-erased"), 3));
    assert_eq!(resume(here.path(), &name).must(3).json()["error"]["rule"], "run-erased");
    // The sealed bodies are gone from the file as well, and other runs are not concerned.
    run(here.path(), &["w"]).must(0);
    let again = stepward(here.path(), &["runs", "erase", &name]).must(0);
    assert!(again.stdout.contains("wrapping.db"), "{}", again.stdout);
    assert_eq!(
        error(&stepward(here.path(), &["runs", "erase", "nobody", "--json"])),
        (json!("run-key-unknown"), 3)
    );
}

/// The keys of the runs here, as a process that owns them opens them.
fn run_keys(here: &Path) -> RunKeys {
    let dev = here.join(".stepward/dev");
    let key = SecretBytes::new(fs::read(dev.join("keys/environment.key")).unwrap());
    let root = EnvironmentRoot::derive(&key).unwrap();
    RunKeys::open(&dev.join("keys.db"), &dev.join("wrapping.db"), &root).unwrap()
}

/// A moment three weeks ago, in milliseconds: what is under a key from then is due.
fn weeks_ago() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
    u64::try_from(now).unwrap() - 21 * 24 * 60 * 60 * 1000
}

/// Whether a wrapping key is destroyed.
fn is_destroyed(here: &Path, id: i64) -> bool {
    let wrapping = rusqlite::Connection::open(here.join(".stepward/dev/wrapping.db")).unwrap();
    let sql = "SELECT wrapped IS NULL FROM wrapping_key WHERE id = ?1";
    wrapping.query_row(sql, [id], |row| row.get(0)).unwrap()
}

/// What comes due between two starts is done by the next start, and then the erasure is complete.
#[test]
fn the_first_start_of_a_week_completes_what_was_erased_before() {
    let here = project(&component("", ""), &[WORKFLOW, DEV]);
    let here = here.path();
    let [first, second] =
        [0, 1].map(|_| run(here, &["w"]).must(0).json()["run"].as_str().unwrap().to_owned());
    let erase = ["runs", "erase", &first, "--json"];
    assert_eq!(stepward(here, &erase).must(0).json()["complete"], json!(false));
    // A wrapping key from a week that is long over is the newest one from now on.
    drop(run_keys(here).create("r-old", weeks_ago()).unwrap());
    assert!(!is_destroyed(here, 1));
    let third = run(here, &["w"]).must(0).json()["run"].as_str().unwrap().to_owned();
    assert!(is_destroyed(here, 1));
    let erased = stepward(here, &erase).must(0).json();
    assert_eq!((&erased["complete"], &erased["recorded"]), (&json!(true), &json!(true)));
    let log = stepward(here, &["ledger", "show", "--json"]).must(0).stdout;
    assert_eq!(log.matches(r#""act":"keys-rotated""#).count(), 1, "{log}");
    assert_eq!(log.matches(r#""action":"body-erased""#).count(), 1, "{log}");
    // Each run has a key of its own: those of the others open as before.
    for run in [second, third] {
        let opened = stepward(here, &["runs", "show", &run, "--bodies", "--json"]).must(0).json();
        assert_eq!(opened["bodies"].as_array().unwrap().len(), 3);
    }
    // A key without a run in the log is dropped, and nothing false is written.
    let erased = stepward(here, &["runs", "erase", "r-old", "--json"]).must(0).json();
    assert_eq!(erased["recorded"], json!(false));
    let log = stepward(here, &["ledger", "show", "--json"]).must(0).stdout;
    assert_eq!(log.matches(r#""action":"body-erased""#).count(), 1, "{log}");
}

/// Keys that are not those of the log are refused before any wrapping key goes: it may be the only one of
/// runs that live.
#[test]
fn no_wrapping_key_goes_on_the_word_of_an_older_copy() {
    let here = project(&component("", ""), &[WORKFLOW, DEV]);
    let here = here.path();
    run(here, &["w"]).must(0);
    let keys = here.join(".stepward/dev/keys.db");
    let older = fs::read(&keys).unwrap();
    run(here, &["w"]).must(0);
    fs::write(&keys, older).unwrap();
    // In the copy, the wrapping key 2 has an erasure and is of an earlier week.
    let old = run_keys(here);
    drop(old.create("r-old", weeks_ago()).unwrap());
    old.erase("r-old", weeks_ago()).unwrap();
    drop(old);
    for command in [&["run", "w", "--input", "in.json", "--json"][..], &["key", "rotate-wrapping", "--json"]]
    {
        let refused = stepward(here, command);
        assert_eq!(error(&refused), (json!("keys-behind-log"), 8), "{}", refused.stdout);
        assert!(!is_destroyed(here, 2), "{command:?}");
    }
}

/// The key is in a copy from before the erasure, and its wrapping key would never go.
#[test]
fn keys_from_before_an_erasure_are_not_started_with() {
    let here = project(&component("", ""), &[WORKFLOW, DEV]);
    let here = here.path();
    let name = run(here, &["w"]).must(0).json()["run"].as_str().unwrap().to_owned();
    let (keys, log) = (here.join(".stepward/dev/keys.db"), here.join(".stepward/dev/ledger.db"));
    let older = fs::read(&keys).unwrap();
    let sealed: Vec<u8> = {
        let log = rusqlite::Connection::open(&log).unwrap();
        log.query_row("SELECT sealed FROM body ORDER BY sequence", [], |row| row.get(0)).unwrap()
    };
    let holds = || fs::read(&log).unwrap().windows(sealed.len()).any(|window| window == sealed);
    assert!(holds());
    stepward(here, &["runs", "erase", &name]).must(0);
    assert!(!holds(), "the sealed bodies are gone from the file as well");
    let newer = fs::read(&keys).unwrap();
    fs::write(&keys, older).unwrap();
    let refused = run(here, &["w"]);
    assert_eq!(error(&refused), (json!("keys-behind-log"), 8), "{}", refused.stdout);
    fs::write(&keys, newer).unwrap();
    run(here, &["w"]).must(0);
}

/// The traces go before anything can fail, and no name leads out of their folder.
#[test]
fn what_was_erased_leaves_no_trace_when_the_rest_fails() {
    let here = project(&component("", ""), &[WORKFLOW, DEV]);
    let kept = run(here.path(), &["w"]).must(0).json()["run"].as_str().unwrap().to_owned();
    let traces = here.path().join(".stepward/dev/traces");
    // A run of a log that was replaced: its trace lies here, and its key does not.
    fs::create_dir(traces.join("r-gone")).unwrap();
    fs::write(traces.join("r-gone/a.json"), "in the clear").unwrap();
    for name in ["r-gone", "..", ".", "../traces", &format!("{kept}/"), &format!("./{kept}"), ""] {
        let refused = stepward(here.path(), &["runs", "erase", "--json", "--", name]);
        assert_ne!(refused.code, 0, "{name}");
    }
    assert!(!traces.join("r-gone").exists());
    assert!(traces.join(&kept).is_dir());
}

/// A replaced log is a copy with its keys: the answer names each.
#[test]
fn what_was_erased_lies_in_logs_that_were_replaced_too() {
    let here = project(&component("", ""), &[WORKFLOW, DEV]);
    let name = run(here.path(), &["w"]).must(0).json()["run"].as_str().unwrap().to_owned();
    let none = stepward(here.path(), &["runs", "erase", &name, "--json"]).must(0).json();
    assert_eq!(none["replaced"], json!([]));
    stepward(here.path(), &["backup", "--to", "b", "--keys-to", "k"]).must(0);
    let restore = ["restore", "--from", "b", "--keys-from", "k", "--replace", "--json"];
    let replaced = [0, 1].map(|_| stepward(here.path(), &restore).must(0).json()["replaced"].clone());
    // What a restore left that was killed goes when the log is opened: it is a copy, too.
    let left = here.path().join(".stepward/dev/.restoring-x");
    fs::create_dir(&left).unwrap();
    fs::write(left.join("keys.db"), "keys").unwrap();
    let erased = stepward(here.path(), &["runs", "erase", &name, "--json"]).must(0).json();
    assert!(!left.exists());
    assert_eq!((&erased["replaced"], &erased["complete"]), (&json!(replaced), &json!(false)));
    let told = stepward(here.path(), &["runs", "erase", &name]).must(0).stdout;
    for folder in &replaced {
        let line = told.lines().find(|line| line.contains(folder.as_str().unwrap())).unwrap();
        assert!(line.contains("still open with the environment's key"), "{line}");
    }
}

/// The owner's database is put back from yesterday: the checkpoint beside it is newer.
#[test]
fn an_older_copy_of_the_log_is_found() {
    let here = project(&component("", ""), &[WORKFLOW, DEV]);
    run(here.path(), &["w"]).must(0);
    let dev = here.path().join(".stepward/dev");
    let log = ["ledger.db", "ledger.db-wal"].map(|name| (name, fs::read(dev.join(name)).unwrap_or_default()));
    run(here.path(), &["w"]).must(0);
    for (name, bytes) in log {
        fs::write(dev.join(name), bytes).unwrap();
    }
    let refused = run(here.path(), &["w"]);
    assert_eq!(error(&refused), (json!("log-shorter"), 8), "{}", refused.stdout);
    let message = refused.json()["error"]["message"].as_str().unwrap().to_owned();
    assert!(message.contains("tiles/checkpoint"), "{message}");
    assert_eq!(error(&stepward(here.path(), &["runs", "list", "--json"])), (json!("log-shorter"), 8));
}

/// Removes files of a state, with what SQLite keeps beside them.
fn remove(here: &Path, starts: &[&str]) {
    for file in fs::read_dir(here.join(".stepward/dev")).unwrap().map(|entry| entry.unwrap().path()) {
        let name = file.file_name().unwrap().to_str().unwrap().to_owned();
        if !starts.iter().any(|start| name.starts_with(start)) {
            continue;
        }
        if file.is_dir() { fs::remove_dir_all(file) } else { fs::remove_file(file) }.unwrap();
    }
}

/// A new log under the same name would know nothing of the runs in doubt.
#[test]
fn a_log_that_is_gone_while_its_runs_have_keys_is_not_begun_anew() {
    let here = project(&component("", ""), &[WORKFLOW, DEV]);
    let first = run(here.path(), &["w"]).must(0).json()["run"].as_str().unwrap().to_owned();
    run(here.path(), &["w"]).must(0);
    // The name of a run that was erased counts as well.
    stepward(here.path(), &["runs", "erase", &first]).must(0);
    for _ in 0..2 {
        remove(here.path(), &["ledger.db", "tiles"]);
        let refused = run(here.path(), &["w"]);
        assert_eq!(error(&refused), (json!("log-missing-with-keys"), 8), "{}", refused.stdout);
        let fault = &refused.json()["error"];
        assert!(fault["message"].as_str().unwrap().contains("keys of 2 runs and no log"), "{fault}");
        assert!(fault["place"].as_str().unwrap().ends_with("ledger.db"), "{fault}");
        assert!(!here.path().join(".stepward/dev/tiles/checkpoint").exists(), "nothing is signed");
    }
}

/// Whoever takes out all that was signed can change everything before.
#[test]
fn a_log_whose_checkpoints_were_all_removed_does_not_go_on() {
    let here = project(&component("", ""), &[WORKFLOW, DEV]);
    run(here.path(), &["w"]).must(0);
    remove(here.path(), &["tiles"]);
    let log = rusqlite::Connection::open(here.path().join(".stepward/dev/ledger.db")).unwrap();
    log.execute("DELETE FROM checkpoint", ()).unwrap();
    drop(log);
    let refused = |said: &str| {
        let refused = run(here.path(), &["w"]);
        assert_eq!(error(&refused), (json!("log-unsigned"), 8), "{}", refused.stdout);
        let message = refused.json()["error"]["message"].as_str().unwrap().to_owned();
        assert!(message.contains(said), "{message}");
        assert!(!here.path().join(".stepward/dev/tiles/checkpoint").exists(), "nothing is signed");
    };
    refused("keys of 1 runs");
    remove(here.path(), &["keys.db", "wrapping.db"]);
    refused("is `bundle-changed`");
}

/// What an operator decides is sealed in the log, and is told nowhere beside it.
#[test]
fn the_lock_of_the_log_tells_no_values_of_a_command() {
    let here = endless();
    let (child, name) = started(here.path());
    let lock = here.path().join(".stepward/dev/ledger.lock");
    let text = fs::read_to_string(&lock).unwrap();
    assert!(text.trim_end().ends_with(": stepward run"), "{text}");
    Ended::of(end(child, Signal::TERM)).must(130);
    assert_eq!(fs::read_to_string(&lock).unwrap(), "", "nobody has it");
    stepward(
        here.path(),
        &["runs", "resolve", &name, "0", "--as", "applied", "--reason", "Jane Roe said so", "--json"],
    )
    .must(3);
    assert_eq!(fs::read_to_string(&lock).unwrap(), "");
}
