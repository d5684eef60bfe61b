//! A machine that has less memory than the limits of a run allow: the run ends as the operator's to put
//! right, and never as something that the guest saw or did.
//!
//! The limit on data is the process's, so there is one test in this binary.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test ends at the first surprise, and asks the kernel what this process holds"
)]

mod support;

use rustix::process::{Resource, getrlimit, setrlimit};
use std::future::pending;
use std::sync::Arc;
use stepward_fault::{Class, Owner};
use stepward_sandbox::{Engine, Job, Outcome, Ready, Record};
use stepward_seam::{Broker, BrokerFuture, CallSite, HostCall, Limits};
use support::{NULL, admit, engine};

/// What the process may take beyond what it holds when the limit is set.
const SPARE_BYTES: u64 = 16 << 20;
/// More than that, and less than the default limit on memory.
const PAGES: u64 = 48 << 4;

struct NoCalls;

impl Broker for NoCalls {
    fn call<'a>(&'a self, _site: CallSite, call: HostCall) -> BrokerFuture<'a> {
        panic!("the step has no imports, and yet: {call:?}")
    }
}

/// The small component with a part replaced.
fn changed(engine: &Engine, from: &str, to: &str) -> Ready {
    assert!(NULL.contains(from));
    engine.compile(&admit(wat::parse_str(NULL.replace(from, to)).unwrap())).unwrap()
}

fn run(engine: &Engine, ready: &Ready) -> Outcome {
    let limits = Limits::default();
    let broker = Arc::new(NoCalls);
    let job =
        Job { run: "run".into(), step: "step".into(), input: "{}", limits, broker, record: Record::Here };
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(engine.run(ready, job, pending())).outcome
}

/// Bytes of private memory that this process can write to: what the limit on data counts.
fn held() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmData:")).unwrap();
    line.trim().strip_suffix(" kB").unwrap().parse::<u64>().unwrap() << 10
}

#[track_caller]
fn unavailable(outcome: &Outcome) {
    let Outcome::Refused(fault) = outcome else { panic!("{outcome:?}") };
    assert_eq!((fault.class(), fault.owner()), (Class::Unavailable, Owner::Operator), "{fault}");
    assert_eq!(fault.rule().as_str(), "engine-room", "{fault}");
}

#[test]
fn memory_that_the_machine_does_not_have_is_the_operators() {
    let engine = engine();
    // It would return the same whatever the growth answers.
    let grows = changed(
        &engine,
        "(result i32) (i32.const 16)",
        &format!("(result i32) (drop (memory.grow (i32.const {PAGES}))) (i32.const 16)"),
    );
    let starts = changed(&engine, r#"(export "memory") 1)"#, &format!(r#"(export "memory") {PAGES})"#));
    let usual = getrlimit(Resource::Data);
    let mut tight = usual;
    tight.current = Some(held() + SPARE_BYTES);
    setrlimit(Resource::Data, tight).unwrap();
    let (grown, started) = (run(&engine, &grows), run(&engine, &starts));
    setrlimit(Resource::Data, usual).unwrap();
    unavailable(&grown);
    unavailable(&started);
    for ready in [grows, starts] {
        let outcome = run(&engine, &ready);
        assert!(matches!(&outcome, Outcome::Succeeded(text) if text == "null"), "{outcome:?}");
    }
}
