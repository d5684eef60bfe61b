//! One run and the others: before it, beside it, waiting for it.

use super::guests;
use crate::support::brokers::{Silent, answers, plain};
use crate::support::sandbox::{
    admit, block_on, document, engine, engine_for, failure, job, limit, ready, run_ready,
};
use std::future::{pending, poll_fn, ready as now};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use stepward_seam::{Broker, BrokerFuture, CallSite, HostCall, HostReply, LimitName, Limits};
use tokio::sync::{Barrier, oneshot};

#[test]
pub(super) fn memory_of_the_last_run() {
    // One slot, so that every run gets the memory of the run before it.
    let engine = engine_for(1);
    let guest = engine.compile(&admit(guests::MEMORY_OF_THE_LAST_RUN.bytes())).unwrap();
    for _ in 0..5 {
        let finished = block_on(engine.run(&guest, job("null", Limits::default(), plain()), pending()));
        assert_eq!(document(&finished), "null");
    }
}

#[test]
pub(super) fn state_of_the_last_run() {
    let engine = engine_for(1);
    let guest = engine.compile(&admit(guests::STATE_OF_THE_LAST_RUN.bytes())).unwrap();
    let run = |input| block_on(engine.run(&guest, job(input, Limits::default(), plain()), pending()));
    assert_eq!(document(&run("null")), "null");
    assert_eq!(document(&run("null")), "null");
    assert_eq!(failure(&run("1")).0, "trap");
    assert_eq!(document(&run("null")), "null");
}

/// Answers once all the runs are waiting here.
struct Together(Arc<Barrier>);

impl Broker for Together {
    fn call<'a>(&'a self, _site: CallSite, _call: HostCall) -> BrokerFuture<'a> {
        Box::pin(async {
            self.0.wait().await;
            Ok(HostReply::Now(0))
        })
    }
}

/// One run is cut off at its deadline, one is dropped; the twenty beside them do not notice.
#[test]
fn a_timeout_and_a_cancel_touch_no_other_run() {
    let guest = ready(guests::CALL_THAT_NEVER_RETURNS.bytes());
    let spinning = ready(guests::LOOP_WITHOUT_CALLS.bytes());
    block_on(async {
        let barrier = Arc::new(Barrier::new(21));
        let others: Vec<_> = (0..20)
            .map(|_| {
                let (guest, barrier) = (guest.clone(), Arc::clone(&barrier));
                tokio::spawn(async move {
                    let broker = Arc::new(Together(barrier));
                    engine().run(&guest, job("null", Limits::default(), broker), pending()).await
                })
            })
            .collect();
        let silent = || job("null", Limits::default(), Arc::new(Silent));
        {
            // Polled until it waits, then dropped.
            let mut cancelled = pin!(engine().run(&guest, silent(), pending()));
            poll_fn(|context| {
                assert!(cancelled.as_mut().poll(context).is_pending());
                Poll::Ready(())
            })
            .await;
        }
        let deadline = tokio::task::yield_now();
        assert_eq!(limit(&engine().run(&guest, silent(), deadline).await), LimitName::WallTimeMs);
        let deadline = tokio::task::yield_now();
        let busy = engine().run(&spinning, job("null", Limits::default(), plain()), deadline).await;
        assert_eq!(limit(&busy), LimitName::WallTimeMs);
        assert!(others.iter().all(|other| !other.is_finished()));
        barrier.wait().await;
        for other in others {
            assert_eq!(document(&other.await.unwrap()), "null");
        }
    });
}

/// With one slot, a second run waits for its turn; its own deadline ends the wait, and it costs nothing.
#[test]
fn the_deadline_covers_queueing() {
    let engine = engine_for(1);
    let guest = engine.compile(&admit(guests::CALL_THAT_NEVER_RETURNS.bytes())).unwrap();
    block_on(async {
        let (let_go, held) = oneshot::channel::<()>();
        let first = {
            let (engine, guest) = (engine.clone(), guest.clone());
            tokio::spawn(async move {
                let deadline = async { held.await.unwrap() };
                engine.run(&guest, job("null", Limits::default(), Arc::new(Silent)), deadline).await
            })
        };
        tokio::task::yield_now().await;
        let second =
            engine.run(&guest, job("null", Limits::default(), plain()), tokio::task::yield_now()).await;
        assert_eq!(limit(&second), LimitName::WallTimeMs);
        assert_eq!(second.usage.fuel, 0);
        assert!(second.calls.is_empty());
        let_go.send(()).unwrap();
        assert_eq!(limit(&first.await.unwrap()), LimitName::WallTimeMs);
        // The slot is free again.
        let third = engine.run(&guest, job("null", Limits::default(), plain()), pending()).await;
        assert_eq!(document(&third), "null");
    });
}

#[test]
fn dropping_a_run_frees_its_slot() {
    let engine = engine_for(1);
    let guest = engine.compile(&admit(guests::CALL_THAT_NEVER_RETURNS.bytes())).unwrap();
    block_on(async {
        for _ in 0..3 {
            let mut run =
                Box::pin(engine.run(&guest, job("null", Limits::default(), Arc::new(Silent)), pending()));
            poll_fn(|context| {
                assert!(run.as_mut().poll(context).is_pending());
                Poll::Ready(())
            })
            .await;
            drop(run);
            let next = engine.run(&guest, job("null", Limits::default(), plain()), pending()).await;
            assert_eq!(document(&next), "null");
        }
    });
}

/// Runs that end in every way leave their slots to the next.
#[test]
fn no_way_to_end_keeps_a_slot() {
    let engine = engine_for(1);
    let ready = |bytes| engine.compile(&admit(bytes)).unwrap();
    let guests = [
        ready(guests::NAMES_WITH_ESCAPES.bytes()),
        ready(guests::MEMORY_AT_START.bytes()),
        ready(guests::LOOP_OF_CALLS_IN_START.bytes()),
        ready(guests::OUTPUT_NOT_TEXT.bytes()),
    ];
    let last = ready(guests::CALL_THAT_NEVER_RETURNS.bytes());
    for guest in guests.iter().cycle().take(40) {
        block_on(engine.run(guest, job("null", Limits::default(), plain()), pending()));
        block_on(engine.run(&last, job("null", Limits::default(), Arc::new(Silent)), now(())));
    }
    let finished = block_on(engine.run(&last, job("null", Limits::default(), plain()), pending()));
    assert_eq!(document(&finished), "null");
}

/// The guest's calls come under its own run and step, numbered from 0.
#[test]
fn calls_carry_their_place() {
    let guest = ready(guests::EVERYTHING_IT_CAN.bytes());
    let (send, receive) = std::sync::mpsc::channel();
    let broker = answers(move |site, call| {
        send.send((site.run.to_string(), site.step.to_string(), site.sequence)).unwrap();
        Ok(crate::support::brokers::plain_reply(call))
    });
    assert_eq!(document(&run_ready(&guest, "null", Limits::default(), broker)), "{}");
    let seen: Vec<_> = receive.try_iter().collect();
    let expected: Vec<_> = (0..6).map(|n| ("run-1".to_owned(), "step".to_owned(), n)).collect();
    assert_eq!(seen, expected);
}
