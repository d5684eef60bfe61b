//! Checking a log: each kind of change is told, with its place, and is exit code 8.

use crate::{
    ledger::{ran, vkey},
    reach::error,
    stepward,
};
use rusqlite::Connection;
use serde_json::{Value, json};
use std::{fs, path::Path};

const STATE: &str = ".stepward/dev";

fn change(here: &Path, sql: &str) {
    Connection::open(here.join(STATE).join("ledger.db")).unwrap().execute_batch(sql).unwrap();
}

/// Rule and place of each finding in the store.
fn findings(here: &Path, more: &[&str], code: i32) -> Vec<(String, String)> {
    let report = stepward(here, &[&["verify", STATE, "--json"], more].concat()).must(code).json();
    assert_eq!(report["schema"], "stepward.verify/1");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let store = report["parts"][0]["findings"].as_array().unwrap().iter();
    store.map(|fault| (text(&fault["rule"]), text(&fault["place"]))).collect()
}

#[test]
fn a_whole_state_folder_holds_with_its_own_key_and_its_tiles() {
    let here = ran(3);
    let report = stepward(here.path(), &["verify", STATE, "--json"]).must(0).json();
    assert_eq!(report["verdict"], "holds");
    let (store, tiles) = (&report["parts"][0], &report["parts"][1]);
    assert_eq!((&store["kind"], &tiles["kind"]), (&json!("store"), &json!("tiles")));
    let done = &store["established"];
    assert_eq!(done["tree"], tiles["established"]["tree"]);
    assert_eq!(done["signed"]["key_from"], "given");
    assert_eq!(done["signed"]["vkey"], vkey(here.path()));
    assert!(done["events"].as_u64().unwrap() > 10 && done["events"] == done["events_compared"], "{done}");
    assert!(done["bodies"].as_u64() > Some(0) && done["bodies_opened"] == 0, "{done}");
    let said = stepward(here.path(), &["verify", STATE]).must(0).stdout;
    assert!(
        said.contains("HOLDS") && said.contains("not established: that there is no newer or other log"),
        "{said}"
    );
    let key = vkey(here.path());
    stepward(here.path(), &["verify", ".stepward/dev/ledger.db", "--key", &key]).must(0);
    stepward(here.path(), &["verify", ".stepward/dev/tiles", "--key", &key]).must(0);
    fs::write(here.path().join("keys"), format!("# ours\n\n{key}\n")).unwrap();
    stepward(here.path(), &["verify", ".stepward/dev/tiles", "--key", "keys"]).must(0);
    let keyless = stepward(here.path(), &["verify", ".stepward/dev/ledger.db", "--json"]);
    assert_eq!(error(&keyless), (json!("verify-no-key"), 2));
}

#[test]
fn bodies_open_and_an_edited_one_is_named() {
    let here = ran(2);
    let report = stepward(here.path(), &["verify", STATE, "--bodies", "--json"]).must(0).json();
    let done = &report["parts"][0]["established"];
    assert_eq!(done["bodies"], done["bodies_opened"]);
    assert!(!report.to_string().contains("sealed bodies open"), "{report}");
    change(
        here.path(),
        "UPDATE body SET sealed = CAST(substr(sealed, 1, length(sealed) - 1) || x'00' AS BLOB) WHERE sequence = (SELECT min(sequence) FROM body)",
    );
    let found = findings(here.path(), &["--bodies"], 8);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].0, "body-unreadable");
    assert!(found[0].1.starts_with("the body of event "), "{found:?}");
    // Without the keys nobody can see that.
    assert_eq!(findings(here.path(), &[], 0), []);
}

#[test]
fn erased_bodies_are_no_finding() {
    let here = ran(2);
    let events =
        stepward(here.path(), &["ledger", "show", "--action", "run-started", "--json"]).must(0).stdout;
    let first: Value = serde_json::from_str(events.lines().next().unwrap()).unwrap();
    stepward(here.path(), &["runs", "erase", first["event"]["run"].as_str().unwrap()]).must(0);
    assert_eq!(findings(here.path(), &["--bodies"], 0), []);
}

#[test]
fn what_was_changed_is_named_with_its_place() {
    let only = |rule: &str, place: &str| vec![(rule.to_owned(), place.to_owned())];
    let differs = |places: &[&str]| {
        places.iter().map(|place| ("log-differs".to_owned(), (*place).to_owned())).collect::<Vec<_>>()
    };
    for (sql, expected) in [
        (
            "UPDATE leaf SET bytes = CAST(replace(CAST(bytes AS TEXT), '\"mono_us\":', '\"mono_us\":1') AS BLOB) WHERE sequence = 5",
            [only("log-leaf-edited", "event 5"), differs(&["event 5"])].concat(),
        ),
        ("UPDATE leaf SET hash = zeroblob(32) WHERE sequence = 5", only("log-leaf-edited", "event 5")),
        (
            "DELETE FROM leaf WHERE sequence = 5",
            [only("log-events-missing", "event 5"), differs(&["event 5"])].concat(),
        ),
        (
            "UPDATE leaf SET sequence = -1 WHERE sequence = 4; UPDATE leaf SET sequence = 4 WHERE sequence = 6; \
             UPDATE leaf SET sequence = 6 WHERE sequence = -1",
            [only("log-events-swapped", "events 4 and 6"), differs(&["event 4", "event 6"])].concat(),
        ),
        (
            "DELETE FROM body WHERE sequence = (SELECT min(sequence) FROM body)",
            only("log-body-missing", "event 3"),
        ),
        ("UPDATE run SET open = 1", vec![]),
    ] {
        let here = ran(1);
        change(here.path(), sql);
        let found = findings(here.path(), &[], 8);
        if expected.is_empty() {
            assert_eq!(found[0].0, "log-run-index", "{sql}: {found:?}");
        } else {
            assert_eq!(found, expected, "{sql}");
        }
    }
}

#[test]
fn an_older_copy_and_a_cut_tail_are_told_by_what_was_kept() {
    let here = ran(1);
    let (state, older) = (here.path().join(STATE), here.path().join("older.db"));
    let count = |path: &Path| {
        let size = "SELECT size FROM head";
        Connection::open(path).unwrap().query_row(size, [], |row| row.get::<_, u64>(0)).unwrap()
    };
    Connection::open(state.join("ledger.db"))
        .unwrap()
        .execute("VACUUM INTO ?1", [older.to_str().unwrap()])
        .unwrap();
    stepward(here.path(), &["run", "w", "--input", "in.json"]).must(0);
    let (before, after) = (count(&older), count(&state.join("ledger.db")));
    stepward(here.path(), &["ledger", "checkpoint"]).must(0);
    fs::copy(state.join("tiles/checkpoint"), here.path().join("kept")).unwrap();
    fs::copy(&older, state.join("ledger.db")).unwrap();
    let place = format!("events {before} to {}", after - 1);
    let found = findings(here.path(), &[], 8);
    assert_eq!(found, [("log-shorter".to_owned(), place.clone())]);
    let said = stepward(here.path(), &["verify", STATE]).must(8).stdout;
    assert!(said.contains("the end was cut off, or this is an older copy"), "{said}");
    // Without the tiles it looks whole; a checkpoint that somebody kept tells.
    fs::remove_dir_all(state.join("tiles")).unwrap();
    assert_eq!(findings(here.path(), &[], 0), []);
    assert_eq!(findings(here.path(), &["--checkpoint", "kept"], 8), [("log-shorter".to_owned(), place)]);
}

#[test]
fn another_copy_names_the_event() {
    let here = ran(1);
    stepward(here.path(), &["ledger", "export", "--out", "e"]).must(0);
    fs::remove_dir_all(here.path().join(".stepward/dev/tiles")).unwrap();
    let text = fs::read_to_string(here.path().join("e")).unwrap();
    let leaf = text.lines().nth(6).unwrap().replacen("\"mono_us\":", "\"mono_us\":1", 1);
    let hash = stepward_ledger::merkle::LeafHash::of(leaf.as_bytes());
    change(
        here.path(),
        &format!("UPDATE leaf SET bytes = CAST('{leaf}' AS BLOB), hash = x'{hash}' WHERE sequence = 5"),
    );
    let found = findings(here.path(), &[], 8);
    assert!(found.iter().any(|(rule, _)| rule == "log-forked"), "{found:?}");
    let found = findings(here.path(), &["--against", "e"], 8);
    assert_eq!(found.last(), Some(&("log-differs".to_owned(), "event 5".to_owned())), "{found:?}");
}

#[test]
fn another_copy_names_the_event_of_an_export() {
    let here = ran(1);
    stepward(here.path(), &["ledger", "export", "--out", "e"]).must(0);
    let text = fs::read_to_string(here.path().join("e")).unwrap();
    let mut lines: Vec<String> = text.lines().map(|line| format!("{line}\n")).collect();
    lines[6] = lines[6].replacen("\"mono_us\":", "\"mono_us\":1", 1);
    fs::write(here.path().join("edited"), lines.concat()).unwrap();
    for against in ["e", STATE, ".stepward/dev/tiles"] {
        let report =
            stepward(here.path(), &["verify", "edited", "--against", against, "--json"]).must(8).json();
        let findings = report["parts"][0]["findings"].as_array().unwrap();
        assert_eq!(findings.last().unwrap()["rule"], "log-differs", "{report}");
        assert_eq!(findings.last().unwrap()["place"], "event 5", "{report}");
        stepward(here.path(), &["verify", "e", "--against", against]).must(0);
    }
}

/// No event leads to them, so that nothing else would ever meet them.
#[test]
fn rows_outside_of_the_tree_are_told() {
    for (sql, what) in [
        ("INSERT INTO body VALUES (100000, x'00')", "the body of event 100000"),
        ("INSERT INTO leaf VALUES (-3, zeroblob(32), NULL, x'00')", "the event -3"),
        ("INSERT INTO subtree VALUES (3, 0, zeroblob(32))", "the hash of level 3 and number 0"),
    ] {
        let here = ran(1);
        change(here.path(), sql);
        assert_eq!(findings(here.path(), &[], 8).last().unwrap().0, "store-corrupt", "{sql}");
        let said = stepward(here.path(), &["verify", STATE]).must(8);
        assert!((said.stdout.clone() + &said.stderr).contains(what), "{sql}: {}", said.stdout);
    }
}

#[test]
fn a_wrong_key_and_what_is_no_log_are_refused() {
    let (here, other) = (ran(1), ran(1));
    let theirs = vkey(other.path());
    let found = findings(here.path(), &["--key", &theirs], 8);
    assert!(found.iter().all(|(rule, _)| rule == "note-not-signed-by-a-known-key"), "{found:?}");
    fs::write(here.path().join("text"), "a text\u{1b}[2J").unwrap();
    for (words, rule, code) in [
        (&["verify", "text"][..], "verify-unknown", 9),
        (&["verify", ".stepward"], "verify-unknown", 9),
        (&["verify", "nothing"], "file-read", 9),
        (&["verify", STATE, "--key", "abc"], "verify-key", 9),
        (&["verify", "e", "--bodies"], "verify-options", 2),
    ] {
        if words.contains(&"e") {
            stepward(here.path(), &["ledger", "export", "--out", "e"]).must(0);
        }
        let ended = stepward(here.path(), &[words, &["--json"]].concat());
        assert_eq!(error(&ended), (json!(rule), code), "{words:?}");
    }
}

#[test]
fn a_key_that_is_neither_a_key_nor_a_file_is_told_as_both() {
    let here = ran(1);
    let ended = stepward(here.path(), &["verify", STATE, "--key", "no/such.pub"]).must(9);
    let said = ["no public key", "no such file"];
    assert!(said.iter().all(|part| ended.stderr.contains(part)), "{}", ended.stderr);
}

/// What somebody wrote into a log cannot steer the terminal of whoever checks it.
#[test]
fn a_forged_log_shows_no_control_characters() {
    let here = ran(1);
    change(
        here.path(),
        "UPDATE run SET name = 'x' || char(27) || '[2J' || char(10) || 'HOLDS'; \
         UPDATE leaf SET bytes = CAST(char(27) || '[2J' AS BLOB) WHERE sequence = 4; \
         UPDATE checkpoint SET note = char(27) || '[2J' || char(10)",
    );
    for json in [&[][..], &["--json"]] {
        let ended = stepward(here.path(), &[&["verify", STATE], json].concat()).must(8);
        assert!(!ended.stdout.contains('\u{1b}') && !ended.stdout.contains("\nHOLDS"), "{}", ended.stdout);
    }
}
