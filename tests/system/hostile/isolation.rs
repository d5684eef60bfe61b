//! One run and the others: before it, beside it, waiting for it. In workers all of them are in one.

use super::guests;
use crate::support::brokers::{answers, plain, silent};
use crate::support::sandbox::{admit, document, failure, job, limit, ready, run_ready};
use crate::support::ways::both_for;
use std::future::{pending, ready as now};
use std::sync::Arc;
use std::time::Duration;
use stepward_seam::{Broker, BrokerFuture, CallSite, HostCall, HostReply, LimitName, Limits};
use tokio::sync::{Barrier, oneshot};

#[test]
pub(super) fn memory_of_the_last_run() {
    // One slot, so that every run gets the memory of the run before it.
    for way in both_for(1) {
        let guest = way.compile(&admit(guests::MEMORY_OF_THE_LAST_RUN.bytes())).unwrap();
        for _ in 0..5 {
            let finished = way.block_on(way.run(&guest, job("null", Limits::default(), plain()), pending()));
            assert_eq!(document(&finished), "null");
        }
    }
}

#[test]
pub(super) fn state_of_the_last_run() {
    for way in both_for(1) {
        let guest = way.compile(&admit(guests::STATE_OF_THE_LAST_RUN.bytes())).unwrap();
        let run = |input| way.block_on(way.run(&guest, job(input, Limits::default(), plain()), pending()));
        assert_eq!(document(&run("null")), "null");
        assert_eq!(document(&run("null")), "null");
        assert_eq!(failure(&run("1")).0, "trap");
        assert_eq!(document(&run("null")), "null");
    }
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

/// One run is cut off at its deadline, one is dropped, one is busy; the twenty beside them do not notice.
#[test]
fn a_timeout_and_a_cancel_touch_no_other_run() {
    for way in both_for(24) {
        let guest = way.compile(&admit(guests::CALL_THAT_NEVER_RETURNS.bytes())).unwrap();
        let spinning = way.compile(&admit(guests::LOOP_WITHOUT_CALLS.bytes())).unwrap();
        let silent_job = || {
            let (broker, asked) = silent();
            (job("null", Limits::default(), broker), asked)
        };
        way.block_on(async {
            let barrier = Arc::new(Barrier::new(21));
            let others: Vec<_> = (0..20)
                .map(|_| {
                    let (way, guest, barrier) = (way.clone(), guest.clone(), Arc::clone(&barrier));
                    tokio::spawn(async move {
                        let broker = Arc::new(Together(barrier));
                        way.run(&guest, job("null", Limits::default(), broker), pending()).await
                    })
                })
                .collect();
            let (job_to_drop, asked) = silent_job();
            tokio::select! {
                _ = way.run(&guest, job_to_drop, pending()) => panic!("nobody answers"),
                () = asked => {}
            }
            let (late, asked) = silent_job();
            assert_eq!(limit(&way.run(&guest, late, asked).await), LimitName::WallTimeMs);
            // It calls nobody, so only time can tell that it is there.
            let deadline = tokio::time::sleep(Duration::from_millis(50));
            let busy = way.run(&spinning, job("null", Limits::default(), plain()), deadline).await;
            assert_eq!(limit(&busy), LimitName::WallTimeMs);
            assert!(others.iter().all(|other| !other.is_finished()));
            barrier.wait().await;
            for other in others {
                assert_eq!(document(&other.await.unwrap()), "null");
            }
        });
    }
}

/// With one slot, a second run waits for its turn; its own deadline ends the wait, and it costs nothing.
#[test]
fn the_deadline_covers_queueing() {
    for way in both_for(1) {
        let guest = way.compile(&admit(guests::CALL_THAT_NEVER_RETURNS.bytes())).unwrap();
        way.block_on(async {
            let (let_go, held) = oneshot::channel::<()>();
            let (broker, asked) = silent();
            let first = {
                let (way, guest) = (way.clone(), guest.clone());
                tokio::spawn(async move {
                    let deadline = async { held.await.unwrap() };
                    way.run(&guest, job("null", Limits::default(), broker), deadline).await
                })
            };
            asked.await;
            let waiting = job("null", Limits::default(), plain());
            let second = way.run(&guest, waiting, tokio::task::yield_now()).await;
            assert_eq!(limit(&second), LimitName::WallTimeMs);
            assert_eq!(second.usage.fuel, 0);
            assert!(second.calls.is_empty());
            let_go.send(()).unwrap();
            assert_eq!(limit(&first.await.unwrap()), LimitName::WallTimeMs);
            // The slot is free again.
            let third = way.run(&guest, job("null", Limits::default(), plain()), pending()).await;
            assert_eq!(document(&third), "null");
        });
    }
}

#[test]
fn dropping_a_run_frees_its_slot() {
    for way in both_for(1) {
        let guest = way.compile(&admit(guests::CALL_THAT_NEVER_RETURNS.bytes())).unwrap();
        way.block_on(async {
            for _ in 0..3 {
                let (broker, asked) = silent();
                tokio::select! {
                    _ = way.run(&guest, job("null", Limits::default(), broker), pending()) => {
                        panic!("nobody answers")
                    }
                    () = asked => {}
                }
                let next = way.run(&guest, job("null", Limits::default(), plain()), pending()).await;
                assert_eq!(document(&next), "null");
            }
        });
    }
}

/// Runs that end in every way leave their slots to the next.
#[test]
fn no_way_to_end_keeps_a_slot() {
    for way in both_for(1) {
        let ready = |bytes| way.compile(&admit(bytes)).unwrap();
        let guests = [
            ready(guests::NAMES_WITH_ESCAPES.bytes()),
            ready(guests::MEMORY_AT_START.bytes()),
            ready(guests::LOOP_OF_CALLS_IN_START.bytes()),
            ready(guests::OUTPUT_NOT_TEXT.bytes()),
        ];
        let last = ready(guests::CALL_THAT_NEVER_RETURNS.bytes());
        for guest in guests.iter().cycle().take(40) {
            way.block_on(way.run(guest, job("null", Limits::default(), plain()), pending()));
            way.block_on(way.run(&last, job("null", Limits::default(), silent().0), now(())));
        }
        let finished = way.block_on(way.run(&last, job("null", Limits::default(), plain()), pending()));
        assert_eq!(document(&finished), "null");
    }
}

/// The guest's calls come under its own run and step, numbered from 0.
#[test]
fn calls_carry_their_place() {
    let guest = ready(guests::EVERYTHING_IT_CAN.bytes());
    let (send, receive) = std::sync::mpsc::channel();
    let broker = || {
        let send = send.clone();
        answers(move |site, call| {
            send.send((site.run.to_string(), site.step.to_string(), site.sequence)).unwrap();
            Ok(crate::support::brokers::plain_reply(call))
        })
    };
    assert_eq!(document(&run_ready(&guest, "null", Limits::default(), broker)), "{}");
    let seen: Vec<_> = receive.try_iter().collect();
    let expected: Vec<_> = (0..6).map(|n| ("run-1".to_owned(), "step".to_owned(), n)).collect();
    // Once in each way.
    assert_eq!(seen, [expected.clone(), expected].concat());
}
