//! What the event log adds to an effect: one endpoint call whose intent is durable before the wire,
//! beside the same call without a log and one commit of a row by one thread, by turns.

use crate::{endpoint, ledger, rounds};
use std::sync::Arc;
use std::time::Instant;
use stepward::broker::Unrecorded;
use stepward::journal::{Journal, RunStart, sealer};
use stepward::ledger::event::{Actor, Event, Name};
use stepward::ledger::log::{Clock, Log, Stamp};
use stepward::vault::RunKeys;
use stepward::{
    Body, Broker, CallSite, Digest, EndpointGrant, Grant, Grants, HostCall, HostReply, HttpRequest, Label,
    Limits, Method, PathPattern,
};

pub(crate) fn measure(runtime: &tokio::runtime::Runtime) {
    let (address, pem) = endpoint::serve();
    let (folder, rows) = (ledger::folder(), ledger::Floor::new());
    let journal = journal(runtime, &folder);
    let run = runtime.block_on(journal.start(RunStart {
        run: "run",
        object: "bench",
        definition: Digest::of(b"bench"),
        input: "null",
        actor: Actor::Service,
    }));
    let run = run.unwrap();
    run.step_started("step", Digest::of(b"wasm"), Digest::of(b"engine"), &Limits::default()).unwrap();
    let without = endpoint::live_broker(runtime, address, &pem, Arc::new(Unrecorded), &grants());
    let with = endpoint::live_broker(runtime, address, &pem, Arc::new(journal.clone()), &grants());
    let mut next = (0_u64, 0_u64);
    let unlogged = |times: u32| {
        for _ in 0..times {
            next.0 += 1;
            runtime.block_on(post(&without, next.0));
            rows.write(1, 1);
        }
    };
    let logged = |times: u32| {
        for _ in 0..times {
            next.1 += 1;
            runtime.block_on(post(&with, next.1));
        }
    };
    let effects = rounds::alternate(300, unlogged, logged);
    rounds::row("an effect whose intent is in the log; floor: one without, and one commit", &effects, 1.25);
    drop(run);
    runtime.block_on(journal.log().close()).unwrap();
}

async fn post(broker: &impl Broker, number: u64) {
    let call = HostCall::Http {
        endpoint: Label::new("service").unwrap(),
        request: HttpRequest {
            method: Method::Post,
            path: vec!["items".to_owned(), "7".to_owned()],
            query: vec![],
            headers: vec![],
            body: Some(Body(vec![b'x'; 200])),
            operation: Some(format!("post-{number}")),
        },
    };
    let site = CallSite { run: "run".into(), step: "step".into(), sequence: number };
    let reply = broker.call(site, call).await.unwrap();
    assert!(matches!(reply, HostReply::Http(Ok(answer)) if answer.body.len() == 29));
}

fn grants() -> Grants {
    let mut grants = Grants::default();
    let paths = vec![PathPattern::new("/items/*").unwrap()];
    let grant = EndpointGrant { methods: vec![Method::Post], paths };
    grants.add(Label::new("service").unwrap(), Grant::Endpoint(grant)).unwrap();
    grants
}

fn clock() -> Arc<dyn Clock> {
    let start = Instant::now();
    Arc::new(move || {
        let mono_us = u64::try_from(start.elapsed().as_micros()).unwrap();
        Stamp { unix_us: mono_us, error_us: None, mono_us }
    })
}

fn log(folder: &tempfile::TempDir) -> Log {
    let store = Box::new(ledger::writer(folder.path()));
    let sequence = |leaf: &[u8]| Event::decode(leaf).map(|event| event.sequence);
    Log::open(store, clock(), &[], &sequence, &sealer(&ledger::root())).unwrap().0
}

fn journal(runtime: &tokio::runtime::Runtime, folder: &tempfile::TempDir) -> Journal {
    let root = ledger::root();
    let (keys, wrapping) = (folder.path().join("keys.db"), folder.path().join("wrapping.db"));
    let keys = RunKeys::open(&keys, &wrapping, &root).unwrap();
    let name = |text| Name::new(text).unwrap();
    let opened = Journal::open(log(folder), keys, clock(), name("bench"), Digest::of(b"policy"), name("0"));
    runtime.block_on(opened).unwrap().journal
}
