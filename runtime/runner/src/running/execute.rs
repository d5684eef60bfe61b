//! Runs a plan: everything is checked and compiled before the first step starts, then the steps run
//! in order, each on the output of the one before.

use super::{
    admission,
    begin::{self, Begun},
    code::Code,
    heard::{Refused, Watched},
    live::{Live, now_ms},
    plan::{Plan, PlannedStep},
    state::{State, random, write_trace},
};
use crate::render::Output;
use std::{path::PathBuf, sync::Arc, time::Duration};
use stepward::{
    Admitted, Broker, Case, Deadline, Engine, Finished, Job, Outcome, Prepared, Recorded, Step,
    journal::{Continued, Earlier, FinishedStep, History},
};
use stepward_broker::{LiveBroker, StepIdentity};
use stepward_fault::{Class, Fault};
use stepward_seam::{LimitName, Limits, Usage};
use stepward_trust::Digest;
use tokio::time::Instant;

/// A step that was admitted under its limits. Nothing is compiled yet.
pub(crate) struct AdmittedStep {
    /// Where it comes from.
    pub(crate) planned: PlannedStep,
    /// The limits that apply.
    pub(crate) limits: Limits,
    admitted: Admitted,
}

/// What one step left.
pub(crate) struct Ran {
    /// Its name in the workflow.
    pub(crate) name: String,
    /// The component that ran.
    pub(crate) component: Digest,
    /// The limits it ran under.
    pub(crate) limits: Limits,
    /// How it ended.
    pub(crate) outcome: Outcome,
    /// What it used.
    pub(crate) usage: Usage,
    /// What it asked for.
    pub(crate) calls: Vec<Recorded>,
    /// What was refused, with what would allow it.
    pub(crate) refusals: Vec<Refused>,
    /// Where its trace lies; none where a limit refused the step before it ran, or `lost` says why.
    pub(crate) trace: Option<PathBuf>,
    /// What of its record could not be written. What it did stands all the same.
    pub(crate) lost: Lost,
    /// What would be the case of this run; none where it did not run.
    pub(crate) case: Option<Case>,
}

/// What came of running a plan.
#[derive(Default)]
pub(crate) struct Story {
    /// The run's name in the log; none before it started there, and where a case answered.
    pub(crate) run: Option<String>,
    /// The steps that had ended before the run was interrupted, for one that goes on.
    pub(crate) taken: Vec<FinishedStep>,
    /// The steps that ran now.
    pub(crate) ran: Vec<Ran>,
}

/// What could not be written of the record of a step that ran.
#[derive(Debug, Default)]
pub(crate) struct Lost {
    /// Why there is no trace.
    pub(crate) trace: Option<Fault>,
    /// Why there is no case, where one was asked for.
    pub(crate) case: Option<Fault>,
}

impl Lost {
    /// Whether the record is not whole.
    pub(crate) fn any(&self) -> bool {
        self.trace.is_some() || self.case.is_some()
    }
}

/// Who answers the calls of the steps.
pub(crate) enum Answers {
    /// The environment: effects are real.
    Live(Live),
    /// A case: nothing leaves this process.
    Script(Case),
}

impl Answers {
    /// What a step that ended was refused.
    fn refused(&self, run: &str, step: &str) -> Vec<Refused> {
        match self {
            Self::Live(live) => live.heard.refused(run, step),
            Self::Script(_) => Vec::new(),
        }
    }
}

/// Pushes a step that a limit refused before it ran, so that reports name it and the limit.
fn note_limit<T>(
    result: Result<T, Fault>,
    step: &PlannedStep,
    limits: &Limits,
    ran: &mut Vec<Ran>,
) -> Result<T, Fault> {
    result.inspect_err(|fault| {
        let name = fault.limited();
        if let Some(limit) = LimitName::ALL.iter().find(|limit| Some(limit.as_str()) == name) {
            ran.push(Ran {
                name: step.name.clone(),
                component: step.pin.component(),
                limits: limits.clone(),
                outcome: Outcome::LimitExceeded(*limit),
                usage: Usage::default(),
                calls: Vec::new(),
                refusals: Vec::new(),
                trace: None,
                lost: Lost::default(),
                case: None,
            });
        }
    })
}

/// Admits every step of a plan.
pub(crate) fn admit(
    plan: &Plan,
    ceilings: &Limits,
    lowered: &[(LimitName, u64)],
    output: &Output,
    ran: &mut Vec<Ran>,
) -> Result<Vec<AdmittedStep>, Fault> {
    plan.steps
        .iter()
        .map(|planned| {
            let limits = planned.limits(ceilings, lowered)?;
            let admitted = note_limit(admission::admit(planned, &limits), planned, &limits, ran)?;
            for label in admitted.unused_grants() {
                output.warning(format_args!(
                    "{}: `{label}` is granted, but the step does not import it",
                    planned.place
                ));
            }
            Ok(AdmittedStep { planned: planned.clone(), limits, admitted })
        })
        .collect()
}

/// A name for a run: unique, and sorted by time.
pub(crate) fn run_name() -> Result<String, Fault> {
    Ok(format!("{}-{:08x}", now_ms(), u32::from_ne_bytes(random()?)))
}

/// A step that can run.
struct ReadyStep {
    planned: PlannedStep,
    limits: Limits,
    step: Step,
    /// Its limits with what is left of its wall time.
    rest: Limits,
}

/// Compiles a step or loads its code, within its limits.
pub(crate) async fn prepare(
    engine: &Engine,
    admitted: Admitted,
    code: &Code,
    limits: &Limits,
    place: &str,
    output: &Output,
) -> Result<Step, Fault> {
    let step = engine
        .prepare(admitted, code.folder(output), limits, Deadline::start(limits))
        .await
        .map_err(|fault| fault.at(place))?;
    match step.prepared() {
        Prepared::Compiled | Prepared::Loaded => {}
        Prepared::Recompiled(refusal) => {
            output.warning(format_args!(
                "{place}: the compiled code that was kept {refusal}; it was compiled again"
            ));
        }
    }
    Ok(step)
}

async fn ready(
    engine: &Engine,
    code: &Code,
    step: AdmittedStep,
    output: &Output,
    ran: &mut Vec<Ran>,
) -> Result<ReadyStep, Fault> {
    let AdmittedStep { planned, limits, admitted } = step;
    let started = Instant::now();
    let step = prepare(engine, admitted, code, &limits, &planned.place, output).await;
    let step = note_limit(step, &planned, &limits, ran)?;
    // What is pinned together shares worker processes; a component's file shares them with itself.
    let step = match planned.bundle {
        Some(bundle) => step.in_bundle(bundle),
        None => step,
    };
    let rest = rest(&limits, started.elapsed());
    Ok(ReadyStep { planned, limits, step, rest })
}

/// What is left to a run whose step took some of its wall time to compile. The runs of other steps in
/// between do not count.
fn rest(limits: &Limits, compiling: Duration) -> Limits {
    let mut rest = limits.clone();
    let spent = u64::try_from(compiling.as_millis()).unwrap_or(u64::MAX);
    let left = limits.get(LimitName::WallTimeMs).saturating_sub(spent).max(1);
    // Between 1 and what was allowed before, so it is allowed.
    let _ = rest.set(LimitName::WallTimeMs, left);
    rest
}

/// What a run is of, and where it begins.
pub(crate) struct Begin<'a> {
    /// What runs, as the log names it.
    pub(crate) object: &'a str,
    /// The plan's digest.
    pub(crate) definition: Digest,
    /// Where it begins.
    pub(crate) from: From,
}

/// Where a run begins.
pub(crate) enum From {
    /// At its first step, which takes this JSON document.
    Input(String),
    /// Where it was interrupted.
    Interrupted(Box<History>),
}

/// What runs a plan, and where its traces lie.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    /// What runs the steps.
    pub(crate) engine: &'a Engine,
    /// The environment's state.
    pub(crate) state: &'a State,
    /// Where warnings go.
    pub(crate) output: &'a Output,
}

/// Runs the steps in order, and records the run where effects are real. What ran is put into `story`
/// as it ends, so that it is not lost when a later step is refused.
///
/// When this returns, the end of the run is durable, or it says that it is not. When it is dropped, the
/// run is unfinished in the log.
pub(crate) async fn run(
    place: Place<'_>,
    mut steps: Vec<AdmittedStep>,
    begin: Begin<'_>,
    answers: &Answers,
    story: &mut Story,
) -> Result<(), Fault> {
    let mut begun = begin::begin(answers, begin, &mut steps, story).await?;
    let result = perform(place, steps, &mut begun, answers, story).await;
    begun.end(result, story, place.output).await
}

/// What the end of a step means for its run.
pub(super) enum After<'a> {
    /// The next step takes this document.
    Next(&'a str),
    /// The run ends with it.
    Ends,
    /// The host could not go on, and can when that is put right: the step has not ended.
    Waits(&'a Fault),
}

impl<'a> After<'a> {
    pub(super) fn of(outcome: &'a Outcome) -> Self {
        match outcome {
            Outcome::Succeeded(output) => Self::Next(output),
            Outcome::Failed(_) | Outcome::LimitExceeded(_) => Self::Ends,
            Outcome::Refused(fault) => match fault.class() {
                Class::Unavailable | Class::Waiting | Class::EvidenceInvalid => Self::Waits(fault),
                Class::Usage
                | Class::Refused
                | Class::StepFailed
                | Class::LimitExceeded
                | Class::BadInput
                | Class::Internal
                | Class::Cancelled => Self::Ends,
            },
        }
    }
}

/// Readies the steps and runs them.
async fn perform(
    place: Place<'_>,
    steps: Vec<AdmittedStep>,
    begun: &mut Begun,
    answers: &Answers,
    story: &mut Story,
) -> Result<(), Fault> {
    let Place { engine, state, output } = place;
    let (code, run) = (state.code()?, begun.run.clone());
    let mut all = Vec::with_capacity(steps.len());
    for step in steps {
        let name = step.planned.name.clone();
        let step = ready(engine, &code, step, output, &mut story.ran).await;
        let step = step.map_err(|fault| begun.record.refused(&name, fault))?;
        // Before the first step runs: a secret that is missing for the last one stops them all.
        let earlier = begun.earlier_of(&name);
        let broker = broker(answers, &run, &step.planned, earlier, output)
            .map_err(|fault| begun.record.refused(&name, fault))?;
        all.push((step, broker));
    }
    // The last that can be refused without an effect: a run whose traces have no place.
    let traces = state.run(&run)?;
    let mut document = begun.document.clone();
    for (step, broker) in all {
        let name = &step.planned.name;
        begun.record.step_started(name, step.step.digest(), engine, &step.limits)?;
        let job = Job::new(&run, name, &document, step.limits.clone(), broker);
        let finished = engine.run(&step.step, job, Deadline::start(&step.rest)).await;
        let recorded = match After::of(&finished.outcome) {
            After::Next(_) | After::Ends => begun.record.step_ended(name, &finished),
            After::Waits(fault) => {
                begun.record.refused(name, fault.clone());
                Ok(())
            }
        };
        let trace = finished.trace.to_json();
        let refusals = answers.refused(&run, name);
        let done = Ran { refusals, ..finish(step, &document, finished) };
        let next = match After::of(&done.outcome) {
            After::Next(output) => Some(output.to_owned()),
            After::Ends | After::Waits(_) => None,
        };
        // Before anything is written: what the step did stands, whatever the disk says.
        story.ran.push(done);
        if let Some(done) = story.ran.last_mut() {
            match trace.and_then(|trace| write_trace(&traces, &done.name, &trace)) {
                Ok(path) => done.trace = Some(path),
                Err(fault) => {
                    output.warning(format_args!("step {}: its trace is not kept: {fault}", done.name));
                    done.lost.trace = Some(fault);
                }
            }
        }
        recorded?;
        let Some(next) = next else { break };
        document = next;
    }
    Ok(())
}

fn finish(step: ReadyStep, input: &str, finished: Finished) -> Ran {
    let Finished { outcome, usage, trace: recorded } = finished;
    let document = serde_json::from_str(input).unwrap_or_default();
    Ran {
        name: step.planned.name,
        component: step.step.digest(),
        limits: step.limits,
        case: Some(Case::of(document, &recorded.calls, &outcome)),
        outcome,
        usage,
        calls: recorded.calls,
        refusals: Vec::new(),
        trace: None,
        lost: Lost::default(),
    }
}

/// Who answers the calls of one step: what it was answered before, and then for real.
fn broker(
    answers: &Answers,
    run: &str,
    step: &PlannedStep,
    earlier: Option<Vec<Earlier>>,
    output: &Output,
) -> Result<Arc<dyn Broker>, Fault> {
    match answers {
        Answers::Script(case) => Ok(Arc::new(case.broker())),
        Answers::Live(live) => {
            let identity = StepIdentity { run: run.into(), step: step.name.as_str().into(), item: None };
            let broker = LiveBroker::new(Arc::clone(&live.bindings), step.grants.clone(), identity)?;
            for warning in broker.warnings() {
                output.warning(warning);
            }
            let heard = Arc::clone(&live.heard);
            Ok(match earlier {
                None => Arc::new(Watched::new(broker, heard)),
                Some(earlier) => Arc::new(Watched::new(Continued::new(Arc::new(broker), earlier), heard)),
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::rest;
    use std::time::Duration;
    use stepward_seam::{LimitName, Limits};

    #[test]
    fn compiling_takes_from_the_wall_time_and_from_nothing_else() {
        let mut limits = Limits::default();
        limits.set(LimitName::WallTimeMs, 30_000).unwrap();
        for (compiling, left) in [
            (Duration::ZERO, 30_000),
            (Duration::from_micros(999), 30_000),
            (Duration::from_millis(12_345), 17_655),
            (Duration::from_millis(29_999), 1),
            // A run of no time at all is still ended by its wall time, under that name.
            (Duration::from_secs(30), 1),
            (Duration::MAX, 1),
        ] {
            let rest = rest(&limits, compiling);
            for name in LimitName::ALL {
                let expected = if *name == LimitName::WallTimeMs { left } else { limits.get(*name) };
                assert_eq!(rest.get(*name), expected, "{name} after {compiling:?}");
            }
        }
    }
}
