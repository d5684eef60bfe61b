//! Guests that try to take more time than they were given.

use super::guests;
use crate::support::brokers::{Silent, plain};
use crate::support::sandbox::{block_on, engine, failure, job, limit, limits, ready, run};
use std::sync::Arc;
use std::time::Duration;
use stepward_sandbox::Finished;
use stepward_seam::{LimitName, Limits};
use tokio::time::sleep;

const SOME_FUEL: u64 = 5_000_000;

fn with_some_fuel(bytes: Vec<u8>) -> Finished {
    run(bytes, limits(&[(LimitName::Fuel, SOME_FUEL)]), plain())
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
    let finished = run(guest.clone(), limits(&[(LimitName::HostCalls, 100)]), plain());
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
    let finished =
        run(guests::LOOP_OF_CALLS_IN_START.bytes(), limits(&[(LimitName::HostCalls, 10)]), plain());
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
    let finished = run(guests::CALL_IN_REALLOC.bytes(), Limits::default(), plain());
    let (code, message) = failure(&finished);
    assert_eq!(code, "trap");
    assert!(message.contains("cannot leave component instance"), "{message}");
    assert!(finished.calls.is_empty());
}

#[test]
pub(super) fn deep_recursion() {
    let finished = run(guests::DEEP_RECURSION.bytes(), Limits::default(), plain());
    assert_eq!(failure(&finished), ("trap", "the step trapped: wasm trap: call stack exhausted"));
}

/// One instruction that works on 32 MiB is paid for by the byte. Otherwise five million of them
/// would take days, with no look at the deadline in between.
#[test]
pub(super) fn fill_memory() {
    let finished = run(guests::FILL_MEMORY.bytes(), limits(&[(LimitName::Fuel, 100 << 20)]), plain());
    assert_eq!(limit(&finished), LimitName::Fuel);
    // It runs out in the middle of the fourth.
    assert_eq!(finished.usage.fuel, 100 << 20);
}

#[test]
pub(super) fn copy_memory() {
    let finished = run(guests::COPY_MEMORY.bytes(), limits(&[(LimitName::Fuel, 100 << 20)]), plain());
    assert_eq!(limit(&finished), LimitName::Fuel);
}

#[test]
pub(super) fn fill_table() {
    assert_eq!(limit(&with_some_fuel(guests::FILL_TABLE.bytes())), LimitName::Fuel);
}

/// With all the fuel there can be, only the deadline ends these; each is seen to within a few turns
/// of a runtime with one thread, on which another task makes progress.
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
        let ready = ready(guest.bytes());
        let finished = block_on(async {
            let other = tokio::spawn(async {
                for _ in 0..20 {
                    tokio::task::yield_now().await;
                }
            });
            let deadline = async { other.await.unwrap() };
            engine().run(&ready, job("null", most.clone(), plain()), deadline).await
        });
        assert_eq!(limit(&finished), LimitName::WallTimeMs);
        assert!(finished.usage.fuel > 500_000, "the guest did run");
    }
}

#[test]
pub(super) fn call_that_never_returns() {
    let ready = ready(guests::CALL_THAT_NEVER_RETURNS.bytes());
    let finished = block_on(async {
        let deadline = sleep(Duration::from_secs(30));
        engine().run(&ready, job("null", Limits::default(), Arc::new(Silent)), deadline).await
    });
    assert_eq!(limit(&finished), LimitName::WallTimeMs);
    assert_eq!(finished.calls.len(), 1);
    assert!(finished.calls[0].reply.is_none());
}

/// A deadline that has passed ends the run before the guest's first instruction.
#[test]
fn a_deadline_that_has_passed_runs_nothing() {
    let ready = ready(guests::LOOP_WITHOUT_CALLS.bytes());
    let finished =
        block_on(engine().run(&ready, job("null", Limits::default(), plain()), std::future::ready(())));
    assert_eq!(limit(&finished), LimitName::WallTimeMs);
    assert_eq!(finished.usage.fuel, 0);
}
