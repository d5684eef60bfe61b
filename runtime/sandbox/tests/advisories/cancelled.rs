//! Runs that are dropped where they stand: the engine goes on as if they had never been.

use crate::support::engine;
use crate::{NULL, checks, job, ready, run_with, step, succeeds, with_dice};
use std::future::{Future, pending};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Waker};
use stepward_sandbox::{Engine, Ready};
use stepward_seam::{Broker, BrokerFuture, CallSite, HostCall, LimitName, Limits};

/// Never answers.
struct Silent;

impl Broker for Silent {
    fn call<'a>(&'a self, _site: CallSite, _call: HostCall) -> BrokerFuture<'a> {
        Box::pin(pending())
    }
}

fn much() -> Limits {
    let mut limits = Limits::default();
    limits.set(LimitName::Fuel, LimitName::Fuel.most()).unwrap();
    limits
}

/// Polls a run this often and drops it unfinished; then the same engine runs a good step.
fn dropped_after(engine: &Engine, guest: &Ready, polls: usize) {
    {
        let mut run = pin!(engine.run(guest, job(much(), Arc::new(Silent)), pending()));
        let mut context = Context::from_waker(Waker::noop());
        for _ in 0..polls {
            assert!(run.as_mut().poll(&mut context).is_pending(), "the guest must still be running");
        }
    }
    let good = ready(engine, checks("", ""));
    succeeds(&run_with(engine, &good, Limits::default(), Arc::new(Silent)));
}

/// GHSA-xjhv-v822-pf94 and GHSA-3r89-v5mq-j5xf: dropping the future of a call panicked, or left the
/// instance as if the call were still under way. One run at a time, so that its place is needed again.
#[test]
fn a_run_dropped_in_a_call_or_a_loop() {
    let engine = engine();
    let asks = ready(
        &engine,
        with_dice(&format!(
            r#"(import "dice" "bytes" (func $bytes (param i32 i32))) {} {NULL}
            (func (export "run") (param i32 i32) (result i32)
              (call $bytes (i32.const 8) (i32.const 64)) (i32.const 16))"#,
            crate::MEMORY
        )),
    );
    let spins = ready(&engine, checks("", "(loop $on (br $on))"));
    for polls in [1, 2, 5] {
        dropped_after(&engine, &asks, polls);
        dropped_after(&engine, &spins, polls);
    }
}

/// The same while the allocator runs for the input, and after the result was taken.
#[test]
fn a_run_dropped_in_the_abi() {
    let engine = engine();
    let allocating = step(&format!(
        r#"(memory (export "memory") 1) {NULL}
        (func (export "realloc") (param i32 i32 i32 i32) (result i32) (loop $on (br $on)) unreachable)
        (func (export "run") (param i32 i32) (result i32) (i32.const 16))"#
    ));
    for polls in [1, 3] {
        dropped_after(&engine, &ready(&engine, allocating.clone()), polls);
    }
}

/// GHSA-5hhx-4wrr-3j9g: giving way within a start function. That of a core module gives way when its
/// fuel is due; a component's own is refused.
#[test]
fn a_run_dropped_in_a_start_function() {
    let engine = engine();
    let starting = checks("(func $begin (loop $on (br $on))) (start $begin)", "");
    for polls in [1, 3] {
        dropped_after(&engine, &ready(&engine, starting.clone()), polls);
    }
}
