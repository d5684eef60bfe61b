//! Guests that try to take more time than they were given.

use super::guests;
use crate::support::brokers::{plain, silent};
use crate::support::sandbox::{admit, failure, job, limit, limits, run};
use crate::support::ways::{Way, in_process, in_workers, same};
use std::future::pending;
use std::pin::Pin;
use std::time::Duration;
use stepward_sandbox::Finished;
use stepward_seam::{LimitName, Limits};
use tokio::time::sleep;

const SOME_FUEL: u64 = 5_000_000;

fn with_some_fuel(bytes: Vec<u8>) -> Finished {
    run(bytes, limits(&[(LimitName::Fuel, SOME_FUEL)]), plain)
}

#[test]
pub(super) fn loop_without_calls() {
    let finished = with_some_fuel(guests::LOOP_WITHOUT_CALLS.bytes());
    assert_eq!(limit(&finished), LimitName::Fuel);
    assert_eq!(finished.usage.fuel, SOME_FUEL);
}

#[test]
pub(super) fn loop_of_calls() {
    let guest = guests::LOOP_OF_CALLS.bytes();
    let finished = run(guest.clone(), limits(&[(LimitName::HostCalls, 100)]), plain);
    assert_eq!(limit(&finished), LimitName::HostCalls);
    assert_eq!(finished.calls.len(), 100);
    let finished = with_some_fuel(guest);
    assert_eq!(limit(&finished), LimitName::Fuel);
    assert!(finished.calls.len() < 1_000, "{} calls were too cheap", finished.calls.len());
}

#[test]
pub(super) fn loop_in_start() {
    assert_eq!(limit(&with_some_fuel(guests::LOOP_IN_START.bytes())), LimitName::Fuel);
}

#[test]
pub(super) fn loop_of_calls_in_start() {
    let finished = run(guests::LOOP_OF_CALLS_IN_START.bytes(), limits(&[(LimitName::HostCalls, 10)]), plain);
    assert_eq!(limit(&finished), LimitName::HostCalls);
    assert_eq!(finished.calls.len(), 10);
}

#[test]
pub(super) fn loop_in_realloc() {
    assert_eq!(limit(&with_some_fuel(guests::LOOP_IN_REALLOC.bytes())), LimitName::Fuel);
}

#[test]
pub(super) fn loop_in_post_return() {
    assert_eq!(limit(&with_some_fuel(guests::LOOP_IN_POST_RETURN.bytes())), LimitName::Fuel);
}

#[test]
pub(super) fn call_in_realloc() {
    let finished = run(guests::CALL_IN_REALLOC.bytes(), Limits::default(), plain);
    let (code, message) = failure(&finished);
    assert_eq!(code, "trap");
    assert!(message.contains("cannot leave component instance"), "{message}");
    assert!(finished.calls.is_empty());
}

#[test]
pub(super) fn deep_recursion() {
    let finished = run(guests::DEEP_RECURSION.bytes(), Limits::default(), plain);
    assert_eq!(failure(&finished), ("trap", "the step trapped: wasm trap: call stack exhausted"));
}

/// One instruction that works on 32 MiB is paid for by the byte. Otherwise five million of them
/// would take days, with no look at the deadline in between.
#[test]
pub(super) fn fill_memory() {
    let finished = run(guests::FILL_MEMORY.bytes(), limits(&[(LimitName::Fuel, 100 << 20)]), plain);
    assert_eq!(limit(&finished), LimitName::Fuel);
    // It runs out in the middle of the fourth.
    assert_eq!(finished.usage.fuel, 100 << 20);
}

#[test]
pub(super) fn copy_memory() {
    let finished = run(guests::COPY_MEMORY.bytes(), limits(&[(LimitName::Fuel, 100 << 20)]), plain);
    assert_eq!(limit(&finished), LimitName::Fuel);
}

#[test]
pub(super) fn fill_table() {
    assert_eq!(limit(&with_some_fuel(guests::FILL_TABLE.bytes())), LimitName::Fuel);
}

/// With all the fuel there can be, only the deadline ends these. In process each is seen to within a few
/// turns of a runtime with one thread, on which another task makes progress; in a worker, which knows no
/// clock, it is told. How far a guest comes until then is chance, so the two ways are not compared.
#[test]
fn a_busy_guest_lets_others_run_and_ends_at_its_deadline() {
    let most = limits(&[
        (LimitName::Fuel, LimitName::Fuel.most()),
        (LimitName::HostCalls, LimitName::HostCalls.most()),
        (LimitName::LogLines, LimitName::LogLines.most()),
    ]);
    for guest in [
        guests::LOOP_WITHOUT_CALLS,
        guests::LOOP_OF_CALLS,
        guests::LOOP_OF_CALLS_IN_START,
        guests::LOOP_IN_START,
        guests::LOOP_IN_REALLOC,
        guests::LOOP_IN_POST_RETURN,
        guests::FILL_MEMORY,
        guests::COPY_MEMORY,
        guests::FILL_TABLE,
    ] {
        let admitted = admit(guest.bytes());
        for way in [in_process(), in_workers()] {
            let compiled = way.compile(&admitted).unwrap();
            let run = |limits, deadline: Pin<Box<dyn Future<Output = ()>>>| {
                way.run(&compiled, job("null", limits, plain()), deadline)
            };
            let finished = way.block_on(async {
                // The worker is there, and has the code.
                let few = limits(&[(LimitName::Fuel, 1_000_000)]);
                assert_eq!(limit(&run(few, Box::pin(pending())).await), LimitName::Fuel);
                let other = tokio::spawn(async {
                    for _ in 0..20 {
                        tokio::task::yield_now().await;
                    }
                });
                let deadline = async {
                    other.await.unwrap();
                    match way {
                        Way::InProcess(_) => {}
                        Way::InWorkers(..) => sleep(Duration::from_millis(100)).await,
                    }
                };
                run(most.clone(), Box::pin(deadline)).await
            });
            assert_eq!(limit(&finished), LimitName::WallTimeMs);
            assert!(finished.usage.fuel > 500_000, "{}: the guest did run", guest.name());
        }
    }
}

/// The deadline passes while the guest waits for its first answer.
#[test]
pub(super) fn call_that_never_returns() {
    let ended = [in_process(), in_workers()].map(|way| {
        let compiled = way.compile(&admit(guests::CALL_THAT_NEVER_RETURNS.bytes())).unwrap();
        let (broker, asked) = silent();
        let finished = way.block_on(way.run(&compiled, job("null", Limits::default(), broker), asked));
        assert_eq!(limit(&finished), LimitName::WallTimeMs);
        assert_eq!(finished.calls.len(), 1);
        assert!(finished.calls[0].reply.is_none());
        finished
    });
    same(&ended[0], &ended[1]);
}

/// A deadline that has passed ends the run before the guest's first instruction.
#[test]
fn a_deadline_that_has_passed_runs_nothing() {
    for way in [in_process(), in_workers()] {
        let compiled = way.compile(&admit(guests::LOOP_WITHOUT_CALLS.bytes())).unwrap();
        let job = job("null", Limits::default(), plain());
        let finished = way.block_on(way.run(&compiled, job, std::future::ready(())));
        assert_eq!(limit(&finished), LimitName::WallTimeMs);
        assert_eq!(finished.usage.fuel, 0);
    }
}
