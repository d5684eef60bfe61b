//! Bare wasmtime as the floor: the settings of the product and nothing else of it.

#![allow(dead_code, reason = "what the guest sends is not read, and nothing is answered")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use wasmtime::component::{Component, ComponentType, InstancePre, Lift, Linker, Lower, Val};
use wasmtime::{Engine, Store};

#[derive(ComponentType, Lift, Clone, Copy)]
#[component(enum)]
#[repr(u8)]
enum Method {
    #[component(name = "get")]
    Get,
    #[component(name = "head")]
    Head,
    #[component(name = "options")]
    Options,
    #[component(name = "post")]
    Post,
    #[component(name = "put")]
    Put,
    #[component(name = "patch")]
    Patch,
    #[component(name = "delete")]
    Delete,
}

#[derive(ComponentType, Lift, Lower)]
#[component(record)]
struct Pair {
    name: String,
    value: String,
}

#[derive(ComponentType, Lift)]
#[component(record)]
struct Request {
    method: Method,
    path: Vec<String>,
    query: Vec<Pair>,
    headers: Vec<Pair>,
    body: Option<Vec<u8>>,
    operation: Option<String>,
}

#[derive(ComponentType, Lower)]
#[component(record)]
struct Response {
    status: u16,
    headers: Vec<Pair>,
    body: Vec<u8>,
}

#[derive(ComponentType, Lower)]
#[component(record)]
struct Refusal {
    rule: String,
    message: String,
}

#[derive(ComponentType, Lower, Clone, Copy)]
#[component(enum)]
#[repr(u8)]
enum Cause {
    #[component(name = "resolve")]
    Resolve,
    #[component(name = "connect")]
    Connect,
    #[component(name = "tls")]
    Tls,
    #[component(name = "timeout")]
    Timeout,
    #[component(name = "reset")]
    Reset,
    #[component(name = "malformed")]
    Malformed,
    #[component(name = "too-large")]
    TooLarge,
}

#[derive(ComponentType, Lower)]
#[component(variant)]
enum Failure {
    #[component(name = "refused")]
    Refused(Refusal),
    #[component(name = "not-applied")]
    NotApplied(Cause),
    #[component(name = "unknown")]
    Unknown(Cause),
}

/// An engine and the guest `wait`, whose one call is counted and never answered.
pub(crate) fn waiting(concurrency: u32, wait: &[u8], calls: Arc<AtomicUsize>) -> (Engine, InstancePre<()>) {
    let engine = Engine::new(&stepward_sandbox::settings(concurrency)).unwrap();
    let component = Component::from_binary(&engine, wait).unwrap();
    let mut linker = Linker::<()>::new(&engine);
    linker.define_unknown_imports_as_traps(&component).unwrap();
    linker.allow_shadowing(true);
    let mut service = linker.instance("service").unwrap();
    let send = service.func_wrap_async("send", move |_store, (request,): (Request,)| {
        calls.fetch_add(1, Ordering::Relaxed);
        Box::new(async move {
            let answer: Result<Response, Failure> = std::future::pending().await;
            drop(request);
            Ok((answer,))
        })
    });
    send.unwrap();
    (engine, linker.instantiate_pre(&component).unwrap())
}

/// One run: a store with fuel, an instance, a call.
pub(crate) async fn run(engine: &Engine, instance: &InstancePre<()>, input: &str) {
    let mut store = Store::new(engine, ());
    store.set_fuel(2_000_000_000).unwrap();
    store.fuel_async_yield_interval(Some(500_000)).unwrap();
    let instance = instance.instantiate_async(&mut store).await.unwrap();
    let run = instance.get_func(&mut store, "run").unwrap();
    let mut answer = [Val::Bool(false)];
    run.call_async(&mut store, &[Val::String(input.to_owned())], &mut answer).await.unwrap();
    assert!(matches!(answer[0], Val::Result(Ok(_))));
}
