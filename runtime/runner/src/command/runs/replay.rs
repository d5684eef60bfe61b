//! `stepward runs replay`

use crate::{
    files::{self, Purpose},
    project::Project,
    render::{GOOD, styled},
    running::{
        admission, execute,
        live::{Found, Wanted},
        signals,
        state::State,
    },
    session::{Session, absolute},
};
use clap::Args;
use serde::Serialize;
use std::{path::PathBuf, process::ExitCode, sync::Arc};
use stepward::{Broker, Grants, Inspected, Replay, Trace, replay};
use stepward_broker::{LiveBroker, StepIdentity};
use stepward_fault::{Class, Fault, Owner, Rule};
use stepward_seam::{Grant, HostCall};
use stepward_trust::Pinned;

/// The rule that a replay has the component of its trace.
const COMPONENT: Rule = Rule::new("replay-component");
/// The rule that a replay repeats its trace.
const DIVERGED: Rule = Rule::new("replay-diverged");

/// Runs a recorded step again without effects: every call is answered from the trace. On the same
/// engine it must make the same calls, end the same and use the same fuel; on another engine the
/// same calls and the same end. A run that the host ended, by its wall time or by a refusal in its
/// last call, is followed as far as it was recorded. Exit code 8 when it does not repeat.
#[derive(Args)]
pub(crate) struct Arguments {
    /// The trace of one step: STATE/ENV/traces/RUN/STEP.json
    #[arg(value_name = "TRACE")]
    trace: PathBuf,
    /// The component's file [default: the project's component of the trace's digest]
    #[arg(long, value_name = "FILE")]
    component: Option<PathBuf>,
    /// The environment, where the trace needs a secret that was revealed [default: dev]
    #[arg(long, value_name = "NAME")]
    env: Option<String>,
}

#[derive(Serialize)]
struct Verdict<'a> {
    #[serde(rename = "verdict")]
    word: &'static str,
    run: &'a str,
    step: &'a str,
    component: String,
    calls: usize,
}

pub(crate) fn run(session: &Session, arguments: &Arguments) -> Result<ExitCode, Fault> {
    let place = files::place(&absolute(&arguments.trace));
    let trace = Trace::from_json(&files::read_text(&arguments.trace, Purpose::Trace)?, &place)?;
    let environment = Wanted::new(arguments.env.as_deref())?;
    let project = session.project().ok();
    let path = match (&arguments.component, &project) {
        (Some(path), _) => absolute(path),
        (None, Some(project)) => component_of(project, &trace)?,
        (None, None) => return Err(no_component(&trace)),
    };
    let pinned = Pinned::check(files::read(&path, Purpose::Component)?, trace.component)
        .map_err(|fault| fault.at(files::place(&path)))?;
    let inspected = Inspected::read(pinned, &trace.limits)?;
    let admitted = inspected_grants(inspected)?;
    let workplace = Found::workplace(project.as_ref(), &environment)?;
    let state = State::open(session, &environment.name)?;
    let verdict = signals::block_on(async {
        let engine = workplace.open(session.output()).await?.engine;
        let step =
            execute::prepare(&engine, admitted, &state.code()?, &trace.limits, &trace.step, session.output())
                .await?;
        let secrets = secrets(project.as_ref(), &environment, &trace, &state)?;
        replay(&engine, &step, &trace, secrets).await
    })?;
    let (word, meaning) = match verdict {
        Replay::Identical => ("identical", "the same calls, the same end, the same fuel"),
        Replay::SameBehaviour => ("same-behaviour", "the same calls and the same end, on another engine"),
        Replay::AsFarAsRecorded => (
            "as-far-as-recorded",
            "the same as far as it was recorded: the host ended the run there, which a replay cannot repeat",
        ),
        Replay::Diverged(divergence) => {
            return Err(Fault::new(Class::EvidenceInvalid, Owner::Caller, DIVERGED)
                .at(place)
                .says(divergence)
                .hint(
                    "the trace, the component or the engine is not what it was: compare them with a backup",
                ));
        }
    };
    let component = trace.component.to_string();
    session.output().json(
        "stepward.replay/1",
        &Verdict { word, run: &trace.run, step: &trace.step, component, calls: trace.calls.len() },
    );
    session.output().line(format_args!("{}: {meaning} ({} calls)", styled(GOOD, word), trace.calls.len()));
    Ok(ExitCode::SUCCESS)
}

fn inspected_grants(inspected: Inspected) -> Result<stepward::Admitted, Fault> {
    let grants = admission::grants_for(&inspected);
    inspected.admit(&grants)
}

fn no_component(trace: &Trace) -> Fault {
    Fault::new(Class::BadInput, Owner::Caller, COMPONENT)
        .says(format_args!("the trace is of the component {}, which is not here", trace.component))
        .hint("go to the project at the version that made the trace and build it, or name the file with --component")
}

fn component_of(project: &Project, trace: &Trace) -> Result<PathBuf, Fault> {
    let lock = project.lock()?;
    let steps = project.steps().keys();
    let found = steps
        .into_iter()
        .find(|name| lock.steps.get(name.as_str()).is_some_and(|step| step.component == trace.component));
    found.map_or_else(|| Err(no_component(trace)), |name| project.component(name))
}

/// A broker for the secrets that the trace says were revealed: their bytes are in no trace.
fn secrets(
    project: Option<&Project>,
    environment: &Wanted,
    trace: &Trace,
    state: &State,
) -> Result<Option<Arc<dyn Broker>>, Fault> {
    let mut grants = Grants::default();
    for recorded in &trace.calls {
        if let HostCall::Reveal { secret } = &recorded.call {
            // The same secret may be revealed more than once.
            drop(grants.add(secret.clone(), Grant::Secret));
        }
    }
    if grants.iter().next().is_none() {
        return Ok(None);
    }
    let bindings = Found::read(project, environment, &[&grants])?.unrecorded(state)?;
    let identity =
        StepIdentity { run: trace.run.as_str().into(), step: trace.step.as_str().into(), item: None };
    Ok(Some(Arc::new(LiveBroker::new(bindings, grants, identity)?)))
}
