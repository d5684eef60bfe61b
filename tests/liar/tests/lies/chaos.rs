//! Honest workers that are killed at random under load.

use crate::support::{admitted, alone, engine, workers};
use rustix::process::{Signal, kill_process};
use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use stepward::{Broker, BrokerFuture, CallSite, Deadline, Engine, HostCall, HostReply, Job, Limits, Outcome};

const RUNS: u64 = 240;
const CALLS: usize = 6;
const KILLS: u64 = 25;

/// Counts how often each call of each run was answered, and takes its time, so that kills find calls
/// that are under way.
#[derive(Default)]
struct Effects {
    answered: Mutex<HashMap<(String, u64), u32>>,
}

impl Broker for Effects {
    fn call<'a>(&'a self, site: CallSite, call: HostCall) -> BrokerFuture<'a> {
        Box::pin(async move {
            assert!(matches!(call, HostCall::Now { .. }));
            tokio::time::sleep(Duration::from_millis(2)).await;
            let key = (site.run.to_string(), site.sequence);
            *self.answered.lock().unwrap().entry(key).or_default() += 1;
            Ok(HostReply::Now(site.sequence))
        })
    }
}

/// Kills a worker every few milliseconds, all of them in turn.
async fn kill(until: Arc<AtomicBool>, killed: Arc<AtomicU64>) {
    let mut turn = 0_usize;
    while !until.load(Ordering::SeqCst) && killed.load(Ordering::SeqCst) < KILLS {
        tokio::time::sleep(Duration::from_millis(7)).await;
        let workers = workers();
        let Some(victim) = workers.get(turn % workers.len().max(1)) else { continue };
        turn = turn.wrapping_mul(31).wrapping_add(17);
        let victim = i32::try_from(*victim).ok().and_then(rustix::process::Pid::from_raw);
        if victim.is_some_and(|victim| kill_process(victim, Signal::KILL).is_ok()) {
            killed.fetch_add(1, Ordering::SeqCst);
        }
    }
}

async fn one(engine: Engine, step: stepward::Step, name: u64, broker: Arc<Effects>) -> Outcome {
    let input = "1".repeat(CALLS);
    let name = format!("run-{name}");
    let job = Job::new(&name, "step", &input, Limits::default(), broker);
    engine.run(&step, job, Deadline::start(&Limits::default())).await.outcome
}

/// Effects live in the parent, so a killed worker loses nothing and repeats nothing: a run goes on in
/// another worker with the answers it had, or ends under the loss's name.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn workers_killed_at_random_lose_nothing_and_repeat_nothing() {
    let _alone = alone().await;
    let engine = engine("honest", |options| {
        options.runs_at_once = NonZeroU32::new(16).unwrap();
        options.workers_per_group = NonZeroU32::new(3).unwrap();
        options.concurrency = NonZeroU32::new(40).unwrap();
    });
    let limits = Limits::default();
    let step = engine.prepare(admitted(), None, &limits, Deadline::start(&limits)).await.unwrap();
    let effects = Arc::new(Effects::default());
    let (done, killed) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let killer = tokio::spawn(kill(Arc::clone(&done), Arc::clone(&killed)));
    let runs: Vec<_> = (0..RUNS)
        .map(|name| tokio::spawn(one(engine.clone(), step.clone(), name, Arc::clone(&effects))))
        .collect();
    let (mut succeeded, mut lost) = (0_u64, 0_u64);
    for run in runs {
        match run.await.expect("no task of the parent panics") {
            Outcome::Succeeded(output) => {
                assert_eq!(output, "1".repeat(CALLS));
                succeeded += 1;
            }
            Outcome::Refused(fault) if fault.rule().as_str() == "worker-lost" => lost += 1,
            other => panic!("{other:?}"),
        }
    }
    done.store(true, Ordering::SeqCst);
    killer.await.unwrap();
    let killed = killed.load(Ordering::SeqCst);
    assert!(killed >= 5, "only {killed} workers were killed");
    assert!(succeeded > lost, "{succeeded} succeeded, {lost} were lost to {killed} kills");
    let answered = std::mem::take(&mut *effects.answered.lock().unwrap());
    let twice: Vec<_> = answered.iter().filter(|(_, times)| **times != 1).collect();
    assert!(twice.is_empty(), "answered more than once: {twice:?}");
    assert!(answered.len() as u64 >= succeeded * CALLS as u64);

    // The engine goes on as if nothing had been.
    let after = one(engine.clone(), step, RUNS, Arc::new(Effects::default())).await;
    assert!(matches!(after, Outcome::Succeeded(_)), "{after:?}");
    engine.close().await;
}
