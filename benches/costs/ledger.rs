//! The event log: durable events per second beside one thread that writes the same rows.

use crate::rounds;
use rusqlite::{Connection, TransactionBehavior};
use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;
use stepward::SecretBytes;
use stepward::journal::sealer;
use stepward::vault::EnvironmentRoot;
use stepward_ledger::log::{Attached, Log, Stamp};
use stepward_ledger::store::owner::{Holder, Ownership};
use stepward_ledger::store::sqlite::Writer;
use stepward_ledger::store::{RunChange, RunLink};

/// Bytes of a leaf: an event of a host call has about as many.
const LEAF: usize = 350;

pub(crate) fn measure() {
    // So many events that each round moves the WAL into the file several times.
    for (writers, each) in [(1, 2_000), (16, 16_000), (256, 51_200)] {
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
            let (rate, sync) = (1e6 / micros, sync_micros());
            let wanted = format!("above 100000/s where a sync takes under 200 µs; here {sync:.0} µs");
            let met = rate > 1e5 || sync >= 200.0;
            aim("durable events, 256 writers", &format!("{rate:.0}/s"), &wanted, met);
        }
    }
}

/// The median of what this disk takes to make 4 KiB durable.
fn sync_micros() -> f64 {
    let mut file = tempfile::tempfile_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let mut times: Vec<_> = (0..301)
        .map(|_| {
            file.write_all(&[7; 4096]).unwrap();
            let start = Instant::now();
            file.sync_data().unwrap();
            start.elapsed().as_secs_f64() * 1e6
        })
        .collect();
    times.sort_unstable_by(f64::total_cmp);
    times[times.len() / 2]
}

pub(crate) fn aim(what: &str, ours: &str, aim: &str, met: bool) {
    println!("| {what} | | {ours} | | {aim} ({}) |", rounds::verdict(met));
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

/// The key of everything here, which is worth nothing.
pub(crate) fn root() -> EnvironmentRoot {
    EnvironmentRoot::derive(&SecretBytes::new((0..32).collect())).unwrap()
}

fn open(store: Writer) -> Log {
    let start = Instant::now();
    let clock = move || {
        let mono_us = u64::try_from(start.elapsed().as_micros()).unwrap();
        Stamp { unix_us: mono_us, error_us: None, mono_us }
    };
    let sequence = |leaf: &[u8]| Ok(sequence_of(leaf));
    Log::open(Box::new(store), Arc::new(clock), &[], &sequence, &sealer(&root())).unwrap().0
}

/// One thread that writes the rows of a log by itself, with the same settings.
pub(crate) struct Floor {
    connection: std::cell::RefCell<(Connection, u64)>,
    _folder: tempfile::TempDir,
}

impl Floor {
    pub(crate) fn new() -> Self {
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

    pub(crate) fn write(&self, events: u32, batch: u32) {
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

fn of_run(writer: u32, change: RunChange) -> Attached {
    let run = Some(RunLink { run: format!("run-{writer}"), change });
    Attached { run, ..Attached::default() }
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
        let log = open(writer(folder.path()));
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        for writer in 0..writers {
            let _ = log.append(of_run(writer, RunChange::Opens), |sequence, _| leaf(sequence)).unwrap();
        }
        Self { log, writers, runtime, _folder: folder }
    }

    fn write(&self, events: u32) {
        let each = events / self.writers;
        let work = |writer: u32| {
            let log = self.log.clone();
            async move {
                for _ in 0..each {
                    let attached = of_run(writer, RunChange::Stays);
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
