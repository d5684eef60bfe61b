//! Engines whose workers are liars, and the step that they should run.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use stepward::worker::SystemKeys;
use stepward::{
    Admitted, Broker, BrokerFuture, CallSite, Deadline, Digest, Engine, Finished, Grant, Grants, HostCall,
    HostReply, Inspected, Job, Label, Limits, Outcome, Pinned, Program, Step, WorkerOptions,
};
use tokio::sync::{Mutex, MutexGuard};

/// How long a call takes: long enough that what a worker says meanwhile is heard before the answer.
const ANSWERS_AFTER: Duration = Duration::from_millis(20);

/// Answers the clock with 0, 1, 2, ….
#[derive(Default)]
pub(crate) struct Ticks(AtomicU64);

impl Ticks {
    pub(crate) fn asked(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}

impl Broker for Ticks {
    fn call<'a>(&'a self, _site: CallSite, call: HostCall) -> BrokerFuture<'a> {
        Box::pin(async move {
            assert!(matches!(call, HostCall::Now { .. }), "nothing else is granted: {call:?}");
            let now = self.0.fetch_add(1, Ordering::SeqCst);
            tokio::time::sleep(ANSWERS_AFTER).await;
            Ok(HostReply::Now(now))
        })
    }
}

pub(crate) fn engine(lie: &str, change: impl FnOnce(&mut WorkerOptions)) -> Engine {
    let program = Program::new(env!("CARGO_BIN_EXE_liar"), [lie]);
    let mut options = WorkerOptions::new(program, Arc::new(SystemKeys));
    change(&mut options);
    Engine::with_workers(options).unwrap()
}

/// A step that asks the clock as often as its input is long.
pub(crate) const SUPPORT: &str = include_str!("../../../../runtime/stepward/tests/support.wat");

pub(crate) fn admitted() -> Admitted {
    admit(wat::parse_str(SUPPORT).unwrap())
}

pub(crate) fn admit(bytes: Vec<u8>) -> Admitted {
    let pin = Digest::of(&bytes);
    let mut grants = Grants::default();
    grants.add(Label::new("wall").unwrap(), Grant::Clock).unwrap();
    let inspected = Inspected::read(Pinned::check(bytes, pin).unwrap(), &Limits::default()).unwrap();
    inspected.admit(&grants).unwrap()
}

pub(crate) async fn step(engine: &Engine) -> Step {
    let limits = Limits::default();
    engine.prepare(admitted(), None, &limits, Deadline::start(&limits)).await.expect("it compiles")
}

/// Ten calls at most, so that a liar goes beyond them soon.
pub(crate) fn job(input: &str, broker: Arc<dyn Broker>) -> Job<'_> {
    let mut limits = Limits::default();
    limits.set(stepward::LimitName::HostCalls, 10).unwrap();
    Job::new("run", "step", input, limits, broker)
}

pub(crate) fn later() -> Deadline {
    Deadline::start(&Limits::default())
}

pub(crate) async fn run(engine: &Engine, step: &Step, input: &str, broker: Arc<Ticks>) -> Outcome {
    engine.run(step, job(input, broker), later()).await.outcome
}

pub(crate) async fn finish(lie: &str) -> Finished {
    let engine = engine(lie, |_| {});
    let step = step(&engine).await;
    let limits = Limits::default();
    engine.run(&step, Job::new("run", "step", "[1]", limits, Arc::new(Ticks::default())), later()).await
}

pub(crate) fn rule(outcome: &Outcome) -> Option<&'static str> {
    match outcome {
        Outcome::Refused(fault) => Some(fault.rule().as_str()),
        Outcome::Succeeded(_) | Outcome::Failed(_) | Outcome::LimitExceeded(_) => None,
    }
}

/// The processes that this test process started and that have not ended.
pub(crate) fn workers() -> Vec<u32> {
    let own = std::process::id().to_string();
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    let children = tasks.filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("children")).ok());
    let of = |pid: &str| std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let lives = |pid: &&str| {
        let stat = of(pid);
        let rest = stat.rsplit(") ").next().unwrap_or_default().to_owned();
        rest.split(' ').nth(1) == Some(own.as_str()) && !rest.starts_with('Z')
    };
    children
        .flat_map(|line| {
            line.split_whitespace().filter(lives).filter_map(|pid| pid.parse().ok()).collect::<Vec<u32>>()
        })
        .collect()
}

/// One test at a time: they count and kill the workers of this whole process.
pub(crate) async fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::const_new(());
    ALONE.lock().await
}

/// Waits until no worker of this process is left.
pub(crate) async fn no_workers_left() {
    let gone = async {
        while !workers().is_empty() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), gone).await.expect("every worker ends");
}
