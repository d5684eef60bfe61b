//! How much is read for a list, and whom a record concerns that cannot be read.

use super::sweep;
use crate::{
    files::Links,
    render::Output,
    running::{
        book::{Book, along_its_events},
        state::State,
    },
};
use std::{
    cell::{Cell, RefCell},
    ops::Range,
    path::Path,
};
use stepward::journal::{RunStart, sealer};
use stepward_fault::Fault;
use stepward_ledger::{
    event::Outcome,
    log::Attached,
    merkle::{NodeHash, TreeHead},
    runs,
    store::{Checkpoint, Index, Leaf, LeafRef, Records, Run, RunChange, RunLink, sqlite::Reader},
};
use stepward_seam::{Label, SecretBytes};
use stepward_trust::Digest;
use stepward_vault::EnvironmentRoot;

/// A log that counts the leaves that it is asked for, and of which one may have been changed.
struct Counting {
    reader: Reader,
    leaves: Cell<u64>,
    changed: Option<u64>,
}

impl Counting {
    fn of(state: &State) -> Self {
        Self { reader: Reader::open(&state.ledger()).unwrap(), leaves: Cell::new(0), changed: None }
    }
}

/// What whoever can write the file puts in the place of a leaf.
const CHANGED: &[u8] = br#"{"v":1}"#;

impl Records for Counting {
    fn head(&self) -> Result<TreeHead, Fault> {
        self.reader.head()
    }

    fn leaves(
        &self,
        range: Range<u64>,
        visit: &mut dyn FnMut(LeafRef<'_>) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        self.leaves.set(self.leaves.get() + range.end - range.start);
        self.reader.leaves(range, &mut |leaf| {
            let bytes = if self.changed == Some(leaf.sequence) { CHANGED } else { leaf.bytes };
            visit(LeafRef { bytes, ..leaf })
        })
    }

    fn leaf(&self, sequence: u64) -> Result<Option<Leaf>, Fault> {
        self.leaves.set(self.leaves.get() + 1);
        let mut leaf = self.reader.leaf(sequence)?;
        if let Some(leaf) = leaf.as_mut().filter(|_| self.changed == Some(sequence)) {
            leaf.bytes = CHANGED.to_vec();
        }
        Ok(leaf)
    }

    fn hashes(&self, level: u32, from: u64, count: usize) -> Result<Vec<NodeHash>, Fault> {
        self.reader.hashes(level, from, count)
    }

    fn body(&self, sequence: u64) -> Result<Option<Vec<u8>>, Fault> {
        self.reader.body(sequence)
    }

    fn run(&self, name: &str) -> Result<Option<Run>, Fault> {
        self.reader.run(name)
    }

    fn events_of(&self, run: &str, from: u64, limit: usize) -> Result<Vec<u64>, Fault> {
        self.reader.events_of(run, from, limit)
    }

    fn open_runs(&self, from: u64, limit: usize) -> Result<Vec<Run>, Fault> {
        self.reader.open_runs(from, limit)
    }

    fn runs(&self, before: u64, limit: usize) -> Result<Vec<Run>, Fault> {
        self.reader.runs(before, limit)
    }

    fn checkpoint(&self, size: u64) -> Result<Option<Checkpoint>, Fault> {
        self.reader.checkpoint(size)
    }

    fn checkpoints(&self, from: u64, limit: usize) -> Result<Vec<Checkpoint>, Fault> {
        self.reader.checkpoints(from, limit)
    }

    fn index(&self) -> Result<Index, Fault> {
        self.reader.index()
    }

    fn fact(&self, name: &str) -> Result<Option<Vec<u8>>, Fault> {
        self.reader.fact(name)
    }
}

/// A log with so many runs, each second of which has ended.
async fn with_runs(here: &Path, many: usize) -> (State, SecretBytes, Book) {
    let dev = Label::new("dev").unwrap();
    let state = State::open_in(here, Links::Followed, &dev).unwrap();
    let (key, digest) = (state.environment_key().unwrap(), Digest::of(b"w"));
    let book = Book::open(&state, &dev, &key, digest, None, &Output::new(true)).await.unwrap();
    for number in 0..many {
        let run = format!("r-{number}");
        let start = RunStart { run: &run, object: "w", definition: digest, input: "{}", actor: book.actor() };
        let log = book.journal().start(start).await.unwrap();
        if number % 2 == 0 {
            let _durable = log.end(Outcome::Succeeded, None).await.unwrap();
        }
    }
    (state, key, book)
}

#[tokio::test]
async fn many_runs_are_read_in_one_pass_and_a_bad_record_concerns_its_own() {
    const RUNS: usize = 60;
    let here = tempfile::tempdir().unwrap();
    let (state, _, book) = with_runs(here.path(), RUNS).await;
    // As a later version may write it.
    let link = RunLink { run: "r-1".to_owned(), change: RunChange::Stays };
    let later = |sequence: u64, _: &_| format!(r#"{{"v":9,"seq":{sequence},"run":"r-1"}}"#).into_bytes();
    let _ = book.journal().log().append(Attached { run: Some(link), ..Attached::default() }, later).unwrap();
    book.close().await.unwrap();
    let log = Counting::of(&state);
    let head = log.head().unwrap();
    let listed = log.runs(u64::MAX, RUNS).unwrap();
    assert_eq!(listed.len(), RUNS);
    let alone = |name: &str| runs::run(&log, head, name);
    let swept = sweep(&log, head, &listed, alone);
    let oldest = listed.last().unwrap().opened;
    assert_eq!(log.leaves.get(), head.size.get() - oldest, "each leaf once");
    let by_themselves = listed.iter().map(|run| runs::run(&log, head, &run.name)).collect::<Vec<_>>();
    assert_eq!(swept, by_themselves);
    let bad = listed.iter().zip(&swept).filter(|(_, read)| read.is_err());
    assert_eq!(bad.map(|(run, _)| run.name.as_str()).collect::<Vec<_>>(), ["r-1"]);

    // The index is not in the tree: what it says of one run is that run's matter.
    let mut listed = listed;
    listed[3].last += 1;
    let asked = RefCell::new(Vec::new());
    let swept = sweep(&log, head, &listed, |name| {
        asked.borrow_mut().push(name.to_owned());
        alone(name)
    });
    assert_eq!(swept, by_themselves);
    assert_eq!(asked.into_inner(), [listed[3].name.clone()]);
}

#[tokio::test]
async fn a_changed_leaf_makes_no_list_read_more_than_each_event_twice() {
    const RUNS: usize = 60;
    let here = tempfile::tempdir().unwrap();
    let (state, key, book) = with_runs(here.path(), RUNS).await;
    book.close().await.unwrap();
    let mut log = Counting::of(&state);
    let listed = log.runs(u64::MAX, RUNS).unwrap();
    // In a run that came last: every other one has it between its start and the head.
    let last = listed.iter().max_by_key(|run| run.opened).unwrap();
    log.changed = Some(last.opened);
    let root = EnvironmentRoot::derive(&key).unwrap();
    let vouched = sealer(&root).check(log.index().unwrap()).unwrap();
    let swept = sweep(&log, vouched.head(), &listed, |name| along_its_events(&log, &vouched, name));
    let bad = listed.iter().zip(&swept).filter(|(_, read)| read.is_err());
    assert_eq!(bad.map(|(run, _)| &run.name).collect::<Vec<_>>(), [&last.name]);
    let (read, size) = (log.leaves.get(), vouched.head().size.get());
    assert!(read > size / 2 && read <= 2 * size, "{read} leaves of {size}");
}
