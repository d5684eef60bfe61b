//! What stands beside the tree, changed by somebody who can write the file and has no key.

use crate::support::{clock, leaf, of_run, open, run, sealer, sequence_of, trusted, writer};
use rusqlite::Connection;
use std::path::Path;
use stepward_fault::{Class, Fault};
use stepward_ledger::log::{Attached, Log, Sealer, Trusted};
use stepward_ledger::merkle::{Frontier, LeafHash};
use stepward_ledger::store::sqlite::Reader;
use stepward_ledger::store::{Fact, Records as _, RunChange};
use tempfile::TempDir;

/// A log with two unfinished runs, a finished one, a remembered value, and 40 events after what was signed.
fn log() -> (TempDir, Trusted) {
    let folder = tempfile::tempdir().unwrap();
    let (log, _) = open(writer(folder.path()).unwrap(), &[]).unwrap();
    let mut signed = None;
    for event in 0..100_u64 {
        let (name, place) = (["paid", "done", "other"][usize::try_from(event % 3).unwrap()], event / 3);
        let change = match (name, place) {
            (_, 0) => RunChange::Opens,
            ("done", 20) => RunChange::Closes,
            _ => RunChange::Stays,
        };
        let facts = vec![Fact { name: format!("fact {}", event % 2), value: event.to_be_bytes().to_vec() }];
        let attached = Attached { facts, ..of_run(name, change) };
        let ticket = log.append(attached, |sequence, _| leaf(sequence, name)).unwrap();
        if event == 59 {
            run(log.durable(ticket)).unwrap();
            signed = Some(trusted(log.head()));
        }
    }
    run(log.close()).unwrap();
    (folder, signed.unwrap())
}

fn reopened(folder: &Path, known: &Trusted) -> Result<(), Fault> {
    open(writer(folder)?, std::slice::from_ref(known)).map(drop)
}

/// The head over the leaves that are there, as anybody can compute it.
fn head_of(folder: &Path, leaves: u64) -> String {
    let mut tree = Frontier::default();
    let reader = Reader::open(&folder.join("ledger.db")).unwrap();
    let leaves = reader.leaves(0..leaves, &mut |leaf| {
        tree.append(leaf.hash).unwrap();
        Ok(())
    });
    leaves.unwrap();
    format!("size = {}, root = x'{}'", tree.head().size, tree.head().root)
}

fn refused_after(change: impl FnOnce(&Path)) -> Fault {
    let (folder, signed) = log();
    change(folder.path());
    reopened(folder.path(), &signed).unwrap_err()
}

#[track_caller]
fn is_seal(fault: &Fault, what: &str) {
    assert_eq!(
        (fault.rule().as_str(), fault.class()),
        ("log-seal", Class::EvidenceInvalid),
        "{what}: {fault}"
    );
    assert!(!fault.remedy().is_empty());
}

fn execute(folder: &Path, sql: &str) {
    Connection::open(folder.join("ledger.db")).unwrap().execute_batch(sql).unwrap();
}

#[test]
fn what_was_not_touched_opens_again_and_again() {
    let (folder, signed) = log();
    for _ in 0..3 {
        let (log, _) = open(writer(folder.path()).unwrap(), std::slice::from_ref(&signed)).unwrap();
        let names: Vec<_> = log.open_runs().iter().map(|run| (run.name().to_owned(), run.events())).collect();
        let first = names.first().unwrap().1;
        assert_eq!(names, [("paid".to_owned(), first), ("other".to_owned(), 33)]);
        let ticket =
            log.append(of_run("paid", RunChange::Stays), |sequence, _| leaf(sequence, "paid")).unwrap();
        run(log.durable(ticket)).unwrap();
        run(log.close()).unwrap();
    }
}

#[test]
fn events_that_nobody_signed_yet_cannot_be_cut_off() {
    is_seal(
        &refused_after(|folder| {
            let head = head_of(folder, 99);
            let cut = "DELETE FROM leaf WHERE sequence = 99; UPDATE run SET last = 96, events = 33 WHERE name = 'paid'";
            execute(folder, &format!("{cut}; UPDATE head SET {head}"));
        }),
        "a cut tail whose tree was made again",
    );
}

#[test]
fn events_that_nobody_signed_yet_cannot_be_written_anew() {
    is_seal(
        &refused_after(|folder| {
            let other = leaf(99, "another");
            let (bytes, hash) = (hex::encode(&other), LeafHash::of(&other));
            execute(
                folder,
                &format!("UPDATE leaf SET bytes = x'{bytes}', hash = x'{hash}' WHERE sequence = 99"),
            );
            let head = head_of(folder, 100);
            execute(folder, &format!("UPDATE head SET {head}"));
        }),
        "an edited tail whose tree was made again",
    );
}

#[test]
fn the_index_of_unfinished_runs_and_what_is_remembered_are_sealed() {
    for sql in [
        "UPDATE run SET open = 0 WHERE name = 'paid'",
        "DELETE FROM run WHERE name = 'paid'",
        "UPDATE run SET open = 1 WHERE name = 'done'",
        "UPDATE run SET last = last - 3 WHERE name = 'paid'",
        "UPDATE run SET events = events - 1 WHERE name = 'paid'",
        "UPDATE run SET chain = zeroblob(32) WHERE name = 'paid'",
        "UPDATE run SET name = 'paie' WHERE name = 'paid'",
        "UPDATE run SET name = CASE name WHEN 'paid' THEN 'x' ELSE name END; \
         UPDATE run SET name = CASE name WHEN 'other' THEN 'paid' ELSE name END; \
         UPDATE run SET name = CASE name WHEN 'x' THEN 'other' ELSE name END",
        "UPDATE fact SET value = x'00' WHERE name = 'fact 1'",
        "DELETE FROM fact WHERE name = 'fact 1'",
        "INSERT INTO fact VALUES ('fact 2', x'00')",
        "UPDATE fact SET name = 'fact' WHERE name = 'fact 1'",
        "UPDATE head SET seal = NULL",
        "UPDATE head SET seal = zeroblob(32)",
    ] {
        is_seal(&refused_after(|folder| execute(folder, sql)), sql);
    }
}

#[test]
fn a_seal_belongs_to_one_key() {
    let (folder, signed) = log();
    let other = Sealer::new(|message| {
        let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, &[8; 32]);
        aws_lc_rs::hmac::sign(&key, message).as_ref().try_into().unwrap()
    });
    let store = Box::new(writer(folder.path()).unwrap());
    is_seal(&Log::open(store, clock(), &[signed], &sequence_of, &other).unwrap_err(), "another key");
}

#[test]
fn a_reader_with_the_key_sees_what_was_sealed() {
    let (folder, _) = log();
    let reader = Reader::open(&folder.path().join("ledger.db")).unwrap();
    let vouched = sealer().check(reader.index().unwrap()).unwrap();
    assert_eq!((vouched.head().size.get(), vouched.open_runs().len()), (100, 2));
    assert_eq!(vouched.fact("fact 1"), Some(99_u64.to_be_bytes().as_slice()));
    assert!(vouched.open_run("done").is_none() && vouched.open_run("paid").is_some());
}

#[test]
fn a_run_starts_once() {
    let (folder, signed) = log();
    let (log, _) = open(writer(folder.path()).unwrap(), &[signed]).unwrap();
    let again = log.append(of_run("paid", RunChange::Opens), |sequence, _| leaf(sequence, "paid"));
    assert_eq!(again.unwrap_err().rule().as_str(), "log-run-twice");
    assert_eq!(run(log.close()).unwrap().size.get(), 100, "nothing was taken");
}
