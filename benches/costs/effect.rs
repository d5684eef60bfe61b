//! What the event log adds to an effect: one endpoint call whose intent is durable before the wire,
//! beside the sum of the same call without a log and one commit.

use crate::{endpoint, ledger, rounds};
use std::sync::Arc;
use std::time::Instant;
use stepward::broker::Unrecorded;
use stepward::journal::{Journal, RunStart};
use stepward::ledger::event::{Actor, Event, Name};
use stepward::ledger::log::{Attached, Clock, Log, Stamp};
use stepward::vault::{EnvironmentRoot, RunKeys};
use stepward::{
    Body, Broker, CallSite, Digest, EndpointGrant, Grant, Grants, HostCall, HostReply, HttpRequest, Label,
    Limits, Method, PathPattern, SecretBytes,
};

pub(crate) fn measure(runtime: &tokio::runtime::Runtime) {
    let (address, pem) = endpoint::serve();
    let (bare_folder, folder) = (ledger::folder(), ledger::folder());
    let bare = log(&bare_folder);
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
        }
    };
    let logged = |times: u32| {
        for _ in 0..times {
            next.1 += 1;
            runtime.block_on(post(&with, next.1));
        }
    };
    let effects = rounds::alternate(100, unlogged, logged);
    let commit = |times: u32| {
        for number in 0..times {
            runtime.block_on(async {
                let event = format!("{{\"event\":{number:0>340}}}").into_bytes();
                let ticket = bare.append(Attached::default(), |_, _| event).unwrap();
                let _durable = bare.durable(ticket).await.unwrap();
            });
        }
    };
    let commits = rounds::alternate(100, |_| {}, commit);
    let whole = rounds::Pair { floor: effects.floor + commits.ours, ours: effects.ours };
    println!(
        "| an effect without a log {:.1} µs, one commit {:.1} µs | | | | |",
        effects.floor.as_secs_f64() * 1e6,
        commits.ours.as_secs_f64() * 1e6
    );
    rounds::row("an effect whose intent is in the log; floor: the sum of these", &whole, 1.15);
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
    Log::open(store, clock(), &[], &|leaf| Event::decode(leaf).map(|event| event.sequence)).unwrap().0
}

fn journal(runtime: &tokio::runtime::Runtime, folder: &tempfile::TempDir) -> Journal {
    let root = EnvironmentRoot::derive(&SecretBytes::new((0..32).collect())).unwrap();
    let (keys, wrapping) = (folder.path().join("keys.db"), folder.path().join("wrapping.db"));
    let keys = RunKeys::open(&keys, &wrapping, &root).unwrap();
    let name = |text| Name::new(text).unwrap();
    let opened = Journal::open(log(folder), keys, clock(), name("bench"), Digest::of(b"policy"), name("0"));
    runtime.block_on(opened).unwrap().journal
}
