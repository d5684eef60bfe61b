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
    guest: usize,
    mappings: usize,
}

/// What this process holds, from `/proc/self/smaps`. A guest's linear memory is the mapping of its
/// image and what touches it on both sides.
fn held() -> Held {
    struct Mapping {
        range: (usize, usize),
        writable: bool,
        image: bool,
        resident: usize,
    }
    let smaps = std::fs::read_to_string("/proc/self/smaps").expect("Linux");
    let mut mappings: Vec<Mapping> = Vec::new();
    for line in smaps.lines() {
        let mut words = line.split_ascii_whitespace();
        let first = words.next().expect("no empty line");
        if first == "Rss:" {
            let kib: usize = words.next().and_then(|n| n.parse().ok()).expect("a size");
            mappings.last_mut().expect("a mapping").resident = kib << 10;
        } else if let Some((start, end)) = first.split_once('-').filter(|_| !first.ends_with(':')) {
            let address = |text| usize::from_str_radix(text, 16).expect("an address");
            mappings.push(Mapping {
                range: (address(start), address(end)),
                writable: words.next().is_some_and(|rights| rights.starts_with("rw")),
                image: line.contains("wasm-memory-image"),
                resident: 0,
            });
        }
    }
    let touches = |i: usize, j: usize| {
        mappings.get(j).is_some_and(|m| {
            m.image
                && mappings[i].writable
                && (m.range.0 == mappings[i].range.1 || m.range.1 == mappings[i].range.0)
        })
    };
    let of_guest = |i: usize| mappings[i].image || touches(i, i + 1) || (i > 0 && touches(i, i - 1));
    Held {
        resident: mappings.iter().map(|m| m.resident).sum(),
        guest: (0..mappings.len()).filter(|i| of_guest(*i)).map(|i| mappings[i].resident).sum(),
        mappings: mappings.len(),
    }
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
    let each = |after: usize, before: usize| (after - before) as f64 / STEPS as f64;
    let guest = each(after.guest, before.guest) / 1024.0;
    let beside = each(after.resident, before.resident) / 1024.0 - guest;
    let mappings = each(after.mappings, before.mappings);
    let verdict = |met: bool| if met { "met" } else { "missed" };
    println!(
        "| {STEPS} waiting steps: resident each, beside {guest:.1} KiB of touched guest pages | – | {beside:.1} KiB | – | 24 KiB ({}) |",
        verdict(beside <= 24.0)
    );
    println!(
        "| {STEPS} waiting steps: memory mappings each | – | {mappings:.2} | – | 4 ({}) |",
        verdict(mappings <= 4.005)
    );
}
