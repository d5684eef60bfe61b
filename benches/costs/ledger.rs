//! The event log: durable events per second beside one thread that writes the same rows, how fast
//! stored leaves are verified, and what opening a long log costs.

use crate::rounds;
use rusqlite::{Connection, TransactionBehavior};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use stepward_ledger::log::{Attached, Log, Stamp, Trusted};
use stepward_ledger::merkle::{Frontier, LeafHash, TreeHead};
use stepward_ledger::store::owner::{Holder, Ownership};
use stepward_ledger::store::sqlite::{Reader, Writer};
use stepward_ledger::store::{Batch, Entry, Records, RunChange, RunLink, Store, Subtree};

/// Bytes of a leaf: an event of a host call has about as many.
const LEAF: usize = 350;

/// Events after the trusted head when a log is opened.
const TAIL: u64 = 1000;

/// Events in one commit when a long log is made.
const BULK: u64 = 50_000;

pub(crate) fn measure() {
    for (writers, each) in [(1, 500), (16, 4_000), (256, 12_800)] {
        let floor = Floor::new();
        let ours = Ours::new(writers);
        let pair =
            rounds::alternate(each, |events| floor.write(events, writers), |events| ours.write(events));
        rounds::row(&format!("a durable event, {writers} writers; floor: batches of {writers}"), &pair, 2.0);
        if writers == 256 {
            let micros = pair.ours.as_secs_f64() * 1e6;
            aim(
                "amortised, per event, 256 writers",
                &format!("{micros:.1} µs"),
                "at most 12 µs",
                micros <= 12.0,
            );
            let rate = 1e6 / micros;
            aim("durable events, 256 writers", &format!("{rate:.0}/s"), "above 100000/s", rate > 1e5);
        }
    }
    let folder = folder();
    let short = Long::make(folder.path(), 20_000);
    let long = Long::make(folder.path(), 1_000_000);
    long.verify();
    short.open();
    long.open();
}

/// Ten million events: about 5 GB of disk and two minutes.
pub(crate) fn measure_long() {
    let folder = folder();
    let long = Long::make(folder.path(), 10_000_000);
    long.verify();
    long.open();
}

fn aim(what: &str, ours: &str, aim: &str, met: bool) {
    println!("| {what} | | {ours} | | {aim} ({}) |", if met { "met" } else { "missed" });
}

/// Beside the target directory, on a real disk: `/tmp` may be memory.
pub(crate) fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap()
}

pub(crate) fn writer(folder: &Path) -> Writer {
    let lock = File::create(folder.join("ledger.lock")).unwrap();
    let holder = Holder { pid: std::process::id(), since: "now", what: "benchmark" };
    Writer::open(&folder.join("ledger.db"), Ownership::claim(lock, "ledger.lock", &holder).unwrap()).unwrap()
}

fn leaf(sequence: u64) -> Vec<u8> {
    let mut leaf = format!(r#"{{"v":1,"sequence":{sequence:020},"text":""#).into_bytes();
    leaf.resize(LEAF - 2, b'x');
    leaf.extend(b"\"}");
    leaf
}

fn sequence_of(leaf: &[u8]) -> u64 {
    let digits = &leaf[r#"{"v":1,"sequence":"#.len()..][..20];
    std::str::from_utf8(digits).unwrap().parse().unwrap()
}

fn open(store: Writer, trusted: &[Trusted]) -> Log {
    let start = Instant::now();
    let clock = move || {
        let mono_us = u64::try_from(start.elapsed().as_micros()).unwrap();
        Stamp { unix_us: mono_us, error_us: None, mono_us }
    };
    Log::open(Box::new(store), Arc::new(clock), trusted, &|leaf| Ok(sequence_of(leaf)), &sealer()).unwrap().0
}

/// One thread that writes the rows of a log by itself, with the same settings.
struct Floor {
    connection: std::cell::RefCell<(Connection, u64)>,
    _folder: tempfile::TempDir,
}

impl Floor {
    fn new() -> Self {
        let folder = folder();
        drop(writer(folder.path()));
        let connection = Connection::open(folder.path().join("ledger.db")).unwrap();
        let settings = [
            ("journal_mode", "WAL"),
            ("synchronous", "FULL"),
            ("secure_delete", "ON"),
            ("wal_autocheckpoint", "4096"),
            ("journal_size_limit", "33554432"),
        ];
        for (name, value) in settings {
            connection.pragma_update(None, name, value).unwrap();
        }
        for run in 0..256 {
            let name = format!("run-{run}");
            let row = "INSERT INTO run VALUES (?1, ?2, ?1, 1, 1, zeroblob(32))";
            connection.execute(row, (run, name)).unwrap();
        }
        Self { connection: (connection, 0).into(), _folder: folder }
    }

    fn write(&self, events: u32, batch: u32) {
        let (connection, next) = &mut *self.connection.borrow_mut();
        for _ in 0..events.div_ceil(batch) {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).unwrap();
            {
                let prepare = |sql| transaction.prepare_cached(sql).unwrap();
                let mut row = prepare("INSERT INTO leaf VALUES (?1, ?2, ?3, ?4)");
                let mut run =
                    prepare("UPDATE run SET last = ?2, open = ?3, events = ?4, chain = ?5 WHERE opened = ?1");
                for number in 0..u64::from(batch) {
                    let sequence = *next + number;
                    let previous = sequence.checked_sub(u64::from(batch));
                    row.execute((sequence, [7; 32].as_slice(), previous, leaf(sequence))).unwrap();
                    run.execute((number, sequence, true, sequence, [7; 32].as_slice())).unwrap();
                }
                *next += u64::from(batch);
                let mut subtree = prepare("INSERT INTO subtree VALUES (1, ?1, ?2)");
                let from = (*next - u64::from(batch)) / 256;
                for number in from..*next / 256 {
                    subtree.execute((number, [7; 32].as_slice())).unwrap();
                }
                let mut head = prepare("UPDATE head SET size = ?1, root = ?2, seal = ?3 WHERE only = 0");
                head.execute((*next, [7; 32].as_slice(), [7; 32].as_slice())).unwrap();
            }
            transaction.commit().unwrap();
        }
    }
}

/// So many runs at a time, each of which waits for its event before it goes on.
struct Ours {
    log: Log,
    writers: u32,
    runtime: tokio::runtime::Runtime,
    _folder: tempfile::TempDir,
}

impl Ours {
    fn new(writers: u32) -> Self {
        let folder = folder();
        let log = open(writer(folder.path()), &[]);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        Self { log, writers, runtime, _folder: folder }
    }

    fn write(&self, events: u32) {
        let each = events / self.writers;
        let work = |writer: u32| {
            let log = self.log.clone();
            async move {
                for _ in 0..each {
                    let link = RunLink { run: format!("run-{writer}"), change: RunChange::Stays };
                    let attached = Attached { run: Some(link), ..Attached::default() };
                    let ticket = log.append(attached, |sequence, _| leaf(sequence)).unwrap();
                    log.durable(ticket).await.unwrap();
                }
            }
        };
        self.runtime.block_on(async {
            let tasks: Vec<_> = (0..self.writers).map(|writer| tokio::spawn(work(writer))).collect();
            for task in tasks {
                task.await.unwrap();
            }
        });
    }
}

/// A log of some length.
struct Long {
    folder: PathBuf,
    /// The head before the last events.
    trusted: TreeHead,
    events: u64,
}

impl Long {
    fn make(folder: &Path, events: u64) -> Self {
        let folder = folder.join(events.to_string());
        std::fs::create_dir(&folder).unwrap();
        let mut store = writer(&folder);
        let mut frontier = Frontier::default();
        let bulks = (0..events - TAIL).step_by(usize::try_from(BULK).unwrap());
        for from in bulks {
            store.commit(&bulk(&mut frontier, from..(from + BULK).min(events - TAIL))).unwrap();
        }
        let trusted = frontier.head();
        store.commit(&bulk(&mut frontier, events - TAIL..events)).unwrap();
        Self { folder, trusted, events }
    }

    /// Reads and hashes every stored leaf on this core.
    fn verify(&self) {
        let reader = Reader::open(&self.folder.join("ledger.db")).unwrap();
        let head = reader.head().unwrap();
        let start = Instant::now();
        let mut frontier = Frontier::default();
        let leaves = 0..head.size.get();
        reader
            .leaves(leaves, &mut |leaf| {
                frontier.append(LeafHash::of(leaf.bytes)).unwrap();
                Ok(())
            })
            .unwrap();
        let rate = head.size.get() as f64 / start.elapsed().as_secs_f64();
        assert_eq!(frontier.head(), head);
        let what = format!("stored leaves verified on one core, log of {} events", self.events);
        aim(&what, &format!("{rate:.0}/s"), "at least 1000000/s", rate >= 1e6);
    }

    /// Opens and checks the log.
    fn open(&self) {
        let trusted = Trusted { head: self.trusted, source: "the last checkpoint".to_owned() };
        let mut times: Vec<Duration> = (0..11)
            .map(|_| {
                let start = Instant::now();
                let log = open(writer(&self.folder), std::slice::from_ref(&trusted));
                let time = start.elapsed();
                drop(log);
                time
            })
            .collect();
        times.sort_unstable();
        let millis = times[times.len() / 2].as_secs_f64() * 1e3;
        let what = format!("start-up, log of {} events, {TAIL} after the checkpoint", self.events);
        aim(&what, &format!("{millis:.1} ms"), "no matter how long", millis < 50.0);
    }
}

fn bulk(frontier: &mut Frontier, sequences: std::ops::Range<u64>) -> Batch {
    let first = sequences.start;
    let mut subtrees = Vec::new();
    let entries = sequences.map(|sequence| {
        let leaf = leaf(sequence);
        let hash = LeafHash::of(&leaf);
        let keep = |node, hash| subtrees.extend(Subtree::kept(node, hash));
        frontier.append_with(hash, keep).unwrap();
        let run = Some(RunLink { run: format!("run-{}", sequence / 20), change: RunChange::Closes });
        Entry { leaf, hash, run, body: None }
    });
    let entries = entries.collect();
    Batch { first, entries, subtrees, head: frontier.head(), checkpoints: Vec::new(), facts: Vec::new() }
}
