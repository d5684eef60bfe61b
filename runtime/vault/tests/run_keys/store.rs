//! What the store keeps, what it tells apart, and what it refuses.

use crate::world::{MONDAY, WEEK, World, context, create, opens, root};
use std::{fs, os::unix::fs::PermissionsExt as _, thread};
use stepward_vault::{Begun, Lookup, RUN_NAME_BYTES, RunKeys};

fn damaged(keys: &RunKeys, run: &str) -> String {
    match keys.get(run).unwrap() {
        Lookup::Damaged(fault) => {
            assert_eq!(fault.rule().as_str(), "run-key-damaged");
            fault.message().to_owned()
        }
        other => unreachable!("{other:?}"),
    }
}

#[test]
fn a_key_is_there_after_a_restart_and_is_never_replaced() {
    let world = World::new();
    let keys = world.open();
    let sealed = create(&keys, "r-1", MONDAY);
    opens(&keys, "r-1", &sealed);
    assert_eq!(keys.create("r-1", MONDAY).unwrap_err().rule().as_str(), "run-key-exists");
    drop(keys);
    let keys = world.open();
    opens(&keys, "r-1", &sealed);
    assert!(matches!(keys.get("r-2").unwrap(), Lookup::Never));
    assert_eq!(keys.create("r-1", MONDAY).unwrap_err().rule().as_str(), "run-key-exists");
    assert_eq!(keys.erase("r-2", MONDAY).unwrap_err().rule().as_str(), "run-key-unknown");
    for run in [String::new(), "x".repeat(RUN_NAME_BYTES + 1)] {
        assert_eq!(keys.create(&run, MONDAY).unwrap_err().rule().as_str(), "run-key-name");
    }
    for file in ["keys.db", "wrapping.db", "keys.db-wal"] {
        assert_eq!(fs::metadata(world.path(file)).unwrap().permissions().mode() & 0o777, 0o600, "{file}");
    }
    assert_eq!(format!("{keys:?} {:?}", keys.get("r-1").unwrap()), "RunKeys(…) Key(RunKey(…))");
}

/// The files are copied while the store is in use, without its shared memory: what a crash leaves.
#[test]
fn a_key_is_durable_when_it_is_given_out() {
    let world = World::new();
    let keys = world.open();
    for run in 0..20 {
        let run = format!("r-{run}");
        let sealed = create(&keys, &run, MONDAY);
        opens(&world.snapshot().open(), &run, &sealed);
    }
}

#[test]
fn many_threads_share_a_store() {
    let world = World::new();
    let keys = world.open();
    let made = thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|thread| {
                let keys = &keys;
                scope.spawn(move || {
                    (0..20)
                        .map(|run| format!("r-{thread}-{run}"))
                        .map(|run| (create(keys, &run, MONDAY), run))
                        .collect::<Vec<_>>()
                })
            })
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
    });
    assert_eq!(made.len(), 160);
    for (sealed, run) in &made {
        opens(&keys, run, sealed);
    }
}

#[test]
fn rows_are_bound_to_their_run_and_to_their_wrapping_key() {
    let world = World::new();
    let keys = world.open();
    for run in ["r-1", "r-2", "r-3"] {
        create(&keys, run, MONDAY);
    }
    let sealed = create(&keys, "r-4", MONDAY + WEEK);
    drop(keys);
    world.sql(
        "keys.db",
        "UPDATE run_key SET wrapped = (SELECT wrapped FROM run_key WHERE run = 'r-2') WHERE run = 'r-1'",
    );
    world.sql("keys.db", "UPDATE run_key SET wrapping = 2 WHERE run = 'r-2'");
    world.sql("keys.db", "UPDATE run_key SET run = 'r-9' WHERE run = 'r-3'");
    let keys = world.open();
    for run in ["r-1", "r-2", "r-9"] {
        assert!(damaged(&keys, run).contains("tag does not hold"));
    }
    assert!(matches!(keys.get("r-3").unwrap(), Lookup::Never));
    opens(&keys, "r-4", &sealed);
}

#[test]
fn a_damaged_wrapping_key_stops_only_its_runs() {
    let world = World::new();
    let keys = world.open();
    let first = create(&keys, "r-1", MONDAY);
    create(&keys, "r-2", MONDAY + WEEK);
    drop(keys);
    let (first_key, second_key) = (world.wrapped_wrapping(1), world.wrapped_wrapping(2));
    let put = |id: u64, wrapped: &[u8]| {
        let wrapped = hex(wrapped);
        world.sql("wrapping.db", &format!("UPDATE wrapping_key SET wrapped = x'{wrapped}' WHERE id = {id}"));
    };
    // Two rows swapped: both are good keys, at the wrong place. Then one is put right.
    put(1, &second_key);
    put(2, &first_key);
    assert_eq!(world.refused(), "environment-key-mismatch");
    put(1, &first_key);
    let keys = world.open();
    opens(&keys, "r-1", &first);
    assert!(damaged(&keys, "r-2").contains("wrapping key 2 is damaged"));
    let third = create(&keys, "r-3", MONDAY + WEEK);
    opens(&keys, "r-3", &third);
    drop(keys);
    opens(&world.open(), "r-3", &third);
    // Another key of the same week is not taken for it, nor the right one with another week.
    put(2, &world.wrapped_wrapping(3));
    assert!(damaged(&world.open(), "r-2").contains("wrapping key 2 is damaged"));
    put(2, &second_key);
    assert!(matches!(world.open().get("r-2").unwrap(), Lookup::Key(_)));
    world.sql("wrapping.db", "UPDATE wrapping_key SET week = week + 1 WHERE id = 2");
    assert!(damaged(&world.open(), "r-2").contains("wrapping key 2 is damaged"));
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

#[test]
fn another_environments_key_opens_nothing() {
    let world = World::new();
    create(&world.open(), "r-1", MONDAY);
    let fault = RunKeys::open(&world.path("keys.db"), &world.path("wrapping.db"), &root(2)).unwrap_err();
    assert_eq!(fault.rule().as_str(), "environment-key-mismatch");
}

#[test]
fn an_older_copy_of_either_file_is_told() {
    let world = World::new();
    let keys = world.open();
    create(&keys, "r-1", MONDAY);
    create(&keys, "r-2", MONDAY);
    let before = world.snapshot();
    create(&keys, "r-3", MONDAY + WEEK);
    create(&keys, "r-4", MONDAY + 2 * WEEK);
    drop(keys);
    // SQLite leaves no log behind when it closes: two files are the whole store.
    let mixed = |keys: &World, wrapping: &World| {
        drop((keys.open(), wrapping.open()));
        let mixed = World::new();
        fs::copy(keys.path("keys.db"), mixed.path("keys.db")).unwrap();
        fs::copy(wrapping.path("wrapping.db"), mixed.path("wrapping.db")).unwrap();
        mixed
    };
    assert_eq!(mixed(&world, &before).refused(), "wrapping-keys-older");
    let fault = mixed(&before, &world).try_open().unwrap_err();
    assert_eq!(fault.rule().as_str(), "run-keys-older");
    assert!(fault.message().contains("knows wrapping key 1, and the newest is 3"), "{fault}");
    // By one week only, which a crash could explain, but then nothing would be destroyed.
    let near = before.snapshot();
    let keys = near.open();
    keys.erase("r-2", MONDAY).unwrap();
    keys.rotate(MONDAY + WEEK).unwrap();
    drop(keys);
    let fault = mixed(&before, &near).try_open().unwrap_err();
    assert_eq!(fault.rule().as_str(), "run-keys-older");
    assert!(fault.message().contains("wrapping key 1, which is destroyed"), "{fault}");
    mixed(&world, &world).open();
    let other = World::new();
    create(&other.open(), "r-1", MONDAY);
    assert_eq!(mixed(&before, &other).refused(), "key-store-mismatch");
    world.sql("wrapping.db", "DELETE FROM wrapping_key WHERE id = 2");
    assert_eq!(world.refused(), "wrapping-keys-removed");
}

#[test]
fn a_missing_file_is_not_made_anew() {
    for missing in ["keys.db", "wrapping.db"] {
        let world = World::new();
        create(&world.open(), "r-1", MONDAY);
        fs::remove_file(world.path(missing)).unwrap();
        for _ in 0..2 {
            let fault = world.try_open().unwrap_err();
            assert_eq!((fault.rule().as_str(), fault.place()), ("key-store-incomplete", missing));
        }
    }
    // A first start that ended between the two files had wrapped nothing.
    let world = World::new();
    drop(world.open());
    fs::remove_file(world.path("keys.db")).unwrap();
    create(&world.open(), "r-1", MONDAY);
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a test makes the real file")]
fn other_files_are_refused_untouched() {
    let world = World::new();
    drop(world.open());
    let swapped = RunKeys::open(&world.path("wrapping.db"), &world.path("keys.db"), &root(1)).unwrap_err();
    assert_eq!(swapped.rule().as_str(), "key-store-foreign");
    rusqlite::Connection::open(world.path("keys.db"))
        .unwrap()
        .pragma_update(None, "user_version", 2)
        .unwrap();
    let fault = world.try_open().unwrap_err();
    assert!(fault.message().contains("version 2, and version 1 is known"), "{fault}");
    fs::write(world.path("keys.db"), "no database at all, but long enough to be taken for one").unwrap();
    assert_eq!(world.refused(), "key-store-damaged");
    assert!(fs::read_to_string(world.path("keys.db")).unwrap().starts_with("no database"));
    let absent =
        RunKeys::open(&world.path("absent/keys.db"), &world.path("wrapping.db"), &root(1)).unwrap_err();
    assert_eq!(absent.rule().as_str(), "key-store-unavailable");
    assert!(
        !format!("{absent:?}{fault:?}").contains(world.folder.path().to_str().unwrap()),
        "a path is shown"
    );
}

#[test]
fn a_backup_is_the_store_of_that_moment_in_two_files() {
    let (world, copy) = (World::new(), World::new());
    let keys = world.open();
    let sealed = create(&keys, "r-1", MONDAY);
    create(&keys, "r-2", MONDAY);
    keys.erase("r-2", MONDAY).unwrap();
    keys.backup(&copy.path("keys.db"), &copy.path("wrapping.db")).unwrap();
    let later = create(&keys, "r-3", MONDAY);
    let twice = keys.backup(&copy.path("keys.db"), &copy.path("other.db")).unwrap_err();
    assert_eq!(twice.rule().as_str(), "key-store-exists");
    assert_eq!(fs::metadata(copy.path("wrapping.db")).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::read_dir(copy.folder.path()).unwrap().count(), 2);
    let restored = copy.open();
    opens(&restored, "r-1", &sealed);
    assert!(matches!(restored.get("r-2").unwrap(), Lookup::Erased { at_ms: MONDAY }));
    assert!(matches!(restored.get("r-3").unwrap(), Lookup::Never));
    opens(&keys, "r-3", &later);
}

/// The store is used by one connection while others copy it, as the service and a command do.
#[test]
fn a_backup_of_a_store_in_use_is_whole() {
    let world = World::new();
    let keys = world.open();
    let sealed: Vec<_> =
        (0..50).map(|run| (format!("r-{run}"), create(&keys, &format!("r-{run}"), MONDAY))).collect();
    let backup = || {
        let copy = World::new();
        let (keys, wrapping) = (world.path("keys.db"), world.path("wrapping.db"));
        RunKeys::backup_in_use(&keys, &wrapping, &copy.path("keys.db"), &copy.path("wrapping.db")).unwrap();
        assert_eq!(fs::read_dir(copy.folder.path()).unwrap().count(), 2);
        copy
    };
    let copies = thread::scope(|scope| {
        let rotating = scope.spawn(|| {
            for week in 0..40 {
                let doomed = format!("doomed-{week}");
                keys.create(&doomed, MONDAY + week * WEEK).unwrap();
                keys.erase(&doomed, MONDAY + week * WEEK).unwrap();
                keys.rotate(MONDAY + (week + 1) * WEEK).unwrap();
            }
        });
        let mut copies = Vec::new();
        while !rotating.is_finished() {
            copies.push(backup());
        }
        copies.push(backup());
        copies
    });
    for copy in copies {
        let restored = copy.open();
        for (run, sealed) in &sealed {
            opens(&restored, run, sealed);
        }
    }
    let empty = World::new();
    let refused = RunKeys::backup_in_use(
        &empty.path("keys.db"),
        &empty.path("wrapping.db"),
        &empty.path("a.db"),
        &empty.path("b.db"),
    );
    assert_eq!(refused.unwrap_err().rule().as_str(), "key-store-unavailable");
    assert_eq!(fs::read_dir(empty.folder.path()).unwrap().count(), 0);
}

#[test]
fn erased_runs_are_counted_with_those_that_have_keys() {
    let world = World::new();
    let keys = world.open();
    assert_eq!(keys.count().unwrap(), 0);
    for run in ["r-1", "r-2", "r-3"] {
        create(&keys, run, MONDAY);
    }
    keys.erase("r-2", MONDAY).unwrap();
    drop(keys);
    assert_eq!(world.open().count().unwrap(), 3);
}

/// Two runs never share a key: what one of them sealed, the other does not open, whatever it is said to be.
#[test]
fn every_run_has_a_key_of_its_own() {
    let world = World::new();
    let keys = world.open();
    let [first, second] = ["r-1", "r-2"].map(|run| keys.create(run, MONDAY).unwrap());
    let sealed = first.seal(context("r-1"), b"body").unwrap();
    assert!(second.open(context("r-1"), &sealed.commitment, &sealed.bytes).is_err());
    let kept = second.seal(context("r-2"), b"r-2").unwrap();
    keys.erase("r-1", MONDAY).unwrap();
    opens(&keys, "r-2", &kept);
}

/// A start that ended after its key was made and before its run was in the log is done again.
#[test]
fn a_key_that_an_interrupted_start_left_is_taken_up() {
    let world = World::new();
    let Begun::New(left) = world.open().begin("r-1", MONDAY).unwrap() else { panic!("it was there") };
    let sealed = left.seal(context("r-1"), b"r-1").unwrap();
    let keys = world.open();
    let Begun::Left(key) = keys.begin("r-1", MONDAY).unwrap() else { panic!("another one was made") };
    assert_eq!(key.open(context("r-1"), &sealed.commitment, &sealed.bytes).unwrap(), b"r-1");
    keys.erase("r-1", MONDAY).unwrap();
    assert_eq!(keys.begin("r-1", MONDAY).unwrap_err().rule().as_str(), "run-key-exists");
}

/// Whatever makes something else of what is written could keep a key that is said to be gone.
#[test]
fn a_store_with_other_tables_is_refused() {
    const KEEPS_RUNS: &str = "CREATE TRIGGER keeps BEFORE UPDATE OF wrapped ON run_key WHEN new.wrapped IS NULL \
                              BEGIN SELECT RAISE(IGNORE); END";
    const KEEPS_WRAPPING: &str = "CREATE TRIGGER keeps BEFORE UPDATE ON wrapping_key WHEN new.wrapped IS NULL \
                                  BEGIN SELECT RAISE(IGNORE); END";
    for (file, changes, said) in [
        ("keys.db", KEEPS_RUNS, "trigger `keeps`"),
        ("wrapping.db", KEEPS_WRAPPING, "trigger `keeps`"),
        (
            "keys.db",
            "ALTER TABLE run_key RENAME TO kept; CREATE VIEW run_key AS SELECT * FROM kept",
            "`kept`",
        ),
        (
            "wrapping.db",
            "ALTER TABLE wrapping_key RENAME TO kept; CREATE VIEW wrapping_key AS SELECT * FROM kept",
            "`kept`",
        ),
        ("keys.db", "DROP INDEX run_key_erased", "index `run_key_erased`"),
    ] {
        let (world, copy) = (World::new(), World::new());
        create(&world.open(), "r-1", MONDAY);
        rusqlite::Connection::open(world.path(file)).unwrap().execute_batch(changes).unwrap();
        let fault = world.try_open().unwrap_err();
        assert_eq!((fault.rule().as_str(), fault.place()), ("key-store-tables", file), "{changes}");
        assert!(fault.message().contains(said), "{fault}");
        let copied = RunKeys::backup_in_use(
            &world.path("keys.db"),
            &world.path("wrapping.db"),
            &copy.path("keys.db"),
            &copy.path("wrapping.db"),
        );
        assert_eq!(copied.unwrap_err().rule().as_str(), "key-store-tables");
    }
}

/// The same, by somebody who comes while the store is open: nothing is said to be gone that is not.
#[test]
fn what_was_kept_behind_the_stores_back_is_not_called_erased() {
    let world = World::new();
    let keys = world.open();
    create(&keys, "r-1", MONDAY);
    create(&keys, "r-2", MONDAY);
    keys.erase("r-2", MONDAY).unwrap();
    for (file, table) in [("keys.db", "run_key"), ("wrapping.db", "wrapping_key")] {
        let sql = format!(
            "CREATE TRIGGER keeps BEFORE UPDATE ON {table} WHEN new.wrapped IS NULL BEGIN SELECT RAISE(IGNORE); END"
        );
        rusqlite::Connection::open(world.path(file)).unwrap().execute_batch(&sql).unwrap();
    }
    assert_eq!(keys.erase("r-1", MONDAY).unwrap_err().rule().as_str(), "key-store-not-erased");
    assert!(matches!(keys.get("r-1").unwrap(), Lookup::Key(_)));
    assert_eq!(keys.rotate(MONDAY + WEEK).unwrap_err().rule().as_str(), "key-store-not-erased");
}

/// By a link the file that is overwritten would be another one than the file that is looked at.
#[test]
fn a_store_behind_a_link_is_refused() {
    for name in ["keys.db", "wrapping.db"] {
        let world = World::new();
        create(&world.open(), "r-1", MONDAY);
        fs::rename(world.path(name), world.path("elsewhere")).unwrap();
        std::os::unix::fs::symlink(world.path("elsewhere"), world.path(name)).unwrap();
        let fault = world.try_open().unwrap_err();
        assert_eq!((fault.rule().as_str(), fault.place()), ("key-store-file-kind", name));
    }
}

/// What is not complete is told until its wrapping key goes, and not longer.
#[test]
fn erasures_are_listed_until_they_are_complete() {
    let world = World::new();
    let keys = world.open();
    create(&keys, "r-1", MONDAY);
    create(&keys, "r-2", MONDAY);
    assert!(keys.incomplete().unwrap().is_empty());
    keys.erase("r-2", MONDAY).unwrap();
    assert_eq!(keys.incomplete().unwrap(), ["r-2"]);
    keys.rotate(MONDAY + WEEK).unwrap();
    assert!(keys.incomplete().unwrap().is_empty());
}
