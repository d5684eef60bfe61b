//! Looking at the event log and taking out what others can check.

use crate::{
    Ended, command,
    reach::{DEV, WORKFLOW, component, error, project, run},
    spawn, stepward,
};
use serde_json::{Value, json};
use std::{
    fs,
    io::{BufRead as _, BufReader},
    num::NonZeroU32,
    path::Path,
    process::Command,
};
use stepward_ledger::{merkle::MemoryTree, note::LogSigner};
use stepward_seam::SecretBytes;
use stepward_vault::EnvironmentRoot;
use tempfile::TempDir;

/// A project that ran `w` so many times.
pub(crate) fn ran(times: usize) -> TempDir {
    let here = project(&component("", ""), &[WORKFLOW, DEV]);
    for _ in 0..times {
        run(here.path(), &["w"]).must(0);
    }
    here
}

/// The events that a command showed as JSON lines.
fn events(ended: &Ended) -> Vec<Value> {
    let lines = ended.stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines
        .map(|mut line| {
            assert_eq!(line["schema"], "stepward.event/1");
            line["event"].take()
        })
        .collect()
}

fn shown(here: &Path, more: &[&str]) -> Vec<Value> {
    events(&stepward(here, &[&["ledger", "show", "--json"], more].concat()).must(0))
}

pub(crate) fn vkey(here: &Path) -> String {
    stepward(here, &["ledger", "key"]).must(0).stdout.trim_end().to_owned()
}

/// Whether the Python verifier holds it.
fn python(here: &Path, arguments: &[&str]) -> bool {
    let verifier = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/verify_log.py");
    let output = Command::new("python3").arg(verifier).args(arguments).current_dir(here).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(said.contains("HOLDS"), output.status.success(), "{said}");
    output.status.success()
}

#[test]
fn events_are_shown_and_filtered() {
    let here = ran(2);
    let all = shown(here.path(), &[]);
    let numbers: Vec<_> = all.iter().map(|event| event["seq"].as_u64().unwrap()).collect();
    assert_eq!(numbers, (0..all.len() as u64).collect::<Vec<_>>());
    let run = all.iter().find(|event| event["action"] == "run-started").unwrap()["run"].as_str().unwrap();
    let of_run = shown(here.path(), &["--run", run]);
    assert_eq!(of_run, all.iter().filter(|event| event["run"] == run).cloned().collect::<Vec<_>>());
    assert!(of_run.len() > 3);
    let counted = |more: &[&str]| shown(here.path(), more).len();
    assert_eq!(counted(&["--action", "run-ended", "--verdict", "succeeded"]), 2);
    assert_eq!(counted(&["--action", "run-ended", "--decision", "failed"]), 0);
    assert_eq!(counted(&["--since", "1h"]), all.len());
    assert_eq!(counted(&["--until", "2001-02-03T04:05:06Z"]), 0);
    assert_eq!(counted(&["--actor", "person"]), 2);
    let last = shown(here.path(), &["-n", "2"]);
    assert_eq!(last, all[all.len() - 2..]);
    assert_eq!(shown(here.path(), &["--run", run, "-n", "1"]), of_run[of_run.len() - 1..]);
    let table = stepward(here.path(), &["ledger", "show", "--step", "a"]).must(0).stdout;
    assert!(table.starts_with("time (UTC)") && table.contains("step-started"), "{table}");
    assert!(table.contains(&format!("{run} / a")), "{table}");
    assert_eq!(
        error(&stepward(here.path(), &["ledger", "show", "--since", "soon", "--json"])),
        (json!("moment"), 2)
    );
}

#[test]
fn a_log_that_is_not_there_is_refused_and_not_made() {
    let here = project(&component("", ""), &[WORKFLOW, DEV]);
    for words in [
        &["ledger", "show"][..],
        &["ledger", "key"],
        &["ledger", "checkpoint"],
        &["ledger", "export", "--out", "x"],
        &["ledger", "prove", "0"],
        &["evidence", "r", "--out", "x"],
    ] {
        let ended = stepward(here.path(), &[words, &["--json"]].concat());
        assert_eq!(error(&ended), (json!("log-missing"), 9), "{words:?}");
    }
    assert!(!here.path().join(".stepward/dev/ledger.db").exists());
    assert!(!here.path().join("x").exists());
}

#[test]
fn the_log_is_followed_while_others_write() {
    let here = ran(1);
    let mut follower = spawn(here.path(), &["ledger", "show", "-f", "-n", "1", "--json"]);
    let mut lines = BufReader::new(follower.stdout.take().unwrap()).lines();
    let mut next = || serde_json::from_str::<Value>(&lines.next().unwrap().unwrap()).unwrap()["event"].take();
    let first = next();
    assert_eq!(first["action"], "service-stopped");
    run(here.path(), &["w"]).must(0);
    let mut seen = first["seq"].as_u64().unwrap();
    loop {
        let event = next();
        seen += 1;
        assert_eq!(event["seq"], seen);
        if event["action"] == "service-stopped" {
            break;
        }
    }
    let pid = follower.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    assert_eq!(follower.wait().unwrap().code(), Some(130));
}

#[test]
fn an_event_is_proven_in_less_than_two_kilobytes() {
    let here = ran(3);
    let report = stepward(here.path(), &["ledger", "prove", "4", "--json"]).must(0).json();
    assert_eq!(report["schema"], "stepward.proof/1");
    let proof = fs::read(here.path().join("event-4.tlog-proof")).unwrap();
    assert!(proof.len() < 2048 && report["bytes"] == proof.len(), "{report}");
    let key = vkey(here.path());
    assert_eq!(report["vkeys"], json!([key]));
    stepward(here.path(), &["verify", "event-4.tlog-proof", "--key", &key]).must(0);
    assert!(python(here.path(), &["proof", "event-4.tlog-proof", "--key", &key]));
    stepward(here.path(), &["ledger", "prove", "5", "--out", "other"]).must(0);
    let wrong =
        stepward(here.path(), &["verify", "event-4.tlog-proof", "other.leaf", "--key", &key, "--json"]);
    assert_eq!(wrong.must(8).json()["parts"][0]["findings"][0]["rule"], "proof-root");
    assert!(!python(here.path(), &["proof", "event-4.tlog-proof", "--leaf", "other.leaf", "--key", &key]));
    let unknown = stepward(here.path(), &["ledger", "prove", "4000", "--json"]);
    assert_eq!(error(&unknown), (json!("event-missing"), 9));
    let keyless = stepward(here.path(), &["verify", "event-4.tlog-proof", "--json"]);
    assert_eq!(error(&keyless), (json!("verify-no-key"), 2));
}

#[test]
fn an_export_says_that_it_was_made_and_holds_for_others() {
    let here = ran(2);
    let report = stepward(here.path(), &["ledger", "export", "--out", "log.export", "--json"]).must(0).json();
    let text = fs::read_to_string(here.path().join("log.export")).unwrap();
    assert_eq!(report["events"], text.lines().count() - 1);
    assert!(text.contains(r#""action":"operator-acted","act":"export""#), "{text}");
    assert!(python(here.path(), &["export", "log.export", "--key", &vkey(here.path())]));
    let said = stepward(here.path(), &["verify", "log.export"]).must(0).stdout;
    assert!(said.contains("by a key that came with the file") && said.contains("no known witness"), "{said}");
    let streamed = stepward(here.path(), &["ledger", "export"]).must(0).stdout;
    fs::write(here.path().join("streamed"), &streamed).unwrap();
    stepward(here.path(), &["verify", "streamed", "--key", &vkey(here.path())]).must(0);
    let both = stepward(here.path(), &["ledger", "export", "--json"]);
    assert_eq!(error(&both), (json!("export-and-json"), 2));
    let edited = streamed.replacen("run-started", "run-starter", 1);
    fs::write(here.path().join("streamed"), edited).unwrap();
    let wrong = stepward(here.path(), &["verify", "streamed", "--json"]).must(8).json();
    let found = &wrong["parts"][0]["findings"];
    assert_eq!([&found[0]["rule"], &found[1]["rule"]], ["log-leaf-edited", "event-format"]);
    assert!(!python(here.path(), &["export", "streamed"]));
}

#[test]
fn a_checkpoint_is_made_where_the_log_grew_unsigned() {
    let here = ran(1);
    let note = stepward(here.path(), &["ledger", "checkpoint"]).must(0).stdout;
    let size: u64 = note.lines().nth(1).unwrap().parse().unwrap();
    assert_eq!(note, fs::read_to_string(here.path().join(".stepward/dev/tiles/checkpoint")).unwrap());
    // As after a crash: the events are there and the checkpoints are not.
    let sql = "DELETE FROM checkpoint";
    rusqlite::Connection::open(here.path().join(".stepward/dev/ledger.db"))
        .unwrap()
        .execute_batch(sql)
        .unwrap();
    assert_eq!(
        error(&stepward(here.path(), &["ledger", "prove", "0", "--json"])),
        (json!("checkpoint-too-small"), 7)
    );
    let again = stepward(here.path(), &["ledger", "checkpoint", "--json"]).must(0).json();
    assert_eq!((&again["size"], &again["after"], &again["note"]), (&json!(size), &json!(0), &json!(note)));
    stepward(here.path(), &["ledger", "prove", "0"]).must(0);
}

/// A checkpoint over no event is true of every log: it vouches for none that has a run.
#[test]
fn a_log_with_runs_is_not_signed_on_the_word_of_an_empty_checkpoint() {
    let here = ran(1);
    let state = here.path().join(".stepward/dev");
    let key = SecretBytes::new(fs::read(state.join("keys/environment.key")).unwrap());
    let seed = EnvironmentRoot::derive(&key).unwrap().log_signing_seed();
    let signer = LogSigner::of_environment("dev", NonZeroU32::MIN, &seed).unwrap();
    assert_eq!(signer.verifier().to_string(), vkey(here.path()));
    let empty = signer.sign(MemoryTree::default().head()).to_string();
    let log = rusqlite::Connection::open(state.join("ledger.db")).unwrap();
    log.execute_batch("DELETE FROM checkpoint").unwrap();
    log.execute("INSERT INTO checkpoint (size, note) VALUES (0, ?1)", [&empty]).unwrap();
    drop(log);
    fs::remove_dir_all(state.join("tiles/tile")).unwrap();
    fs::write(state.join("tiles/checkpoint"), empty).unwrap();
    for _ in 0..2 {
        let refused = stepward(here.path(), &["ledger", "checkpoint", "--json"]);
        assert_eq!(error(&refused), (json!("log-unsigned"), 8), "{}", refused.stdout);
    }
}

#[test]
fn evidence_of_a_run_is_checked_with_python_alone() {
    let here = ran(2);
    let run = shown(here.path(), &["--action", "run-started"])[0]["run"].as_str().unwrap().to_owned();
    let told = stepward(here.path(), &["evidence", &run, "--out", "proof"]).must(0).stdout;
    let folder = here.path().join("proof");
    let mut names: Vec<_> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["README.txt", "checkpoint", "events.jsonl", "keys.txt", "proofs", "verify.py"]);
    let readme = fs::read_to_string(folder.join("README.txt")).unwrap();
    assert!(readme.contains(&run) && readme.contains("python3 verify.py evidence ."), "{readme}");
    // The script can be replaced like any file: its digest is told to be passed on.
    let digest = stepward_trust::Digest::of(&fs::read(folder.join("verify.py")).unwrap()).to_string();
    assert!(told.contains(&digest), "{told}");
    assert!(readme.contains("could have put another script in its place"), "{readme}");
    let alone = |key: &str| {
        let output = Command::new("python3")
            .args(["verify.py", "evidence", ".", "--key", key])
            .current_dir(&folder)
            .output();
        output.unwrap().status.success()
    };
    assert!(alone(&vkey(here.path())));
    let said = stepward(here.path(), &["verify", "proof"]).must(0).stdout;
    assert!(said.contains("that the run has no other events"), "{said}");
    assert_eq!(
        error(&stepward(here.path(), &["evidence", &run, "--out", "proof", "--json"])),
        (json!("evidence-folder"), 3)
    );
    assert_eq!(
        error(&stepward(here.path(), &["evidence", "no-run", "--out", "x", "--json"])),
        (json!("run-unknown"), 9)
    );
    let events = fs::read_to_string(folder.join("events.jsonl")).unwrap();
    fs::write(folder.join("events.jsonl"), events.replacen("\"fuel\":", "\"fuel\":1", 1)).unwrap();
    let wrong = stepward(here.path(), &["verify", "proof", "--json"]).must(8).json();
    assert_eq!(wrong["parts"][0]["findings"][0]["rule"], "proof-root");
    assert!(!alone(&vkey(here.path())));
}

/// While a process owns the log, everything that only reads goes on.
#[test]
fn another_owner_hinders_no_reader() {
    let here = ran(1);
    let lock = fs::File::open(here.path().join(".stepward/dev/ledger.lock")).unwrap();
    lock.lock().unwrap();
    assert!(shown(here.path(), &[]).len() > 3);
    stepward(here.path(), &["ledger", "prove", "2"]).must(0);
    stepward(here.path(), &["ledger", "checkpoint"]).must(0);
    let ended = stepward(here.path(), &["ledger", "export", "--out", "e"]).must(0);
    assert!(ended.stderr.contains("will not say that this was taken out"), "{}", ended.stderr);
    stepward(here.path(), &["verify", ".stepward/dev"]).must(0);
    let bodies = stepward(here.path(), &["verify", ".stepward/dev", "--bodies", "--json"]);
    assert_eq!(error(&bodies), (json!("log-owned"), 7));
    drop(command(here.path(), &[]));
}

#[test]
fn words_that_no_event_has_are_refused_with_those_that_there_are() {
    let here = ran(1);
    for (words, known) in [
        (["--action", "nope"], "call-intended"),
        (["--verdict", "nope"], "not-applied"),
        (["-n", "0"], "1.."),
    ] {
        let ended = stepward(here.path(), &[&["ledger", "show"], &words[..]].concat()).must(2);
        assert!(ended.stderr.contains(known), "{words:?}\n{}", ended.stderr);
    }
}

#[test]
fn nothing_that_is_there_is_replaced() {
    let here = ran(1);
    let events = shown(here.path(), &[]).len();
    for name in ["log", "p.leaf"] {
        fs::write(here.path().join(name), "mine").unwrap();
    }
    for words in [&["ledger", "export", "--out", "log"][..], &["ledger", "prove", "1", "--out", "p"]] {
        let ended = stepward(here.path(), &[words, &["--json"]].concat());
        assert_eq!(error(&ended), (json!("out-exists"), 3), "{words:?}");
    }
    for words in [&["ledger", "export", "--out", "no/log"][..], &["ledger", "prove", "1", "--out", "no/p"]] {
        let ended = stepward(here.path(), words).must(7);
        assert!(ended.stderr.contains(words[words.len() - 1]), "{}", ended.stderr);
        assert!(!ended.stderr.contains(".stepward-"), "{}", ended.stderr);
    }
    for name in ["log", "p.leaf"] {
        assert_eq!(fs::read_to_string(here.path().join(name)).unwrap(), "mine");
    }
    assert!(!here.path().join("p").exists());
    assert_eq!(shown(here.path(), &[]).len(), events, "a refused export is no export");
    let left = fs::read_dir(here.path()).unwrap().map(|entry| entry.unwrap().file_name());
    assert_eq!(left.filter(|name| name.to_string_lossy().starts_with(".stepward-")).count(), 0);
}
