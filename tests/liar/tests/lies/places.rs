//! Which worker a run goes to, where there are few.

use crate::support::{SUPPORT, Ticks, admit, alone, engine, no_workers_left, rule, run};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;
use stepward::worker::Isolation;
use stepward::{Deadline, Digest, Engine, Limits, Outcome, Step};

/// The step of the support file as the `nth` of a bundle: other bytes, so another component.
async fn nth_of_bundle(engine: &Engine, nth: usize) -> Step {
    let text = SUPPORT.replacen(
        "(memory (export \"memory\") 2)",
        &format!("(memory (export \"memory\") {})", 2 + nth),
        1,
    );
    let limits = Limits::default();
    let admitted = admit(wat::parse_str(text).unwrap());
    let step = engine.prepare(admitted, None, &limits, Deadline::start(&limits)).await.unwrap();
    step.in_bundle(Digest::of(b"a bundle"))
}

async fn soon(engine: &Engine, step: &Step) -> Outcome {
    soon_of(engine, step, "[1]").await
}

async fn soon_of(engine: &Engine, step: &Step, input: &str) -> Outcome {
    let going = run(engine, step, input, Arc::default());
    tokio::time::timeout(Duration::from_secs(10), going).await.expect("it gets a place")
}

/// New code does not run beside guests that ran before it. Where every worker of the group has run
/// something, one of them makes room.
#[tokio::test(flavor = "multi_thread")]
async fn each_new_component_of_a_bundle_gets_a_place() {
    let _alone = alone().await;
    for (workers, in_group) in [(64, 1), (64, 2), (1, 2)] {
        let engine = engine("honest", |options| {
            options.workers = NonZeroU32::new(workers).unwrap();
            options.workers_per_group = NonZeroU32::new(in_group).unwrap();
        });
        for nth in 0..4 {
            let step = nth_of_bundle(&engine, nth).await;
            for _ in 0..2 {
                let outcome = soon(&engine, &step).await;
                assert!(
                    matches!(outcome, Outcome::Succeeded(_)),
                    "{nth} in {in_group} of {workers}: {outcome:?}"
                );
            }
        }
    }
}

/// What a run leaves in its worker's memory ends with it.
#[tokio::test(flavor = "multi_thread")]
async fn the_worker_of_one_run_ends_with_it() {
    let _alone = alone().await;
    let engine = engine("honest", |options| options.isolation = Isolation::Run);
    let step = nth_of_bundle(&engine, 0).await;
    let outcome = soon(&engine, &step).await;
    assert!(matches!(outcome, Outcome::Succeeded(_)), "{outcome:?}");
    no_workers_left().await;
    drop(engine);
}

/// A run that lost its worker is repeated where no other run is: what brings one worker down after the
/// other takes nobody along twice.
#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_breaks_its_workers_ends_no_other_run() {
    let _alone = alone().await;
    let engine = engine("breaks-for-one", |options| {
        options.workers_per_group = NonZeroU32::MIN;
    });
    let step = nth_of_bundle(&engine, 0).await;
    let ticks = Arc::new(Ticks::default());
    let others: Vec<_> = (0..8)
        .map(|_| {
            let (engine, step, ticks) = (engine.clone(), step.clone(), Arc::clone(&ticks));
            tokio::spawn(async move { run(&engine, &step, "[1]", ticks).await })
        })
        .collect();
    while ticks.asked() < 8 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    for _ in 0..3 {
        tokio::time::sleep(Duration::from_millis(200)).await;
        let outcome = soon_of(&engine, &step, "[\"break\"]").await;
        assert_eq!(rule(&outcome), Some("worker-lost"), "{outcome:?}");
    }
    // They have all the time that they were granted.
    for other in others {
        assert!(!other.is_finished(), "{:?}", other.await);
        other.abort();
    }
    assert_eq!(ticks.asked(), 8, "calls that the broker was asked");
}
