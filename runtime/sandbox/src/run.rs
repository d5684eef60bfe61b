//! One run: a fresh store and instance, all limits from the first instruction on, then nothing left.

use crate::document;
use crate::ending::Ended;
use crate::engine::{Engine, Ready};
use crate::host::Ctx;
use crate::meter::Meter;
use crate::outcome::{Finished, Outcome, StepError, StepErrorKind};
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use stepward_fault::{Class, Fault, Owner, Rule};
use stepward_seam::{Broker, LimitName, Limits, Stop};
use wasmtime::component::{ComponentType, Lift, Lower};
use wasmtime::{Store, Trap, WasmBacktrace};

/// The engine failed in a way that no guest causes.
const RUN: Rule = Rule::new("engine-run");

/// The engine was shut down.
const CLOSED: Rule = Rule::new("engine-closed");

/// Fuel between two looks at the deadline: a fraction of a millisecond of guest code.
pub(crate) const YIELD_FUEL: u64 = 500_000;
/// What the host may allocate for the arguments of one call beyond twice their limit: elements of
/// lists are larger in the host than in the guest.
const ARGUMENT_SLACK_BYTES: u64 = 64 << 10;

/// What to run.
pub struct Job<'a> {
    /// The run's name, unique in its environment.
    pub run: Arc<str>,
    /// The step's name in the workflow.
    pub step: Arc<str>,
    /// The input, a JSON document.
    pub input: &'a str,
    /// What the run may use.
    pub limits: Limits,
    /// Who answers its calls.
    pub broker: Arc<dyn Broker>,
}

#[derive(ComponentType, Lift, Lower, Clone, Copy)]
#[component(enum)]
#[repr(u8)]
#[allow(dead_code, reason = "values come from the guest; `Lift` makes them from their discriminants")]
enum ErrorKind {
    #[component(name = "retryable")]
    Retryable,
    #[component(name = "permanent")]
    Permanent,
}

#[derive(ComponentType, Lift, Lower)]
#[component(record)]
struct GuestError {
    kind: ErrorKind,
    code: String,
    message: String,
}

type GuestResult = Result<String, GuestError>;

impl Engine {
    /// Runs a step once. `deadline` ends the run when it completes: queueing for a turn,
    /// instantiating and running all count against it.
    ///
    /// Dropping the future cancels the run: the guest stops where it is, its memory goes back to
    /// the pool, and nothing else is disturbed.
    pub async fn run(&self, ready: &Ready, job: Job<'_>, deadline: impl Future<Output = ()>) -> Finished {
        let meter = Meter::new(job.limits);
        if job.input.len() as u64 > meter.limit(LimitName::InputBytes) {
            let outcome = Outcome::LimitExceeded(LimitName::InputBytes);
            return Finished { outcome, usage: meter.usage, calls: Vec::new() };
        }
        let mut deadline = pin!(deadline);
        let _turn = tokio::select! {
            biased;
            () = &mut deadline => return late(&meter),
            turn = self.turns.acquire() => match turn {
                Ok(turn) => turn,
                Err(_) => return closed(&meter),
            },
        };
        let fuel = meter.limit(LimitName::Fuel);
        let broker = Arc::clone(&job.broker);
        let mut store = Store::new(&self.wasmtime, Ctx::new(meter, job.broker, job.run, job.step));
        let answer = match prepare(&mut store, fuel) {
            Err(error) => Some(Err(error)),
            Ok(()) => {
                let guest = pin!(call(&mut store, ready, job.input));
                tokio::select! {
                    biased;
                    answer = guest => Some(answer),
                    () = &mut deadline => None,
                }
            }
        };
        let outcome = match answer {
            None => Outcome::LimitExceeded(LimitName::WallTimeMs),
            Some(answer) => outcome(answer, store.data_mut(), broker.as_ref()),
        };
        let left = store.get_fuel().unwrap_or(0);
        // A store is used once, whatever happened in it.
        let mut ctx = store.into_data();
        ctx.meter.usage.fuel = fuel.saturating_sub(left);
        Finished { outcome, usage: ctx.meter.usage, calls: ctx.calls }
    }
}

fn closed(meter: &Meter) -> Finished {
    let fault = Fault::new(Class::Unavailable, Owner::Embedder, CLOSED)
        .says("the engine was shut down")
        .hint("make a new engine, or finish runs before shutting down");
    Finished { outcome: Outcome::Refused(fault), usage: meter.usage, calls: Vec::new() }
}

fn late(meter: &Meter) -> Finished {
    Finished { outcome: Outcome::LimitExceeded(LimitName::WallTimeMs), usage: meter.usage, calls: Vec::new() }
}

/// Limits come before the instance: instantiating already runs the guest's code.
fn prepare(store: &mut Store<Ctx>, fuel: u64) -> wasmtime::Result<()> {
    store.limiter(|ctx| &mut ctx.meter);
    store.set_fuel(fuel)?;
    store.fuel_async_yield_interval(Some(YIELD_FUEL))?;
    let meter = &store.data().meter;
    let copied = meter.limit(LimitName::BytesOutPerCall).max(meter.limit(LimitName::OutputBytes));
    let copied = copied.saturating_mul(2).saturating_add(ARGUMENT_SLACK_BYTES);
    store.set_hostcall_fuel(usize::try_from(copied).unwrap_or(usize::MAX));
    Ok(())
}

async fn call(store: &mut Store<Ctx>, ready: &Ready, input: &str) -> wasmtime::Result<GuestResult> {
    let instance = ready.instance.instantiate_async(&mut *store).await?;
    let run = instance.get_typed_func::<(&str,), (GuestResult,)>(&mut *store, ready.run)?;
    let (answer,) = run.call_async(&mut *store, (input,)).await?;
    Ok(answer)
}

fn outcome(answer: wasmtime::Result<GuestResult>, ctx: &mut Ctx, broker: &dyn Broker) -> Outcome {
    match answer {
        Err(error) => ended(&error, broker),
        Ok(Err(error)) => {
            let kind = match error.kind {
                ErrorKind::Retryable => StepErrorKind::Retryable,
                ErrorKind::Permanent => StepErrorKind::Permanent,
            };
            failed(broker, kind, error.code, error.message)
        }
        Ok(Ok(text)) => match ctx.meter.output(text.len()) {
            Err(ended) => end(&ended, broker),
            Ok(()) => released(broker, text),
        },
    }
}

fn released(broker: &dyn Broker, text: String) -> Outcome {
    if let Err(error) = document::read(&text) {
        let message = format!("the step returned text that is not a JSON document: {error}");
        return Outcome::Failed(StepError::from_guest(StepErrorKind::Permanent, "output-not-json", &message));
    }
    match broker.released(text) {
        Ok(text) => Outcome::Succeeded(text),
        Err(Stop(fault)) => Outcome::Refused(fault),
    }
}

fn failed(broker: &dyn Broker, kind: StepErrorKind, code: String, message: String) -> Outcome {
    match (broker.released(code), broker.released(message)) {
        (Ok(code), Ok(message)) => Outcome::Failed(StepError::from_guest(kind, &code, &message)),
        (Err(Stop(fault)), _) | (_, Err(Stop(fault))) => Outcome::Refused(fault),
    }
}

fn end(ended: &Ended, broker: &dyn Broker) -> Outcome {
    match ended {
        Ended::Limit(name) => Outcome::LimitExceeded(*name),
        Ended::Stopped(fault) => Outcome::Refused(fault.clone()),
        Ended::Aborted { place, message } => {
            let message = format!("panicked at {place}: {message}");
            failed(broker, StepErrorKind::Permanent, "panic".to_owned(), message)
        }
    }
}

fn ended(error: &wasmtime::Error, broker: &dyn Broker) -> Outcome {
    if let Some(ended) = error.downcast_ref::<Ended>() {
        return end(ended, broker);
    }
    match error.downcast_ref::<Trap>() {
        Some(Trap::OutOfFuel) => return Outcome::LimitExceeded(LimitName::Fuel),
        Some(trap) => {
            let message = format!("the step trapped: {trap}");
            return Outcome::Failed(StepError::from_guest(StepErrorKind::Permanent, "trap", &message));
        }
        None => {}
    }
    // wasmtime keeps this error's type to itself, so it is told by its text; a test pins it. Inside
    // the guest it was the arguments of a call, outside the run's own result.
    if error.root_cause().to_string().contains("fuel allocated for hostcalls has been exhausted") {
        return Outcome::LimitExceeded(match error.downcast_ref::<WasmBacktrace>() {
            Some(_) => LimitName::BytesOutPerCall,
            None => LimitName::OutputBytes,
        });
    }
    guest_broke_abi(error)
}

/// What is left are values that break the canonical ABI (a string that is not UTF-8, a pointer out of
/// bounds) and failures of the engine. wasmtime's text speaks of the value, never of the host.
fn guest_broke_abi(error: &wasmtime::Error) -> Outcome {
    if error.is::<wasmtime::PoolConcurrencyLimitError>() {
        return Outcome::Refused(
            Fault::new(Class::Unavailable, Owner::Operator, RUN)
                .says("no room for another instance in the engine's pool")
                .hint("lower the number of runs at one time"),
        );
    }
    let message = format!("the step broke the component ABI: {}", error.root_cause());
    Outcome::Failed(StepError::from_guest(StepErrorKind::Permanent, "trap", &message))
}
