//! 10,000 steps that all wait in a host call: what each holds in memory and in memory mappings.

use crate::guests::{self, Guests};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use stepward::{Broker, BrokerFuture, CallSite, Deadline, Engine, EngineOptions, HostCall, Job, Limits};

const STEPS: usize = 10_000;

struct Silent(AtomicUsize);

impl Broker for Silent {
    fn call<'a>(&'a self, _site: CallSite, _call: HostCall) -> BrokerFuture<'a> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Box::pin(std::future::pending())
    }
}

struct Held {
    resident: usize,
    mappings: usize,
}

fn held() -> Held {
    let statm = std::fs::read_to_string("/proc/self/statm").expect("Linux");
    let pages: usize = statm.split(' ').nth(1).expect("resident pages").parse().expect("a number");
    let maps = std::fs::read_to_string("/proc/self/maps").expect("Linux");
    Held { resident: pages * 4096, mappings: maps.lines().count() }
}

pub(crate) fn measure(runtime: &tokio::runtime::Runtime, guests: &Guests) {
    let engine = Engine::new(EngineOptions { concurrency: 10_000 }).unwrap();
    let step = guests::prepare(runtime, &engine, &guests.wait);
    let silent = Arc::new(Silent(AtomicUsize::new(0)));
    let before = held();
    let after = runtime.block_on(async {
        let mut waiting = tokio::task::JoinSet::new();
        for _ in 0..STEPS {
            let (engine, step, broker) =
                (engine.clone(), step.clone(), Arc::clone(&silent) as Arc<dyn Broker>);
            waiting.spawn(async move {
                let limits = Limits::default();
                let deadline = Deadline::start(&limits);
                engine.run(&step, Job::new("run", "wait", "\"7\"", limits, broker), deadline).await
            });
        }
        while silent.0.load(Ordering::Relaxed) < STEPS {
            tokio::task::yield_now().await;
        }
        held()
    });
    let resident = (after.resident - before.resident) as f64 / STEPS as f64 / 1024.0;
    let mappings = (after.mappings - before.mappings) as f64 / STEPS as f64;
    println!(
        "| each of {STEPS} waiting steps: resident, touched guest pages included | – | {resident:.1} KiB | – | 24 KiB beside guest pages |"
    );
    println!("| each of {STEPS} waiting steps: memory mappings | – | {mappings:.2} | – | 4 |");
}
