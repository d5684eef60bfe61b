//! The event log as somebody sees it who has only the file: read anew after each kill, checked against
//! the tree, and told what it says with rules that are written here a second time.

use serde_json::Value;
use std::path::{Path, PathBuf};
use stepward_ledger::{
    event::Event,
    merkle::{Consistency, Frontier, LeafHash, TreeHead},
    store::{Nodes, Records as _, sqlite::Reader},
};

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
    events: Vec<Value>,
}

impl Book {
    pub(super) fn new(state: &Path) -> Self {
        Self { path: state.join("dev/ledger.db"), tree: Frontier::default(), events: Vec::new() }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn events(&self) -> &[Value] {
        &self.events
    }

    /// Reads what came since, and checks it: each leaf is an event in its one spelling at its place, the
    /// tree over all of them is the one that the file says, and it extends the one of the last time.
    #[track_caller]
    pub(super) fn read(&mut self) {
        if !self.path.exists() {
            return;
        }
        let reader = Reader::open(&self.path).unwrap();
        let (before, now) = (self.tree.head(), reader.head().unwrap());
        self.extended(&reader, before, now);
        let (tree, events) = (&mut self.tree, &mut self.events);
        reader
            .leaves(before.size.get()..now.size.get(), &mut |leaf| {
                assert_eq!(Event::decode(leaf.bytes)?.sequence, leaf.sequence);
                assert_eq!(leaf.sequence, events.len() as u64);
                tree.append(LeafHash::of(leaf.bytes)).unwrap();
                events.push(serde_json::from_slice(leaf.bytes).unwrap());
                Ok(())
            })
            .unwrap();
        assert_eq!(self.tree.head(), now);
    }

    #[track_caller]
    fn extended(&self, reader: &Reader, before: TreeHead, now: TreeHead) {
        assert!(now.size >= before.size, "{} events were acknowledged, {} are left", before.size, now.size);
        if before.size.get() == 0 {
            return;
        }
        let proof = Consistency::prove(&Nodes::of(reader), before.size, now.size).unwrap();
        let extends = proof.verify(before, now).unwrap();
        assert_eq!((extends.older(), extends.newer()), (before, now));
    }

    /// Reads the whole file anew, and finds what was read piece by piece.
    #[track_caller]
    pub(super) fn read_again(&self) {
        let mut again = Self { path: self.path.clone(), tree: Frontier::default(), events: Vec::new() };
        again.read();
        assert_eq!((again.tree.head(), &again.events), (self.tree.head(), &self.events));
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
        let mut intents = std::collections::HashMap::new();
        for event in &self.events {
            let which = [&event["run"], &event["step"], &event["call"], &event["attempt"]].map(ToString::to_string);
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
