//! What is written of an effect when its run ends, its reply is too large, or its step is refused.

use super::{Act, Own, answer, events, name, open, owner, request, site, start};
use cap_std::{ambient_authority, fs::Dir};
use std::{
    future::{self, Future as _},
    path::Path,
    sync::Arc,
    task::Poll,
};
use stepward::{
    Body, Broker as _, Digest, Fault, Grants, HostCall, HostReply, HttpResponse, Label, Limits, Method,
    SecretBytes,
    journal::{Continued, Earlier, Journal, Known, Logged},
    ledger::{
        event::{Decision, Effect, Event, Outcome, What},
        runs::Standing,
    },
};
use stepward_broker::{
    Bindings, Completion, End, Entropy, Environment, Exchange, Granted, Intent, Journal as _, LiveBroker,
    Permitted, SecretSource, Services, StepIdentity, Unrecorded, WallClock,
    net::{Network, Resolve, ResolveError, Resolving},
};

const STEP: &str = "post";

async fn started(folder: &Path) -> (Journal, stepward::journal::RunLog) {
    let journal = open(folder).await.unwrap().journal;
    let run = journal.start(start("run-1")).await.unwrap();
    run.step_started(STEP, Digest::of(b"wasm"), Digest::of(b"engine"), &Limits::default()).unwrap();
    (journal, run)
}

fn erp() -> Label {
    Label::new("erp").unwrap()
}

fn permitted(endpoint: &Label, method: Method) -> Permitted<'_> {
    Permitted { endpoint, method, workflow_rule: "* /**", environment_rule: "* /**" }
}

#[tokio::test]
async fn nothing_begins_once_the_end_of_its_run_is_on_its_way_to_the_disk() {
    let folder = tempfile::tempdir().unwrap();
    let (journal, run) = started(folder.path()).await;
    let broker = Logged::new(journal.clone(), Own::answering([Box::new(|| Ok(answer(201))) as Act]));
    let mut end = Box::pin(run.end(Outcome::LimitExceeded, None));
    let durable = future::poll_fn(|context| Poll::Ready(end.as_mut().poll(context))).await;
    // A disk that is quick may have let the run go by now.
    let over = |fault: &Fault| ["run-over", "journal-run"].contains(&fault.rule().as_str());
    let call = request(Method::Post, Some("post-4711"));
    let stop = broker.call(site("run-1", 0), call.clone()).await.unwrap_err();
    assert!(over(&stop.0), "{}", stop.0);
    let (site, endpoint) = (site("run-1", 0), erp());
    let intent = Intent {
        site: &site,
        item: None,
        call: &call,
        request: permitted(&endpoint, Method::Post),
        operation: "post-4711",
        attempt: 1,
        idempotent: false,
    };
    let fault = journal.intend(&intent).await.unwrap_err();
    assert!(over(&fault), "{fault}");
    if durable.is_pending() {
        let _durable = end.await.unwrap();
    }
    assert_eq!(events(folder.path()).last().unwrap().what.action(), "run-ended");
    let history = journal.history("run-1").await.unwrap();
    assert_eq!(history.standing, Standing::Finished(Outcome::LimitExceeded));
}

#[tokio::test]
async fn that_an_effect_was_applied_is_written_also_where_its_reply_cannot_be_kept() {
    let folder = tempfile::tempdir().unwrap();
    let (journal, run) = started(folder.path()).await;
    let large = || HttpResponse { status: 201, headers: Vec::new(), body: Body(vec![1; 12 << 20]) };
    let own = Own::answering([Box::new(move || Ok(HostReply::Http(Ok(large())))) as Act]);
    let broker = Logged::new(journal.clone(), own);
    broker.call(site("run-1", 0), request(Method::Post, Some("post-4711"))).await.unwrap();
    // The run is whole, and goes on.
    run.step_started(STEP, Digest::of(b"wasm"), Digest::of(b"engine"), &Limits::default()).unwrap();
    drop((run, broker));
    let history = journal.history("run-1").await.unwrap();
    assert_eq!(history.standing, Standing::CanGoOn);
    let calls = &history.interrupted.as_ref().unwrap().calls;
    assert!(matches!(calls[0].known, Known::Withheld), "{calls:?}");
    let all = events(folder.path());
    let answered = all.iter().find(|event| event.what.action() == "call-answered").unwrap();
    let What::CallAnswered { effect: Effect::Applied, status: Some(201), rule: Some(rule), .. } =
        &answered.what
    else {
        panic!("{answered:?}")
    };
    assert_eq!((rule.as_str(), answered.body), ("body-size", None));
}

/// The refusals that the log has, each with its call and its rule.
fn refused(all: &[Event]) -> Vec<(Option<u64>, String)> {
    let refused = all.iter().filter_map(|event| match &event.what {
        What::GrantDecided { decision: Decision::Refused, rule, .. } => Some((event.call, rule.to_string())),
        _ => None,
    });
    refused.collect()
}

/// A read whose answer held a secret is a decision with its rule, and a step that goes on ends there as it
/// did then.
#[tokio::test]
async fn a_read_that_was_withheld_ends_the_step_again_where_it_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let (journal, run) = started(folder.path()).await;
    let (site, endpoint, secret) = (site("run-1", 0), erp(), Label::new("erp-token").unwrap());
    let call = request(Method::Get, None);
    let fault = Fault::new(stepward::Class::Refused, stepward::Owner::Operator, stepward_broker::SECRET_LEAK);
    let exchange = Exchange::Withheld(&secret);
    let end = End::Read { request: permitted(&endpoint, Method::Get), exchange };
    journal.completed(&Completion { site: &site, item: None, call: &call, end, reply: Err(&fault) });
    // The process dies before the end of the step is written.
    drop(run);
    let history = journal.history("run-1").await.unwrap();
    assert_eq!(refused(&events(folder.path())), [(Some(0), "secret-leak".to_owned())]);
    let earlier = history.interrupted.unwrap().calls;
    let stop = going_on(earlier).call(site, call).await.unwrap_err();
    assert_eq!((stop.0.class(), stop.0.rule().as_str()), (stepward::Class::Refused, "continue-withheld"));
}

/// What came of an effect without a reply decides what a step that goes on gets of it.
#[tokio::test]
async fn an_effect_without_a_reply_ends_the_step_only_where_it_was_applied() {
    use stepward_broker::Applied;
    for (applied, rule) in [
        (Applied::Yes, "continue-withheld"),
        // Both are tried again, as far as a broker without grants lets them.
        (Applied::No, "not-granted"),
        (Applied::Unknown, "not-granted"),
    ] {
        let call = HostCall::Now { clock: erp() };
        let (attempts, known) = (vec![applied], Known::Withheld);
        let earlier = Earlier { number: 0, call: call.clone(), attempts, known };
        let stop = going_on(vec![earlier]).call(site("run-1", 0), call).await.unwrap_err();
        assert_eq!(stop.0.rule().as_str(), rule, "{applied:?}");
    }
}

#[tokio::test]
async fn a_step_that_was_refused_says_by_which_rule() {
    let folder = tempfile::tempdir().unwrap();
    let (journal, run) = started(folder.path()).await;
    let fault =
        |rule| Fault::new(stepward::Class::Refused, stepward::Owner::Operator, stepward::Rule::new(rule));
    run.step_refused(STEP, &fault("secret-missing")).unwrap();
    run.step_refused(STEP, &fault("too-slow").limit("wall-time-ms")).unwrap();
    let _durable = run.end(Outcome::Refused, None).await.unwrap();
    let all = events(folder.path());
    assert_eq!(refused(&all), [(None, "secret-missing".to_owned())]);
    let limit = name("wall-time-ms");
    assert!(all.iter().any(|event| event.what == What::LimitReached { limit: limit.clone() }));
    assert!(journal.history("run-1").await.is_ok());
}

#[tokio::test]
async fn a_step_that_runs_for_an_item_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let (journal, run) = started(folder.path()).await;
    let grants: Grants = serde_json::from_str(r#"{"clock":{"time":{}}}"#).unwrap();
    let (label, grant) = grants.iter().next().unwrap();
    let step = StepIdentity { run: "run-1".into(), step: STEP.into(), item: Some("4711".into()) };
    let (environment, place) = (&Label::new("test").unwrap(), "environment.toml");
    journal.granted(&Granted { step: &step, label, grant, environment, place, binding: None });
    let fault = run.end(Outcome::Succeeded, None).await.unwrap_err();
    assert_eq!(fault.rule().as_str(), "journal-item");
    assert!(journal.go_on(&journal.history("run-1").await.unwrap(), owner()).await.is_ok());
}

/// A step that goes on with these calls, and was granted nothing.
fn going_on(earlier: Vec<Earlier>) -> Continued {
    let folder = Dir::open_ambient_dir(".", ambient_authority()).unwrap();
    let services = Services {
        network: Arc::new(Network::new(Arc::new(Nothing))),
        clock: Arc::new(Nothing),
        entropy: Arc::new(Nothing),
        environment_key: SecretBytes::new(vec![7; 32]),
        journal: Arc::new(Unrecorded),
        listeners: Vec::new(),
    };
    let environment = Environment::parse("name = \"test\"", "environment.toml").unwrap();
    let bindings = Bindings::open(environment, &folder, Arc::new(Nothing), services).unwrap();
    let identity = StepIdentity { run: "run-1".into(), step: STEP.into(), item: None };
    let live = LiveBroker::new(Arc::new(bindings), Grants::default(), identity).unwrap();
    Continued::new(Arc::new(live), earlier)
}

/// What nobody asks here.
struct Nothing;

impl Resolve for Nothing {
    fn resolve<'a>(&'a self, _: &'a str) -> Resolving<'a> {
        Box::pin(async { Err(ResolveError::NotFound) })
    }
}

impl WallClock for Nothing {
    fn now_ms(&self) -> u64 {
        0
    }
}

impl Entropy for Nothing {
    fn fill(&self, _: &mut [u8]) -> Result<(), Fault> {
        Ok(())
    }
}

impl SecretSource for Nothing {
    fn fetch(&self, name: &Label, _: &str) -> Result<SecretBytes, Fault> {
        panic!("no step is granted {name}")
    }
}
