//! 10,000 steps that all wait in a host call: what each holds in memory and in memory mappings,
//! beside bare wasmtime with the same settings and guest that waits at the same place.
//!
//! Each side has a process of its own, since memory that one side freed would serve the other.

use crate::bare;
use crate::guests::{self, Guests};
use crate::rounds::verdict;
use std::io::{BufRead, BufReader};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use stepward::{Broker, BrokerFuture, CallSite, Deadline, Engine, EngineOptions, HostCall, Job, Limits};

const STEPS: u32 = 10_000;
/// The fiber's stack in `stepward_sandbox::settings`, without its guard page.
const STACK_BYTES: usize = 1 << 20;
/// Of the writable mappings only the pool of tables is as large.
const TABLES_BYTES: usize = 1 << 30;

/// Which side a process measures.
#[derive(Clone, Copy)]
pub(crate) enum Side {
    Floor,
    Stepward,
}

impl Side {
    const fn argument(self) -> &'static str {
        match self {
            Self::Floor => "waiting-floor",
            Self::Stepward => "waiting-stepward",
        }
    }

    pub(crate) fn of(argument: &str) -> Option<Self> {
        [Self::Floor, Self::Stepward].into_iter().find(|side| side.argument() == argument)
    }
}

struct Silent(AtomicUsize);

impl Broker for Silent {
    fn call<'a>(&'a self, _site: CallSite, _call: HostCall) -> BrokerFuture<'a> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Box::pin(std::future::pending())
    }
}

/// What the process holds: resident bytes by kind, and its mappings.
#[derive(Clone, Copy, Default)]
struct Held {
    /// Pages of linear memories. Those of the image that all instances share count once.
    guest: usize,
    stacks: usize,
    tables: usize,
    /// Everything else: the heap above all.
    rest: usize,
    mappings: usize,
}

#[derive(Clone, Copy, Default)]
struct Mapping {
    range: (usize, usize),
    writable: bool,
    image: bool,
    resident: usize,
    /// As `resident`, each page divided by the number of mappings that share it.
    share: usize,
}

impl Mapping {
    fn touches(&self, image: Option<&Self>) -> bool {
        image.is_some_and(|m| {
            m.image && self.writable && (m.range.0 == self.range.1 || m.range.1 == self.range.0)
        })
    }

    fn add(&self, before: Option<&Self>, after: Option<&Self>, held: &mut Held) {
        let size = self.range.1 - self.range.0;
        let (kind, bytes) = if self.image || self.touches(before) || self.touches(after) {
            (&mut held.guest, self.share)
        } else if self.writable && size == STACK_BYTES {
            (&mut held.stacks, self.resident)
        } else if self.writable && size >= TABLES_BYTES {
            (&mut held.tables, self.resident)
        } else {
            (&mut held.rest, self.resident)
        };
        *kind += bytes;
        held.mappings += 1;
    }
}

/// Reads `/proc/self/smaps` line by line: its 30 MB would count as memory of the steps if they were
/// held. A linear memory is the mapping of its image and what touches it on both sides.
fn held() -> Held {
    let smaps = BufReader::new(std::fs::File::open("/proc/self/smaps").expect("Linux"));
    let mut held = Held::default();
    let mut window = [None::<Mapping>; 3];
    let mut shift = |next: Option<Mapping>| {
        window = [window[1], window[2], next];
        if let Some(mapping) = window[1] {
            mapping.add(window[0].as_ref(), window[2].as_ref(), &mut held);
        }
    };
    let mut current: Option<Mapping> = None;
    for line in smaps.lines() {
        let line = line.expect("text");
        let mut words = line.split_ascii_whitespace();
        let first = words.next().expect("no empty line");
        let mut bytes = || words.next().and_then(|n| n.parse::<usize>().ok()).expect("a size") << 10;
        match first {
            "Rss:" => current.as_mut().expect("a mapping").resident = bytes(),
            "Pss:" => current.as_mut().expect("a mapping").share = bytes(),
            _ if first.ends_with(':') => {}
            range => {
                shift(current.take());
                let address = |text| usize::from_str_radix(text, 16).expect("an address");
                let (start, end) = range.split_once('-').expect("a range");
                current = Some(Mapping {
                    range: (address(start), address(end)),
                    writable: words.next().is_some_and(|rights| rights.starts_with("rw")),
                    image: line.contains("wasm-memory-image"),
                    ..Mapping::default()
                });
            }
        }
    }
    shift(current);
    shift(None);
    held
}

/// Runs in a process of its own and prints what each step holds.
pub(crate) fn alone(side: Side, runtime: &tokio::runtime::Runtime, guests: &Guests) {
    let (before, after) = match side {
        Side::Floor => floor(runtime, &guests.wait),
        Side::Stepward => stepward(runtime, &guests.wait),
    };
    let each = |kind: fn(&Held) -> usize| (kind(&after) - kind(&before)) as f64 / f64::from(STEPS);
    let kib = |kind| each(kind) / 1024.0;
    println!(
        "{} {} {} {} {}",
        kib(|held| held.guest),
        kib(|held| held.stacks),
        kib(|held| held.tables),
        kib(|held| held.rest),
        each(|held| held.mappings)
    );
}

fn stepward(runtime: &tokio::runtime::Runtime, wait: &[u8]) -> (Held, Held) {
    let engine = Engine::new(EngineOptions { concurrency: STEPS }).unwrap();
    let step = guests::prepare(runtime, &engine, wait);
    let silent = Arc::new(Silent(AtomicUsize::new(0)));
    let limits = Limits::default();
    let run = || {
        let (engine, step, broker) = (engine.clone(), step.clone(), Arc::clone(&silent) as Arc<dyn Broker>);
        let limits = limits.clone();
        async move {
            let deadline = Deadline::start(&limits);
            engine.run(&step, Job::new("run", "wait", "\"7\"", limits, broker), deadline).await;
        }
    };
    fill(runtime, run, &silent.0)
}

fn floor(runtime: &tokio::runtime::Runtime, wait: &[u8]) -> (Held, Held) {
    let calls = Arc::new(AtomicUsize::new(0));
    let (engine, instance) = bare::waiting(STEPS, wait, Arc::clone(&calls));
    let run = || {
        let (engine, instance) = (engine.clone(), instance.clone());
        async move { bare::run(&engine, &instance, "\"7\"").await }
    };
    fill(runtime, run, &calls)
}

/// What is held before and after [`STEPS`] runs have come to their call.
fn fill<F>(runtime: &tokio::runtime::Runtime, run: impl Fn() -> F, calls: &AtomicUsize) -> (Held, Held)
where
    F: Future<Output = ()> + Send + 'static,
{
    let before = held();
    let after = runtime.block_on(async {
        let mut waiting = tokio::task::JoinSet::new();
        for _ in 0..STEPS {
            waiting.spawn(run());
        }
        while calls.load(Ordering::Relaxed) < STEPS as usize {
            tokio::task::yield_now().await;
        }
        held()
    });
    (before, after)
}

/// Measures a side in a process of its own.
fn measured(side: Side) -> [f64; 5] {
    let this = std::env::current_exe().expect("this program");
    let output = Command::new(this).arg(side.argument()).output().expect("this program starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout);
    let figures: Vec<f64> = text.split_whitespace().map(|figure| figure.parse().unwrap()).collect();
    figures.try_into().expect("five figures")
}

pub(crate) fn measure() {
    let [_, floor @ .., floor_mappings] = measured(Side::Floor);
    let [guest, ours @ .., mappings] = measured(Side::Stepward);
    let sums = [floor, ours].map(|kinds: [f64; 3]| kinds.iter().sum::<f64>());
    println!(
        "| {STEPS} waiting steps: resident each, beside {guest:.1} KiB of touched guest pages | {:.1} KiB | {:.1} KiB | {:.2} | 24 KiB ({}) |",
        sums[0],
        sums[1],
        sums[1] / sums[0],
        verdict(sums[1] <= 24.0)
    );
    for (kind, what) in ["stack of the fiber", "tables", "heap and all else"].iter().enumerate() {
        println!("| – of it {what} | {:.1} KiB | {:.1} KiB | | |", floor[kind], ours[kind]);
    }
    println!(
        "| {STEPS} waiting steps: memory mappings each | {floor_mappings:.2} | {mappings:.2} | {:.2} | 4 ({}) |",
        mappings / floor_mappings,
        verdict(mappings <= 4.005)
    );
}
