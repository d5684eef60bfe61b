//! Preparing and running steps, with time.

use crate::code_dir::CodeDir;
use crate::trace::{End, Trace};
use std::sync::Arc;
use std::time::Duration;
use stepward_fault::{Class, Fault, Owner, Rule};
use stepward_sandbox::{Admitted, CodeRefusal, EngineOptions, Opened, Outcome, Ready, Record};
use stepward_seam::{Broker, LimitName, Limits, Usage};
use stepward_trust::Digest;
use tokio::sync::Semaphore;
use tokio::time::Instant;

/// Compiling took longer than `compile-time-ms`, or than the run's wall time.
const COMPILE_TIME: Rule = Rule::new("compile-time");
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

/// Prepares and runs steps. Cloning is cheap; clones share one pool.
#[derive(Clone, Debug)]
pub struct Engine {
    sandbox: stepward_sandbox::Engine,
    compilers: Arc<Semaphore>,
}

/// A step that is ready to run, any number of times and at once.
#[derive(Clone, Debug)]
pub struct Step {
    ready: Ready,
    prepared: Prepared,
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
        self.ready.digest()
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
    /// Makes an engine and reserves its pool.
    ///
    /// # Errors
    /// When the machine does not allow it.
    pub fn new(options: EngineOptions) -> Result<Self, Fault> {
        let sandbox = stepward_sandbox::Engine::new(options)?;
        Ok(Self { sandbox, compilers: Arc::new(Semaphore::new(COMPILERS)) })
    }

    /// Identifies what makes a run repeatable.
    pub fn fingerprint(&self) -> Digest {
        self.sandbox.fingerprint()
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
        let (sandbox, kept) = (self.sandbox.clone(), kept.cloned());
        let compilers = Arc::clone(&self.compilers);
        let work = async move {
            let turn = compilers.acquire_owned().await;
            tokio::task::spawn_blocking(move || {
                let step = prepare(&sandbox, &admitted, kept.as_ref());
                drop(turn);
                step
            })
            .await
        };
        match tokio::time::timeout_at(until, work).await {
            Ok(Ok(step)) => step,
            Ok(Err(_)) => Err(Fault::new(Class::Internal, Owner::Stepward, COMPILE_THREAD)
                .says("the compiler ended without an answer")
                .hint("please report this with the component")),
            Err(_) => Err(Fault::new(Class::LimitExceeded, Owner::StepAuthor, COMPILE_TIME)
                .limit(limit.as_str())
                .says(format_args!(
                    "the component did not compile within its {limit} of {}",
                    limits.get(limit)
                ))
                .hint(format_args!("build it smaller, or raise {limit} in the step's limits"))),
        }
    }

    /// Runs a step once. Dropping the future cancels the run.
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
        let until = tokio::time::sleep_until(deadline.at);
        let finished = self.sandbox.run(&step.ready, inner, until).await;
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
            end: End::of(&finished.outcome),
            usage,
        };
        Finished { outcome: finished.outcome, usage, trace }
    }

    /// Waits until no run is under way, then refuses all further ones.
    pub async fn close(&self) {
        self.sandbox.close().await;
    }
}

fn prepare(
    sandbox: &stepward_sandbox::Engine,
    admitted: &Admitted,
    kept: Option<&CodeDir>,
) -> Result<Step, Fault> {
    let Some(kept) = kept else {
        return Ok(Step { ready: sandbox.compile(admitted)?, prepared: Prepared::Compiled });
    };
    let prepared = match kept.read(admitted.digest(), sandbox.fingerprint()) {
        None => Prepared::Compiled,
        Some(bytes) => match sandbox.open(admitted, &bytes, kept.key())? {
            Opened::Loaded(ready) => return Ok(Step { ready, prepared: Prepared::Loaded }),
            Opened::Stale(refusal) => {
                tracing::warn!(component = %admitted.digest(), "kept code {refusal}; compiling again");
                Prepared::Recompiled(refusal)
            }
        },
    };
    let ready = sandbox.compile(admitted)?;
    kept.write(admitted.digest(), sandbox.fingerprint(), &sandbox.seal(&ready, kept.key())?);
    Ok(Step { ready, prepared })
}
