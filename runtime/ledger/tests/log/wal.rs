//! The real database after a crash: its WAL cut or damaged at many places.

use crate::support::{leaf, of_run, open, run, trusted, writer};
use std::path::Path;
use stepward_ledger::log::Log;
use stepward_ledger::store::RunChange;

const COMMITS: u64 = 12;

fn commit(log: &Log, events: u64, run_name: &str) {
    let mut last = None;
    for event in 0..events {
        let attached = of_run(run_name, if event == 0 { RunChange::Opens } else { RunChange::Stays });
        last = Some(log.append(attached, |sequence, _| leaf(sequence, run_name)).unwrap());
    }
    run(log.durable(last.unwrap())).unwrap();
}

/// A copy of the files of a log in use, its WAL as `change` makes it.
fn copied(from: &Path, to: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    std::fs::copy(from.join("ledger.db"), to.join("ledger.db")).unwrap();
    let mut wal = std::fs::read(from.join("ledger.db-wal")).unwrap();
    change(&mut wal);
    std::fs::write(to.join("ledger.db-wal"), wal).unwrap();
}

/// Opens a copy: its size, after every check that opening makes.
fn recovered(folder: &Path) -> u64 {
    let (log, opened) = open(writer(folder).unwrap(), &[]).unwrap();
    let size = opened.head.size.get();
    let runs = run(log.read(move |records| {
        let mut events = 0;
        for found in records.runs(u64::MAX, 1000)? {
            events += records.events_of(&found.name, 0, 1000)?.len() as u64;
        }
        assert_eq!(events, size, "the index goes with the events");
        Ok(())
    }));
    runs.unwrap();
    size
}

#[test]
fn what_is_left_of_the_wal_is_whole_commits_from_the_first_on() {
    let folder = tempfile::tempdir().unwrap();
    let (log, _) = open(writer(folder.path()).unwrap(), &[]).unwrap();
    let mut boundaries = vec![0];
    for number in 0..COMMITS {
        commit(&log, 1, &format!("run-{number}"));
        boundaries.push(log.head().size.get());
    }
    let wal = std::fs::metadata(folder.path().join("ledger.db-wal")).unwrap().len();
    let last = log.head();
    let mut sizes = std::collections::BTreeSet::new();
    let mut previous = 0;
    for cut in (0..=wal).step_by(1009).chain([wal]) {
        let copy = tempfile::tempdir().unwrap();
        copied(folder.path(), copy.path(), |bytes| bytes.truncate(usize::try_from(cut).unwrap()));
        let size = recovered(copy.path());
        assert!(boundaries.contains(&size) && size >= previous, "cut at {cut}: {size}");
        previous = size;
        sizes.insert(size);
    }
    assert_eq!(previous, COMMITS, "an uncut WAL holds everything");
    assert_eq!(sizes.len() as u64, COMMITS + 1, "every commit is a place to stop at");

    for at in (0..usize::try_from(wal).unwrap()).step_by(1511) {
        let copy = tempfile::tempdir().unwrap();
        copied(folder.path(), copy.path(), |bytes| bytes[at] ^= 0x40);
        let size = recovered(copy.path());
        assert!(boundaries.contains(&size), "damaged at {at}: {size}");
        if size < last.size.get() {
            let known = trusted(last);
            let fault = open(writer(copy.path()).unwrap(), &[known]).unwrap_err();
            assert_eq!(fault.rule().as_str(), "log-shorter", "a checkpoint shows the loss");
        }
    }
}

#[test]
fn a_copy_taken_at_any_moment_holds_what_was_acknowledged_then() {
    let folder = tempfile::tempdir().unwrap();
    let (log, _) = open(writer(folder.path()).unwrap(), &[]).unwrap();
    for number in 0..40 {
        commit(&log, 1 + number % 7, &format!("run-{number}"));
        let acknowledged = log.head();
        let copy = tempfile::tempdir().unwrap();
        copied(folder.path(), copy.path(), |_| {});
        let (found, opened) = open(writer(copy.path()).unwrap(), &[trusted(acknowledged)]).unwrap();
        assert_eq!(opened.head, acknowledged);
        drop(found);
    }
}
