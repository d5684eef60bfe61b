//! An honest worker's work, done under the lockdown: the allow-list must not end what it is there for.
//!
//! The engine is wasmtime with the runtime's own settings. The guest does what guests do to a kernel:
//! it grows its memory, traps in each way that a processor can fault, and runs again and again in
//! memory that must be reset.

use std::pin::pin;
use std::process::ExitCode;
use std::task::{Context, Poll, Waker};
use stepward_worker::lockdown::{Kind, Lockdown, Required, probe::PROBE_CEILINGS};
use wasmtime::{Engine, Instance, Module, Store};

/// Guests at one time, as in a small runner.
const CONCURRENCY: u32 = 16;
/// Enough to use each slot of the pool more than once.
const RUNS: u32 = 64;
const FUEL: u64 = 100_000_000;

/// Each export ends another way. The data makes an image of the memory's first content.
const GUEST: &str = r#"(module
    (memory (export "memory") 2 1024)
    (table 16 funcref)
    (data (i32.const 65000) "first content over the border of two pages")
    (func $deeper (result i32) (i32.add (call $deeper) (i32.const 1)))
    (func (export "grow") (result i32)
        (drop (memory.grow (i32.const 30)))
        (memory.fill (i32.const 0) (i32.const 7) (i32.const 2000000))
        (i32.load (i32.const 1999000)))
    (func (export "much") (result i32) (memory.grow (i32.const 640)))
    (func (export "outside") (result i32) (i32.load (i32.const -8)))
    (func (export "unreachable") (result i32) unreachable)
    (func (export "divide") (result i32) (i32.div_s (i32.const 1) (i32.load (i32.const 0))))
    (func (export "deep") (result i32) (call $deeper)))"#;

/// Does the work of this kind. A failure that is no refusal of the kernel ends with its line in the
/// panic's text, which the worker's stderr swallows: run the program by hand to see it.
pub(crate) fn work(kind: Kind, parent: u32) -> ExitCode {
    let lockdown = Lockdown::enter(kind, parent);
    let engine = Engine::new(&stepward_sandbox::settings(CONCURRENCY)).expect("the engine starts");
    match kind {
        Kind::Compiler => {
            lockdown.lock(PROBE_CEILINGS, &Required::all()).expect("every promise holds");
            engine.precompile_module(&guest()).expect("the guest compiles");
        }
        Kind::Runner => {
            // A runner never compiles: what it loads came to it as bytes.
            let native = engine.precompile_module(&guest()).expect("the guest compiles");
            Engine::tls_eager_initialize();
            lockdown.lock(PROBE_CEILINGS, &Required::all()).expect("every promise holds");
            run(&engine, &native);
        }
    }
    ExitCode::SUCCESS
}

#[expect(unsafe_code, reason = "wasmtime cannot know that native code is its own")]
fn run(engine: &Engine, native: &[u8]) {
    // SAFETY: the bytes come from this process's own compiler, some lines above.
    let module = unsafe { Module::deserialize(engine, native) }.expect("the native code loads");
    for _ in 0..RUNS {
        assert_eq!(call(engine, &module, "grow"), Ok(0x0707_0707));
        for export in ["outside", "unreachable", "divide", "deep"] {
            call(engine, &module, export).expect_err(export);
        }
    }
}

/// Lets guests grow memories that the engine reserved before the lockdown, and keeps them. The limit
/// must refuse one of them, and the worker must live to say so.
pub(crate) fn grow_beyond(kind: Kind, parent: u32) -> ExitCode {
    let lockdown = Lockdown::enter(kind, parent);
    let engine = Engine::new(&stepward_sandbox::settings(CONCURRENCY)).expect("the engine starts");
    let module = Module::new(&engine, guest()).expect("the guest compiles");
    Engine::tls_eager_initialize();
    lockdown.lock(PROBE_CEILINGS, &Required::all()).expect("every promise holds");
    // 40 MiB each, of 128.
    let mut grown = Vec::new();
    for _ in 0..CONCURRENCY {
        let mut store = Store::new(&engine, ());
        store.set_fuel(FUEL).expect("fuel is on");
        match grow_one(&mut store, &module) {
            Ok(2) => grown.push(store),
            Ok(_) | Err(_) => break,
        }
    }
    ExitCode::from(u8::try_from(grown.len()).unwrap_or(u8::MAX))
}

fn grow_one(store: &mut Store<()>, module: &Module) -> wasmtime::Result<i32> {
    let instance = at_once(Instance::new_async(&mut *store, module, &[]))?;
    let function = instance.get_typed_func::<(), i32>(&mut *store, "much")?;
    at_once(function.call_async(&mut *store, ()))
}

/// The engine takes no text.
fn guest() -> Vec<u8> {
    wat::parse_str(GUEST).expect("the guest is well formed")
}

/// Runs an export of a fresh instance on a fiber, as the runtime does.
fn call(engine: &Engine, module: &Module, export: &str) -> Result<i32, String> {
    let mut store = Store::new(engine, ());
    store.set_fuel(FUEL).expect("fuel is on");
    let instance = at_once(Instance::new_async(&mut store, module, &[])).expect("the guest starts");
    let function = instance.get_typed_func::<(), i32>(&mut store, export).expect("the export is there");
    at_once(function.call_async(&mut store, ())).map_err(|error| error.to_string())
}

/// Nothing in this guest waits.
fn at_once<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("a guest without imports waits"),
    }
}
