//! Rows that nothing leads to, and what lies where a log's file belongs.

use crate::support::{Batches, entry, fill, writer};
use rusqlite::Connection;
use stepward_fault::Class;
use stepward_ledger::store::sqlite::Reader;
use stepward_ledger::store::{Checkpoint, Entry, Records, RunChange, RunLink, Store};

/// 600 events, two full tiles: one with a run and a body, and a checkpoint.
fn made() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut store = writer(folder.path()).unwrap();
    let mut batches = Batches::default();
    let link = RunLink { run: "a".to_owned(), change: RunChange::Opens };
    let with_body = Entry { run: Some(link), body: Some(b"sealed".to_vec()), ..entry("x") };
    store.commit(&batches.next(vec![with_body])).unwrap();
    fill(&mut store, &mut batches, 600);
    let mut signed = batches.next(Vec::new());
    signed.checkpoints = vec![Checkpoint { size: 600, note: "note".to_owned() }];
    store.commit(&signed).unwrap();
    folder
}

#[test]
fn a_row_outside_of_the_tree_is_named_when_the_log_is_opened_to_write() {
    drop(writer(made().path()).unwrap());
    for (stray, named) in [
        ("INSERT INTO leaf VALUES (-1, zeroblob(32), NULL, x'00')", "the event -1 "),
        ("INSERT INTO leaf VALUES (601, zeroblob(32), NULL, x'00')", "the event 601 "),
        ("INSERT INTO body VALUES (-7, x'00')", "the body of event -7 "),
        ("INSERT INTO body VALUES (600, x'00')", "the body of event 600 "),
        ("INSERT INTO run VALUES (-1, 'b', 0, 1, 1, zeroblob(32))", "the run that begins with event -1 "),
        ("INSERT INTO run VALUES (600, 'b', 600, 1, 1, zeroblob(32))", "the run that begins with event 600 "),
        ("INSERT INTO checkpoint VALUES (-1, 'note')", "the checkpoint of size -1 "),
        ("INSERT INTO subtree VALUES (0, 0, zeroblob(32))", "the hash of subtrees of level 0 "),
        ("INSERT INTO subtree VALUES (8, 0, zeroblob(32))", "the hash of subtrees of level 8 "),
        ("INSERT INTO subtree VALUES (1, 2, zeroblob(32))", "the hash of level 1 and number 2 "),
        ("INSERT INTO subtree VALUES (1, -1, zeroblob(32))", "the hash of level 1 and number -1 "),
        ("INSERT INTO subtree VALUES (2, 0, zeroblob(32))", "the hash of level 2 and number 0 "),
    ] {
        let folder = made();
        Connection::open(folder.path().join("ledger.db")).unwrap().execute_batch(stray).unwrap();
        let fault = writer(folder.path()).unwrap_err();
        assert_eq!(
            (fault.rule().as_str(), fault.class()),
            ("store-corrupt", Class::EvidenceInvalid),
            "{stray}"
        );
        assert!(fault.message().starts_with(named), "{stray}: {fault}");
    }
}

#[cfg(unix)]
#[test]
fn a_pipe_or_a_folder_in_the_place_of_the_file_is_refused_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let refused = || {
        for fault in [writer(folder.path()).unwrap_err(), Reader::open(&path).unwrap_err()] {
            assert_eq!((fault.rule().as_str(), fault.class()), ("store-file-kind", Class::BadInput));
        }
    };
    assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
    refused();
    std::fs::remove_file(&path).unwrap();
    std::fs::create_dir(&path).unwrap();
    refused();
    std::fs::remove_dir(&path).unwrap();
    assert_eq!(writer(folder.path()).unwrap().head().unwrap().size.get(), 0, "a new file is fine");
}
