//! The two ways to compile and run a guest, and that they come to the same.

use crate::process::program_path;
use std::future::Future;
use std::num::NonZeroU32;
use std::sync::{Arc, OnceLock};
use stepward::worker::{Code, Group, Origin, SystemKeys, Workers};
use stepward::{Digest, Program, WorkerOptions};
use stepward_fault::Fault;
use stepward_sandbox::{Admitted, Engine, EngineOptions, Finished, Job, Ready};
use tokio::runtime::{Builder, Runtime};

/// Where guests are compiled and run. Neither way is told which tests it is for.
#[derive(Clone)]
pub(crate) enum Way {
    InProcess(Engine),
    /// Every guest in a process of its own, or all of them in one where there is a group.
    InWorkers(Workers, Option<Group>),
}

/// A component that one of the ways has compiled.
#[derive(Clone)]
pub(crate) enum Compiled {
    InProcess(Ready),
    InWorkers(Code),
}

/// Both ways, each with room for so many runs at one time. In workers all of them are in one.
pub(crate) fn both_for(concurrency: u32) -> [Way; 2] {
    let engine = Engine::new(EngineOptions { concurrency }).unwrap();
    let concurrency = NonZeroU32::new(concurrency).unwrap();
    let workers = workers_for(|options| {
        (options.concurrency, options.runs_at_once) = (concurrency, concurrency);
        options.workers_per_group = NonZeroU32::MIN;
    });
    [Way::InProcess(engine), Way::InWorkers(workers, Some(Group::of(Digest::of(b"all guests"))))]
}

fn workers_for(change: impl FnOnce(&mut WorkerOptions)) -> Workers {
    let program = Program::new(program_path(), ["worker"]);
    let mut options = WorkerOptions::new(program, Arc::new(SystemKeys));
    change(&mut options);
    Workers::new(options).unwrap()
}

/// One engine for all tests that do not look at the engine itself.
pub(crate) fn in_process() -> &'static Way {
    static WAY: OnceLock<Way> = OnceLock::new();
    WAY.get_or_init(|| Way::InProcess(Engine::new(EngineOptions { concurrency: 64 }).unwrap()))
}

/// As [`in_process`], with a few processes for the guests of all tests: each guest has one of its own,
/// and the next one's takes its place.
pub(crate) fn in_workers() -> &'static Way {
    static WAY: OnceLock<Way> = OnceLock::new();
    WAY.get_or_init(|| {
        let workers = workers_for(|options| options.workers = NonZeroU32::new(8).unwrap());
        Way::InWorkers(workers, None)
    })
}

/// The runtime of all pipes to workers, on the machine's own time: a worker knows no other.
fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap())
}

impl Way {
    pub(crate) fn compile(&self, admitted: &Admitted) -> Result<Compiled, Fault> {
        match self {
            Self::InProcess(engine) => Ok(Compiled::InProcess(engine.compile(admitted)?)),
            Self::InWorkers(workers, _) => {
                let native = self.block_on(workers.compile(admitted))?;
                // New code does not run beside other guests; code that was kept does.
                Ok(Compiled::InWorkers(workers.code(admitted.linkage(), native, Origin::Kept)))
            }
        }
    }

    /// Runs what this way has compiled.
    pub(crate) async fn run(
        &self,
        compiled: &Compiled,
        job: Job<'_>,
        deadline: impl Future<Output = ()>,
    ) -> Finished {
        match (self, compiled) {
            (Self::InProcess(engine), Compiled::InProcess(ready)) => engine.run(ready, job, deadline).await,
            (Self::InWorkers(workers, group), Compiled::InWorkers(code)) => {
                let group = group.unwrap_or(Group::of(code.linkage().component()));
                workers.run(code, group, job, deadline).await
            }
            (Self::InProcess(_), Compiled::InWorkers(_)) | (Self::InWorkers(..), Compiled::InProcess(_)) => {
                panic!("compiled in the other way")
            }
        }
    }

    /// Waits: in process on a runtime of its own with one thread, so that a guest that does not give
    /// way stops everything; for workers on the one that has their pipes.
    pub(crate) fn block_on<F: Future>(&self, future: F) -> F::Output {
        match self {
            Self::InProcess(_) => {
                Builder::new_current_thread().enable_time().build().unwrap().block_on(future)
            }
            Self::InWorkers(..) => runtime().block_on(future),
        }
    }
}

/// Asserts that two runs of one job are one story: how it ended, what it used, what it asked and was
/// answered. Nothing is left out: even the wall time is the same 0, since neither way has a clock.
#[track_caller]
pub(crate) fn same(one: &Finished, other: &Finished) {
    assert_eq!(format!("{:?}", one.outcome), format!("{:?}", other.outcome), "the two ways end differently");
    assert_eq!(one.usage, other.usage, "the two ways use differently");
    let told = |finished: &Finished| serde_json::to_string_pretty(&finished.calls).unwrap();
    assert_eq!(told(one), told(other), "the two ways ask or are answered differently");
}
