//! The public security advisories of wasmtime, cranelift and wasmtime-wasi, replayed against this
//! crate's own engine. `docs/advisories.md` is the manual's table; `table.rs` holds it to these tests.
//!
//! A reproducer here is written from what an advisory says, in the shape that a step has. Each shows
//! the safe outcome: refused by name before anything compiles, or run to its right end.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test ends at the first surprise, and reads the sources beside it"
)]

mod cancelled;
mod compiler;
mod crossing;
mod linked;
mod pool;
mod refused;
#[path = "../support/mod.rs"]
mod support;
mod table;

use std::future::pending;
use std::sync::Arc;
use stepward_sandbox::{Engine, Inspected, Job, Outcome, Ready, Record};
use stepward_seam::{
    Body, Broker, BrokerFuture, CallSite, Grant, Grants, HostCall, HostReply, Interface, Label, Limits,
};
use stepward_trust::Pinned;

/// What every step declares before its own code.
const TYPES: &str = r#"
  (import "stepward:step/types@0.1.0" (instance $types
    (type $kind (enum "retryable" "permanent"))
    (export "error-kind" (type $error-kind (eq $kind)))
    (type $error (record (field "kind" $error-kind) (field "code" string) (field "message" string)))
    (export "step-error" (type (eq $error)))))
  (alias export $types "step-error" (type $step-error))
  (type $run (func (param "input" string) (result (result string (error $step-error)))))"#;

/// The result area at 16 says that the document is the four bytes at 32.
const NULL: &str = r#"
    (data (i32.const 16) "\00\00\00\00\20\00\00\00\04\00\00\00")
    (data (i32.const 32) "null")"#;

/// A memory of one page and an allocator that always answers 1024.
const MEMORY: &str = r#"
    (memory (export "memory") 1)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))"#;

/// Lifts `run` of the core instance `$guest`.
const RUN: &str = r#"
  (func $run (type $run)
    (canon lift (core func $guest "run") (memory $guest "memory") (realloc (func $guest "realloc"))))
  (export "run" (func $run))"#;

/// Tells on a broker that is asked although the step imports nothing.
struct NoCalls;

impl Broker for NoCalls {
    fn call<'a>(&'a self, _site: CallSite, call: HostCall) -> BrokerFuture<'a> {
        panic!("the step has no imports, and yet: {call:?}")
    }
}

/// Answers every request for random bytes with as many zeros.
struct Zeros;

impl Broker for Zeros {
    fn call<'a>(&'a self, _site: CallSite, call: HostCall) -> BrokerFuture<'a> {
        let HostCall::Random { count, .. } = call else { panic!("{call:?}") };
        Box::pin(async move { Ok(HostReply::Random(Body(vec![0; count as usize]))) })
    }
}

fn binary(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap_or_else(|error| panic!("{error}"))
}

/// A step without imports, made of one core module with this inside.
fn step(module: &str) -> Vec<u8> {
    binary(&format!(
        "(component {TYPES} (core module $m {module}) (core instance $guest (instantiate $m)) {RUN})"
    ))
}

/// A step whose module has the usual memory and result; `run` runs these instructions, then answers.
fn checks(functions: &str, body: &str) -> Vec<u8> {
    step(&format!(
        r#"{MEMORY} {NULL} {functions}
        (func $same (param i64 i64) (if (i64.ne (local.get 0) (local.get 1)) (then unreachable)))
        (func (export "run") (param i32 i32) (result i32) {body} (i32.const 16))"#
    ))
}

/// A step that imports random bytes under the label `dice`, as `$dice`.
fn with_dice(module: &str) -> Vec<u8> {
    binary(&format!(
        r#"(component {TYPES}
        (import "dice" (implements "stepward:step/random@0.1.0") (instance $dice
          (export "bytes" (func (param "count" u32) (result (list u8))))))
        (core module $shim (type $call (func (param i32 i32)))
          (table (export "late") 1 funcref)
          (func (export "bytes") (param i32 i32) (call_indirect (type $call) (local.get 0) (local.get 1) (i32.const 0))))
        (core module $m {module})
        (core module $ties (type $call (func (param i32 i32)))
          (import "" "late" (table 1 funcref)) (import "" "bytes" (func $bytes (type $call)))
          (elem (i32.const 0) func $bytes))
        (core instance $early (instantiate $shim))
        (core instance $guest (instantiate $m (with "dice" (instance $early))))
        (core func $bytes (canon lower (func $dice "bytes") (memory $guest "memory") (realloc (func $guest "realloc"))))
        (core instance (instantiate $ties (with "" (instance
          (export "late" (table $early "late")) (export "bytes" (func $bytes))))))
        {RUN})"#
    ))
}

fn ready(engine: &Engine, bytes: Vec<u8>) -> Ready {
    let mut grants = Grants::default();
    let inspected = Inspected::read(Pinned::trust_on_first_use(bytes), &Limits::default()).unwrap();
    for import in inspected.imports() {
        let grant = if import.interface == Interface::Secret.id() { Grant::Secret } else { Grant::Random };
        grants.add(Label::new(import.name()).unwrap(), grant).unwrap();
    }
    engine.compile(&inspected.admit(&grants).unwrap()).unwrap()
}

fn job(limits: Limits, broker: Arc<dyn Broker>) -> Job<'static> {
    Job {
        run: "run".into(),
        step: "step".into(),
        input: r#"{"a":"b"}"#,
        limits,
        broker,
        record: Record::Here,
    }
}

fn run_with(engine: &Engine, ready: &Ready, limits: Limits, broker: Arc<dyn Broker>) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(engine.run(ready, job(limits, broker), pending())).outcome
}

fn run(engine: &Engine, bytes: Vec<u8>) -> Outcome {
    run_with(engine, &ready(engine, bytes), Limits::default(), Arc::new(NoCalls))
}

#[track_caller]
fn succeeds(outcome: &Outcome) {
    assert!(matches!(outcome, Outcome::Succeeded(text) if text == "null"), "{outcome:?}");
}

/// The text of a run that trapped or broke the component ABI.
#[track_caller]
fn trapped(outcome: &Outcome) -> &str {
    match outcome {
        Outcome::Failed(error) if error.code == "trap" => &error.message,
        other => panic!("{other:?}"),
    }
}
