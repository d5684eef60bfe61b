//! A full sealed step beside bare wasmtime: the same settings, guest and input, async on both sides.
//!
//! The floor makes a store, sets fuel, instantiates, calls and drops. Stepward adds the summing
//! limiter, the deadline, the turn, the check of the output and the trace.

use crate::guests::{self, Guests};
use crate::rounds;
use std::sync::Arc;
use stepward::{
    Broker, BrokerFuture, CallSite, Deadline, Engine, EngineOptions, Fault, HostCall, Job, Limits, Outcome,
    Stop,
};
use wasmtime::component::{Component, Linker};

pub(crate) struct NoCalls;

impl Broker for NoCalls {
    fn call<'a>(&'a self, _site: CallSite, _call: HostCall) -> BrokerFuture<'a> {
        let fault =
            Fault::new(stepward::Class::Internal, stepward::Owner::Embedder, stepward::Rule::new("no-calls"));
        Box::pin(async move { Err(Stop(fault)) })
    }
}

/// An order of 34 lines, as `benches/peers/work` makes it.
pub(crate) fn document() -> String {
    let lines: Vec<_> = (1..=34)
        .map(|n| serde_json::json!({"item": format!("part {n}"), "quantity": n, "price": 100 + 7 * n}))
        .collect();
    serde_json::json!({"id": "order-1", "currency": "EUR", "lines": lines}).to_string()
}

pub(crate) fn measure(runtime: &tokio::runtime::Runtime, guests: &Guests) {
    let input = document();
    let engine = Engine::new(EngineOptions { concurrency: 16 }).unwrap();
    let step = guests::prepare(runtime, &engine, &guests.price);
    let limits = Limits::default();
    let broker: Arc<dyn Broker> = Arc::new(NoCalls);
    let ours = |times: u32| {
        runtime.block_on(async {
            for _ in 0..times {
                let job = Job::new("run", "price", &input, limits.clone(), Arc::clone(&broker));
                let finished = engine.run(&step, job, Deadline::start(&limits)).await;
                assert!(matches!(finished.outcome, Outcome::Succeeded(_)), "{:?}", finished.outcome);
            }
        });
    };
    let bare = wasmtime::Engine::new(&stepward_sandbox::settings(16)).unwrap();
    let component = Component::from_binary(&bare, &guests.price).unwrap();
    let mut linker = Linker::<()>::new(&bare);
    linker.define_unknown_imports_as_traps(&component).unwrap();
    let instance = linker.instantiate_pre(&component).unwrap();
    let floor = |times: u32| {
        runtime.block_on(async {
            for _ in 0..times {
                let mut store = wasmtime::Store::new(&bare, ());
                store.set_fuel(2_000_000_000).unwrap();
                store.fuel_async_yield_interval(Some(500_000)).unwrap();
                let instance = instance.instantiate_async(&mut store).await.unwrap();
                let run = instance.get_func(&mut store, "run").unwrap();
                let mut answer = [wasmtime::component::Val::Bool(false)];
                let input = wasmtime::component::Val::String(input.clone());
                run.call_async(&mut store, &[input], &mut answer).await.unwrap();
                assert!(matches!(answer[0], wasmtime::component::Val::Result(Ok(_))));
            }
        });
    };
    rounds::row(
        "a full sealed step, an order of 34 lines in JSON",
        &rounds::alternate(300, floor, ours),
        1.25,
    );
}
