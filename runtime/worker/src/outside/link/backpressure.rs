//! A worker that does not read makes its own runs wait, and this process hold no more than it may.

use super::{Link, Loss, MOST_QUEUED_BYTES, Secrecy};
use crate::protocol::{Down, Run};
use futures_util::FutureExt;
use std::sync::Arc;
use tokio::io::AsyncReadExt;
use tokio::net::UnixStream;

const INPUT_BYTES: usize = 1 << 20;

fn order(run: u64) -> Down {
    Down::Run(Run { run, code: 0, limits: Vec::new(), input: "1".repeat(INPUT_BYTES) })
}

/// Sends until there is no room, and says how often there was.
fn fill(link: &Arc<Link>) -> usize {
    let mut sent = 0;
    while let Some(room) = link.room(INPUT_BYTES).now_or_never() {
        link.send_in(room, &order(sent as u64), Secrecy::Plain).unwrap();
        sent += 1;
    }
    sent
}

fn queued(link: &Link) -> usize {
    link.lock().unsent.iter().map(|chunk| chunk.bytes.len()).sum()
}

#[tokio::test]
async fn a_worker_that_does_not_read_makes_its_runs_wait() {
    let (ours, theirs) = std::os::unix::net::UnixStream::pair().unwrap();
    ours.set_nonblocking(true).unwrap();
    theirs.set_nonblocking(true).unwrap();
    let (link, incoming) = Link::of(ours, None).unwrap();
    // Nobody writes but the link's own task, and that does not run yet.
    link.lock().writing = true;
    let most = MOST_QUEUED_BYTES as usize;
    assert_eq!(fill(&link), most / INPUT_BYTES);
    assert!(queued(&link) < most + (1 << 10) * (most / INPUT_BYTES), "{}", queued(&link));
    assert!(link.room(1).now_or_never().is_none());

    // A worker that reads makes room again, and gets everything.
    let serving = tokio::spawn(Arc::clone(&link).serve(incoming));
    let mut theirs = UnixStream::from_std(theirs).unwrap();
    let mut read = vec![0; most];
    theirs.read_exact(&mut read).await.unwrap();
    let room = link.room(INPUT_BYTES).await.unwrap();
    link.send_in(Some(room), &order(0), Secrecy::Plain).unwrap();

    // Whoever waits when the worker goes hears that it is gone.
    fill(&link);
    let waiting = link.room(most);
    link.lose(Loss::Retired);
    let room = waiting.await;
    assert_eq!(link.send_in(room, &order(1), Secrecy::Plain), Err(Loss::Retired));
    serving.await.unwrap();
}

/// What is larger than all the room still goes, alone.
#[tokio::test]
async fn a_message_larger_than_the_room_takes_all_of_it() {
    let (ours, _theirs) = std::os::unix::net::UnixStream::pair().unwrap();
    ours.set_nonblocking(true).unwrap();
    let (link, _incoming) = Link::of(ours, None).unwrap();
    let room = link.room(usize::MAX).now_or_never().unwrap();
    assert!(link.room(1).now_or_never().is_none());
    drop(room);
    assert!(link.room(1).now_or_never().is_some());
}
