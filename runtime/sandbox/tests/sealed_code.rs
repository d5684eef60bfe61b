//! Compiled code that was kept: loaded only as it was written, for the component, engine and key
//! that it was written for.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test ends at the first surprise"
)]

mod support;

use std::future::pending;
use std::sync::Arc;
use stepward_sandbox::{
    CodeKey, CodeRefusal, Compiler, Engine, EngineOptions, Job, Opened, Outcome, settings,
};
use stepward_seam::{Broker, BrokerFuture, CallSite, HostCall, Limits};
use stepward_trust::Digest;
use support::{NULL, admit, engine, null};
use wasmtime::{Config, ModuleVersionStrategy};

fn key() -> CodeKey {
    CodeKey::new([7; 32])
}

struct NoCalls;

impl Broker for NoCalls {
    fn call<'a>(&'a self, _site: CallSite, call: HostCall) -> BrokerFuture<'a> {
        panic!("the step has no imports, and yet: {call:?}")
    }
}

#[track_caller]
fn stale(opened: &Opened) -> CodeRefusal {
    match opened {
        Opened::Stale(refusal) => *refusal,
        Opened::Loaded(_) => panic!("changed code was loaded"),
    }
}

#[test]
fn what_was_sealed_loads_and_runs() {
    let engine = engine();
    let admitted = admit(null());
    let sealed = engine.seal(&engine.compile(&admitted).unwrap(), &key()).unwrap();
    let Opened::Loaded(ready) = engine.open(&admitted, &sealed, &key()).unwrap() else { panic!("stale") };
    assert_eq!(ready.digest(), admitted.digest());
    let job = Job {
        run: "run".into(),
        step: "step".into(),
        input: "{}",
        limits: Limits::default(),
        broker: Arc::new(NoCalls),
        record: stepward_sandbox::Record::Here,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let finished = runtime.block_on(engine.run(&ready, job, pending()));
    assert!(
        matches!(&finished.outcome, Outcome::Succeeded(text) if text == "null"),
        "{:?}",
        finished.outcome
    );
    // Sealing what was loaded gives the same bytes again.
    assert_eq!(engine.seal(&ready, &key()).unwrap(), sealed);
}

#[test]
fn a_flipped_byte_anywhere_is_stale() {
    let engine = engine();
    let admitted = admit(null());
    let mut sealed = engine.seal(&engine.compile(&admitted).unwrap(), &key()).unwrap();
    // All of the head, and a sample of the code.
    let places = (0..128).chain((128..sealed.len()).step_by(101));
    for at in places {
        sealed[at] ^= 0x10;
        let refusal = stale(&engine.open(&admitted, &sealed, &key()).unwrap());
        assert_eq!(refusal, if at < 18 { CodeRefusal::Format } else { CodeRefusal::Tag }, "at {at}");
        sealed[at] ^= 0x10;
    }
    assert!(matches!(engine.open(&admitted, &sealed, &key()).unwrap(), Opened::Loaded(_)));
}

#[test]
fn cut_or_lengthened_code_is_stale() {
    let engine = engine();
    let admitted = admit(null());
    let sealed = engine.seal(&engine.compile(&admitted).unwrap(), &key()).unwrap();
    for end in (0..64).chain([sealed.len() / 2, sealed.len() - 1]) {
        let refusal = stale(&engine.open(&admitted, &sealed[..end], &key()).unwrap());
        assert_eq!(refusal, if end < 50 { CodeRefusal::Format } else { CodeRefusal::Tag }, "cut at {end}");
    }
    let longer = [sealed.as_slice(), &[0]].concat();
    assert_eq!(stale(&engine.open(&admitted, &longer, &key()).unwrap()), CodeRefusal::Tag);
    assert_eq!(stale(&engine.open(&admitted, b"", &key()).unwrap()), CodeRefusal::Format);
}

#[test]
fn code_of_another_component_key_or_format_is_stale() {
    let engine = engine();
    let admitted = admit(null());
    let sealed = engine.seal(&engine.compile(&admitted).unwrap(), &key()).unwrap();

    let other = admit(wat::parse_str(NULL.replace("null", "true")).unwrap());
    assert_ne!(other.digest(), admitted.digest());
    assert_eq!(stale(&engine.open(&other, &sealed, &key()).unwrap()), CodeRefusal::Tag);

    let guessed = CodeKey::new([8; 32]);
    assert_eq!(stale(&engine.open(&admitted, &sealed, &guessed).unwrap()), CodeRefusal::Tag);

    // wasmtime's own format, which carries no tag.
    assert_eq!(stale(&engine.open(&admitted, &sealed[50..], &key()).unwrap()), CodeRefusal::Format);
    // A tag that covers the same bytes under another key, put in front of them.
    let forged = engine.seal(&engine.compile(&admitted).unwrap(), &guessed).unwrap();
    assert_eq!(stale(&engine.open(&admitted, &forged, &key()).unwrap()), CodeRefusal::Tag);
}

/// Code of another engine is stale under the same key and for the same component, by two checks: the tag
/// is bound to the engine's fingerprint, and wasmtime looks at its own version and at those settings
/// without which code would not fit. It takes code without canonical NaNs: there the tag stands alone.
#[test]
fn code_of_another_engine_is_stale() {
    let engine = engine();
    let admitted = admit(null());
    let native = Compiler::new().unwrap().compile(admitted.bytes()).unwrap();
    let elsewhere = Digest::of(b"another version, setting or cost table");
    let sealed = key().seal(admitted.digest(), elsewhere, &native);
    assert_eq!(stale(&engine.open(&admitted, &sealed, &key()).unwrap()), CodeRefusal::Tag);
    let sealed = key().seal(admitted.digest(), engine.fingerprint(), &native);
    assert!(matches!(engine.open(&admitted, &sealed, &key()).unwrap(), Opened::Loaded(_)));

    let changes: [fn(&mut Config); 4] = [
        |config| _ = config.consume_fuel(false),
        |config| _ = config.memory_guard_size(0),
        |config| _ = config.wasm_relaxed_simd(true),
        |config| _ = config.module_version(ModuleVersionStrategy::Custom("47.0.0".to_owned())).unwrap(),
    ];
    for (number, change) in changes.into_iter().enumerate() {
        let mut config = settings(1);
        change(&mut config);
        let other = wasmtime::Engine::new(&config).unwrap().precompile_component(admitted.bytes()).unwrap();
        // As if the fingerprint had not told the two apart.
        let sealed = key().seal(admitted.digest(), engine.fingerprint(), &other);
        let refusal = stale(&engine.open(&admitted, &sealed, &key()).unwrap());
        assert_eq!(refusal, CodeRefusal::Engine, "change {number}");
    }
}

/// Engines of the same settings share code, in one process or another; the number of runs at one
/// time is no part of the settings that matter.
#[test]
fn engines_of_the_same_settings_share_code() {
    let one = engine();
    let admitted = admit(null());
    let sealed = one.seal(&one.compile(&admitted).unwrap(), &key()).unwrap();
    let two = Engine::new(EngineOptions { concurrency: 5 }).unwrap();
    assert_eq!(one.fingerprint(), two.fingerprint());
    assert!(matches!(two.open(&admitted, &sealed, &key()).unwrap(), Opened::Loaded(_)));
}

/// Neither the key nor what it protects is told by `Debug`.
#[test]
fn the_key_is_not_shown() {
    assert_eq!(format!("{:?}", key()), "CodeKey(…)");
}
