//! A run over a disk that fails at each of its operations, each way: what left has its intent, and what was
//! acknowledged is there.

use super::{Act, Own, answer, clock, name, open_over, owner, request, site, start};
use std::{
    path::Path,
    sync::{Arc, Mutex},
};
use stepward::{
    Broker as _, Digest, Fault, Limits, Method,
    journal::Logged,
    ledger::{
        event::{Event, Outcome, What},
        merkle::TreeHead,
        runs::Standing,
    },
};
use stepward_ledger::{
    merkle::Hashes as _,
    store::{
        Nodes, Records as _,
        simulated::{Disk, DiskFault, Plan, Simulated},
    },
};

const CALLS: u64 = 3;

/// What somebody outside of the log knows.
#[derive(Default)]
struct Seen {
    /// The calls that left the host.
    sent: Vec<u64>,
    /// Events that were called durable.
    durable: Vec<u64>,
    /// Heads that were signed and given out.
    heads: Vec<TreeHead>,
}

async fn scenario(disk: &Disk, folder: &Path, seen: &Arc<Mutex<Seen>>) -> Result<(), Fault> {
    let store = Box::new(Simulated::open(disk.clone())?);
    let journal = open_over(store, folder, clock()).await?.journal;
    let run = journal.start(start("run-1")).await?;
    run.step_started("post", Digest::of(b"wasm"), Digest::of(b"engine"), &Limits::default())?;
    let acts = (0..CALLS).map(|call| {
        let seen = Arc::clone(seen);
        Box::new(move || {
            seen.lock().unwrap().sent.push(call);
            Ok(answer(201))
        }) as Act
    });
    let broker = Logged::new(journal.clone(), Own::answering(acts));
    for call in 0..CALLS {
        broker.call(site("run-1", call), request(Method::Post, Some("post"))).await.map_err(|stop| stop.0)?;
        let mut signed = None;
        let sign = |head: TreeHead| Ok(format!("{}", signed.insert(head).size));
        journal.log().checkpoint(sign).await?;
        // Only now somebody has it.
        seen.lock().unwrap().heads.extend(signed);
    }
    let durable = run.end(Outcome::Succeeded, Some("{}")).await?;
    seen.lock().unwrap().durable.push(durable.sequence());
    journal.log().close().await.map(drop)
}

/// What the log has after the disk was found again.
fn check(found: &Disk, seen: &Seen, case: &str) -> Vec<Event> {
    let store = Simulated::open(found.clone()).unwrap();
    let mut events = Vec::new();
    let size = store.head().unwrap().size.get();
    let take = store.leaves(0..size, &mut |leaf| {
        events.push(Event::decode(leaf.bytes).unwrap());
        Ok(())
    });
    take.unwrap();
    for call in &seen.sent {
        let intended =
            |event: &Event| event.call == Some(*call) && matches!(event.what, What::CallIntended { .. });
        assert!(events.iter().any(intended), "{case}: call {call} left without its intent");
    }
    assert!(seen.durable.iter().all(|sequence| *sequence < size), "{case}: an acknowledged event is lost");
    events
}

/// Where the run stands, told by a service that starts again on what was found.
async fn recovered(found: &Disk, folder: &Path, seen: &Seen, case: &str) {
    let events = check(found, seen, case);
    let store = Simulated::open(found.clone()).unwrap();
    for head in &seen.heads {
        assert_eq!(
            Nodes::of(&store).head(head.size).unwrap(),
            *head,
            "{case}: the tree extends what was signed"
        );
        let kept = store.checkpoint(head.size.get()).unwrap().unwrap();
        assert_eq!(kept.size, head.size.get(), "{case}: a checkpoint that was given out is kept");
    }
    let opened =
        open_over(Box::new(store), folder, clock()).await.unwrap_or_else(|fault| panic!("{case}: {fault}"));
    let answered = |call: u64| {
        let of = |event: &&Event| event.call == Some(call) && matches!(event.what, What::CallAnswered { .. });
        events.iter().find(of).is_some()
    };
    let ended = events.iter().any(|event| matches!(event.what, What::RunEnded { .. }));
    let started = events.iter().any(|event| event.run == Some(name("run-1")));
    let open_call = seen.sent.iter().any(|call| !answered(*call));
    let standing = opened.unfinished.iter().find(|run| run.name == "run-1").map(|run| run.standing.clone());
    match standing {
        None => assert!(ended || !started, "{case}: the run is unfinished, and is not told"),
        Some(Ok(Standing::InDoubt(_))) => {}
        Some(Ok(_)) => assert!(!open_call, "{case}: an effect that nobody knows the end of is not in doubt"),
        Some(Err(fault)) => panic!("{case}: {fault}"),
    }
    if let Some(run) = opened.unfinished.first() {
        let _durable = opened.journal.cancel(&run.name, owner()).await.unwrap();
    }
}

#[tokio::test]
async fn whatever_the_disk_does_an_effect_has_its_intent_and_a_run_is_told_apart() {
    let (disk, folder) = (Disk::new(), tempfile::tempdir().unwrap());
    let whole = Arc::new(Mutex::new(Seen::default()));
    scenario(&disk, folder.path(), &whole).await.unwrap();
    assert_eq!(whole.lock().unwrap().sent, [0, 1, 2]);
    let operations = disk.operations();
    assert!(operations > 20, "{operations}");
    for fault in [DiskFault::PowerLoss, DiskFault::Error, DiskFault::Full, DiskFault::ReadOnly] {
        for at in 0..operations {
            let (disk, folder) = (Disk::new(), tempfile::tempdir().unwrap());
            disk.plan(Plan { at, fault, seed: at });
            let seen = Arc::new(Mutex::new(Seen::default()));
            let ended = scenario(&disk, folder.path(), &seen).await;
            let seen = std::mem::take(&mut *seen.lock().unwrap());
            let case = format!("{fault:?} at operation {at} ({ended:?})");
            for seed in 0..3 {
                check(&disk.crashed(seed), &seen, &case);
            }
            recovered(&disk.crashed(at), folder.path(), &seen, &case).await;
        }
    }
}
