//! What a long log costs: a start, with one run in doubt that is as old as the log, and a verification.

use crate::ledger::{aim, folder, root, writer};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};
use stepward::Digest;
use stepward::journal::{Journal, sealer};
use stepward::ledger::event::{Actor, Decision, Draft, Event, Name, Outcome, Text, What};
use stepward::ledger::log::{Attached, Clock, Log, Stamp, Ticket, Trusted};
use stepward::ledger::merkle::TreeHead;
use stepward::ledger::note::{LogSigner, VerifierKey};
use stepward::ledger::runs::Standing;
use stepward::ledger::store::sqlite::Reader;
use stepward::ledger::store::{RunChange, RunLink};
use stepward::ledger::verify::{self, Beside, Keys, Verdict};
use stepward::vault::RunKeys;

/// Events after the trusted head when a log is opened.
const TAIL: u64 = 1000;

/// Events of each finished run.
const RUN: u64 = 20;

/// Events that are appended before one is waited for.
const BULK: u64 = 8192;

/// A log of so many events: about 0.6 KB of disk each.
pub(crate) fn measure(events: u64) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let long = Long::make(&runtime, events);
    long.verify();
    long.start(&runtime);
}

struct Long {
    folder: tempfile::TempDir,
    signer: LogSigner,
    /// The head before the last events.
    trusted: TreeHead,
    events: u64,
}

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn clock() -> Arc<dyn Clock> {
    let start = Instant::now();
    Arc::new(move || {
        let mono_us = u64::try_from(start.elapsed().as_micros()).unwrap();
        Stamp { unix_us: 1_763_719_267_000_000 + mono_us, error_us: None, mono_us }
    })
}

fn append(log: &Log, run: &str, step: Option<&str>, what: What) -> Ticket {
    let change = match what {
        What::RunStarted { .. } => RunChange::Opens,
        What::RunEnded { .. } => RunChange::Closes,
        _ => RunChange::Stays,
    };
    let call = matches!(what, What::CallIntended { .. }).then_some(0);
    let (run_name, step) = (Some(name(run)), step.map(name));
    let draft = Draft { actor: Actor::Service, run: run_name, step, call, body: None, what };
    let attached = Attached { run: Some(RunLink { run: run.to_owned(), change }), ..Attached::default() };
    log.append(attached, |sequence, stamp| draft.at(sequence, name("bench"), *stamp).encode()).unwrap()
}

fn started() -> What {
    let digest = Digest::of(b"digest");
    What::RunStarted { object: name("bench"), definition: digest, policy: digest }
}

/// A run that waits for a person.
fn in_doubt(log: &Log) {
    let digest = Digest::of(b"digest");
    let _ = append(log, "old", None, started());
    let step = What::StepStarted { component: digest, engine: digest, limits: digest };
    let _ = append(log, "old", Some("pay"), step);
    let intent = What::CallIntended {
        object: name("endpoint:erp"),
        method: name("POST"),
        attempt: 1,
        idempotent: false,
        decision: Decision::Permitted,
        workflow_rule: Text::of("POST /payments"),
        environment_rule: Text::of("POST /payments"),
        policy: digest,
    };
    let _ = append(log, "old", Some("pay"), intent);
}

impl Long {
    fn make(runtime: &tokio::runtime::Runtime, events: u64) -> Self {
        let folder = folder();
        let signer =
            LogSigner::of_environment("bench", std::num::NonZeroU32::MIN, &root().log_signing_seed())
                .unwrap();
        let log = open(&folder, &[]);
        in_doubt(&log);
        let (mut trusted, mut newest) = (log.head(), String::new());
        for event in 3..events {
            let of = event / RUN;
            if event == 3 || event % RUN == 0 {
                newest = format!("run-{of}");
                let _ = append(&log, &newest, None, started());
            } else if event % RUN == RUN - 1 || event + 1 == events {
                let _ = append(&log, &newest, None, What::RunEnded { outcome: Outcome::Succeeded });
            } else {
                let _ = append(&log, &newest, Some("step"), What::LimitReached { limit: name("fuel") });
            }
            if event % BULK == 0 || event + TAIL == events {
                runtime.block_on(log.read(|_| Ok(()))).unwrap();
            }
            if event + TAIL == events {
                trusted = log.head();
            }
        }
        runtime.block_on(log.read(|_| Ok(()))).unwrap();
        runtime.block_on(log.checkpoint(|head| Ok(signer.sign(head).to_string()))).unwrap();
        runtime.block_on(log.close()).unwrap();
        let long = Self { folder, signer, trusted, events };
        for run in ["old", &newest] {
            long.keys().create(run, 0).unwrap();
        }
        long
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("ledger.db")
    }

    fn keys(&self) -> RunKeys {
        let folder = self.folder.path();
        RunKeys::open(&folder.join("keys.db"), &folder.join("wrapping.db"), &root()).unwrap()
    }

    fn verify(&self) {
        let reader = Reader::open(&self.path()).unwrap();
        let keys = Keys::new([VerifierKey::Log(self.signer.verifier())]);
        let start = Instant::now();
        assert_eq!(verify::tree(&reader, &keys).unwrap().verdict(), Verdict::Holds);
        let rate = self.events as f64 / start.elapsed().as_secs_f64();
        let what = format!("the tree verified on one core, log of {} events", self.events);
        aim(&what, &format!("{rate:.0} leaves/s"), "at least 1000000/s", rate >= 1e6);
        let start = Instant::now();
        let report = verify::store(&reader, &keys, &Beside::default()).unwrap();
        let rate = self.events as f64 / start.elapsed().as_secs_f64();
        println!(
            "| every event, run and index verified as well ({} findings), log of {} events | | {rate:.0} events/s | | |",
            report.findings().len(),
            self.events
        );
    }

    /// Opens and checks the log, and looks at every run that has not ended, as a start does.
    fn start(&self, runtime: &tokio::runtime::Runtime) {
        let trusted = Trusted { head: self.trusted, source: "the last checkpoint".to_owned() };
        let mut times: Vec<Duration> = (0..11)
            .map(|_| {
                let start = Instant::now();
                let log = open(&self.folder, std::slice::from_ref(&trusted));
                let (keys, policy) = (self.keys(), Digest::of(b"policy"));
                let opened = Journal::open(log, keys, clock(), name("bench"), policy, name("0"));
                let opened = runtime.block_on(opened).unwrap();
                let time = start.elapsed();
                let [old] = &opened.unfinished[..] else { panic!("{:?}", opened.unfinished) };
                assert!(matches!(old.standing, Ok(Standing::InDoubt(_))));
                runtime.block_on(opened.journal.log().close()).unwrap();
                time
            })
            .collect();
        times.sort_unstable();
        let millis = times[times.len() / 2].as_secs_f64() * 1e3;
        let what = format!(
            "a start, log of {} events, {TAIL} after the checkpoint, a run in doubt since the first",
            self.events
        );
        aim(&what, &format!("{millis:.1} ms"), "no matter how long", millis < 50.0);
    }
}

fn open(folder: &tempfile::TempDir, trusted: &[Trusted]) -> Log {
    let sequence = |leaf: &[u8]| Event::decode(leaf).map(|event| event.sequence);
    Log::open(Box::new(writer(folder.path())), clock(), trusted, &sequence, &sealer(&root())).unwrap().0
}
