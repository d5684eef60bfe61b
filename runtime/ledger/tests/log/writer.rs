//! Order, group commit, waiting, closing, failing.

use crate::support::{append, leaf, of_run, open, run, sealer, sequence_of, writer};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::task::Poll;
use stepward_fault::Class;
use stepward_ledger::log::{Attached, Log, MAX_LEAF, MAX_WAITING_BYTES, MAX_WAITING_EVENTS, Stamp, When};
use stepward_ledger::merkle::{Consistency, Inclusion, LeafHash, LeafIndex, MemoryTree};
use stepward_ledger::store::simulated::{Disk, DiskFault, Plan, Simulated};
use stepward_ledger::store::{Checkpoint, Fact, Nodes, Records, RunChange};

/// Operations of a commit on the simulated disk: three writes and a sync.
const COMMIT: u64 = 4;

fn simulated(disk: &Disk) -> Log {
    open(Simulated::open(disk.clone()).unwrap(), &[]).unwrap().0
}

/// Keeps the writer busy until the sender is dropped.
fn held(log: &Log) -> mpsc::Sender<()> {
    let (release, released) = mpsc::channel::<()>();
    let (entered, inside) = mpsc::channel::<()>();
    let log = log.clone();
    std::thread::spawn(move || {
        run(log.read(move |_| {
            entered.send(()).unwrap();
            let _ = released.recv();
            Ok(())
        }))
    });
    inside.recv().unwrap();
    release
}

/// Whether a future is ready when it is looked at once.
async fn ready<F: Future>(future: F) -> Option<F::Output> {
    let mut future = std::pin::pin!(future);
    std::future::poll_fn(|context| {
        Poll::Ready(match future.as_mut().poll(context) {
            Poll::Ready(output) => Some(output),
            Poll::Pending => None,
        })
    })
    .await
}

#[test]
fn many_writers_share_one_order() {
    const WRITERS: usize = 8;
    const EACH: usize = 200;
    let disk = Disk::new();
    let log = simulated(&disk);
    let taken = Arc::new(Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for writer in 0..WRITERS {
            let (log, taken) = (log.clone(), Arc::clone(&taken));
            scope.spawn(move || {
                run(async {
                    for event in 0..EACH {
                        let name = format!("{writer}/{event}");
                        let change = if event == 0 { RunChange::Opens } else { RunChange::Stays };
                        let ticket = log
                            .append(of_run(&writer.to_string(), change), |sequence, stamp| {
                                taken.lock().unwrap().push((sequence, name.clone(), stamp.mono_us));
                                leaf(sequence, &name)
                            })
                            .unwrap();
                        assert_eq!(log.durable(ticket).await.unwrap().sequence(), ticket.sequence());
                        assert!(log.head().size.get() > ticket.sequence());
                    }
                });
            });
        }
    });
    let head = run(log.close()).unwrap();
    assert_eq!(head.size.get(), (WRITERS * EACH) as u64);

    let store = Simulated::open(disk.restarted()).unwrap();
    let mut tree = MemoryTree::default();
    let taken = taken.lock().unwrap();
    for (place, (sequence, name, mono)) in taken.iter().enumerate() {
        assert_eq!(*sequence, place as u64, "the order of encoding is the order of the numbers");
        assert!(place == 0 || taken[place - 1].2 < *mono);
        let stored = store.leaf(*sequence).unwrap().unwrap();
        assert_eq!(stored.bytes, leaf(*sequence, name));
        tree.append(LeafHash::of(&stored.bytes)).unwrap();
    }
    assert_eq!(tree.head(), head);
    for writer in 0..WRITERS {
        let events = store.events_of(&writer.to_string(), 0, usize::MAX).unwrap();
        let names = events.iter().map(|sequence| taken[usize::try_from(*sequence).unwrap()].1.clone());
        let expected = (0..EACH).map(|event| format!("{writer}/{event}"));
        assert!(names.eq(expected), "each writer's own order is kept");
    }
}

#[test]
fn events_that_wait_together_share_a_commit() {
    let disk = Disk::new();
    let log = simulated(&disk);
    let release = held(&log);
    let tickets: Vec<_> = (0..1000).map(|event| append(&log, &event.to_string()).unwrap()).collect();
    drop(release);
    for ticket in tickets {
        run(log.durable(ticket)).unwrap();
    }
    assert_eq!(disk.operations(), COMMIT, "a thousand events, one sync");
}

#[test]
fn nothing_is_durable_before_it_is_synced() {
    let disk = Disk::new();
    let log = simulated(&disk);
    let release = held(&log);
    let ticket = append(&log, "intent").unwrap();
    run(async {
        assert!(ready(log.durable(ticket)).await.is_none());
        assert_eq!(log.head().size.get(), 0);
        assert_eq!(disk.operations(), 0);
        drop(release);
        log.durable(ticket).await.unwrap();
        assert_eq!(Simulated::open(disk.crashed(0)).unwrap().head().unwrap(), log.head());
    });
}

#[test]
fn what_waits_is_bounded_in_number_and_in_bytes() {
    let log = simulated(&Disk::new());
    let release = held(&log);
    run(log.room()).unwrap();
    for event in 0..MAX_WAITING_EVENTS {
        let _ = append(&log, &event.to_string()).unwrap();
    }
    let refused = append(&log, "one more").unwrap_err();
    assert_eq!((refused.rule().as_str(), refused.class()), ("log-overloaded", Class::Unavailable));
    run(async { assert!(ready(log.room()).await.is_none()) });
    drop(release);
    run(log.room()).unwrap();
    let ticket = append(&log, "after").unwrap();
    assert_eq!(ticket.sequence(), MAX_WAITING_EVENTS as u64, "a refused event takes no number");
    run(log.durable(ticket)).unwrap();

    let release = held(&log);
    let body = Some(vec![0; MAX_WAITING_BYTES / 4]);
    // Four would fit to the byte, if their leaves took no room.
    let attached = Attached { body, ..Attached::default() };
    for _ in 0..3 {
        let _ = log.append(attached.clone(), |sequence, _| leaf(sequence, "large")).unwrap();
    }
    let refused = log.append(attached, |sequence, _| leaf(sequence, "large")).unwrap_err();
    assert_eq!(refused.rule().as_str(), "log-overloaded");
    drop(release);
}

#[test]
fn a_leaf_of_the_wrong_size_takes_no_number() {
    let log = simulated(&Disk::new());
    for bytes in [0, MAX_LEAF + 1] {
        let refused = log.append(Attached::default(), |_, _| vec![b'x'; bytes]).unwrap_err();
        assert_eq!(refused.rule().as_str(), "log-leaf-size");
    }
    let ticket = log.append(Attached::default(), |_, _| vec![b'x'; MAX_LEAF]).unwrap();
    assert_eq!(ticket.sequence(), 0);
    run(log.durable(ticket)).unwrap();
}

#[test]
fn stamps_never_go_back() {
    let readings = AtomicU64::new(0);
    let clock = move || {
        let mono_us = [100, 50, 0, 200][usize::try_from(readings.fetch_add(1, Ordering::Relaxed)).unwrap()];
        Stamp { unix_us: mono_us, error_us: Some(3), mono_us }
    };
    let store = Simulated::open(Disk::new()).unwrap();
    let (log, _) = Log::open(Box::new(store), Arc::new(clock), &[], &sequence_of, &sealer()).unwrap();
    let mut seen = Vec::new();
    for _ in 0..4 {
        let _ = log
            .append(Attached::default(), |sequence, stamp| {
                seen.push((stamp.mono_us, stamp.unix_us));
                leaf(sequence, "")
            })
            .unwrap();
    }
    assert_eq!(seen, [(100, 100), (100, 50), (100, 0), (200, 200)], "the wall clock may jump");
}

#[test]
fn after_a_failed_commit_nothing_is_taken_any_more() {
    for at in 0..COMMIT {
        let disk = Disk::new();
        let log = simulated(&disk);
        disk.plan(Plan { at, fault: DiskFault::Error, seed: 0 });
        let release = held(&log);
        let waiting: Vec<_> = (0..3).map(|event| append(&log, &event.to_string()).unwrap()).collect();
        drop(release);
        let fault = run(log.durable(waiting[0])).unwrap_err();
        assert_eq!(fault.rule().as_str(), "simulated-disk");
        for ticket in waiting {
            assert_eq!(run(log.durable(ticket)).unwrap_err(), fault);
        }
        // The disk works again, and the log stays closed: nobody knows what lies there.
        assert_eq!(append(&log, "later").unwrap_err(), fault);
        assert_eq!(run(log.room()).unwrap_err(), fault);
        assert_eq!(run(log.read(|_| Ok(()))).unwrap_err(), fault);
        assert_eq!(run(log.checkpoint(|_| Ok(String::new()))).unwrap_err(), fault);
        assert_eq!(run(log.close()).unwrap_err(), fault);
        assert_eq!(log.head().size.get(), 0);
        let again = simulated(&disk.restarted());
        let first = again.head().size.get();
        let ticket = append(&again, "again").unwrap();
        assert_eq!(ticket.sequence(), first);
        run(again.durable(ticket)).unwrap();
    }
}

#[test]
fn what_was_durable_stays_so_when_the_log_fails_later() {
    let disk = Disk::new();
    let log = simulated(&disk);
    let early = append(&log, "early").unwrap();
    run(log.durable(early)).unwrap();
    disk.plan(Plan { at: 0, fault: DiskFault::ReadOnly, seed: 0 });
    let late = append(&log, "late").unwrap();
    run(log.durable(late)).unwrap_err();
    assert_eq!(run(log.durable(early)).unwrap().sequence(), 0);
}

#[test]
fn a_panic_in_the_writer_reaches_everyone_who_waits() {
    let log = simulated(&Disk::new());
    let release = held(&log);
    let ticket = append(&log, "waits").unwrap();
    let reading = {
        let log = log.clone();
        std::thread::spawn(move || run(log.read(|_| -> Result<(), _> { panic!("a defect") })))
    };
    drop(release);
    assert_eq!(reading.join().unwrap().unwrap_err().rule().as_str(), "log-writer-ended");
    // The event was committed before the request was served.
    run(log.durable(ticket)).unwrap();
    assert_eq!(append(&log, "later").unwrap_err().rule().as_str(), "log-writer-ended");
    assert_eq!(run(log.close()).unwrap_err().rule().as_str(), "log-writer-ended");
}

#[test]
fn closing_writes_what_waits_and_gives_the_store_back() {
    let folder = tempfile::tempdir().unwrap();
    let (log, _) = open(writer(folder.path()).unwrap(), &[]).unwrap();
    assert_eq!(writer(folder.path()).unwrap_err().rule().as_str(), "log-owned");
    let tickets: Vec<_> = (0..100).map(|event| append(&log, &event.to_string()).unwrap()).collect();
    let head = run(log.close()).unwrap();
    assert_eq!(head.size.get(), 100);
    for ticket in tickets {
        run(log.durable(ticket)).unwrap();
    }
    let refused = append(&log, "later").unwrap_err();
    assert_eq!((refused.rule().as_str(), refused.class()), ("log-closed", Class::Cancelled));
    assert_eq!(run(log.close()).unwrap(), head, "closing twice does no harm");

    let (log, opened) = open(writer(folder.path()).unwrap(), &[]).unwrap();
    assert_eq!(opened.head, head);
    let _ = append(&log, "the last handle closes too").unwrap();
    drop(log);
    assert_eq!(writer(folder.path()).unwrap().head().unwrap().size.get(), 101);
}

#[test]
fn checkpoints_are_kept_before_they_are_given_out() {
    let disk = Disk::new();
    let log = simulated(&disk);
    run(async {
        for round in 0..3 {
            let ticket = append(&log, &round.to_string()).unwrap();
            log.durable(ticket).await.unwrap();
            let given = log.checkpoint(|head| Ok(format!("{} {}", head.size, head.root))).await.unwrap();
            let kept = Simulated::open(disk.crashed(0)).unwrap().checkpoint(u64::MAX).unwrap();
            assert_eq!(kept, Some(given));
        }
        let cosigned = Checkpoint { size: 2, note: "2 with cosignatures".to_owned() };
        log.keep(cosigned.clone()).await.unwrap();
        let all = log.read(|records| records.checkpoints(1, 10)).await.unwrap();
        assert_eq!(all.len(), 3);
        assert_eq!(all[1], cosigned);
        let ahead = Checkpoint { size: 4, note: String::new() };
        assert_eq!(log.keep(ahead).await.unwrap_err().rule().as_str(), "log-checkpoint-ahead");
    });
}

#[test]
fn a_ticket_is_good_for_its_own_log_only() {
    let (one, other) = (simulated(&Disk::new()), simulated(&Disk::new()));
    let ticket = append(&one, "").unwrap();
    let theirs = append(&other, "").unwrap();
    run(other.durable(theirs)).unwrap();
    assert_eq!(run(other.durable(ticket)).unwrap_err().rule().as_str(), "log-other-ticket");
}

#[test]
fn proofs_come_from_a_log_in_use() {
    let folder = tempfile::tempdir().unwrap();
    let (log, _) = open(writer(folder.path()).unwrap(), &[]).unwrap();
    let older = run(async {
        for event in 0..700 {
            let _ = append(&log, &event.to_string()).unwrap();
        }
        log.read(|_| Ok(())).await.unwrap();
        let older = log.head();
        for event in 700..1500 {
            let _ = append(&log, &event.to_string()).unwrap();
        }
        log.read(|_| Ok(())).await.unwrap();
        older
    });
    let newer = log.head();
    assert_eq!((older.size.get(), newer.size.get()), (700, 1500));
    let index = LeafIndex::new(256).unwrap();
    let (proof, grown) = run(log.read(move |records| {
        let nodes = Nodes::of(records);
        Ok((
            Inclusion::prove(&nodes, index, newer.size).unwrap(),
            Consistency::prove(&nodes, older.size, newer.size).unwrap(),
        ))
    }))
    .unwrap();
    let hash = LeafHash::of(&leaf(256, "256"));
    assert_eq!(proof.verify(hash, newer).unwrap().index(), index);
    assert_eq!(grown.verify(older, newer).unwrap().newer(), newer);
}

#[test]
fn facts_are_remembered_with_their_event() {
    let disk = Disk::new();
    let log = simulated(&disk);
    let fact = |value: &str| Fact { name: "configuration".to_owned(), value: value.into() };
    for value in ["one", "two"] {
        let attached = Attached { facts: vec![fact(value)], ..Attached::default() };
        let ticket = log.append(attached, |sequence, _| leaf(sequence, value)).unwrap();
        run(log.durable(ticket)).unwrap();
        let found = Simulated::open(disk.crashed(0)).unwrap().fact("configuration").unwrap();
        assert_eq!(found.as_deref(), Some(value.as_bytes()));
    }
}

#[test]
fn what_nobody_waits_for_costs_no_commit_of_its_own() {
    let disk = Disk::new();
    let log = simulated(&disk);
    let wait = |ticket| run(log.durable(ticket)).unwrap();
    let _ = wait(append(&log, "first").unwrap());
    let one = disk.operations();
    let together = |attempt: &u32| {
        let before = disk.operations();
        for event in 0..5 {
            let _ = append(&log, &format!("told {attempt} {event}")).unwrap();
        }
        let _ = wait(append(&log, "waited for").unwrap());
        disk.operations() - before == one
    };
    // A machine that stands still for longer than the writer lingers may split some.
    assert!((0..21).filter(together).count() > 15, "six events, one commit");
}

#[test]
fn those_whom_one_commit_woke_share_the_next() {
    const WRITERS: u64 = 64;
    const EACH: u64 = 50;
    let disk = Disk::new();
    let log = simulated(&disk);
    let work = |writer: u64| {
        let log = log.clone();
        async move {
            for event in 0..EACH {
                let ticket = append(&log, &format!("{writer} {event}")).unwrap();
                let _ = log.durable(ticket).await.unwrap();
            }
        }
    };
    run(async {
        let tasks: Vec<_> = (0..WRITERS).map(|writer| tokio::spawn(work(writer))).collect();
        for task in tasks {
            task.await.unwrap();
        }
    });
    let commits = disk.operations() / COMMIT;
    // One for each round of all writers; a machine that is busy elsewhere may split some.
    assert!(
        (EACH..=EACH * WRITERS / 16).contains(&commits),
        "{commits} commits of {} events",
        EACH * WRITERS
    );
}

#[test]
fn what_nobody_waits_for_is_written_all_the_same() {
    for when in [When::WithNext, When::Soon] {
        let disk = Disk::new();
        let log = simulated(&disk);
        let attached = Attached { when, ..Attached::default() };
        let _ = log.append(attached, |sequence, _| leaf(sequence, "told")).unwrap();
        let start = std::time::Instant::now();
        while log.head().size.get() == 0 {
            assert!(start.elapsed() < std::time::Duration::from_secs(10), "{when:?}");
            std::thread::yield_now();
        }
    }
}
