//! A log as a service leaves it: runs with effects and bodies, checkpoints on the way.
#![allow(dead_code, reason = "also used by the tests of the command line, each of which takes its part")]

use std::fs::File;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use stepward_ledger::event::{
    Actor, Commitment, Decision, Draft, Effect, Event, Name, Outcome, Stamp, Text, What,
};
use stepward_ledger::merkle::{Frontier, LeafHash, TreeHead};
use stepward_ledger::note::{LogSigner, SignedCheckpoint, UnixSeconds, WitnessSigner};
use stepward_ledger::store::owner::{Holder, Ownership};
use stepward_ledger::store::sqlite::{Reader, Writer};
use stepward_ledger::store::{Batch, Checkpoint, Entry, Fact, RunChange, RunLink, Seal, Store as _, Subtree};
use stepward_trust::Digest;

/// A store keeps a seal and cannot check it.
const SEAL: Seal = Seal::from_bytes([7; 32]);

/// Events of one run.
pub(crate) const RUN: u64 = 8;

pub(crate) fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

pub(crate) fn digest(text: &str) -> Digest {
    Digest::of(text.as_bytes())
}

pub(crate) struct World {
    folder: PathBuf,
    store: Option<Writer>,
    pub(crate) signer: LogSigner,
    frontier: Frontier,
    pub(crate) events: Vec<Event>,
    pub(crate) checkpoints: Vec<SignedCheckpoint>,
}

impl World {
    pub(crate) fn new(folder: &Path, seed: [u8; 32]) -> Self {
        let lock = File::create(folder.join("ledger.lock")).unwrap();
        let holder = Holder { pid: 1, since: "now", what: "a test" };
        let ownership = Ownership::claim(lock, "ledger.lock", &holder).unwrap();
        Self {
            folder: folder.to_owned(),
            store: Some(Writer::open(&folder.join("ledger.db"), ownership).unwrap()),
            signer: LogSigner::of_environment("dev", NonZeroU32::MIN, &seed).unwrap(),
            frontier: Frontier::default(),
            events: Vec::new(),
            checkpoints: Vec::new(),
        }
    }

    pub(crate) fn head(&self) -> TreeHead {
        self.frontier.head()
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.join("ledger.db")
    }

    /// Lets go of the store, so that others can change it.
    pub(crate) fn close(&mut self) {
        self.store = None;
    }

    pub(crate) fn reader(&self) -> Reader {
        Reader::open(&self.path()).unwrap()
    }

    pub(crate) fn append(&mut self, drafts: Vec<(Draft, Option<RunChange>, Vec<Fact>)>) {
        let first = self.head().size.get();
        let (mut entries, mut subtrees, mut facts) = (Vec::new(), Vec::new(), Vec::new());
        for (draft, change, remembered) in drafts {
            let sequence = self.head().size.get();
            let stamp = Stamp {
                unix_us: 1_763_719_267_000_000 + sequence * 1_000_000,
                error_us: None,
                mono_us: sequence * 10,
            };
            let body = draft.body.map(|body| sealed(&body));
            let event = draft.at(sequence, name("dev"), stamp);
            let leaf = event.encode();
            let hash = LeafHash::of(&leaf);
            let run = event.run.as_ref().map(|run| RunLink {
                run: run.as_str().to_owned(),
                change: change.unwrap_or(RunChange::Stays),
            });
            self.frontier
                .append_with(hash, |node, hash| {
                    if node.level() > 0 && node.level() % 8 == 0 {
                        subtrees.push(Subtree { level: node.level() / 8, index: node.index(), hash });
                    }
                })
                .unwrap();
            entries.push(Entry { leaf, hash, run, body });
            facts.extend(remembered);
            self.events.push(event);
        }
        let (head, seal) = (self.head(), SEAL);
        let batch = Batch { first, entries, subtrees, head, seal, checkpoints: Vec::new(), facts };
        self.store.as_mut().unwrap().commit(&batch).unwrap();
    }

    pub(crate) fn start(&mut self) {
        let policy = Fact { name: "policy".to_owned(), value: digest("policy").as_bytes().to_vec() };
        let what = What::ConfigurationChanged { before: None, now: digest("policy") };
        self.append(vec![
            (Draft::service(What::ServiceStarted { version: name("0.1.0") }), None, Vec::new()),
            (Draft::service(what), None, vec![policy]),
        ]);
    }

    /// A whole run with one effect.
    pub(crate) fn run(&mut self, run: &str) {
        self.append(run_events(run));
    }

    /// The checkpoint over everything so far, kept in the store.
    pub(crate) fn checkpoint(&mut self, witnesses: &[(&WitnessSigner, u64)]) -> SignedCheckpoint {
        let signed = self.signer.sign(self.head());
        let mut note = signed.to_string();
        for (witness, time) in witnesses {
            note.push_str(&witness.cosign(&signed, UnixSeconds::new(*time).unwrap()).to_string());
        }
        let signed = SignedCheckpoint::open(note.as_bytes(), &self.signer.verifier()).unwrap();
        let head = self.head();
        let kept = Checkpoint { size: head.size.get(), note };
        let batch = Batch {
            first: head.size.get(),
            entries: Vec::new(),
            subtrees: Vec::new(),
            head,
            seal: SEAL,
            checkpoints: vec![kept],
            facts: Vec::new(),
        };
        self.store.as_mut().unwrap().commit(&batch).unwrap();
        self.checkpoints.push(signed.clone());
        signed
    }
}

/// A log with so many runs, a checkpoint after each tenth and at the end.
pub(crate) fn world(folder: &Path, runs: u64) -> World {
    let mut world = World::new(folder, [7; 32]);
    world.start();
    for run in 0..runs {
        if run % 10 == 0 {
            let _ = world.checkpoint(&[]);
        }
        world.run(&format!("run-{run}"));
    }
    let _ = world.checkpoint(&[]);
    world.close();
    world
}

/// Bytes that stand for a sealed body.
pub(crate) fn sealed(body: &Commitment) -> Vec<u8> {
    [&[1; 61], body.as_bytes().as_slice()].concat()
}

fn commitment(of: &str) -> Commitment {
    Commitment::from_bytes(*digest(of).as_bytes())
}

fn run_events(run: &str) -> Vec<(Draft, Option<RunChange>, Vec<Fact>)> {
    let of_run = |what, body| Draft {
        actor: Actor::Service,
        run: Some(name(run)),
        step: None,
        call: None,
        body: Option::map(body, |body: &str| commitment(&format!("{run} {body}"))),
        what,
    };
    let of_step = |what, body| Draft { step: Some(name("post-payment")), ..of_run(what, body) };
    let of_call = |call, what, body| Draft {
        actor: Actor::Step { name: name("post-payment") },
        call: Some(call),
        ..of_step(what, body)
    };
    let (object, policy) = (name("endpoint:erp"), digest("policy"));
    let stays = |draft| (draft, None, Vec::new());
    let start = What::RunStarted { object: name("approve"), definition: digest("definition"), policy };
    let intended = What::CallIntended {
        object: object.clone(),
        method: name("POST"),
        attempt: 1,
        idempotent: true,
        decision: Decision::Permitted,
        workflow_rule: Text::of("POST /v1/payments"),
        environment_rule: Text::of("POST /v1/*"),
        policy,
    };
    let answered = What::CallAnswered {
        object: object.clone(),
        attempt: 1,
        effect: Effect::Applied,
        status: Some(201),
        rule: None,
    };
    vec![
        (of_run(start, Some("input")), Some(RunChange::Opens), Vec::new()),
        stays(of_step(
            What::StepStarted { component: digest("c"), engine: digest("e"), limits: digest("l") },
            None,
        )),
        stays(of_call(0, What::CallRecorded { object, status: Some(200) }, Some("read"))),
        stays(of_call(1, intended, Some("intent"))),
        stays(of_call(1, answered, Some("answer"))),
        stays(of_step(What::LimitReached { limit: name("fuel") }, None)),
        stays(of_step(What::StepEnded { outcome: Outcome::Succeeded, fuel: 1234 }, Some("output"))),
        (
            of_run(What::RunEnded { outcome: Outcome::Succeeded }, Some("output of the run")),
            Some(RunChange::Closes),
            Vec::new(),
        ),
    ]
}
