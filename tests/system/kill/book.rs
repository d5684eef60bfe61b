//! The event log as somebody sees it who has only the file: read anew after each kill, checked against
//! the tree, and told what it says with rules that are written here a second time.

use serde_json::Value;
use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
};
use stepward_ledger::{
    event::Event,
    merkle::{Consistency, Frontier, LeafHash, TreeHead},
    store::{Nodes, Records as _, sqlite::Reader},
};

/// Events in one full bundle (C2SP tlog-tiles).
const TILE: usize = 256;

/// Where a run stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// The log does not know it.
    Absent,
    NotStarted,
    CanGoOn,
    /// The step and the number of the call that nobody knows the end of.
    InDoubt(String, u64),
    /// How it ended.
    Finished(String),
}

/// All events so far, each checked when it came.
pub(super) struct Book {
    path: PathBuf,
    tree: Frontier,
    leaves: Vec<Vec<u8>>,
    events: Vec<Value>,
    /// As many events were seen to be there.
    acknowledged: u64,
}

impl Book {
    pub(super) fn new(state: &Path) -> Self {
        Self::of_file(state.join("dev/ledger.db"))
    }

    fn of_file(path: PathBuf) -> Self {
        Self { path, tree: Frontier::default(), leaves: Vec::new(), events: Vec::new(), acknowledged: 0 }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// So many events were seen in the file, by whoever looked.
    pub(super) fn acknowledged(&mut self, size: u64) {
        self.acknowledged = self.acknowledged.max(size);
    }

    pub(super) fn events(&self) -> &[Value] {
        &self.events
    }

    /// Reads what came since, and checks it: each leaf is an event in its one spelling at its place, the
    /// tree over all of them is the one that the file says, and it extends the one of the last time.
    #[track_caller]
    pub(super) fn read(&mut self) {
        let reader = match Reader::open(&self.path) {
            Ok(reader) => reader,
            // A first start that was killed had not made it yet.
            Err(fault) => return assert_eq!(self.acknowledged, 0, "{fault}"),
        };
        let (before, now) = (self.tree.head(), reader.head().unwrap());
        extended(&reader, before, now);
        let (tree, leaves, events) = (&mut self.tree, &mut self.leaves, &mut self.events);
        reader
            .leaves(before.size.get()..now.size.get(), &mut |leaf| {
                assert_eq!(Event::decode(leaf.bytes)?.sequence, leaf.sequence);
                assert_eq!(leaf.sequence, events.len() as u64);
                tree.append(LeafHash::of(leaf.bytes)).unwrap();
                events.push(serde_json::from_slice(leaf.bytes).unwrap());
                leaves.push(leaf.bytes.to_vec());
                Ok(())
            })
            .unwrap();
        assert_eq!(self.tree.head(), now);
        assert!(now.size.get() >= self.acknowledged, "{} of {} events are left", now.size, self.acknowledged);
        self.acknowledged = now.size.get();
    }

    /// Reads the whole file anew, and finds what was read piece by piece.
    #[track_caller]
    pub(super) fn read_again(&self) {
        let mut again = Self::of_file(self.path.clone());
        again.read();
        assert_eq!((again.tree.head(), &again.leaves), (self.tree.head(), &self.leaves));
    }

    /// What is published beside the log is the log, as far as its checkpoint says.
    #[track_caller]
    pub(super) fn is_published(&self) {
        let tiles = self.path.with_file_name("tiles");
        let checkpoint = fs::read_to_string(tiles.join("checkpoint")).unwrap();
        let size: usize = checkpoint.lines().nth(1).unwrap().parse().unwrap();
        assert_eq!(size, self.leaves.len(), "it ended in order");
        for (number, leaves) in self.leaves.chunks(TILE).enumerate() {
            let part = if leaves.len() < TILE { format!(".p/{}", leaves.len()) } else { String::new() };
            let bundle = fs::read(tiles.join(format!("tile/entries/{number:03}{part}"))).unwrap();
            let expected = leaves.iter().flat_map(|leaf| {
                u16::try_from(leaf.len()).unwrap().to_be_bytes().into_iter().chain(leaf.iter().copied())
            });
            assert!(bundle.into_iter().eq(expected), "bundle {number}{part}");
        }
    }

    /// The name of the run that started at or after this sequence, if there is one.
    pub(super) fn run_since(&self, sequence: usize) -> Option<String> {
        let started = self.events[sequence..].iter().find(|event| event["action"] == "run-started");
        started.map(|event| event["run"].as_str().unwrap().to_owned())
    }

    pub(super) fn of<'a>(&'a self, run: &'a str) -> impl DoubleEndedIterator<Item = &'a Value> {
        self.events.iter().filter(move |event| event["run"] == run)
    }

    /// Where a run stands.
    pub(super) fn standing(&self, run: &str) -> Standing {
        let Some(last) = self.of(run).next_back() else { return Standing::Absent };
        if last["action"] == "run-ended" {
            return Standing::Finished(last["outcome"].as_str().unwrap().to_owned());
        }
        if !self.of(run).any(|event| event["action"] == "step-started") {
            return Standing::NotStarted;
        }
        match self.open(run) {
            Some(intent) if intent["idempotent"] == false => Standing::InDoubt(
                intent["step"].as_str().unwrap().to_owned(),
                intent["call"].as_u64().unwrap(),
            ),
            Some(_) | None => Standing::CanGoOn,
        }
    }

    /// The last intent of a run, where neither the service nor a person has answered it.
    pub(super) fn open<'a>(&'a self, run: &'a str) -> Option<&'a Value> {
        let last = self.of(run).rfind(|event| {
            ["call-intended", "call-answered", "call-resolved"].contains(&event["action"].as_str().unwrap())
        });
        last.filter(|event| event["action"] == "call-intended")
    }

    /// How many reads of the ERP a run need not make again.
    pub(super) fn reads(&self, run: &str) -> usize {
        self.of(run)
            .filter(|event| event["action"] == "call-recorded" && event["object"] == "endpoint:erp")
            .count()
    }

    /// Whether the log knows that the run's payment was made.
    pub(super) fn applied(&self, run: &str) -> bool {
        self.of(run).any(|event| {
            ["call-answered", "call-resolved"].contains(&event["action"].as_str().unwrap())
                && event["effect"] == "applied"
        })
    }

    /// Each answer has its intent before it, and each intent at most one answer.
    #[track_caller]
    pub(super) fn every_effect_was_intended(&self) {
        let mut intents = HashMap::new();
        for event in &self.events {
            let which =
                [&event["run"], &event["step"], &event["call"], &event["attempt"]].map(ToString::to_string);
            match event["action"].as_str().unwrap() {
                "call-intended" => assert_eq!(intents.insert(which, false), None, "intended twice: {event}"),
                "call-answered" => {
                    assert_eq!(intents.insert(which, true), Some(false), "answered without intent: {event}");
                }
                _ => {}
            }
        }
    }
}

/// The tree now holds all of the one before.
#[track_caller]
fn extended(reader: &Reader, before: TreeHead, now: TreeHead) {
    assert!(now.size >= before.size, "{} events were acknowledged, {} are left", before.size, now.size);
    if before.size.get() == 0 {
        return;
    }
    let proof = Consistency::prove(&Nodes::of(reader), before.size, now.size).unwrap();
    let extends = proof.verify(before, now).unwrap();
    assert_eq!((extends.older(), extends.newer()), (before, now));
}
