//! What a worker goes on with after its run was ended, and what it makes of the room that it has.

use crate::support::{Ticks, admitted, alone, engine, job, later, no_workers_left, rule, run, step};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use stepward::worker::lockdown::Ceilings;
use stepward::{
    Broker, BrokerFuture, CallSite, Class, Deadline, Fault, HostCall, Limits, Outcome, Owner, Rule, Stop,
};

const STOPPED: Rule = Rule::new("test-stop");

/// Ends each run in its first call.
#[derive(Default)]
struct Stops(AtomicU64);

impl Broker for Stops {
    fn call<'a>(&'a self, _site: CallSite, _call: HostCall) -> BrokerFuture<'a> {
        Box::pin(async move {
            self.0.fetch_add(1, Ordering::SeqCst);
            Err(Stop(Fault::new(Class::Refused, Owner::Operator, STOPPED).says("no further")))
        })
    }
}

/// A worker that asks again where it was told to end gets nothing more from the broker, and the run
/// ends as it was ended.
#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_was_stopped_asks_nothing_more() {
    let _alone = alone().await;
    let engine = engine("calls-beyond-their-limit", |_| {});
    let step = step(&engine).await;
    let stops = Arc::new(Stops::default());
    let outcome = engine.run(&step, job("[1]", stops.clone()), later()).await.outcome;
    assert_eq!(rule(&outcome), Some("test-stop"), "{outcome:?}");
    assert_eq!(stops.0.load(Ordering::SeqCst), 1, "calls that the broker was asked");
    no_workers_left().await;
}

/// A run that nobody waits for may still say one thing that it had begun to say. The parent of a worker
/// that says it without end has one thread here, so it must find the time to end the worker.
#[test]
fn a_flood_after_the_end_of_a_run_holds_nothing_up() {
    let (done, is_done) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let _alone = alone().await;
            let engine = engine("flood-after-its-end", |_| {});
            let step = step(&engine).await;
            let going = engine.run(&step, job("[1]", Arc::new(Ticks::default())), later());
            drop(tokio::time::timeout(Duration::from_millis(300), going).await);
            no_workers_left().await;
        });
        done.send(()).unwrap();
    });
    is_done.recv_timeout(Duration::from_secs(30)).expect("the only thread of the parent has time left");
}

/// The most memory that this process has had since it was last asked, in bytes.
fn most_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    // 5 begins the count anew: proc_pid_clear_refs(5).
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() << 10
}

/// What a frame becomes in the parent's memory is bounded like the frame: an empty string is one byte
/// on the pipe and 24 in memory.
#[tokio::test(flavor = "multi_thread")]
async fn a_frame_takes_no_more_memory_than_its_run_may_send() {
    let _alone = alone().await;
    let engine = engine("lists-of-nothing", |_| {});
    let step = step(&engine).await;
    most_memory();
    let before = most_memory();
    let outcome = run(&engine, &step, "[1]", Arc::default()).await;
    assert_eq!(rule(&outcome), Some("worker-lost"), "{outcome:?}");
    let more = most_memory().saturating_sub(before);
    assert!(more < 150 << 20, "one frame of 16 MiB took {} MiB", more >> 20);
}

/// A worker that was taken over gets around the limits that it set itself, and its parent looks.
#[tokio::test(flavor = "multi_thread")]
async fn memory_that_no_limit_counts_is_counted() {
    let _alone = alone().await;
    let little = Ceilings { memory_bytes: 64 << 20, cpu_seconds: 60 };
    let hoards = engine("hoards", |options| options.runner = little);
    let outcome = run(&hoards, &step(&hoards).await, "[1]", Arc::default()).await;
    let Outcome::Refused(fault) = outcome else { panic!("{outcome:?}") };
    assert_eq!(fault.rule().as_str(), "worker-lost", "{fault}");
    assert!(fault.message().contains("more memory than it may"), "{fault}");
    no_workers_left().await;

    let hoards = engine("compiler-hoards", |options| options.compiler = little);
    let limits = Limits::default();
    let fault =
        hoards.prepare(admitted(), None, &limits, Deadline::start(&limits)).await.expect_err("it hoards");
    assert_eq!(fault.rule().as_str(), "compile-process", "{fault}");
    assert!(fault.message().contains("more memory than it may"), "{fault}");
    no_workers_left().await;
}

/// Workers belong to the engine and not to the runtime in which they were first needed.
#[test]
fn an_engine_outlives_the_runtime_that_it_was_first_used_in() {
    let runtime = || tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let first = runtime();
    let alone = first.block_on(alone());
    let engine = engine("honest", |_| {});
    let limits = Limits::default();
    let step = first
        .block_on(async { engine.prepare(admitted(), None, &limits, Deadline::start(&limits)).await })
        .unwrap();
    let once = async || {
        let going = run(&engine, &step, "[1]", Arc::default());
        tokio::time::timeout(Duration::from_secs(10), going).await
    };
    let outcome = first.block_on(once());
    assert!(matches!(outcome, Ok(Outcome::Succeeded(_))), "{outcome:?}");
    drop(first);
    let outcome = runtime().block_on(once());
    assert!(matches!(outcome, Ok(Outcome::Succeeded(_))), "{outcome:?}");
    drop(alone);
}
