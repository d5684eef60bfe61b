//! A log that was changed while nobody looked: each way has its own refusal.

use crate::support::{append, open, run, trusted, writer};
use rusqlite::Connection;
use std::path::Path;
use stepward_fault::{Class, Fault};
use stepward_ledger::log::{Opened, Trusted};
use stepward_ledger::merkle::{LeafHash, TreeHead};
use tempfile::TempDir;

const EVENTS: u64 = 1000;
const SIGNED: u64 = 600;

/// A log of 1000 events, and its head after 600.
fn log() -> (TempDir, TreeHead) {
    let folder = tempfile::tempdir().unwrap();
    let (log, _) = open(writer(folder.path()).unwrap(), &[]).unwrap();
    let mut signed = None;
    for event in 0..EVENTS {
        let ticket = append(&log, "event").unwrap();
        if event + 1 == SIGNED {
            run(log.durable(ticket)).unwrap();
            signed = Some(log.head());
        }
    }
    run(log.close()).unwrap();
    (folder, signed.unwrap())
}

fn tamper(folder: &Path, sql: &str) {
    Connection::open(folder.join("ledger.db")).unwrap().execute_batch(sql).unwrap();
}

fn reopened(folder: &Path, known: &[Trusted]) -> Result<Opened, Fault> {
    open(writer(folder)?, known).map(|(_, opened)| opened)
}

/// The refusal after a change: its rule and its place.
fn refusal(sql: &str) -> (String, String, String) {
    let (folder, signed) = log();
    tamper(folder.path(), sql);
    let fault = reopened(folder.path(), &[trusted(signed)]).unwrap_err();
    assert_eq!(fault.class(), Class::EvidenceInvalid, "{fault:?}");
    assert!(!fault.remedy().is_empty(), "{fault:?}");
    (fault.rule().to_string(), fault.place().to_owned(), fault.message().to_owned())
}

#[test]
fn an_unchanged_log_opens_and_only_the_new_part_is_hashed() {
    let (folder, signed) = log();
    let opened = reopened(folder.path(), &[trusted(signed)]).unwrap();
    assert_eq!((opened.trusted, opened.checked), (SIGNED, EVENTS - SIGNED));
    let opened = reopened(folder.path(), &[]).unwrap();
    assert_eq!((opened.trusted, opened.checked), (0, EVENTS));
    let both = [trusted(opened.head), trusted(signed)];
    let opened = reopened(folder.path(), &both).unwrap();
    assert_eq!((opened.trusted, opened.checked), (EVENTS, 0));
}

#[test]
fn an_edited_event_is_named() {
    for sequence in [SIGNED, 767, 768, 900, EVENTS - 1] {
        let sql = format!("UPDATE leaf SET bytes = CAST(bytes || ' ' AS BLOB) WHERE sequence = {sequence}");
        let (rule, place, _) = refusal(&sql);
        assert_eq!((rule.as_str(), place), ("log-leaf-edited", format!("event {sequence}")));
        let sql = format!("UPDATE leaf SET hash = zeroblob(32) WHERE sequence = {sequence}");
        assert_eq!(refusal(&sql).0, "log-leaf-edited");
    }
}

#[test]
fn an_edited_event_with_a_new_hash_is_found_by_the_tree() {
    let bytes = br#"{"v":1,"sequence":700,"text":"another"}"#;
    let set = |sequence| {
        format!(
            "UPDATE leaf SET bytes = x'{}', hash = x'{}' WHERE sequence = {sequence}",
            hex::encode(bytes),
            LeafHash::of(bytes)
        )
    };
    let (rule, place, _) = refusal(&set(700));
    assert_eq!((rule.as_str(), place.as_str()), ("log-hashes", "events 512 to 767"));
    let (rule, place, message) = refusal(&set(800));
    assert_eq!((rule.as_str(), place.as_str()), ("log-leaf-misplaced", "event 800"));
    assert!(message.contains("number 700"), "{message}");
    let last = format!(
        "UPDATE leaf SET bytes = x'{}', hash = x'{}' WHERE sequence = 999",
        hex::encode(br#"{"v":1,"sequence":999,"text":"x"}"#),
        LeafHash::of(br#"{"v":1,"sequence":999,"text":"x"}"#)
    );
    let (rule, place, _) = refusal(&last);
    assert_eq!((rule.as_str(), place.as_str()), ("log-root", "events 600 to 999"));
}

#[test]
fn two_events_that_changed_places_are_found() {
    let (rule, place, _) = refusal(
        "UPDATE leaf SET sequence = 5000 WHERE sequence = 650;
         UPDATE leaf SET sequence = 650 WHERE sequence = 651;
         UPDATE leaf SET sequence = 651 WHERE sequence = 5000;",
    );
    assert_eq!((rule.as_str(), place.as_str()), ("log-leaf-misplaced", "event 650"));
}

#[test]
fn removed_and_added_events_are_found() {
    let (rule, _, message) = refusal("DELETE FROM leaf WHERE sequence = 800");
    assert_eq!((rule.as_str(), message.as_str()), ("store-corrupt", "event 800 is missing"));
    let (rule, place, _) = refusal("DELETE FROM leaf WHERE sequence >= 900");
    assert_eq!((rule.as_str(), place.as_str()), ("log-tail", "event 999"));
    let (rule, place, _) =
        refusal("INSERT INTO leaf SELECT sequence + 1, hash, previous, bytes FROM leaf WHERE sequence = 999");
    assert_eq!((rule.as_str(), place.as_str()), ("log-tail", "event 1000"));
    let (rule, _, _) = refusal("DELETE FROM subtree WHERE number = 2");
    assert_eq!(rule, "store-corrupt");
}

#[test]
fn an_older_copy_is_shorter() {
    let (folder, signed) = log();
    let copy = tempfile::tempdir().unwrap();
    std::fs::copy(folder.path().join("ledger.db"), copy.path().join("ledger.db")).unwrap();
    let (log, _) = open(writer(folder.path()).unwrap(), &[trusted(signed)]).unwrap();
    for _ in 0..50 {
        let _ = append(&log, "later").unwrap();
    }
    let newer = run(log.close()).unwrap();
    let witness = Trusted { head: newer, source: "witness\n\u{1b}[31m one".to_owned() };
    let fault = reopened(copy.path(), &[witness]).unwrap_err();
    assert_eq!(fault.rule().as_str(), "log-shorter");
    assert_eq!(fault.place(), "events 1000 to 1049");
    assert_eq!(fault.message(), "the log has 1000 events; witness\\u{a}\\u{1b}[31m one has seen 1050");
}

#[test]
fn another_log_of_the_same_length_is_a_fork() {
    let (folder, signed) = log();
    let mut root = *signed.root.as_bytes();
    root[0] ^= 1;
    let other = TreeHead { root: stepward_ledger::merkle::RootHash::from_bytes(root), ..signed };
    let fault = reopened(folder.path(), &[trusted(signed), trusted(other)]).unwrap_err();
    assert_eq!((fault.rule().as_str(), fault.place()), ("log-forked", "events 0 to 599"));
    assert!(fault.message().starts_with("at 600 events the log has the root "), "{fault}");
}

#[test]
fn a_head_that_nobody_wrote_is_found() {
    let (rule, _, _) = refusal("UPDATE head SET root = zeroblob(32)");
    assert_eq!(rule, "log-root");
    let (rule, _, _) = refusal("UPDATE head SET size = 999");
    assert_eq!(rule, "log-tail");
    let (rule, _, _) = refusal("DELETE FROM head");
    assert_eq!(rule, "store-corrupt");
}
