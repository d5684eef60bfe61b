//! A scenario that is struck at every operation of the disk, and what is found afterwards.

use crate::support::{leaf, of_run, open, run, trusted};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use stepward_fault::Fault;
use stepward_ledger::log::{Attached, Log, Trusted};
use stepward_ledger::merkle::TreeHead;
use stepward_ledger::store::simulated::{Disk, DiskFault, Plan, Simulated};
use stepward_ledger::store::{Fact, Nodes, Records, RunChange};

const ROUNDS: u64 = 5;
const RUNS: u64 = 3;
/// Events of a run in a round; the last is waited for, as an intent is.
const EVENTS: u64 = 3;

/// What the world outside saw.
#[derive(Default)]
struct Witnessed {
    /// Every event that got a number: its bytes, and its run.
    taken: BTreeMap<u64, (Vec<u8>, String)>,
    durable: BTreeSet<u64>,
    heads: Vec<TreeHead>,
}

type Seen = Arc<Mutex<Witnessed>>;

/// Several runs append, wait and go on; a checkpoint is given out after each round.
async fn scenario(log: &Log, seen: &Seen) -> Result<(), Fault> {
    for round in 0..ROUNDS {
        let local = tokio::task::LocalSet::new();
        let runs: Vec<_> = (0..RUNS)
            .map(|number| local.spawn_local(one_round(log.clone(), Arc::clone(seen), round, number)))
            .collect();
        local.await;
        for ended in runs {
            ended.await.unwrap()?;
        }
        let mut signed = None;
        log.checkpoint(|head| {
            signed = Some(head);
            Ok(format!("{} {}", head.size, head.root))
        })
        .await?;
        seen.lock().unwrap().heads.extend(signed);
    }
    log.close().await.map(drop)
}

async fn one_round(log: Log, seen: Seen, round: u64, number: u64) -> Result<(), Fault> {
    let name = format!("run-{round}-{number}");
    for event in 0..EVENTS {
        let change = match event {
            0 => RunChange::Opens,
            // Some runs of each round stay unfinished.
            2 if number > 0 => RunChange::Closes,
            _ => RunChange::Stays,
        };
        let mut attached: Attached = of_run(&name, change);
        attached.body = (event == 1).then(|| format!("body of {name}").into_bytes());
        attached.facts = vec![Fact { name: "last".to_owned(), value: name.clone().into_bytes() }];
        let ticket = log.append(attached, |sequence, _| {
            let bytes = leaf(sequence, &format!("{name} {event}"));
            seen.lock().unwrap().taken.insert(sequence, (bytes.clone(), name.clone()));
            bytes
        })?;
        if event > 0 {
            let durable = log.durable(ticket).await?;
            seen.lock().unwrap().durable.insert(durable.sequence());
        }
    }
    Ok(())
}

/// Opens what was found, and holds it against what was seen.
fn recover(disk: &Disk, seen: &Witnessed, case: &str) {
    let store = Simulated::open(disk.clone()).unwrap();
    let size = store.head().unwrap().size.get();
    assert!(size <= seen.taken.len() as u64, "{case}: nothing was made up");
    for (sequence, (bytes, _)) in seen.taken.range(..size) {
        assert_eq!(&store.leaf(*sequence).unwrap().unwrap().bytes, bytes, "{case}: event {sequence}");
    }
    assert!(seen.durable.iter().all(|sequence| *sequence < size), "{case}: an acknowledged event is lost");
    check_index(&store, seen, size, case);
    for head in &seen.heads {
        let root = stepward_ledger::merkle::Hashes::head(&Nodes::of(&store), head.size).unwrap();
        assert_eq!(root, *head, "{case}: a checkpoint was given out");
        let kept = store.checkpoint(head.size.get()).unwrap().unwrap();
        assert_eq!(kept.note, format!("{} {}", head.size, head.root), "{case}");
    }
    let known: Vec<Trusted> = seen.heads.iter().copied().map(trusted).collect();
    let (log, opened) = open(store, &known).unwrap_or_else(|fault| panic!("{case}: {fault:?}"));
    assert_eq!(opened.head.size.get(), size, "{case}");
    run(async {
        let ticket = log.append(Attached::default(), |sequence, _| leaf(sequence, "goes on")).unwrap();
        assert_eq!(log.durable(ticket).await.unwrap().sequence(), size, "{case}");
    });
}

fn check_index(store: &Simulated, seen: &Witnessed, size: u64, case: &str) {
    let mut events: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
    for (sequence, (bytes, run)) in seen.taken.range(..size) {
        events.entry(run).or_default().push(*sequence);
        let body = store.body(*sequence).unwrap();
        assert_eq!(body.is_some(), bytes.ends_with(b" 1\"}"), "{case}: the body comes with its event");
    }
    let mut open = Vec::new();
    for (name, expected) in &events {
        assert_eq!(&store.events_of(name, 0, 100).unwrap(), expected, "{case}: {name}");
        let run = store.run(name).unwrap().unwrap();
        let finished = expected.len() as u64 == EVENTS && !name.ends_with("-0");
        assert_eq!((run.opened, run.last, run.open), (expected[0], *expected.last().unwrap(), !finished));
        if !finished {
            open.push(run);
        }
    }
    open.sort_by_key(|run| run.opened);
    assert_eq!(store.open_runs(0, 100).unwrap(), open, "{case}");
    let last = size.checked_sub(1).map(|last| seen.taken[&last].1.as_bytes().to_vec());
    assert_eq!(store.fact("last").unwrap(), last, "{case}: the fact is that of the last event");
}

/// Runs the scenario with one fault; says how many operations the disk saw.
fn strike(plan: Option<Plan>) -> (Disk, Witnessed, u64) {
    let disk = Disk::new();
    if let Some(plan) = plan {
        disk.plan(plan);
    }
    let seen = Seen::default();
    let (log, _) = open(Simulated::open(disk.clone()).unwrap(), &[]).unwrap();
    let outcome = run(scenario(&log, &seen));
    assert!(plan.is_some() || outcome.is_ok(), "{outcome:?}");
    drop(log);
    let operations = disk.operations();
    let seen = Arc::try_unwrap(seen).ok().unwrap().into_inner().unwrap();
    (disk, seen, operations)
}

#[test]
fn no_acknowledged_event_is_lost_wherever_it_is_struck() {
    let (disk, seen, operations) = strike(None);
    recover(&disk.crashed(1), &seen, "nothing went wrong");
    assert_eq!(seen.taken.len() as u64, ROUNDS * RUNS * EVENTS);
    for fault in [DiskFault::PowerLoss, DiskFault::Error, DiskFault::Full, DiskFault::ReadOnly] {
        for at in 0..operations {
            for seed in 0..6 {
                let seed = seed + at * 31;
                let (disk, seen, _) = strike(Some(Plan { at, fault, seed }));
                let case = format!("{fault:?} at {at}, seed {seed}");
                recover(&disk.crashed(seed), &seen, &case);
                recover(&disk.restarted(), &seen, &format!("{case}, restarted"));
            }
        }
    }
}

#[test]
fn recovery_itself_can_be_struck() {
    for at in 0..60 {
        let (disk, seen, _) = strike(Some(Plan { at, fault: DiskFault::PowerLoss, seed: 3 * at + 1 }));
        for second in 0..3 {
            for seed in 0..4 {
                let found = disk.crashed(seed);
                found.plan(Plan { at: second, fault: DiskFault::PowerLoss, seed });
                drop(Simulated::open(found.clone()));
                recover(&found.crashed(seed + 1), &seen, &format!("at {at}, then {second}, seed {seed}"));
            }
        }
    }
}

#[test]
fn the_simulation_does_lose_and_tear() {
    // Otherwise the tests above show nothing.
    let (mut shorter, mut torn, mut whole) = (0, 0, 0);
    for at in 0..40 {
        for seed in 0..8 {
            let (disk, seen, _) = strike(Some(Plan { at, fault: DiskFault::PowerLoss, seed }));
            let found = disk.crashed(seed);
            let before = found.bytes().len();
            let size = Simulated::open(found.clone()).unwrap().head().unwrap().size.get();
            shorter += u32::from(size < seen.taken.len() as u64);
            whole += u32::from(size > seen.durable.last().map_or(0, |last| last + 1));
            torn += u32::from(found.bytes().len() < before);
        }
    }
    assert!(shorter > 50 && torn > 50, "{shorter} lost events, {torn} were torn");
    assert!(whole > 0, "an event that nobody was told of may be there");
}
