//! What erasing a run leaves behind: nothing that opens its bodies.

use crate::world::{MONDAY, WEEK, World, context, create, opens};
use proptest::prelude::{
    Just, ProptestConfig, Strategy, prop, prop_assert, prop_assert_eq, prop_oneof, proptest,
};
use std::{collections::BTreeMap, fs};
use stepward_vault::{Completion, Held, Lookup, Rotated};

/// 2100-01-01 00:00 UTC.
const YEAR_2100: u64 = 4_102_444_800_000;

#[test]
fn after_erasure_and_rotation_no_file_holds_the_keys() {
    let world = World::new();
    let keys = world.open();
    let gone = create(&keys, "r-gone", MONDAY);
    let kept = create(&keys, "r-kept", MONDAY);
    let (run_key, wrapping_key) = (world.wrapped_run("r-gone"), world.wrapped_wrapping(1));
    assert_eq!(world.holding(&run_key), ["keys.db-wal"]);
    assert_eq!(world.holding(&wrapping_key), ["wrapping.db-wal"]);
    let old = world.snapshot();

    let erased = keys.erase("r-gone", MONDAY + 5).unwrap();
    assert_eq!((erased.wrapping_key, erased.completion), (1, Completion::Due { at_ms: MONDAY + WEEK }));
    assert!(world.holding(&run_key).is_empty());
    assert!(matches!(keys.get("r-gone").unwrap(), Lookup::Erased { at_ms } if at_ms == MONDAY + 5));
    assert_eq!(keys.create("r-gone", MONDAY).unwrap_err().rule().as_str(), "run-key-exists");

    assert_eq!(keys.rotate(MONDAY + WEEK - 1).unwrap(), Rotated::default());
    assert_eq!(world.holding(&wrapping_key).len(), 1);
    let rotated = keys.rotate(MONDAY + WEEK).unwrap();
    assert_eq!(rotated, Rotated { created: Some(2), rewrapped: 1, destroyed: vec![1], held: vec![] });
    assert!(world.holding(&wrapping_key).is_empty());
    let again = keys.erase("r-gone", MONDAY + 2 * WEEK).unwrap();
    assert_eq!(again.completion, Completion::Done { at_ms: MONDAY + WEEK });
    assert_eq!(again.complete_at_ms(), MONDAY + WEEK);
    assert!(matches!(keys.get("r-gone").unwrap(), Lookup::Erased { at_ms } if at_ms == MONDAY + 5));
    opens(&keys, "r-kept", &kept);
    drop(keys);

    // Who has an old copy of keys.db and the store of today opens nothing.
    drop(old.open());
    fs::copy(world.path("wrapping.db"), old.path("wrapping.db")).unwrap();
    assert_eq!(old.refused(), "run-keys-older");
    // Who has an old copy of both does, which is why the command says that it must go.
    drop((gone, old));
}

#[test]
fn an_erasure_under_an_older_wrapping_key_is_due_at_once() {
    let world = World::new();
    let keys = world.open();
    create(&keys, "r-1", MONDAY);
    let kept = create(&keys, "r-2", MONDAY);
    let newer = create(&keys, "r-3", MONDAY + 3 * WEEK);
    let now = MONDAY + 3 * WEEK + 7;
    assert_eq!(keys.erase("r-1", now).unwrap().completion, Completion::Due { at_ms: now });
    let rotated = keys.rotate(now).unwrap();
    assert_eq!((rotated.created, rotated.destroyed), (None, vec![1]));
    assert_eq!(keys.erase("r-1", now).unwrap().completion, Completion::Done { at_ms: now });
    opens(&keys, "r-2", &kept);
    opens(&keys, "r-3", &newer);
}

#[test]
fn weeks_without_erasures_keep_their_wrapping_keys() {
    let world = World::new();
    let keys = world.open();
    let made: Vec<_> = (0..5).map(|week| create(&keys, &format!("r-{week}"), MONDAY + week * WEEK)).collect();
    let rotated = keys.rotate(MONDAY + 5 * WEEK).unwrap();
    assert_eq!(rotated, Rotated { created: Some(6), ..Rotated::default() });
    for (week, sealed) in made.iter().enumerate() {
        opens(&keys, &format!("r-{week}"), sealed);
    }
}

#[test]
fn a_clock_that_goes_back_a_little_makes_no_key_and_destroys_none() {
    let world = World::new();
    let keys = world.open();
    create(&keys, "r-1", MONDAY + WEEK);
    let back = create(&keys, "r-2", MONDAY);
    assert_eq!(keys.erase("r-1", MONDAY).unwrap().completion, Completion::Due { at_ms: MONDAY + 2 * WEEK });
    for now in [MONDAY, MONDAY + WEEK + 5, MONDAY + WEEK - 1, MONDAY + 2 * WEEK - 1] {
        assert_eq!(keys.rotate(now).unwrap(), Rotated::default(), "{now}");
    }
    drop(keys);
    let keys = world.open();
    assert_eq!(keys.rotate(MONDAY).unwrap(), Rotated::default());
    opens(&keys, "r-2", &back);
    assert_eq!(keys.rotate(MONDAY + 2 * WEEK).unwrap().destroyed, [1]);
    opens(&keys, "r-2", &back);
    // The far future is one more week, and no overflow.
    assert_eq!(keys.rotate(u64::MAX).unwrap().created, Some(3));
    assert!(keys.erase("r-2", u64::MAX).unwrap().complete_at_ms() >= u64::MAX - 1000);
}

#[test]
fn a_clock_that_was_far_ahead_delays_no_erasure() {
    let world = World::new();
    let keys = world.open();
    let before = create(&keys, "r-before", MONDAY);
    create(&keys, "r-ahead", YEAR_2100);
    let kept = create(&keys, "r-kept", YEAR_2100);
    assert_eq!(keys.erase("r-ahead", YEAR_2100).unwrap().wrapping_key, 2);
    let ahead = world.wrapped_wrapping(2);
    drop(keys);

    // The clock is right again: what is due is due now, and what begins goes under a key of this week.
    let keys = world.open();
    let now = MONDAY + 5;
    assert_eq!(keys.erase("r-ahead", now).unwrap().completion, Completion::Due { at_ms: now });
    create(&keys, "r-now", now);
    let erased = keys.erase("r-now", now).unwrap();
    assert_eq!((erased.wrapping_key, erased.completion), (3, Completion::Due { at_ms: MONDAY + WEEK }));
    drop(keys);

    // The number tells the newest, not the week, and the one that was far ahead goes like any other.
    let keys = world.open();
    let rotated = keys.rotate(now).unwrap();
    assert_eq!(rotated, Rotated { created: None, rewrapped: 1, destroyed: vec![2], held: vec![] });
    assert!(world.holding(&ahead).is_empty());
    assert_eq!(keys.erase("r-ahead", now).unwrap().completion, Completion::Done { at_ms: now });
    for (run, sealed) in [("r-before", &before), ("r-kept", &kept)] {
        opens(&keys, run, sealed);
    }
    let rotated = keys.rotate(MONDAY + WEEK).unwrap();
    assert_eq!((rotated.created, rotated.destroyed), (Some(4), vec![3]));
    opens(&world.snapshot().open(), "r-kept", &kept);
}

#[test]
fn a_rotation_alone_replaces_a_key_that_is_far_ahead() {
    let world = World::new();
    let keys = world.open();
    create(&keys, "r-1", YEAR_2100);
    let kept = create(&keys, "r-2", YEAR_2100);
    keys.erase("r-1", MONDAY).unwrap();
    let rotated = keys.rotate(MONDAY).unwrap();
    assert_eq!(rotated, Rotated { created: Some(2), rewrapped: 1, destroyed: vec![1], held: vec![] });
    assert_eq!(keys.rotate(MONDAY).unwrap(), Rotated::default());
    opens(&keys, "r-2", &kept);
    // Two weeks ahead is far, one is not.
    assert_eq!(keys.rotate(MONDAY - WEEK).unwrap().created, None);
    assert_eq!(keys.rotate(MONDAY - WEEK - 1).unwrap().created, Some(3));
}

#[test]
fn a_run_key_that_does_not_open_holds_its_wrapping_key_until_it_is_erased() {
    let world = World::new();
    let keys = world.open();
    create(&keys, "r-1", MONDAY);
    create(&keys, "r-2", MONDAY);
    let kept = create(&keys, "r-3", MONDAY);
    drop(keys);
    world.sql("keys.db", "UPDATE run_key SET wrapped = zeroblob(61) WHERE run = 'r-2'");
    let keys = world.open();
    keys.erase("r-1", MONDAY).unwrap();
    let rotated = keys.rotate(MONDAY + WEEK).unwrap();
    assert_eq!((rotated.rewrapped, rotated.destroyed.len()), (1, 0));
    assert_eq!(rotated.held, [Held { wrapping_key: 1, runs: 1, first: "r-2".to_owned() }]);
    // The key that moved was under wrapping key 1, too: its erasure waits for both.
    opens(&keys, "r-3", &kept);
    keys.erase("r-3", MONDAY + WEEK).unwrap();
    assert_eq!(keys.rotate(MONDAY + 2 * WEEK).unwrap().destroyed, [2]);
    let waiting = keys.erase("r-3", MONDAY + 2 * WEEK).unwrap();
    assert_eq!(waiting.completion, Completion::Due { at_ms: MONDAY + 2 * WEEK });
    keys.erase("r-2", MONDAY + 2 * WEEK).unwrap();
    assert_eq!(keys.rotate(MONDAY + 2 * WEEK).unwrap().destroyed, [1]);
    for run in ["r-1", "r-2", "r-3"] {
        assert!(matches!(keys.erase(run, 0).unwrap().completion, Completion::Done { .. }), "{run}");
    }
}

/// Pages of a database that was filled in no order have been split and balanced, and rows of many
/// sizes were moved about.
#[test]
fn erasing_from_a_large_store_leaves_no_remnants() {
    let world = World::new();
    let keys = world.open();
    let name = |run: usize| format!("{:04}-{}", run * 7919 % 3000, "x".repeat(run % 90));
    let made: Vec<_> = (0..3000).map(|run| create(&keys, &name(run), MONDAY)).collect();
    let wrapped: Vec<_> = (0..3000).step_by(60).map(|run| (run, world.wrapped_run(&name(run)))).collect();
    let wrapping_key = world.wrapped_wrapping(1);
    assert!(wrapped.iter().all(|(_, bytes)| !world.holding(bytes).is_empty()));
    for (run, _) in &wrapped {
        keys.erase(&name(*run), MONDAY).unwrap();
    }
    let left: Vec<_> = wrapped.iter().filter(|(_, bytes)| !world.holding(bytes).is_empty()).collect();
    assert!(left.is_empty(), "{} of {} keys are still in the file", left.len(), wrapped.len());
    let rotated = keys.rotate(MONDAY + WEEK).unwrap();
    assert_eq!((rotated.rewrapped, rotated.destroyed), (2950, vec![1]));
    assert!(world.holding(&wrapping_key).is_empty());
    for (run, sealed) in made.iter().enumerate().filter(|(run, _)| run % 60 != 0) {
        opens(&keys, &name(run), sealed);
    }
}

#[test]
fn a_program_that_reads_the_store_is_named_as_the_cause() {
    let world = World::new();
    let keys = world.open();
    create(&keys, "r-1", MONDAY);
    let reader = rusqlite::Connection::open(world.path("keys.db")).unwrap();
    reader.execute_batch("BEGIN; SELECT * FROM run_key").unwrap();
    assert_eq!(keys.erase("r-1", MONDAY).unwrap_err().rule().as_str(), "key-store-held");
    drop(reader);
    assert!(matches!(keys.get("r-1").unwrap(), Lookup::Erased { .. }));
    assert_eq!(keys.erase("r-1", MONDAY).unwrap().wrapping_key, 1);
}

#[derive(Clone, Debug)]
enum Act {
    Create(usize),
    Erase(usize),
    Rotate,
    Restart,
    Crash,
    Clock(u64),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        4 => (0..12usize).prop_map(Act::Create),
        2 => (0..12usize).prop_map(Act::Erase),
        2 => Just(Act::Rotate),
        1 => Just(Act::Restart),
        1 => Just(Act::Crash),
        2 => (0..8u64).prop_map(|week| Act::Clock(MONDAY + week * WEEK)),
        1 => (0..8u64).prop_map(|week| Act::Clock(YEAR_2100 + week * WEEK)),
        1 => prop_oneof![Just(0), Just(MONDAY - 9 * WEEK), Just(u64::MAX)].prop_map(Act::Clock),
    ];
    prop::collection::vec(act, 1..40)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    /// Whatever happens in whatever order, with a clock that jumps: what was made and not erased
    /// opens, what was erased does not, and no erasure is due later than in two weeks.
    #[test]
    fn the_store_agrees_with_a_map(acts in acts()) {
        let mut world = World::new();
        let mut keys = world.open();
        let mut model = BTreeMap::new();
        let mut now = MONDAY;
        for act in acts {
            match act {
                Act::Create(run) => {
                    let name = format!("r-{run}");
                    let made = keys.create(&name, now);
                    prop_assert_eq!(made.is_ok(), !model.contains_key(&name));
                    if let Ok(key) = made {
                        let sealed = key.seal(context(&name), name.as_bytes()).unwrap();
                        model.insert(name, Some(sealed));
                    }
                }
                Act::Erase(run) => {
                    let name = format!("r-{run}");
                    let erased = keys.erase(&name, now);
                    prop_assert_eq!(erased.is_ok(), model.contains_key(&name));
                    if let Ok(erased) = erased {
                        model.insert(name, None);
                        if let Completion::Due { at_ms } = erased.completion {
                            let soon = now..=now.saturating_add(2 * WEEK);
                            prop_assert!(soon.contains(&at_ms), "{} at {}", at_ms, now);
                        }
                    }
                }
                Act::Rotate => prop_assert!(keys.rotate(now).unwrap().held.is_empty()),
                Act::Restart => {
                    drop(keys);
                    keys = world.open();
                }
                Act::Crash => {
                    let snapshot = world.snapshot();
                    drop(keys);
                    world = snapshot;
                    keys = world.open();
                }
                Act::Clock(at) => now = at,
            }
            for (run, sealed) in &model {
                match sealed {
                    Some(sealed) => opens(&keys, run, sealed),
                    None => {
                        let found = keys.get(run).unwrap();
                        prop_assert!(matches!(found, Lookup::Erased { .. }), "{:?}", found);
                    }
                }
            }
        }
        keys.rotate(MONDAY + 9 * WEEK).unwrap();
        for (run, _) in model.iter().filter(|(_, sealed)| sealed.is_none()) {
            let completion = keys.erase(run, now).unwrap().completion;
            prop_assert!(matches!(completion, Completion::Done { .. }), "{:?}", completion);
        }
    }
}
