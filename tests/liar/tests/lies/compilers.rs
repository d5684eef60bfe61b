//! Compilers that were taken over or die.

use crate::support::{SUPPORT, admit, admitted, alone, engine, rule, run};
use std::sync::Arc;
use stepward::worker::lockdown::Ceilings;
use stepward::{Admitted, CodeDir, CodeKey, Deadline, Engine, EngineOptions, LimitName, Limits, Prepared};

#[tokio::test(flavor = "multi_thread")]
async fn a_compiler_that_is_lost_refuses_its_component_and_no_other() {
    let _alone = alone().await;
    for (lie, said) in [
        ("compiler-dies", "exit status: 1"),
        ("compiler-says-more-than-it-may", "a frame of 4294967295 bytes"),
        ("compiler-runs", "a message that no compiler has"),
    ] {
        let engine = engine(lie, |_| {});
        let limits = Limits::default();
        let fault = engine
            .prepare(admitted(), None, &limits, Deadline::start(&limits))
            .await
            .expect_err("it is lost");
        assert_eq!(fault.rule().as_str(), "compile-process", "{fault}");
        assert!(fault.message().contains(said), "{fault}");
    }
}

/// Whatever a compiler gives, this process does not load it; the worker that does finds that it is
/// no code and says so.
#[tokio::test(flavor = "multi_thread")]
async fn code_that_is_none_ends_its_run_with_a_name() {
    let _alone = alone().await;
    let engine = engine("compiler-gives-garbage", |_| {});
    let limits = Limits::default();
    let step = engine.prepare(admitted(), None, &limits, Deadline::start(&limits)).await.unwrap();
    let outcome = run(&engine, &step, "[1]", Arc::default()).await;
    assert_eq!(rule(&outcome), Some("worker-load"), "{outcome:?}");
}

/// The clock is the parent's, and a compiler that is told to end ends: no thread of this process is
/// kept by it.
#[tokio::test(flavor = "multi_thread")]
async fn compiling_ends_at_its_limit() {
    let _alone = alone().await;
    let engine = engine("compiler-is-silent", |_| {});
    let mut limits = Limits::default();
    limits.set(LimitName::CompileTimeMs, 200).unwrap();
    let fault =
        engine.prepare(admitted(), None, &limits, Deadline::start(&limits)).await.expect_err("it is silent");
    assert_eq!(fault.limited(), Some("compile-time-ms"), "{fault}");
}

/// A component whose compiling takes tens of MiB.
fn large() -> Admitted {
    let body = "(local.set 0 (i32.add (i32.mul (local.get 0) (i32.const 3)) (i32.const 7)))".repeat(400);
    let functions = format!("(func (param i32) (result i32) {body} (local.get 0))").repeat(100);
    // Functions come behind imports.
    let run = "(func (export \"run\") (param $at i32)";
    let text = SUPPORT.replacen(run, &format!("{functions} {run}"), 1);
    admit(wat::parse_str(text).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_compiler_without_memory_ends_and_says_what_it_had() {
    let _alone = alone().await;
    let compile = async |memory_bytes: u64| {
        let engine = engine("honest", |options| {
            options.compiler = Ceilings { memory_bytes, cpu_seconds: 60 };
        });
        let limits = Limits::default();
        engine.prepare(large(), None, &limits, Deadline::start(&limits)).await
    };
    compile(1 << 30).await.expect("with memory it compiles");
    let fault = compile(4 << 20).await.expect_err("without it does not");
    assert_eq!(fault.rule().as_str(), "compile-process", "{fault}");
    assert!(fault.message().contains("SIGABRT") && fault.message().contains("4 MiB"), "{fault}");
}

/// What a compiler gave is kept for workers only: an engine that runs guests in this process does not
/// load it.
#[tokio::test(flavor = "multi_thread")]
async fn code_of_a_worker_is_never_loaded_here() {
    let _alone = alone().await;
    let folder = tempfile::tempdir().unwrap();
    let kept = || {
        let dir = cap_std::fs::Dir::open_ambient_dir(folder.path(), cap_std::ambient_authority()).unwrap();
        CodeDir::new(dir, CodeKey::new([7; 32]))
    };
    let limits = Limits::default();
    let prepared = async |engine: Engine| {
        let step = engine.prepare(admitted(), Some(&kept()), &limits, Deadline::start(&limits)).await;
        step.unwrap().prepared()
    };
    let garbage = || engine("compiler-gives-garbage", |_| {});
    assert_eq!(prepared(garbage()).await, Prepared::Compiled);
    assert_eq!(prepared(garbage()).await, Prepared::Loaded);
    let here = || Engine::new(EngineOptions { concurrency: 1 }).unwrap();
    assert_eq!(prepared(here()).await, Prepared::Compiled);
    assert_eq!(prepared(here()).await, Prepared::Loaded);
}
