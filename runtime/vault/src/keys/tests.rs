//! A rotation that stops after any of its commits, and what the files hold of erased keys.

use super::{Completion, Lookup, RunKeys, rotation, runs};
use crate::{BodyContext, EnvironmentRoot, Sealed, aead::random};
use std::{collections::HashMap, fs, path::Path};
use stepward_fault::{Class, Fault, Owner, Rule};
use stepward_seam::SecretBytes;
use tempfile::TempDir;

const MONDAY: u64 = 1_794_787_200_000;
const WEEK: u64 = 7 * 24 * 60 * 60 * 1000;
/// More than two batches of the rotation.
const RUNS: usize = 2500;

fn open(folder: &Path) -> RunKeys {
    let root = EnvironmentRoot::derive(&SecretBytes::new(vec![1; 32])).unwrap();
    RunKeys::open(&folder.join("keys.db"), &folder.join("wrapping.db"), &root).unwrap()
}

fn context(run: &str) -> BodyContext<'_> {
    BodyContext { environment: "dev", run, kind: "call-answered" }
}

/// Copies databases and logs without the shared index, as a crash at this moment leaves them.
fn snapshot(of: &Path) -> TempDir {
    let copy = tempfile::tempdir().unwrap();
    for name in ["keys.db", "keys.db-wal", "wrapping.db", "wrapping.db-wal"] {
        if of.join(name).exists() {
            fs::copy(of.join(name), copy.path().join(name)).unwrap();
        }
    }
    copy
}

/// Two weeks with erasures, one without, and the newest.
fn filled(folder: &Path) -> Vec<(String, Option<Sealed>)> {
    let keys = open(folder);
    let mut made = Vec::new();
    for run in 0..RUNS {
        let name = format!("r-{run:05}");
        let week = run.checked_sub(RUNS - 20).map_or(0, |late| u64::try_from(late / 7 + 1).unwrap());
        let key = keys.create(&name, MONDAY + week * WEEK).unwrap();
        made.push((name.clone(), Some(key.seal(context(&name), name.as_bytes()).unwrap())));
    }
    for (run, sealed) in made.iter_mut().filter(|(run, _)| run.ends_with('7')) {
        keys.erase(run, MONDAY + 3 * WEEK).unwrap();
        *sealed = None;
    }
    made
}

fn whole(keys: &RunKeys, made: &[(String, Option<Sealed>)]) {
    for (run, sealed) in made {
        match (keys.get(run).unwrap(), sealed) {
            (Lookup::Key(key), Some(sealed)) => {
                let body = key.open(context(run), &sealed.commitment, &sealed.bytes).unwrap();
                assert_eq!(body, run.as_bytes());
            }
            (Lookup::Erased { .. }, None) => {}
            (found, _) => unreachable!("{run}: {found:?}"),
        }
    }
}

#[test]
fn a_rotation_that_stops_after_any_commit_loses_nothing_and_is_completed() {
    let folder = tempfile::tempdir().unwrap();
    let made = filled(folder.path());
    let now = MONDAY + 4 * WEEK;
    let mut crashes = vec![snapshot(folder.path())];
    let keys = open(folder.path());
    let mut rotated = rotation::rotate(&mut keys.store(), &keys.root, now, &mut |_| Ok(()), &mut || {
        crashes.push(snapshot(folder.path()));
        Ok(())
    })
    .unwrap();
    rotated.destroyed.sort_unstable();
    assert!(rotated.held.is_empty());
    let destroyed = rotated.destroyed;
    assert!(destroyed.contains(&1) && destroyed.len() > 1, "{destroyed:?}");
    // Nothing, the new key, its note, three batches and one for each other week, the destruction.
    assert!(crashes.len() >= 8, "{}", crashes.len());
    for (at, crash) in crashes.iter().enumerate() {
        let keys = open(crash.path());
        whole(&keys, &made);
        let rest = keys.rotate(now).unwrap();
        assert!(rest.held.is_empty(), "{at}: {rest:?}");
        // Only after the last commit is nothing left.
        assert_eq!(rest.destroyed.is_empty(), at == crashes.len() - 1, "{at}: {rest:?}");
        whole(&keys, &made);
        for (run, _) in made.iter().filter(|(_, sealed)| sealed.is_none()) {
            assert!(matches!(keys.erase(run, now).unwrap().completion, Completion::Done { .. }), "{at}");
        }
        assert_eq!(keys.rotate(now).unwrap(), rotation::Rotated::default(), "{at}");
    }
}

#[test]
fn keys_whose_end_cannot_be_told_stay_until_the_next_rotation() {
    let folder = tempfile::tempdir().unwrap();
    let keys = open(folder.path());
    keys.create("r-1", MONDAY).unwrap();
    keys.erase("r-1", MONDAY).unwrap();
    let mut heard = Vec::new();
    let refused = keys.rotate_told(MONDAY + WEEK, &mut |going| {
        heard.extend_from_slice(going);
        Err(Fault::new(Class::Unavailable, Owner::Operator, Rule::new("log-closed")))
    });
    assert_eq!((refused.unwrap_err().rule().as_str(), heard), ("log-closed", vec![1]));
    assert!(matches!(keys.erase("r-1", MONDAY + WEEK).unwrap().completion, Completion::Due { .. }));
    assert_eq!(keys.rotate(MONDAY + WEEK).unwrap().destroyed, [1]);
}

/// The destruction is committed, and the log is not yet emptied.
#[test]
fn remnants_that_a_crash_left_go_at_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let keys = open(folder.path());
    keys.create("r-1", MONDAY).unwrap();
    keys.erase("r-1", MONDAY).unwrap();
    let wrapped: Vec<u8> = {
        let sql = "SELECT wrapped FROM wrapping_key";
        let store = keys.store();
        store.pair.wrapping.read(|connection| connection.query_row(sql, [], |row| row.get(0))).unwrap()
    };
    let mut last = None;
    rotation::rotate(&mut keys.store(), &keys.root, MONDAY + WEEK, &mut |_| Ok(()), &mut || {
        last = Some(snapshot(folder.path()));
        Ok(())
    })
    .unwrap();
    let crash = last.unwrap();
    let found = |name: &str| {
        #[expect(clippy::disallowed_methods, reason = "a test looks at the real file")]
        let bytes = fs::read(crash.path().join(name)).unwrap_or_default();
        bytes.windows(wrapped.len()).any(|window| window == wrapped)
    };
    assert!(found("wrapping.db-wal") || found("wrapping.db"));
    let keys = open(crash.path());
    assert!(!found("wrapping.db-wal") && !found("wrapping.db"));
    drop(keys);
    assert!(!found("wrapping.db"));
}

/// A failure in the middle, the disk being full for example, leaves a store that goes on.
#[test]
fn a_rotation_that_fails_is_taken_up_by_the_same_process() {
    let folder = tempfile::tempdir().unwrap();
    let made = filled(folder.path());
    let keys = open(folder.path());
    for stop in 1..20 {
        let mut commits = 0;
        let rotated =
            rotation::rotate(&mut keys.store(), &keys.root, MONDAY + 4 * WEEK, &mut |_| Ok(()), &mut || {
                commits += 1;
                let fault = Fault::new(Class::Unavailable, Owner::Operator, Rule::new("disk-full"));
                if commits == stop { Err(fault) } else { Ok(()) }
            });
        whole(&keys, &made);
        if rotated.is_ok() {
            assert_eq!(keys.rotate(MONDAY + 4 * WEEK).unwrap(), rotation::Rotated::default());
            return;
        }
    }
    unreachable!("a rotation ends after some commits");
}

/// SQLite moves rows from page to page, and `secure_delete` does not reach where they were before.
#[test]
fn an_erased_key_is_nowhere_in_the_file_although_its_row_was_moved() {
    let folder = tempfile::tempdir().unwrap();
    let keys = open(folder.path());
    keys.create("r-first", MONDAY).unwrap();
    let mut made = HashMap::new();
    let added = keys.store().pair.keys.change(|transaction| {
        for (run, more) in (0..40_000_u64).zip((0..61).cycle()) {
            // In no order and of many lengths, so that pages are split in their middles.
            let name =
                format!("r-{:016x}{}", run.wrapping_mul(0x9e37_79b9_7f4a_7c15), "x".repeat(more * 37 % 61));
            let wrapped = *random::<61>().unwrap();
            runs::insert(transaction, &name, 1, &wrapped, MONDAY)?;
            made.insert(wrapped, (name, 0));
        }
        Ok(())
    });
    added.unwrap();
    keys.store().pair.keys.checkpoint().unwrap();
    #[expect(clippy::disallowed_methods, reason = "a test looks at the real file")]
    let file = || fs::read(folder.path().join("keys.db")).unwrap();
    for window in file().array_windows::<61>() {
        if let Some((_, found)) = made.get_mut(window) {
            *found += 1;
        }
    }
    assert!(made.values().all(|(_, found)| *found > 0));
    let (wrapped, (run, _)) = made.iter().find(|(_, (_, found))| *found > 1).unwrap();
    keys.erase(run, MONDAY).unwrap();
    assert!(!file().windows(wrapped.len()).any(|window| window == wrapped));
}
