//! What `ledger show` shows, and when it stops.

use crate::{
    ledger::ran,
    reach::{error, run},
    spawn, stepward,
};
use serde_json::{Value, json};
use std::{
    io::{BufRead as _, BufReader},
    path::Path,
};

fn shown(here: &Path, more: &[&str]) -> Vec<Value> {
    let ended = stepward(here, &[&["ledger", "show", "--json"], more].concat()).must(0);
    ended.stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["event"].take()).collect()
}

/// The word of a decision, wherever an event has one.
fn verdict(event: &Value) -> Option<&str> {
    ["decision", "effect", "outcome", "purpose", "act", "gap"].iter().find_map(|key| event[*key].as_str())
}

#[test]
fn a_filter_shows_what_fits_and_nothing_else() {
    let here = ran(2);
    run(here.path(), &["w", "--limit", "fuel=1"]).must(5);
    stepward(here.path(), &["ledger", "export", "--out", "e"]).must(0);
    let all = shown(here.path(), &[]);
    let only =
        |fits: &dyn Fn(&Value) -> bool| all.iter().filter(|event| fits(event)).cloned().collect::<Vec<_>>();
    let steps = shown(here.path(), &["--step", "a"]);
    assert_eq!(steps, only(&|event| event["step"] == "a"));
    assert!(steps.len() >= 6 && steps.len() < all.len(), "{} of {}", steps.len(), all.len());
    let table = stepward(here.path(), &["ledger", "show", "--step", "a"]).must(0).stdout;
    assert_eq!(table.lines().count(), 1 + steps.len());
    assert!(table.lines().skip(1).all(|line| line.ends_with(" / a")), "{table}");
    assert_eq!(shown(here.path(), &["--step", "b"]), [json!(null); 0]);
    // Each run and its step.
    for (word, count) in [("succeeded", 4), ("limit-exceeded", 2), ("export", 1), ("failed", 0)] {
        let fits = only(&|event| verdict(event) == Some(word));
        assert_eq!(fits.len(), count, "{word}");
        for option in ["--verdict", "--decision"] {
            assert_eq!(shown(here.path(), &[option, word]), fits, "{option} {word}");
        }
    }
    let runs = only(&|event| event["action"] == "run-ended" && event["outcome"] == "succeeded");
    assert_eq!(shown(here.path(), &["--action", "run-ended", "--decision", "succeeded"]), runs);
    assert_eq!(runs.len(), 2);
}

/// Whoever reads line by line reads the error, too.
#[test]
fn an_error_is_a_line_among_lines() {
    let here = ran(1);
    let wrong: [&[&str]; 3] = [&["--since", "soon"], &["--run", "nobody"], &["--env", "nosuch"]];
    for (more, rule) in wrong.into_iter().zip(["moment", "", "log-missing"]) {
        let ended = stepward(here.path(), &[&["ledger", "show", "--json"], more].concat());
        assert_eq!(ended.stdout.lines().count(), usize::from(!rule.is_empty()), "{}", ended.stdout);
        if !rule.is_empty() {
            assert_eq!(error(&ended).0, json!(rule));
        }
    }
    // An event whose bytes are others than those that were hashed.
    let log = rusqlite::Connection::open(here.path().join(".stepward/dev/ledger.db")).unwrap();
    log.execute("UPDATE leaf SET bytes = X'7B7D' WHERE sequence = 2", ()).unwrap();
    drop(log);
    let ended = stepward(here.path(), &["ledger", "show", "--json"]).must(8);
    assert_eq!(ended.stdout.lines().count(), 1, "{}", ended.stdout);
    assert_eq!(ended.json()["schema"], "stepward.error/1");
}

/// A restore gives the file's name to another file. Whoever followed the old one would wait for ever.
#[test]
fn a_log_that_is_replaced_while_it_is_followed_is_told() {
    let here = ran(1);
    stepward(here.path(), &["backup", "--to", "b", "--keys-to", "k"]).must(0);
    let mut follower = spawn(here.path(), &["ledger", "show", "-f", "-n", "1", "--json"]);
    let mut lines = BufReader::new(follower.stdout.take().unwrap()).lines().map(Result::unwrap);
    let event = serde_json::from_str::<Value>(&lines.next().unwrap()).unwrap();
    assert_eq!(event["event"]["action"], "service-stopped");
    stepward(here.path(), &["restore", "--from", "b", "--keys-from", "k", "--replace"]).must(0);
    // Nothing in between: the last line is the error, and it is one line.
    let last = serde_json::from_str::<Value>(&lines.next().unwrap()).unwrap();
    assert_eq!(lines.next(), None);
    assert_eq!(last["error"]["rule"], "log-replaced", "{last}");
    assert!(
        last["error"]["hint"].as_str().unwrap().contains("if a backup was restored, start again"),
        "{last}"
    );
    assert_eq!(follower.wait().unwrap().code(), Some(8));
}
