//! What a run costs in commits, and what a start that was cut off leaves.

use super::{Act, Own, answer, clock, keys, open, open_over, owner, request, site, start};
use std::path::Path;
use stepward::{
    Broker as _, Digest, Limits, Method,
    journal::{Journal, Logged},
    ledger::event::Outcome,
};
use stepward_ledger::store::simulated::{Disk, Simulated};

async fn over(disk: &Disk, folder: &Path) -> Journal {
    let store = Box::new(Simulated::open(disk.clone()).unwrap());
    let journal = open_over(store, folder, clock()).await.unwrap().journal;
    // What a start writes is not the run's.
    journal.log().read(|_| Ok(())).await.unwrap();
    journal
}

/// Operations of the disk for a run of one step that makes one call, or none.
async fn operations(calls: u64) -> u64 {
    let (folder, disk) = (tempfile::tempdir().unwrap(), Disk::new());
    let journal = over(&disk, folder.path()).await;
    let before = disk.operations();
    let run = journal.start(start("run-1")).await.unwrap();
    run.step_started("post", Digest::of(b"wasm"), Digest::of(b"engine"), &Limits::default()).unwrap();
    let acts = (0..calls).map(|_| Box::new(|| Ok(answer(201))) as Act);
    let broker = Logged::new(journal.clone(), Own::answering(acts));
    for call in 0..calls {
        broker.call(site("run-1", call), request(Method::Post, Some("post-4711"))).await.unwrap();
    }
    let _durable = run.end(Outcome::Succeeded, Some("{}")).await.unwrap();
    disk.operations() - before
}

/// The operations of one commit.
async fn one_commit() -> u64 {
    let (folder, disk) = (tempfile::tempdir().unwrap(), Disk::new());
    let journal = over(&disk, folder.path()).await;
    let before = disk.operations();
    let _durable = journal.stop().await.unwrap();
    disk.operations() - before
}

#[tokio::test]
async fn a_step_with_one_call_waits_for_one_commit_more() {
    let commit = one_commit().await;
    // A machine that stands still may split what was to go together.
    let mut least = [u64::MAX; 2];
    for _ in 0..10 {
        for (calls, least) in least.iter_mut().enumerate() {
            *least = (*least).min(operations(calls as u64).await / commit);
        }
    }
    let [without, with] = least;
    assert_eq!(without, 1, "a run without effects is one commit");
    // Its intent. The answer is written while the step goes on, and nobody waits for it.
    assert!(with <= without + 2, "{with} commits");
}

#[tokio::test]
async fn a_name_whose_start_was_cut_off_can_be_started() {
    let folder = tempfile::tempdir().unwrap();
    drop(keys(folder.path()).create("run-1", 1_763_719_260_000).unwrap());
    let journal = open(folder.path()).await.unwrap().journal;
    let run = journal.start(start("run-1")).await.unwrap();
    assert_eq!(journal.start(start("run-1")).await.unwrap_err().rule().as_str(), "run-under-way");
    let _durable = run.end(Outcome::Succeeded, None).await.unwrap();
    assert_eq!(journal.start(start("run-1")).await.unwrap_err().rule().as_str(), "run-started-before");
}

#[tokio::test]
async fn a_run_that_cannot_be_read_can_be_ended() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(folder.path()).await.unwrap().journal;
    drop(journal.start(start("run-1")).await.unwrap());
    journal.log().read(|_| Ok(())).await.unwrap();
    let database = rusqlite::Connection::open(folder.path().join("ledger.db")).unwrap();
    let edit = "UPDATE leaf SET bytes = CAST(bytes || ' ' AS BLOB) WHERE sequence = (SELECT opened FROM run)";
    assert_eq!(database.execute(edit, []).unwrap(), 1);
    assert_eq!(journal.history("run-1").await.unwrap_err().rule().as_str(), "log-leaf-edited");
    let _durable = journal.cancel("run-1", owner()).await.unwrap();
    assert!(journal.log().open_runs().is_empty());
    assert!(journal.cancel("run-1", owner()).await.is_err());
}
