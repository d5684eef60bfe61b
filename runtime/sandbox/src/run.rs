//! One run: a fresh store and instance, all limits from the first instruction on, then nothing left.

use crate::ending::GuestEnd;
use crate::engine::{Engine, Ready};
use crate::failure::Failure;
use crate::host::Ctx;
use crate::meter::Meter;
use crate::outcome::{Finished, Recorded, StepErrorKind};
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use stepward_fault::{Class, Fault, Owner, Rule};
use stepward_seam::{Broker, LimitName, Limits, Usage};
use wasmtime::Store;
use wasmtime::component::{ComponentType, Lift, Lower};

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
    /// Where they are recorded.
    pub record: Record,
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
        let broker = Arc::clone(&job.broker);
        let Guest { end, usage, calls } = self.guest(ready, job, deadline).await;
        Finished { outcome: end.settle(broker.as_ref()), usage, calls }
    }

    /// As [`run`](Self::run), but leaves the guest's words as they are: for a process that runs
    /// guests for another, which settles them.
    pub async fn guest(&self, ready: &Ready, job: Job<'_>, deadline: impl Future<Output = ()>) -> Guest {
        if job.input.len() as u64 > job.limits.get(LimitName::InputBytes) {
            return nothing(GuestEnd::Limit(LimitName::InputBytes));
        }
        let mut deadline = pin!(deadline);
        let _turn = tokio::select! {
            biased;
            () = &mut deadline => return nothing(GuestEnd::Limit(LimitName::WallTimeMs)),
            turn = self.turns.acquire() => match turn {
                Ok(turn) => turn,
                Err(_) => return nothing(closed()),
            },
        };
        let fuel = job.limits.get(LimitName::Fuel);
        // Made in place: a meter of this function's own would stay in the future of every run.
        let ctx = Ctx::new(Meter::new(job.limits), job.broker, job.run, job.step, job.record);
        let mut store = Store::new(&self.wasmtime, ctx);
        let answer = match prepare(&mut store, fuel) {
            Err(error) => Some(Err(Failure::Starting(error))),
            Ok(()) => {
                let guest = pin!(call(&mut store, ready, job.input));
                tokio::select! {
                    biased;
                    answer = guest => Some(answer),
                    () = &mut deadline => None,
                }
            }
        };
        let left = store.get_fuel().unwrap_or(0);
        // A store is used once, whatever happened in it.
        let Ctx { mut meter, calls, .. } = store.into_data();
        let end = match answer {
            None => GuestEnd::Limit(LimitName::WallTimeMs),
            Some(answer) => end(answer, &mut meter),
        };
        meter.tally.usage.fuel = fuel.saturating_sub(left);
        Guest { end, usage: meter.tally.usage, calls: calls.kept }
    }
}

/// What one guest leaves before its end is settled.
#[derive(Debug)]
pub struct Guest {
    /// How it ended, in its own words.
    pub end: GuestEnd,
    /// What it used. `wall_us` is left at 0: there is no clock in this room.
    pub usage: Usage,
    /// The host calls in order, with what they were answered; none where they are recorded elsewhere.
    pub calls: Vec<Recorded>,
}

/// Where the host calls of a run are recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Record {
    /// Here: [`Finished::calls`] has them.
    Here,
    /// Where they are answered.
    Elsewhere,
}

fn nothing(end: GuestEnd) -> Guest {
    Guest { end, usage: Usage::default(), calls: Vec::new() }
}

fn closed() -> GuestEnd {
    GuestEnd::Stopped(
        Fault::new(Class::Unavailable, Owner::Embedder, CLOSED)
            .says("the engine was shut down")
            .hint("make a new engine, or finish runs before shutting down"),
    )
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

async fn call(store: &mut Store<Ctx>, ready: &Ready, input: &str) -> Result<GuestResult, Failure> {
    // Boxed, because it is four times as large as the call and would stay in every run that waits.
    let instance =
        Box::pin(ready.instance.instantiate_async(&mut *store)).await.map_err(Failure::Starting)?;
    let run = instance
        .get_typed_func::<(&str,), (GuestResult,)>(&mut *store, ready.run)
        .map_err(Failure::Starting)?;
    let before = store.get_fuel().map_err(Failure::Starting)?;
    match run.call_async(&mut *store, (input,)).await {
        Ok((answer,)) => Ok(answer),
        // Not one instruction of the call ran: even an empty function costs fuel.
        Err(error) if store.get_fuel().is_ok_and(|left| left == before) => Err(Failure::Starting(error)),
        Err(error) => Err(Failure::Running(error)),
    }
}

fn end(answer: Result<GuestResult, Failure>, meter: &mut Meter) -> GuestEnd {
    match answer {
        Err(failure) => failure.end(),
        Ok(Err(GuestError { kind, code, message })) => {
            let kind = match kind {
                ErrorKind::Retryable => StepErrorKind::Retryable,
                ErrorKind::Permanent => StepErrorKind::Permanent,
            };
            GuestEnd::Errored { kind, code, message }
        }
        Ok(Ok(text)) => match meter.tally.output(text.len()) {
            Err(limit) => GuestEnd::Limit(limit),
            Ok(()) => GuestEnd::Returned(text),
        },
    }
}
