//! Preparing and running steps, with time.

use crate::code_dir::CodeDir;
use crate::trace::{End, Trace};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use stepward_fault::{Class, Fault, Owner, Rule};
use stepward_sandbox::{Admitted, CodeRefusal, EngineOptions, Opened, Outcome, Ready, Record};
use stepward_seam::{Broker, LimitName, Limits, Usage};
use stepward_trust::Digest;
use stepward_worker::{Code, Group, Origin, WorkerOptions, Workers};
use tokio::sync::Semaphore;
use tokio::time::Instant;

/// Compiling took longer than `compile-time-ms`, or than the run's wall time.
const COMPILE_TIME: Rule = Rule::new("compile-time");
/// A step was given to an engine that did not make it.
const OTHER_ENGINE: Rule = Rule::new("engine-other");
/// The thread that compiled ended without an answer.
const COMPILE_THREAD: Rule = Rule::new("compile-thread");

/// Components that compile at one time. A compile cannot be interrupted, only outwaited, so this is
/// also the most cores that components which compile too slowly can hold.
const COMPILERS: usize = 2;

/// When a run must have ended: its wall time covers queueing, compiling, instantiating and running.
#[derive(Clone, Copy, Debug)]
pub struct Deadline {
    started: Instant,
    at: Instant,
}

impl Deadline {
    /// Starts the wall time of a run now, by the clock of the tokio runtime.
    ///
    /// # Panics
    /// Outside a tokio runtime whose time is enabled, when it is first waited for.
    pub fn start(limits: &Limits) -> Self {
        let started = Instant::now();
        Self { started, at: started + Duration::from_millis(limits.get(LimitName::WallTimeMs)) }
    }
}

/// Prepares and runs steps, in this process or in worker processes. Cloning is cheap; clones share
/// one pool.
#[derive(Clone, Debug)]
pub struct Engine {
    place: Place,
    compilers: Arc<Semaphore>,
}

/// Where guests are compiled and run.
#[derive(Clone, Debug)]
enum Place {
    Here(stepward_sandbox::Engine),
    Workers(Workers),
}

/// A step that is ready to run, any number of times and at once.
#[derive(Clone, Debug)]
pub struct Step {
    made: Made,
    prepared: Prepared,
}

/// What a step runs from, for the place that made it.
#[derive(Clone, Debug)]
enum Made {
    Here(Ready),
    Workers(Code, Group),
}

/// How a step became ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prepared {
    /// It was compiled.
    Compiled,
    /// Kept code was checked and loaded.
    Loaded,
    /// Kept code was there but not used, and the step was compiled again.
    Recompiled(CodeRefusal),
}

impl Step {
    /// The digest of the component that was compiled.
    pub fn digest(&self) -> Digest {
        match &self.made {
            Made::Here(ready) => ready.digest(),
            Made::Workers(code, _) => code.linkage().component(),
        }
    }

    /// The same step as part of `bundle`, the digest of what approves it together with others: steps
    /// of one bundle may share worker processes. Without this a step shares them only with itself.
    #[must_use]
    pub fn in_bundle(mut self, bundle: Digest) -> Self {
        if let Made::Workers(_, group) = &mut self.made {
            *group = Group::of(bundle);
        }
        self
    }

    /// How it became ready.
    pub fn prepared(&self) -> Prepared {
        self.prepared
    }
}

/// What to run.
pub struct Job<'a> {
    run: Arc<str>,
    step: Arc<str>,
    input: &'a str,
    limits: Limits,
    broker: Arc<dyn Broker>,
}

impl<'a> Job<'a> {
    /// `run` names the run, unique in its environment; `step` the step in its workflow. `input` is a
    /// JSON document. `broker` answers the step's calls.
    pub fn new(run: &str, step: &str, input: &'a str, limits: Limits, broker: Arc<dyn Broker>) -> Self {
        Self { run: run.into(), step: step.into(), input, limits, broker }
    }
}

/// What one run leaves.
#[derive(Debug)]
pub struct Finished {
    /// How it ended.
    pub outcome: Outcome,
    /// What it used.
    pub usage: Usage,
    /// Everything needed to run it again without effects.
    pub trace: Trace,
}

impl Engine {
    /// Makes an engine that compiles and runs guests in this process, and reserves its pool.
    ///
    /// An error in wasmtime or in its compiler would give a guest this process's memory; with
    /// [`with_workers`](Self::with_workers) it would give it an empty room.
    ///
    /// # Errors
    /// When the machine does not allow it.
    pub fn new(options: EngineOptions) -> Result<Self, Fault> {
        Ok(Self::at(Place::Here(stepward_sandbox::Engine::new(options)?)))
    }

    /// Makes an engine that compiles and runs guests in worker processes, which hold no secret, no
    /// socket and no file. The same steps give the same outcomes, traces and fuel as in process.
    ///
    /// # Errors
    /// When the machine does not allow it.
    pub fn with_workers(options: WorkerOptions) -> Result<Self, Fault> {
        Ok(Self::at(Place::Workers(Workers::new(options)?)))
    }

    fn at(place: Place) -> Self {
        Self { place, compilers: Arc::new(Semaphore::new(COMPILERS)) }
    }

    /// Identifies what makes a run repeatable.
    pub fn fingerprint(&self) -> Digest {
        match &self.place {
            Place::Here(sandbox) => sandbox.fingerprint(),
            Place::Workers(workers) => workers.fingerprint(),
        }
    }

    /// Compiles an admitted component, or loads what was kept of it in `kept`.
    ///
    /// # Errors
    /// When the component does not compile, or not within `compile-time-ms` or the deadline.
    pub async fn prepare(
        &self,
        admitted: Admitted,
        kept: Option<&CodeDir>,
        limits: &Limits,
        deadline: Deadline,
    ) -> Result<Step, Fault> {
        let compiled_by = Instant::now() + Duration::from_millis(limits.get(LimitName::CompileTimeMs));
        let (until, limit) = if deadline.at < compiled_by {
            (deadline.at, LimitName::WallTimeMs)
        } else {
            (compiled_by, LimitName::CompileTimeMs)
        };
        match tokio::time::timeout_at(until, self.make(admitted, kept)).await {
            Ok(step) => step,
            Err(_) => Err(Fault::new(Class::LimitExceeded, Owner::StepAuthor, COMPILE_TIME)
                .limit(limit.as_str())
                .says(format_args!(
                    "the component did not compile within its {limit} of {}",
                    limits.get(limit)
                ))
                .hint(format_args!("build it smaller, or raise {limit} in the step's limits"))),
        }
    }

    async fn make(&self, admitted: Admitted, kept: Option<&CodeDir>) -> Result<Step, Fault> {
        let turn = Arc::clone(&self.compilers).acquire_owned().await;
        let kept = kept.cloned();
        match &self.place {
            Place::Here(sandbox) => {
                let sandbox = sandbox.clone();
                let made = move || {
                    let step = make_here(&sandbox, &admitted, kept.as_ref());
                    // Held as long as the compile, which may outlive whoever waits for it.
                    drop(turn);
                    step
                };
                blocking(made).await?
            }
            Place::Workers(workers) => make_in_worker(workers, admitted, kept).await,
        }
    }

    /// Runs a step once. Dropping the future cancels the run.
    ///
    /// A step runs in the engine that made it; in another one it is refused.
    pub async fn run(&self, step: &Step, job: Job<'_>, deadline: Deadline) -> Finished {
        let Job { run, step: name, input, limits, broker } = job;
        let inner = stepward_sandbox::Job {
            run: Arc::clone(&run),
            step: Arc::clone(&name),
            input,
            limits: limits.clone(),
            broker,
            record: Record::Here,
        };
        let until = pin!(tokio::time::sleep_until(deadline.at));
        let finished = match (&self.place, &step.made) {
            (Place::Here(sandbox), Made::Here(ready)) => sandbox.run(ready, inner, until).await,
            (Place::Workers(workers), Made::Workers(code, group)) => {
                // Boxed, so that a run that waits here does not hold room for a run elsewhere.
                Box::pin(workers.run(code, *group, inner, until)).await
            }
            (Place::Here(_), Made::Workers(..)) | (Place::Workers(_), Made::Here(_)) => elsewhere(),
        };
        let mut usage = finished.usage;
        usage.wall_us = u64::try_from(deadline.started.elapsed().as_micros()).unwrap_or(u64::MAX);
        let trace = Trace {
            run: run.as_ref().into(),
            step: name.as_ref().into(),
            component: step.digest(),
            engine: self.fingerprint(),
            limits,
            input: input.into(),
            calls: finished.calls,
            late: Vec::new(),
            end: End::of(&finished.outcome),
            usage,
        };
        Finished { outcome: finished.outcome, usage, trace }
    }

    /// Waits until no run is under way, then refuses all further ones.
    pub async fn close(&self) {
        match &self.place {
            Place::Here(sandbox) => sandbox.close().await,
            Place::Workers(workers) => workers.close().await,
        }
    }
}

fn elsewhere() -> stepward_sandbox::Finished {
    let fault = Fault::new(Class::Internal, Owner::Embedder, OTHER_ENGINE)
        .says("the step was prepared by an engine of the other kind")
        .hint("run a step with the engine that prepared it");
    stepward_sandbox::Finished {
        outcome: Outcome::Refused(fault),
        usage: Usage::default(),
        calls: Vec::new(),
    }
}

/// Does what takes a core or the disk on a thread for that.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Fault> {
    tokio::task::spawn_blocking(work).await.map_err(|_| {
        Fault::new(Class::Internal, Owner::Stepward, COMPILE_THREAD)
            .says("the compiler ended without an answer")
            .hint("please report this with the component")
    })
}

fn make_here(
    sandbox: &stepward_sandbox::Engine,
    admitted: &Admitted,
    kept: Option<&CodeDir>,
) -> Result<Step, Fault> {
    let here = |ready, prepared| Step { made: Made::Here(ready), prepared };
    let Some(kept) = kept else {
        return Ok(here(sandbox.compile(admitted)?, Prepared::Compiled));
    };
    let prepared = match kept.read(admitted.digest(), sandbox.fingerprint()) {
        None => Prepared::Compiled,
        Some(bytes) => match sandbox.open(admitted, &bytes, kept.key())? {
            Opened::Loaded(ready) => return Ok(here(ready, Prepared::Loaded)),
            Opened::Stale(refusal) => stale(admitted.digest(), refusal),
        },
    };
    let ready = sandbox.compile(admitted)?;
    kept.write(admitted.digest(), sandbox.fingerprint(), &sandbox.seal(&ready, kept.key())?);
    Ok(here(ready, prepared))
}

fn stale(component: Digest, refusal: CodeRefusal) -> Prepared {
    tracing::warn!(%component, "kept code {refusal}; compiling again");
    Prepared::Recompiled(refusal)
}

/// The engine for which code that came out of a worker process is kept: never one in this process. Its
/// compiler may have been taken over, and what it gave is loaded where it can do no harm.
fn kept_for(workers: &Workers) -> Digest {
    let mut name = b"compiled in a worker process, for the engine ".to_vec();
    name.extend_from_slice(workers.fingerprint().as_bytes());
    Digest::of(&name)
}

/// As [`make_here`], but this process neither compiles nor loads: it checks tags and makes them.
async fn make_in_worker(workers: &Workers, admitted: Admitted, kept: Option<CodeDir>) -> Result<Step, Fault> {
    let (component, engine) = (admitted.digest(), kept_for(workers));
    let made = |native, origin, prepared| {
        let code = workers.code(admitted.linkage(), native, origin);
        Step { made: Made::Workers(code, Group::of(component)), prepared }
    };
    let Some(kept) = kept else {
        return Ok(made(workers.compile(&admitted).await?, Origin::Compiled, Prepared::Compiled));
    };
    let found = {
        let kept = kept.clone();
        blocking(move || {
            let sealed = kept.read(component, engine)?;
            Some(kept.key().check(component, engine, &sealed).map(|code| code.native().to_vec()))
        })
        .await?
    };
    let prepared = match found {
        None => Prepared::Compiled,
        Some(Ok(native)) => return Ok(made(native, Origin::Kept, Prepared::Loaded)),
        Some(Err(refusal)) => stale(component, refusal),
    };
    let native = workers.compile(&admitted).await?;
    let native = blocking(move || {
        kept.write(component, engine, &kept.key().seal(component, engine, &native));
        native
    })
    .await?;
    Ok(made(native, Origin::Compiled, prepared))
}
