//! A project, a real ERP and a wire between them, with one state folder for all that happens.

use super::{
    book::Book,
    program::{Fate, Program, Size},
    wire::{Check, Seen, Stop, Wire},
};
use crate::{
    process::Ended,
    stage::{EXAMPLE, ROOT, Stage, edit},
};
use rusqlite::{Connection, OpenFlags};
use serde_json::Value;
use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc::Receiver,
    },
    time::Duration,
};
use tokio::runtime::{Builder, Runtime};

/// The document that all invoices are made of, and its number.
const DOCUMENT: &str = "documents/BIS3_Invoice_positive.XML";
const NUMBER: &str = "<cbc:ID>12345</cbc:ID>";

/// When a process is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moment {
    /// When this request of the process, counted from 1, has come so far.
    Wire(usize, Stop),
    /// When the log has this many events more than before the process.
    Events(u64),
    /// So long after its start.
    After(Duration),
    /// When this file of the environment's state is there, and so long after that.
    File(&'static str, Duration),
}

/// A payment as the ERP has it.
#[derive(Debug)]
pub(super) struct Paid {
    pub(super) id: String,
    pub(super) key: String,
    /// Milliseconds since 1970.
    pub(super) at_ms: u64,
}

pub(super) struct World {
    pub(super) stage: Stage,
    pub(super) wire: Wire,
    pub(super) book: Book,
    /// Whether the operator says that the ERP acts once for equal keys.
    pub(super) idempotent: bool,
    /// The events of the log when the process under way was started.
    since: Arc<AtomicU64>,
    // The service ends before what it runs on.
    _runtime: Runtime,
}

impl World {
    /// `idempotent` is what the operator says of the ERP.
    pub(super) fn new(idempotent: bool) -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let stage = runtime.block_on(Stage::new());
        let book = Book::new(&stage.state());
        let since = Arc::new(AtomicU64::new(0));
        let erp = stage.erp.as_ref().unwrap();
        let check = intended(book.path(), &since);
        let wire = runtime.block_on(Wire::new(erp.address().port(), &erp.root_path(), check));
        let environment = stage.environment();
        edit(&environment, &erp.url(), &format!("https://{}:{}/api", invoice_erp::NAME, wire.port));
        edit(&environment, "idempotent = true", &format!("idempotent = {idempotent}"));
        fs::write(stage.roots(), &wire.root).unwrap();
        Self { stage, wire, book, idempotent, since, _runtime: runtime }
    }

    /// Writes an invoice that no other has the number of.
    pub(super) fn invoice(&self, number: &str) -> PathBuf {
        let text = fs::read_to_string(Path::new(ROOT).join(EXAMPLE).join(DOCUMENT)).unwrap();
        assert!(text.contains(NUMBER));
        let path = self.stage.beside(&format!("{number}.xml"));
        fs::write(&path, text.replacen(NUMBER, &format!("<cbc:ID>{number}</cbc:ID>"), 1)).unwrap();
        path
    }

    /// Starts a command. Who listens is told when the request at `trap` is held.
    pub(super) fn start(
        &self,
        arguments: &[impl AsRef<OsStr>],
        trap: Option<(usize, Stop)>,
    ) -> (Program, Receiver<()>) {
        self.since.store(self.book.events().len() as u64, Ordering::SeqCst);
        let told = self.wire.arm(trap);
        (Program::start(self.stage.command(arguments), &self.stage.beside("")), told)
    }

    /// Runs a command to its end, and gives the requests that it made.
    pub(super) fn run(&mut self, arguments: &[impl AsRef<OsStr>]) -> (Ended, Vec<Seen>) {
        let answer = self.ask(arguments);
        self.book.read();
        answer
    }

    /// The same, where nobody looks into the log afterwards.
    pub(super) fn ask(&self, arguments: &[impl AsRef<OsStr>]) -> (Ended, Vec<Seen>) {
        let (program, _) = self.start(arguments, None);
        (program.end(), self.wire.settle())
    }

    /// Runs a command and kills it, with the requests that it made until then.
    pub(super) fn killed(&mut self, arguments: &[impl AsRef<OsStr>], moment: Moment) -> (Fate, Vec<Seen>) {
        let fate = match moment {
            Moment::Wire(call, stop) => {
                let (mut program, told) = self.start(arguments, Some((call, stop)));
                program.until(|| told.try_recv().is_ok());
                // Looking for the workers takes longer than writing the answer down.
                if stop == Stop::Answered { program.kill() } else { program.kill_all() }
            }
            Moment::Events(more) => {
                let (mut program, _) = self.start(arguments, None);
                let (end, mut size) = (self.book.events().len() as u64 + more, Size::of(self.book.path()));
                program.until(|| size.now().is_some_and(|now| now >= end));
                let fate = program.kill();
                // What was to be seen from outside is there to stay.
                self.book.acknowledged(size.last());
                fate
            }
            Moment::After(time) => {
                let (mut program, _) = self.start(arguments, None);
                program.wait(time);
                program.kill_all()
            }
            Moment::File(name, later) => {
                let (mut program, _) = self.start(arguments, None);
                let path = self.stage.state().join("dev").join(name);
                program.until(|| path.exists());
                program.wait(later);
                program.kill_all()
            }
        };
        (fate, self.wire.settle())
    }

    /// Makes the state as it was before the first run, and forgets the log.
    pub(super) fn forget(&mut self) {
        let state = self.stage.state().join("dev");
        for entry in fs::read_dir(&state).unwrap() {
            let path = entry.unwrap().path();
            match path.file_name().unwrap().to_str().unwrap() {
                "secrets" | "cache" => {}
                _ if path.is_dir() => fs::remove_dir_all(path).unwrap(),
                _ => fs::remove_file(path).unwrap(),
            }
        }
        self.book = Book::new(&self.stage.state());
    }

    /// What the ERP has booked for an invoice.
    pub(super) fn paid(&self, number: &str) -> Option<Paid> {
        let path = self.stage.erp.as_ref().unwrap().database_path();
        let database = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
        let mut all = database
            .prepare(
                "SELECT number, idempotency_key, \
                 CAST(round((julianday(posted) - 2440587.5) * 86400000) AS INTEGER) \
                 FROM payment WHERE invoice = ?1",
            )
            .unwrap();
        let rows = all.query_map([number], |row| {
            let id: u64 = row.get(0)?;
            Ok(Paid { id: format!("PAY-{id:06}"), key: row.get(1)?, at_ms: row.get(2)? })
        });
        let mut rows: Vec<Paid> = rows.unwrap().map(Result::unwrap).collect();
        assert!(rows.len() <= 1, "{number} is paid more than once: {rows:?}");
        rows.pop()
    }
}

/// Of each effect that leaves the runner: that its intent is durable by then. A process of these tests
/// makes one payment at most.
fn intended(ledger: &Path, since: &Arc<AtomicU64>) -> Check {
    let (ledger, since) = (ledger.to_owned(), Arc::clone(since));
    let actions = move || {
        let ledger = Connection::open_with_flags(&ledger, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        let mut leaves = ledger.prepare("SELECT bytes FROM leaf WHERE sequence >= ?1")?;
        let leaves = leaves.query_map([since.load(Ordering::SeqCst)], |row| row.get::<_, Vec<u8>>(0))?;
        let action = |leaf: Vec<u8>| serde_json::from_slice::<Value>(&leaf).unwrap()["action"].take();
        leaves.map(|leaf| leaf.map(action)).collect::<rusqlite::Result<Vec<_>>>()
    };
    Box::new(move |seen| match actions() {
        Ok(actions) if actions.iter().filter(|action| **action == "call-intended").count() == 1 => Ok(()),
        actions => Err(format!("{seen:?} left without an intent: {actions:?}")),
    })
}
