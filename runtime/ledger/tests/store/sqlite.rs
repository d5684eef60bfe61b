//! The file: whose it is, what is in it, and who may write it.

use crate::support::{Batches, HOLDER, entry, fill, lock, writer};
use rusqlite::Connection;
use std::io::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};
use stepward_fault::Class;
use stepward_ledger::merkle::Hashes;
use stepward_ledger::store::owner::{Holder, Ownership};
use stepward_ledger::store::sqlite::Reader;
use stepward_ledger::store::{Entry, Nodes, Records, RunChange, RunLink, Store};

#[test]
fn a_file_of_another_program_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE theirs (x)").unwrap();
    let before = std::fs::read(&path).unwrap();
    let fault = writer(folder.path()).unwrap_err();
    assert_eq!((fault.rule().as_str(), fault.class()), ("store-other-file", Class::BadInput));
    assert_eq!(Reader::open(&path).unwrap_err().rule(), fault.rule());
    assert_eq!(std::fs::read(&path).unwrap(), before);

    std::fs::write(&path, "this is a text of more than a hundred bytes ".repeat(30)).unwrap();
    let fault = writer(folder.path()).unwrap_err();
    assert_eq!((fault.rule().as_str(), fault.class()), ("store-corrupt", Class::EvidenceInvalid));
}

#[test]
fn a_newer_version_is_refused_with_advice() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    drop(writer(folder.path()).unwrap());
    Connection::open(&path).unwrap().execute_batch("PRAGMA user_version = 3").unwrap();
    let fault = writer(folder.path()).unwrap_err();
    assert_eq!((fault.rule().as_str(), fault.class()), ("store-newer", Class::Unavailable));
    assert!(fault.remedy().contains("newer"), "{fault:?}");
    assert_eq!(Reader::open(&path).unwrap_err().rule(), fault.rule());
}

#[test]
fn there_is_nothing_to_read_before_there_is_a_log() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    assert_eq!(Reader::open(&path).unwrap_err().rule().as_str(), "store-cannot-open");
    std::fs::write(&path, "").unwrap();
    assert_eq!(Reader::open(&path).unwrap_err().rule().as_str(), "store-empty");
}

#[cfg(unix)]
#[test]
fn only_the_owner_of_the_files_can_read_them() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let mut store = writer(folder.path()).unwrap();
    fill(&mut store, &mut Batches::default(), 10);
    store.backup_to(&folder.path().join("copy.db")).unwrap();
    for name in ["ledger.db", "ledger.db-wal", "ledger.db-shm", "copy.db"] {
        let mode = std::fs::metadata(folder.path().join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

#[test]
fn a_second_owner_is_told_of_the_first() {
    let folder = tempfile::tempdir().unwrap();
    let holder = Holder { pid: 77, since: "2026-05-06T07:08:09Z", what: "stepward run \u{1b}[2Jx\nforged" };
    let first = Ownership::claim(lock(folder.path()), "ledger.lock", &holder).unwrap();
    let fault = Ownership::claim(lock(folder.path()), "state/dev/ledger.lock", &HOLDER).unwrap_err();
    assert_eq!((fault.rule().as_str(), fault.class()), ("log-owned", Class::Unavailable));
    assert_eq!(fault.place(), "state/dev/ledger.lock");
    assert_eq!(
        fault.message(),
        "the log is already open for writing: process 77, since 2026-05-06T07:08:09Z: \
         stepward run \\u{1b}[2Jx\\u{a}forged"
    );
    let text = || std::fs::read_to_string(folder.path().join("ledger.lock")).unwrap();
    drop(first);
    assert_eq!(text(), "", "who gave it back is named no more");
    let second = Ownership::claim(lock(folder.path()), "ledger.lock", &HOLDER).unwrap();
    assert_eq!(text(), "process 4711, since 2026-01-02T03:04:05Z: test\n", "nothing is left of the first");
    drop(second);
}

#[test]
fn the_lock_is_given_back_even_while_a_child_process_shares_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = lock(folder.path());
    // What a child has between its start and its program: the same open file.
    let shared = file.try_clone().unwrap();
    drop(Ownership::claim(file, "ledger.lock", &HOLDER).unwrap());
    Ownership::claim(lock(folder.path()), "ledger.lock", &HOLDER).unwrap();
    drop(shared);
}

#[test]
fn a_long_lock_file_is_not_read_whole() {
    let folder = tempfile::tempdir().unwrap();
    let held = lock(folder.path());
    held.lock().unwrap();
    (&held).write_all(&vec![b'x'; 1 << 20]).unwrap();
    let fault = Ownership::claim(lock(folder.path()), "ledger.lock", &HOLDER).unwrap_err();
    assert!(fault.message().len() < 600, "{}", fault.message().len());
    held.set_len(0).unwrap();
    let fault = Ownership::claim(lock(folder.path()), "ledger.lock", &HOLDER).unwrap_err();
    assert!(fault.message().ends_with("a process that did not say its name"), "{fault}");
}

#[test]
fn the_store_is_owned_as_long_as_the_writer_lives() {
    let folder = tempfile::tempdir().unwrap();
    let first = writer(folder.path()).unwrap();
    assert_eq!(writer(folder.path()).unwrap_err().rule().as_str(), "log-owned");
    Reader::open(&folder.path().join("ledger.db")).unwrap();
    drop(first);
    writer(folder.path()).unwrap();
}

#[test]
fn an_erased_body_is_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let mut store = writer(folder.path()).unwrap();
    let of = |run: &str, change, body: &str| Entry {
        run: Some(RunLink { run: run.to_owned(), change }),
        body: Some(body.repeat(300).into_bytes()),
        ..entry(run)
    };
    let (opens, closes) = (RunChange::Opens, RunChange::Closes);
    let entries = vec![
        of("a", opens, "drop this body."),
        of("b", opens, "keep that body."),
        of("a", closes, "drop this body."),
    ];
    store.commit(&Batches::default().next(entries)).unwrap();
    let holds = |text: &str| {
        [path.clone(), folder.path().join("ledger.db-wal")].iter().any(|file| {
            std::fs::read(file).unwrap().windows(text.len()).any(|window| window == text.as_bytes())
        })
    };
    assert!(holds("drop this body.") && holds("keep that body."));
    assert_eq!(store.erase_bodies("a").unwrap(), 2);
    assert_eq!(store.erase_bodies("a").unwrap(), 0);
    assert!(!holds("drop this body.") && holds("keep that body."));
    assert_eq!((store.body(0).unwrap(), store.body(2).unwrap()), (None, None));
    assert!(store.body(1).unwrap().is_some() && store.leaf(0).unwrap().is_some());
    assert_eq!(store.events_of("a", 0, 10).unwrap(), [0, 2], "the events stay");
}

#[test]
fn a_backup_taken_while_the_log_grows_is_one_state_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let mut store = writer(folder.path()).unwrap();
    let mut batches = Batches::default();
    fill(&mut store, &mut batches, 20_000);
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let writing = scope.spawn(|| {
            let mut to = 20_000;
            while !done.load(Ordering::Relaxed) {
                to += 7;
                fill(&mut store, &mut batches, to);
            }
            to
        });
        let reader = Reader::open(&path).unwrap();
        for number in 0..5 {
            let copy = folder.path().join(format!("copy-{number}"));
            let before = reader.head().unwrap();
            reader.backup_to(&copy).unwrap();
            let after = reader.head().unwrap();
            let found = Reader::open(&copy).unwrap();
            let head = found.head().unwrap();
            assert!((before.size..=after.size).contains(&head.size));
            assert_eq!(Hashes::head(&Nodes::of(&found), head.size).unwrap(), head, "copy and head agree");
            assert_eq!(Hashes::head(&Nodes::of(&reader), head.size).unwrap(), head, "a state of this log");
            found.leaves(0..head.size.get(), &mut |_| Ok(())).unwrap();
            let taken = reader.backup_to(&copy).unwrap_err();
            assert_eq!(taken.rule().as_str(), "store-backup-file", "a file is never overwritten");
        }
        done.store(true, Ordering::Relaxed);
        assert!(writing.join().unwrap() > 20_000);
    });
}

#[test]
fn a_backup_opens_as_a_store() {
    let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut store = writer(folder.path()).unwrap();
    let mut batches = Batches::default();
    fill(&mut store, &mut batches, 300);
    store.backup_to(&other.path().join("ledger.db")).unwrap();
    let mut copy = writer(other.path()).unwrap();
    assert_eq!(copy.head().unwrap(), store.head().unwrap());
    fill(&mut copy, &mut batches, 301);
}

#[test]
fn a_damaged_file_is_evidence_that_does_not_hold() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let mut store = writer(folder.path()).unwrap();
    fill(&mut store, &mut Batches::default(), 5000);
    drop(store);
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[4096 * 4..].fill(0xa5);
    std::fs::write(&path, bytes).unwrap();
    let outcome = Reader::open(&path).and_then(|reader| reader.leaves(0..5000, &mut |_| Ok(())));
    let fault = outcome.unwrap_err();
    assert_eq!((fault.rule().as_str(), fault.class()), ("store-corrupt", Class::EvidenceInvalid));
}

#[test]
fn a_visitor_can_end_a_visit() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = writer(folder.path()).unwrap();
    fill(&mut store, &mut Batches::default(), 10);
    let mut seen = Vec::new();
    let stop = Ownership::claim(lock(folder.path()), "x", &HOLDER).unwrap_err();
    let fault = store
        .leaves(3..9, &mut |leaf| {
            seen.push(leaf.sequence);
            if leaf.sequence == 5 { Err(stop.clone()) } else { Ok(()) }
        })
        .unwrap_err();
    assert_eq!((seen, fault), (vec![3, 4, 5], stop));
    let fault = store.leaves(8..12, &mut |_| Ok(())).unwrap_err();
    assert_eq!(fault.message(), "event 10 is missing");
}

#[test]
fn a_broken_chain_of_a_run_is_damage_and_ends() {
    for damage in [
        "previous = 4 WHERE sequence = 3",
        "previous = NULL WHERE sequence = 3",
        "previous = 3 WHERE sequence = 3",
    ] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.db");
        let mut store = writer(folder.path()).unwrap();
        let mut started = std::collections::BTreeSet::new();
        let mut of = |run: &'static str| Entry {
            run: Some(RunLink {
                run: run.to_owned(),
                change: if started.insert(run) { RunChange::Opens } else { RunChange::Stays },
            }),
            body: Some(b"sealed".to_vec()),
            ..entry("x")
        };
        store.commit(&Batches::default().next(["a", "b", "a", "a", "b", "a"].map(&mut of).into())).unwrap();
        assert_eq!(store.events_of("a", 0, 10).unwrap(), [0, 2, 3, 5]);
        Connection::open(&path).unwrap().execute_batch(&format!("UPDATE leaf SET {damage}")).unwrap();
        let fault = store.events_of("a", 0, 10).unwrap_err();
        assert_eq!(fault.message(), "an event of the run before event 3 is missing", "{damage}");
        assert_eq!(store.events_of("a", 3, 10).unwrap(), [3, 5]);
        assert_eq!(store.erase_bodies("a").unwrap(), 2, "what the chain still reaches");
    }
}

#[test]
fn erasing_does_not_wait_for_a_reader() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = writer(folder.path()).unwrap();
    let of_run = RunLink { run: "a".to_owned(), change: RunChange::Opens };
    let with_body = Entry { run: Some(of_run), body: Some(b"sealed".to_vec()), ..entry("x") };
    store.commit(&Batches::default().next(vec![with_body])).unwrap();
    let reader = Reader::open(&folder.path().join("ledger.db")).unwrap();
    let mut erased = None;
    reader
        .leaves(0..1, &mut |_| {
            // The reader is in the middle of its visit, and needs the WAL.
            erased = Some(store.erase_bodies("a")?);
            Ok(())
        })
        .unwrap();
    assert_eq!(erased, Some(1));
    assert_eq!(reader.body(0).unwrap(), None);
}

#[test]
fn a_file_with_other_tables_than_a_logs_is_refused() {
    for change in [
        "CREATE TRIGGER t AFTER INSERT ON body BEGIN DELETE FROM body WHERE sequence = new.sequence; END",
        "CREATE TABLE theirs (x)",
        "DROP TABLE run",
        "ALTER TABLE leaf RENAME TO kept; CREATE VIEW leaf AS SELECT * FROM kept",
    ] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.db");
        drop(writer(folder.path()).unwrap());
        Connection::open(&path).unwrap().execute_batch(change).unwrap();
        for fault in [writer(folder.path()).unwrap_err(), Reader::open(&path).unwrap_err()] {
            assert_eq!((fault.rule().as_str(), fault.class()), ("store-tables", Class::EvidenceInvalid));
        }
    }
}

#[cfg(unix)]
#[test]
fn a_log_is_a_regular_file() {
    let folder = tempfile::tempdir().unwrap();
    let there = folder.path().join("there");
    std::fs::create_dir(&there).unwrap();
    drop(writer(&there).unwrap());
    let path = folder.path().join("ledger.db");
    std::os::unix::fs::symlink(there.join("ledger.db"), &path).unwrap();
    for fault in [writer(folder.path()).unwrap_err(), Reader::open(&path).unwrap_err()] {
        assert_eq!((fault.rule().as_str(), fault.class()), ("store-file-kind", Class::BadInput));
    }
}

#[test]
fn an_event_that_was_edited_is_not_handed_out() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = writer(folder.path()).unwrap();
    fill(&mut store, &mut Batches::default(), 10);
    drop(store);
    let path = folder.path().join("ledger.db");
    let edit = "UPDATE leaf SET bytes = CAST(bytes || ' ' AS BLOB) WHERE sequence = 7";
    Connection::open(&path).unwrap().execute_batch(edit).unwrap();
    let reader = Reader::open(&path).unwrap();
    let records: &dyn Records = &reader;
    let mut given = 0;
    let fault = stepward_ledger::tiles::Source::entries(records, 0..10, &mut |_| {
        given += 1;
        Ok(())
    });
    let fault = fault.unwrap_err();
    assert_eq!((fault.rule().as_str(), fault.place(), given), ("log-leaf-edited", "event 7", 7));
}
