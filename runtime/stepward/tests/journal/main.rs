//! An embedder's runs in the event log, with a broker of her own and SQLite on disk.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(clippy::disallowed_methods, reason = "the test looks at the files that were left")]

mod clock;
mod commits;
mod ends;
mod struck;

use std::{
    fs::OpenOptions,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};
use stepward::{
    Body, Broker, BrokerFuture, CallSite, Cause, Digest, Fault, HostCall, HostReply, HttpFailure,
    HttpRequest, HttpResponse, Label, Limits, Method, SecretBytes, Stop,
    journal::{Erasure, Given, Journal, Known, Logged, Opened, Place, RunStart, sealer},
    ledger::{
        event::{Actor, Effect, Event, Name, Outcome, Recognised, Resolution, What},
        log::{Clock, Log, Stamp},
        runs::{self, Standing},
        store::{
            Records as _, Store,
            owner::{Holder, Ownership},
            sqlite::{Reader, Writer},
        },
    },
    vault::{Completion, EnvironmentRoot, RunKeys},
};

const INPUT: &str = "{\"amount\":\"782179.43\"}";

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn owner() -> Actor {
    Actor::Robot { name: name("order-desk"), by: Recognised::Embedder }
}

/// A clock that the test moves.
fn clock() -> Arc<dyn Clock> {
    let ticks = AtomicU64::new(0);
    Arc::new(move || {
        let now = ticks.fetch_add(1, Ordering::Relaxed);
        Stamp { unix_us: 1_763_719_267_000_000 + now, error_us: None, mono_us: now }
    })
}

/// Opens the journal in a folder as its owner.
async fn open(folder: &Path) -> Result<Opened, Fault> {
    open_by(folder, clock()).await
}

/// The keys of runs in a folder.
fn keys(folder: &Path) -> RunKeys {
    let root = EnvironmentRoot::derive(&SecretBytes::new((1..=32).collect())).unwrap();
    RunKeys::open(&folder.join("keys.db"), &folder.join("wrapping.db"), &root).unwrap()
}

/// Opens the journal by this clock.
async fn open_by(folder: &Path, clock: Arc<dyn Clock>) -> Result<Opened, Fault> {
    let mut lock = OpenOptions::new();
    let lock = lock.read(true).write(true).create(true).truncate(false);
    let lock = lock.open(folder.join("ledger.lock")).unwrap();
    let holder = Holder { pid: std::process::id(), since: "now", what: "a test" };
    let ownership = Ownership::claim(lock, "ledger.lock", &holder)?;
    open_over(Box::new(Writer::open(&folder.join("ledger.db"), ownership)?), folder, clock).await
}

/// The same over this store, with the keys in the folder.
async fn open_over(store: Box<dyn Store>, folder: &Path, clock: Arc<dyn Clock>) -> Result<Opened, Fault> {
    let sequence = |leaf: &[u8]| Event::decode(leaf).map(|event| event.sequence);
    let root = EnvironmentRoot::derive(&SecretBytes::new((1..=32).collect())).unwrap();
    let (log, _) = Log::open(store, Arc::clone(&clock), &[], &sequence, &sealer(&root))?;
    let keys = RunKeys::open(&folder.join("keys.db"), &folder.join("wrapping.db"), &root)?;
    let policy = Digest::of(b"policy");
    Journal::open(log, keys, clock, name("test"), policy, name("0.1.0")).await
}

fn start(run: &str) -> RunStart<'_> {
    RunStart { run, object: "pay", definition: Digest::of(b"pay"), input: INPUT, actor: owner() }
}

fn site(run: &str, call: u64) -> CallSite {
    CallSite { run: run.into(), step: "post".into(), sequence: call }
}

fn request(method: Method, operation: Option<&str>) -> HostCall {
    HostCall::Http {
        endpoint: Label::new("erp").unwrap(),
        request: HttpRequest {
            method,
            path: vec!["payments".to_owned()],
            query: Vec::new(),
            headers: Vec::new(),
            body: Some(Body(b"IBAN DE02 1203".to_vec())),
            operation: operation.map(str::to_owned),
        },
    }
}

fn answer(status: u16) -> HostReply {
    HostReply::Http(Ok(HttpResponse { status, headers: Vec::new(), body: Body(b"PAY-1".to_vec()) }))
}

/// What the embedder's broker does with one call.
type Act = Box<dyn FnOnce() -> Result<HostReply, Stop> + Send>;

/// An embedder's broker: answers as it is told, in order, and never ends a call that it has no answer for.
#[derive(Default)]
struct Own(Mutex<Vec<Act>>);

impl Own {
    fn answering(acts: impl IntoIterator<Item = Act>) -> Self {
        let mut acts = acts.into_iter().collect::<Vec<_>>();
        acts.reverse();
        Self(Mutex::new(acts))
    }
}

impl Broker for Own {
    fn call<'a>(&'a self, _: CallSite, _: HostCall) -> BrokerFuture<'a> {
        let act = self.0.lock().unwrap().pop();
        Box::pin(async move {
            match act {
                Some(act) => act(),
                None => std::future::pending().await,
            }
        })
    }
}

fn events(folder: &Path) -> Vec<Event> {
    let reader = Reader::open(&folder.join("ledger.db")).unwrap();
    let head = reader.head().unwrap();
    (0..head.size.get()).map(|sequence| runs::event(&reader, head, sequence).unwrap()).collect()
}

fn actions(folder: &Path) -> Vec<&'static str> {
    events(folder).iter().map(|event| event.what.action()).collect()
}

#[tokio::test]
async fn a_run_of_an_embedder_is_in_the_log_from_start_to_end() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(folder.path()).await.unwrap().journal;
    let run = journal.start(start("run-1")).await.unwrap();
    run.step_started("post", Digest::of(b"wasm"), Digest::of(b"engine"), &Limits::default()).unwrap();
    // What the log has on disk at the moment at which the embedder's broker is asked for the effect.
    let seen = Arc::new(Mutex::new(Vec::new()));
    let (watch, path) = (Arc::clone(&seen), folder.path().to_owned());
    let own = Own::answering([
        Box::new(|| Ok(answer(200))) as Act,
        Box::new(move || {
            *watch.lock().unwrap() = actions(&path);
            Ok(answer(201))
        }),
        Box::new(|| Ok(HostReply::Http(Err(HttpFailure::NotApplied(Cause::Connect))))),
    ]);
    let broker = Logged::new(journal.clone(), own);
    broker.call(site("run-1", 0), request(Method::Get, None)).await.unwrap();
    broker.call(site("run-1", 1), request(Method::Post, Some("post-4711"))).await.unwrap();
    broker.call(site("run-1", 2), request(Method::Post, Some("post-4711"))).await.unwrap();
    let _durable = run.end(Outcome::Succeeded, Some("{}")).await.unwrap();
    let _durable = journal.stop().await.unwrap();
    journal.log().close().await.unwrap();

    // The read before it, and the intent itself, were on disk.
    assert_eq!(seen.lock().unwrap().last(), Some(&"call-intended"));
    assert!(seen.lock().unwrap().contains(&"call-recorded"));
    let of_calls = events(folder.path()).into_iter().filter_map(|event| match event.what {
        What::CallIntended { attempt, .. } => Some(format!("intended {attempt}")),
        What::CallAnswered { attempt, effect, .. } => Some(format!("{effect} {attempt}")),
        What::CallRecorded { status, .. } => Some(format!("read {status:?}")),
        _ => None,
    });
    assert_eq!(
        of_calls.collect::<Vec<_>>(),
        ["read Some(200)", "intended 1", "applied 1", "intended 2", "not-applied 2"]
    );
    // Nothing of a body lies in the files of the log and of the keys.
    for file in ["ledger.db", "keys.db", "wrapping.db"] {
        let bytes = std::fs::read(folder.path().join(file)).unwrap();
        for body in [&b"782179.43"[..], b"IBAN DE02", b"PAY-1", b"payments", b"4711"] {
            assert!(!bytes.windows(body.len()).any(|window| window == body), "{file} holds {body:?}");
        }
    }
}

#[tokio::test]
async fn a_call_in_doubt_waits_for_the_operator_and_the_step_is_told_what_was_found() {
    let folder = tempfile::tempdir().unwrap();
    let opened = open(folder.path()).await.unwrap();
    let run = opened.journal.start(start("run-1")).await.unwrap();
    run.step_started("post", Digest::of(b"wasm"), Digest::of(b"engine"), &Limits::default()).unwrap();
    let broker = Logged::new(opened.journal.clone(), Own::default());
    // The intent is durable and the service never answers: the process dies here.
    let call = broker.call(site("run-1", 0), request(Method::Post, Some("post-4711")));
    tokio::select! {
        biased;
        _ = call => panic!("the service never answers"),
        () = until(folder.path(), "call-intended") => {}
    }
    drop((run, broker));
    opened.journal.log().close().await.unwrap();

    let Opened { journal, unfinished } = open(folder.path()).await.unwrap();
    assert_eq!(unfinished.len(), 1);
    assert!(matches!(unfinished[0].standing, Ok(Standing::InDoubt(_))), "{:?}", unfinished[0]);
    // A read comes after everything that waits for the disk.
    journal.log().read(|_| Ok(())).await.unwrap();
    assert!(actions(folder.path()).contains(&"service-recovered"));
    let history = journal.history("run-1").await.unwrap();
    assert_eq!(history.input, INPUT);
    let refused = journal.go_on(&history, owner()).await.unwrap_err();
    assert_eq!(refused.class().exit_code(), 6);
    assert!(refused.remedy().contains("runs resolve run-1 0 --as applied"), "{}", refused.remedy());

    let given = |effect| Given { effect, reason: "it is in the books", answer: None, actor: owner() };
    let elsewhere = journal.resolve(&history, Place::Call(7), given(Resolution::Applied)).await;
    assert_eq!(elsewhere.unwrap_err().rule().as_str(), "resolve-not-in-doubt");
    let _durable = journal.resolve(&history, Place::Call(0), given(Resolution::Applied)).await.unwrap();
    let history = journal.history("run-1").await.unwrap();
    assert_eq!(history.standing, Standing::CanGoOn);
    let calls = &history.interrupted.as_ref().unwrap().calls;
    let Known::Answered(HostReply::Http(Ok(answer))) = &calls[0].known else { panic!("{calls:?}") };
    assert_eq!(answer.status, 204);
    let run = journal.go_on(&history, owner()).await.unwrap();
    let _durable = run.end(Outcome::Succeeded, None).await.unwrap();
    assert!(matches!(
        journal.history("run-1").await.unwrap().standing,
        Standing::Finished(Outcome::Succeeded)
    ));
}

#[tokio::test]
async fn what_was_erased_opens_never_again_and_the_log_still_holds() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(folder.path()).await.unwrap().journal;
    let run = journal.start(start("run-1")).await.unwrap();
    assert!(journal.erase("run-1", owner()).await.is_err(), "a run that is under way");
    let _durable = run.end(Outcome::Succeeded, Some("{}")).await.unwrap();
    assert_eq!(journal.history("run-1").await.unwrap().input, INPUT);
    journal.erase("run-1", owner()).await.unwrap();
    let refused = journal.history("run-1").await.unwrap_err();
    assert_eq!(refused.rule().as_str(), "run-erased");
    journal.log().close().await.unwrap();
    // Every event is still there, and in the tree.
    assert_eq!(events(folder.path()).last().unwrap().what.action(), "body-erased");
    assert!(open(folder.path()).await.is_ok());
}

/// Killed after the key was dropped and before the log had it: the next start tells it, once.
#[tokio::test]
async fn an_erasure_that_was_interrupted_is_finished_at_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let journal = open(folder).await.unwrap().journal;
    let ended = journal.start(start("run-1")).await.unwrap();
    let _durable = ended.end(Outcome::Succeeded, Some("{}")).await.unwrap();
    drop(journal.start(start("run-2")).await.unwrap());
    drop(journal.start(start("run-3")).await.unwrap());
    journal.log().close().await.unwrap();
    drop(journal);
    let now = 1_763_719_268_000;
    for run in ["run-1", "run-2"] {
        keys(folder).erase(run, now).unwrap();
    }
    let erased = |folder: &Path| {
        let erased = |event: &Event| matches!(event.what, What::BodyErased { .. }).then(|| event.run.clone());
        events(folder).iter().filter_map(erased).flatten().map(|run| run.to_string()).collect::<Vec<_>>()
    };
    for _ in 0..2 {
        let Opened { journal, unfinished } = open(folder).await.unwrap();
        let unfinished = unfinished.iter().map(|run| run.name.clone()).collect::<Vec<_>>();
        assert_eq!(unfinished, ["run-3"], "what was erased does not wait for anybody");
        journal.log().close().await.unwrap();
        assert_eq!(erased(folder), ["run-1", "run-2"]);
    }
    let reader = Reader::open(&folder.join("ledger.db")).unwrap();
    let bodies = events(folder).into_iter().filter(|event| event.body.is_some());
    let left = bodies.filter(|event| reader.body(event.sequence).unwrap().is_some());
    let left = left.filter_map(|event| event.run).map(|run| run.to_string()).collect::<Vec<_>>();
    assert_eq!(left, ["run-3"], "the bodies of the others are gone");
}

/// A copy of the keys from before an erasure has the key: it is not what belongs to the log.
#[tokio::test]
async fn keys_from_before_an_erasure_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let journal = open(folder).await.unwrap().journal;
    for run in ["run-1", "run-2"] {
        let run = journal.start(start(run)).await.unwrap();
        let _durable = run.end(Outcome::Succeeded, Some("{}")).await.unwrap();
    }
    let first = journal.erase("run-1", owner()).await.unwrap();
    // Told once, however often it is asked for.
    assert_eq!(journal.erase("run-1", owner()).await.unwrap(), first);
    assert!(matches!(first, Erasure::Told(_)));
    std::fs::copy(folder.join("keys.db"), folder.join("copy")).unwrap();
    journal.erase("run-2", owner()).await.unwrap();
    journal.erase("run-1", owner()).await.unwrap();
    journal.log().close().await.unwrap();
    drop(journal);
    assert_eq!(actions(folder).iter().filter(|action| **action == "body-erased").count(), 2);
    std::fs::rename(folder.join("copy"), folder.join("keys.db")).unwrap();
    let before = events(folder).len();
    let refused = open(folder).await.unwrap_err();
    assert_eq!((refused.rule().as_str(), refused.class().exit_code()), ("keys-behind-log", 8));
    assert!(refused.message().contains("run-2 was erased"), "{refused}");
    assert_eq!(events(folder).len(), before, "nothing is written");
}

/// A key that a start left which was cut off belongs to no run of the log: nothing is told of it.
#[tokio::test]
async fn a_run_that_the_log_never_had_is_erased_without_a_word() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    drop(keys(folder).create("run-0", 1_763_719_260_000).unwrap());
    let journal = open(folder).await.unwrap().journal;
    assert!(matches!(journal.erase("run-0", owner()).await.unwrap(), Erasure::NeverBegun(_)));
    journal.log().close().await.unwrap();
    assert!(!actions(folder).contains(&"body-erased"));
    drop(journal);
    assert!(open(folder).await.is_ok());
}

/// An erasure is complete when the wrapping key of its week goes, and an embedder has that done.
#[tokio::test]
async fn a_week_later_a_rotation_completes_an_erasure() {
    const WEEK_US: u64 = 7 * 24 * 60 * 60 * 1_000_000;
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let weeks = Arc::new(AtomicU64::new(0));
    let clock = || {
        let weeks = Arc::clone(&weeks);
        let now = move || Stamp {
            unix_us: 1_763_719_267_000_000 + weeks.load(Ordering::Relaxed) * WEEK_US,
            error_us: None,
            mono_us: 0,
        };
        Arc::new(now) as Arc<dyn Clock>
    };
    let journal = open_by(folder, clock()).await.unwrap().journal;
    for run in ["run-1", "run-2"] {
        let run = journal.start(start(run)).await.unwrap();
        let _durable = run.end(Outcome::Succeeded, Some("{}")).await.unwrap();
    }
    let due = journal.erase("run-1", owner()).await.unwrap().key();
    assert!(matches!(due.completion, Completion::Due { .. }));
    assert!(journal.rotate().await.unwrap().destroyed.is_empty());
    weeks.store(1, Ordering::Relaxed);
    // What cannot be told does not happen.
    journal.log().close().await.unwrap();
    assert_eq!(journal.rotate().await.unwrap_err().rule().as_str(), "log-closed");
    drop(journal);
    let journal = open_by(folder, clock()).await.unwrap().journal;
    assert_eq!(journal.rotate().await.unwrap().destroyed, [1]);
    let done = journal.erase("run-1", owner()).await.unwrap().key();
    assert!(matches!(done.completion, Completion::Done { at_ms } if at_ms >= due.complete_at_ms()));
    // The run beside it is under the key of the new week.
    assert_eq!(journal.history("run-2").await.unwrap().input, INPUT);
    journal.log().close().await.unwrap();
    let rotated = What::OperatorActed { act: stepward::ledger::event::Act::KeysRotated };
    assert_eq!(events(folder).last().unwrap().what, rotated);
}

#[tokio::test]
async fn an_unknown_end_of_the_embedders_broker_is_unknown_in_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(folder.path()).await.unwrap().journal;
    let run = journal.start(start("run-1")).await.unwrap();
    run.step_started("post", Digest::of(b"wasm"), Digest::of(b"engine"), &Limits::default()).unwrap();
    let fault = Fault::new(stepward::Class::Internal, stepward::Owner::Embedder, stepward::Rule::new("lost"));
    let own = Own::answering([Box::new(move || Err(Stop(fault.hint("look")))) as Act]);
    let broker = Logged::new(journal.clone(), own).acts_once(Label::new("erp").unwrap());
    assert!(broker.call(site("run-1", 0), request(Method::Put, Some("put-1"))).await.is_err());
    let _durable = run.end(Outcome::Refused, None).await.unwrap();
    let all = events(folder.path());
    assert!(all.iter().any(|event| matches!(event.what, What::CallIntended { idempotent: true, .. })));
    let unknown = |event: &Event| match &event.what {
        What::CallAnswered { effect: Effect::Unknown, rule: Some(rule), .. } => rule.as_str() == "lost",
        _ => false,
    };
    assert!(all.iter().any(unknown));
}

#[tokio::test]
async fn a_second_owner_is_told_who_the_first_is() {
    let folder = tempfile::tempdir().unwrap();
    let first = open(folder.path()).await.unwrap();
    let refused = open(folder.path()).await.unwrap_err();
    assert_eq!(refused.rule().as_str(), "log-owned");
    let pid = std::process::id().to_string();
    assert!(refused.message().contains(&pid) && refused.message().contains("a test"), "{refused}");
    first.journal.log().close().await.unwrap();
    drop(first);
    assert!(open(folder.path()).await.is_ok());
}

#[tokio::test]
async fn keys_that_are_older_than_the_log_are_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(folder.path()).await.unwrap().journal;
    let _durable = journal.start(start("run-1")).await.unwrap().end(Outcome::Succeeded, None).await.unwrap();
    journal.log().close().await.unwrap();
    drop(journal);
    for file in ["keys.db", "wrapping.db"] {
        std::fs::copy(folder.path().join(file), folder.path().join(format!("{file}.old"))).unwrap();
    }
    let journal = open(folder.path()).await.unwrap().journal;
    let _durable = journal.start(start("run-2")).await.unwrap().end(Outcome::Succeeded, None).await.unwrap();
    journal.log().close().await.unwrap();
    drop(journal);
    for file in ["keys.db", "wrapping.db"] {
        std::fs::copy(folder.path().join(format!("{file}.old")), folder.path().join(file)).unwrap();
    }
    let refused = open(folder.path()).await.unwrap_err();
    assert_eq!(refused.rule().as_str(), "keys-behind-log");
}

#[tokio::test]
async fn a_name_is_used_once() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(folder.path()).await.unwrap().journal;
    let _durable = journal.start(start("run-1")).await.unwrap().end(Outcome::Succeeded, None).await.unwrap();
    assert!(journal.start(start("run-1")).await.is_err());
    for odd in ["", "run 1", "run\n1", "r\u{202e}"] {
        assert!(journal.start(start(odd)).await.is_err(), "{odd:?}");
    }
}

/// Waits until the log has an event on disk. Bounded by the test's own patience alone: the event is
/// written by a task of this test.
async fn until(folder: &Path, action: &str) {
    while !actions(folder).contains(&action) {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn one_history_is_gone_on_with_once() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(folder.path()).await.unwrap().journal;
    let run = journal.start(start("run-1")).await.unwrap();
    run.step_started("post", Digest::of(b"wasm"), Digest::of(b"engine"), &Limits::default()).unwrap();
    drop(run);
    let history = journal.history("run-1").await.unwrap();
    let first = journal.go_on(&history, owner()).await.unwrap();
    // While it is under way, and when it has moved on.
    assert_eq!(journal.go_on(&history, owner()).await.unwrap_err().rule().as_str(), "run-under-way");
    let _durable = first.end(Outcome::Succeeded, None).await.unwrap();
    assert_eq!(journal.go_on(&history, owner()).await.unwrap_err().rule().as_str(), "run-moved-on");
}

#[tokio::test]
async fn one_doubt_is_decided_once() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(folder.path()).await.unwrap().journal;
    let run = journal.start(start("run-1")).await.unwrap();
    run.step_started("post", Digest::of(b"wasm"), Digest::of(b"engine"), &Limits::default()).unwrap();
    let broker = Logged::new(journal.clone(), Own::default());
    let call = broker.call(site("run-1", 0), request(Method::Post, Some("post-4711")));
    tokio::select! {
        biased;
        _ = call => panic!("the service never answers"),
        () = until(folder.path(), "call-intended") => {}
    }
    drop((run, broker));
    let history = journal.history("run-1").await.unwrap();
    let given = |effect| Given { effect, reason: "looked", answer: None, actor: owner() };
    let _durable = journal.resolve(&history, Place::Call(0), given(Resolution::Applied)).await.unwrap();
    let other = journal.resolve(&history, Place::Call(0), given(Resolution::NotApplied)).await.unwrap_err();
    assert_eq!(other.rule().as_str(), "run-moved-on");
}
