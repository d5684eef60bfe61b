//! Worker processes beside the same work in this process: a step, a host call, a compile, and what a
//! worker takes to start and to keep.
//!
//! Both sides run in one runtime of as many threads as there are processors, as the runner does.

use crate::guests::{self, Guests};
use crate::rounds::{self, Pair, verdict};
use crate::step::{NoCalls, document};
use std::num::NonZeroU32;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use stepward::worker::{SystemKeys, Workers};
use stepward::{
    Body, Broker, BrokerFuture, CallSite, Deadline, Engine, EngineOptions, HostCall, HostReply, HttpResponse,
    Job, Limits, Outcome, Program, Step, WorkerOptions,
};
use tokio::runtime::Runtime;

/// The first argument of a worker of this program.
pub(crate) const PROCESS: &str = "worker-process";
/// The first argument of a process of this program that ends at once.
pub(crate) const NOTHING: &str = "nothing";

/// Runs at one time where many are under way.
const MANY: u32 = 64;
/// Host calls of one run.
const CALLS: u32 = 200;

fn options() -> WorkerOptions {
    WorkerOptions::new(Program::new("/proc/self/exe", [PROCESS]), Arc::new(SystemKeys))
}

/// Answers every call at once.
struct Always;

impl Broker for Always {
    fn call<'a>(&'a self, _site: CallSite, _call: HostCall) -> BrokerFuture<'a> {
        let body = Body(b"{\"id\":\"7\",\"name\":\"Company A\"}".to_vec());
        let answer = HttpResponse { status: 200, headers: vec![], body };
        Box::pin(async move { Ok(HostReply::Http(Ok(answer))) })
    }
}

/// Answers when so many runs wait for it at once.
struct Together(tokio::sync::Barrier);

impl Broker for Together {
    fn call<'a>(&'a self, site: CallSite, call: HostCall) -> BrokerFuture<'a> {
        Box::pin(async move {
            self.0.wait().await;
            Always.call(site, call).await
        })
    }
}

/// A step, its input and who answers it.
#[derive(Clone)]
struct Work {
    engine: Engine,
    step: Step,
    input: Arc<str>,
    broker: Arc<dyn Broker>,
    limits: Limits,
}

impl Work {
    async fn once(&self) {
        let limits = self.limits.clone();
        let job = Job::new("run", "step", &self.input, limits, Arc::clone(&self.broker));
        let finished = self.engine.run(&self.step, job, Deadline::start(&self.limits)).await;
        assert!(matches!(finished.outcome, Outcome::Succeeded(_)), "{:?}", finished.outcome);
    }

    /// Runs `times`, so many `at_once`.
    fn run(&self, runtime: &Runtime, times: u32, at_once: u32) {
        let begun = Arc::new(AtomicU32::new(0));
        runtime.block_on(async {
            let mut all = tokio::task::JoinSet::new();
            for _ in 0..at_once {
                let (work, begun) = (self.clone(), Arc::clone(&begun));
                all.spawn(async move {
                    while begun.fetch_add(1, Ordering::Relaxed) < times {
                        work.once().await;
                    }
                });
            }
            while let Some(done) = all.join_next().await {
                done.expect("no run panics");
            }
        });
    }
}

/// The same work in this process and in workers.
struct Both {
    here: Work,
    there: Work,
}

impl Both {
    fn new(
        runtime: &Runtime,
        [here, there]: &[Engine; 2],
        guest: &[u8],
        input: &str,
        broker: &Arc<dyn Broker>,
    ) -> Self {
        let work = |engine: &Engine| Work {
            engine: engine.clone(),
            step: guests::prepare(runtime, engine, guest),
            input: input.into(),
            broker: Arc::clone(broker),
            limits: Limits::default(),
        };
        Self { here: work(here), there: work(there) }
    }

    fn alternate(&self, runtime: &Runtime, times: u32, at_once: u32) -> Pair {
        rounds::alternate(
            times,
            |times| self.here.run(runtime, times, at_once),
            |times| self.there.run(runtime, times, at_once),
        )
    }
}

/// A row whose aim is how much more workers may cost.
fn more(what: &str, pair: &Pair, most_us: f64) {
    let (here, there) = (pair.floor.as_secs_f64() * 1e6, pair.ours.as_secs_f64() * 1e6);
    println!(
        "| {what} | {here:.1} µs | {there:.1} µs | +{:.1} µs | +{most_us:.0} µs ({}) |",
        there - here,
        verdict(there - here <= most_us)
    );
}

pub(crate) fn measure(guests: &Guests) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let engines = {
        let _inside = runtime.enter();
        [Engine::new(EngineOptions { concurrency: MANY }).unwrap(), Engine::with_workers(options()).unwrap()]
    };
    steps(&runtime, &engines, guests);
    calls(&runtime, &engines, guests);
    compile(&runtime, &engines, guests);
    drop(engines);
    start(&runtime);
    memory(&runtime, guests);
}

fn steps(runtime: &Runtime, engines: &[Engine; 2], guests: &Guests) {
    let silent: Arc<dyn Broker> = Arc::new(NoCalls);
    let both = Both::new(runtime, engines, &guests.price, &document(), &silent);
    more("a sealed step through a warm worker, one in flight", &both.alternate(runtime, 300, 1), 40.0);
    let Pair { floor, ours } = both.alternate(runtime, 3_000, MANY);
    let ratio = floor.as_secs_f64() / ours.as_secs_f64();
    let rate = |each: Duration| 1e-3 / each.as_secs_f64();
    println!(
        "| sealed steps each second, {MANY} in flight | {:.1} thousand | {:.1} thousand | {ratio:.2} | 0.80 ({}) |",
        rate(floor),
        rate(ours),
        verdict(ratio >= 0.8)
    );
}

/// One run that asks many times, less one that asks once.
fn calls(runtime: &Runtime, engines: &[Engine; 2], guests: &Guests) {
    let broker: Arc<dyn Broker> = Arc::new(Always);
    let asking = |times: u32| Both::new(runtime, engines, &guests.ask, &times.to_string(), &broker);
    let [many, once] = [CALLS + 1, 1].map(|times| asking(times).alternate(runtime, 20, 1));
    let each = |many: Duration, once: Duration| many.saturating_sub(once) / CALLS;
    let pair = Pair { floor: each(many.floor, once.floor), ours: each(many.ours, once.ours) };
    more("a host call that is answered at once", &pair, 25.0);
}

fn compile(runtime: &Runtime, [here, there]: &[Engine; 2], guests: &Guests) {
    let compile = |engine: &Engine, times: u32| {
        for _ in 0..times {
            guests::prepare(runtime, engine, &guests.price);
        }
    };
    let pair = rounds::alternate(1, |times| compile(here, times), |times| compile(there, times));
    let ms = |time: Duration| time.as_secs_f64() * 1e3;
    let more = ms(pair.ours) - ms(pair.floor);
    println!(
        "| compiling a component of {} KiB in a process of its own | {:.1} ms | {:.1} ms | +{more:.1} ms | +15 ms ({}) |",
        guests.price.len() >> 10,
        ms(pair.floor),
        ms(pair.ours),
        verdict(more <= 15.0)
    );
}

/// Until a worker has locked itself in and greeted, beside a process of this program that does nothing.
fn start(runtime: &Runtime) {
    let workers = Workers::new(options()).unwrap();
    let ready = |times: u32| {
        for _ in 0..times {
            runtime.block_on(workers.promises()).unwrap();
        }
    };
    let nothing = |times: u32| {
        for _ in 0..times {
            let program = Command::new("/proc/self/exe").arg(NOTHING).stdin(Stdio::null()).status();
            assert!(program.expect("this program starts").success());
        }
    };
    let pair = rounds::alternate(10, nothing, ready);
    let ms = |time: Duration| time.as_secs_f64() * 1e3;
    println!(
        "| a new worker is ready, beside a process that ends at once | {:.2} ms | {:.2} ms | | 10 ms ({}) |",
        ms(pair.floor),
        ms(pair.ours),
        verdict(ms(pair.ours) < 10.0)
    );
}

/// What one process keeps to itself, in bytes: pages that no other process shares.
fn private(process: u32) -> u64 {
    let rollup = std::fs::read_to_string(format!("/proc/{process}/smaps_rollup"))
        .expect("root reads what a locked worker holds");
    let kib = |line: &str| line.split_ascii_whitespace().nth(1).and_then(|n| n.parse::<u64>().ok());
    let lines = rollup.lines().filter(|line| line.starts_with("Private_"));
    lines.map(|line| kib(line).expect("a size")).sum::<u64>() << 10
}

/// The children of this process.
fn children() -> Vec<u32> {
    let mut all = Vec::new();
    for thread in std::fs::read_dir("/proc/self/task").expect("Linux").flatten() {
        let text = std::fs::read_to_string(thread.path().join("children")).unwrap_or_default();
        all.extend(text.split_ascii_whitespace().map(|one| one.parse::<u32>().unwrap()));
    }
    all
}

/// A worker that has served some runs, and then as many as it takes, all waiting at the same time.
fn memory(runtime: &Runtime, guests: &Guests) {
    let mut options = options();
    options.workers_per_group = NonZeroU32::MIN;
    let engine = {
        let _inside = runtime.enter();
        Engine::with_workers(options).unwrap()
    };
    let work = |guest, input: &str, broker| Work {
        step: guests::prepare(runtime, &engine, guest),
        engine: engine.clone(),
        input: input.into(),
        broker,
        limits: Limits::default(),
    };
    let few = work(&guests.price, &document(), Arc::new(NoCalls) as Arc<dyn Broker>);
    let together = Together(tokio::sync::Barrier::new(MANY as usize));
    let many = work(&guests.ask, "1", Arc::new(together));
    for (served, work, times, at_once) in
        [("20 runs".to_owned(), few, 20, 1), (format!("{MANY} runs at one time"), many, MANY, MANY)]
    {
        // One worker at a time: another group has another one.
        let before = children();
        work.run(runtime, times, at_once);
        let worker = children().into_iter().find(|one| !before.contains(one)).expect("a new worker");
        let mib = private(worker) as f64 / f64::from(1 << 20);
        println!(
            "| an idle worker that served {served}: memory that it shares with nobody | | {mib:.1} MiB | | 12 MiB ({}) |",
            verdict(mib < 12.0)
        );
    }
}
