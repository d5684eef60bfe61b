//! Workers that were taken over, and workers that die: what their parent makes of it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]
#![allow(clippy::disallowed_methods, reason = "a test looks at its own processes")]

mod chaos;
mod compilers;
mod endless;
mod places;
mod stops;
mod support;
mod words;

use std::sync::Arc;
use std::time::Duration;
use stepward::{Deadline, Job, LimitName, Limits, Outcome, StepErrorKind};
use support::{Ticks, engine, job, rule, run, step};

/// The worker says what no worker says, and is killed. The run is tried once more, in another such
/// worker, and then ends under the loss's name. Nothing was asked twice, and the engine goes on.
#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_breaks_the_protocol_is_killed_and_its_run_ends_with_a_name() {
    let _alone = support::alone().await;
    for (lie, said, most_asked) in [
        ("second-call", "a second call before the answer to the first", 4),
        ("call-of-another-run", "a call for a run that it does not have", 0),
        ("call-of-no-run", "a call for a run that it does not have", 0),
        ("end-of-another-run", "the end of a run that it does not have", 0),
        ("not-imported", "something that the component does not import", 0),
        ("other-label", "something that the component does not import", 0),
        ("log-not-imported", "does not import logging", 0),
        ("message-beyond-its-limit", "something that the component does not import", 0),
        ("calls-beyond-their-limit", "beyond the limits of its run", 10),
        ("frame-beyond-its-limit", "a frame of 4294967295 bytes", 0),
        ("garbage", "no message of this version", 0),
        ("trailing-bytes", "bytes behind its message", 0),
        ("output-beyond-its-limit", "an output beyond its limit", 0),
        ("stop-that-nobody-ordered", "a stop that nobody ordered", 0),
        ("rule-that-is-none", "a rule that the sandbox does not have", 0),
        ("compiled-code", "compiled code that nobody asked for", 0),
        ("flood", "a second call before the answer to the first", 4),
        ("dies", "exit status: 1", 0),
        ("aborts", "signal: 6 (SIGABRT)", 0),
        ("dies-after-a-call", "exit status: 1", 1),
    ] {
        let engine = engine(lie, |_| {});
        let ticks = Arc::new(Ticks::default());
        let outcome = run(&engine, &step(&engine).await, "[1]", Arc::clone(&ticks)).await;
        let Outcome::Refused(fault) = outcome else { panic!("{lie}: {outcome:?}") };
        assert_eq!(fault.rule().as_str(), "worker-lost", "{lie}: {fault}");
        assert!(fault.message().contains(said), "{lie}: {fault}");
        assert!(ticks.asked() <= most_asked, "{lie} made the broker answer {} times", ticks.asked());
        // Whatever it did, others go on beside and after it.
        assert_eq!(
            rule(&run(&engine, &step(&engine).await, "[1]", Arc::default()).await),
            Some("worker-lost")
        );
        tokio::time::timeout(Duration::from_secs(10), engine.close()).await.expect("it closes");
    }
}

/// A run that is repeated asks what it had asked before: an end that comes sooner is none.
#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_run_that_does_not_ask_again_is_not_believed() {
    let _alone = support::alone().await;
    let engine = engine("forgets", |_| {});
    let step = step(&engine).await;
    let mut ends = Vec::new();
    for _ in 0..2 {
        ends.push(run(&engine, &step, "[1]", Arc::default()).await);
    }
    assert!(ends.iter().any(|end| rule(end) == Some("worker-repeat")), "{ends:?}");
}

/// What only the worker can know is cut down to what was granted, and its words are a guest's words.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_worker_claims_is_never_more_than_was_granted() {
    let _alone = support::alone().await;
    let limits = Limits::default();
    let finished = support::finish("boast").await;
    assert!(matches!(&finished.outcome, Outcome::Succeeded(one) if one == "1"), "{:?}", finished.outcome);
    assert_eq!(finished.usage.fuel, limits.get(LimitName::Fuel));
    assert_eq!(finished.usage.peak_memory_bytes, limits.get(LimitName::MemoryBytes));
    assert_eq!(finished.usage.table_elements, limits.get(LimitName::TableElements));

    let finished = support::finish("output-not-json").await;
    let Outcome::Failed(error) = finished.outcome else { panic!("{:?}", finished.outcome) };
    assert_eq!(error.code, "output-not-json");

    let finished = support::finish("text-in-error").await;
    let Outcome::Failed(error) = finished.outcome else { panic!("{:?}", finished.outcome) };
    assert_eq!((error.kind, error.code.as_str()), (StepErrorKind::Permanent, "\\u{1b}[2J"));
    assert!(error.message.chars().all(|c| !c.is_control() && c != '\u{202e}'), "{}", error.message);
    assert!(error.message.ends_with("bytes cut]"), "{}", error.message.len());

    // The first end counts, and the second ends the worker only.
    let finished = support::finish("two-ends").await;
    assert!(matches!(&finished.outcome, Outcome::Succeeded(one) if one == "1"), "{:?}", finished.outcome);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_does_not_obey_is_killed_and_the_deadline_holds() {
    let _alone = support::alone().await;
    for lie in ["deaf", "deaf-after-a-call"] {
        let engine = engine(lie, |_| {});
        let step = step(&engine).await;
        let mut limits = Limits::default();
        limits.set(LimitName::WallTimeMs, 100).unwrap();
        let ticks = Arc::new(Ticks::default());
        let deadline = Deadline::start(&limits);
        let late = engine.run(&step, Job::new("run", "step", "[1]", limits, ticks), deadline);
        let finished = tokio::time::timeout(Duration::from_secs(20), late).await.expect("it ends");
        assert!(
            matches!(finished.outcome, Outcome::LimitExceeded(LimitName::WallTimeMs)),
            "{lie}: {:?}",
            finished.outcome
        );
        tokio::time::timeout(Duration::from_secs(10), engine.close()).await.expect("it closes");
        support::no_workers_left().await;
    }
}

/// A run that is dropped tells its worker, and a worker that does not listen is killed.
#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_run_does_not_keep_a_deaf_worker_alive() {
    let _alone = support::alone().await;
    let engine = engine("deaf", |_| {});
    let step = step(&engine).await;
    let ticks = Arc::new(Ticks::default());
    let going = engine.run(&step, job("[1]", ticks), support::later());
    drop(tokio::time::timeout(Duration::from_millis(300), going).await);
    support::no_workers_left().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_does_not_greet_as_it_should_gets_nothing() {
    let _alone = support::alone().await;
    for (lie, said) in [
        ("other-protocol", "another version"),
        ("other-engine", "another version"),
        ("greeting-of-garbage", "no message of this version"),
        ("endless-greeting", "a frame of 4294967295 bytes"),
    ] {
        let engine = engine(lie, |_| {});
        let ticks = Arc::new(Ticks::default());
        let outcome = run(&engine, &step(&engine).await, "[1]", ticks).await;
        let Outcome::Refused(fault) = outcome else { panic!("{lie}: {outcome:?}") };
        assert_eq!(fault.rule().as_str(), "worker-ready", "{lie}: {fault}");
        assert!(fault.message().contains(said), "{lie}: {fault}");
        support::no_workers_left().await;
    }
}
