//! `stepward check`

use super::{run::case as read_case, test::cases_folder};
use crate::{
    files,
    project::Project,
    render::{DIM, GOOD, reveals, styled},
    running::{
        admission,
        live::{Found, Wanted, now_ms},
        plan::{self, PlannedStep},
        state::State,
        witnesses,
    },
    session::Session,
};
use clap::Args;
use serde::Serialize;
use std::{collections::BTreeSet, process::ExitCode, sync::Arc};
use stepward::Admitted;
use stepward_broker::{LiveBroker, StepIdentity};
use stepward_fault::Fault;
use stepward_seam::{Grant, Label, Limits};

/// Finds everything that a run would refuse, without running.
///
/// It says all of it, not only the first: project, lock, components, worlds, workflows, grants,
/// limits, environments, cases. Nothing is run, compiled or changed.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Looks at this environment as a run on this machine would: also its roots and secrets
    #[arg(long, value_name = "NAME")]
    env: Option<String>,
}

#[derive(Serialize, Default)]
struct Report {
    errors: Vec<Fault>,
    warnings: Vec<String>,
    /// What is as it was meant, and worth knowing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    notes: Vec<String>,
}

impl Report {
    /// Keeps the value, or the fault; the same fault is kept once.
    fn keep<T>(&mut self, result: Result<T, Fault>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(fault) => {
                if !self.errors.contains(&fault) {
                    self.errors.push(fault);
                }
                None
            }
        }
    }

    fn warn(&mut self, text: String) {
        if !self.warnings.contains(&text) {
            self.warnings.push(text);
        }
    }
}

pub(crate) fn run(session: &Session, arguments: &Arguments) -> Result<ExitCode, Fault> {
    let project = session.project()?;
    let mut report = Report::default();
    let environments = environments(&project, arguments, &mut report)?;
    let mut planned = Vec::new();
    if let Some(lock) = report.keep(project.lock()) {
        let known = |name: &str| project.steps().keys().any(|step| step.as_str() == name);
        for name in lock.steps.keys().filter(|name| !known(name)) {
            report.warn(format!(
                "stepward.lock pins `{name}`, which is not in stepward.toml: run `stepward build`"
            ));
        }
        steps(&project, &mut report);
        planned = workflows(&project, &mut report);
    }
    for found in environments {
        environment_of(session, found, &planned, arguments.env.is_some(), &mut report)?;
    }
    show(session, &project, &report);
    Ok(ExitCode::from(report.errors.first().map_or(0, |fault| fault.class().exit_code())))
}

/// The environments of the project that can be read.
fn environments(project: &Project, arguments: &Arguments, report: &mut Report) -> Result<Vec<Found>, Fault> {
    let names = match &arguments.env {
        Some(name) => BTreeSet::from([Wanted::new(Some(name))?.name]),
        None => {
            files::folders(&project.environments())?.iter().filter_map(|name| Label::new(name).ok()).collect()
        }
    };
    Ok(names.iter().filter_map(|name| report.keep(Found::open(&project.environment(name), name))).collect())
}

/// Every step of the project against the lock, and its cases.
fn steps(project: &Project, report: &mut Report) {
    for name in project.steps().keys() {
        if let Some(step) = report.keep(plan::unused(project, name)) {
            report.keep(admission::inspect(&step, &Limits::most()));
        }
        let files = report.keep(cases_folder(project, name).and_then(|folder| files::list(&folder, "json")));
        for file in files.into_iter().flatten() {
            report.keep(read_case(&file));
        }
    }
}

/// Every step of every workflow against its grants and limits; those that are sound.
fn workflows(project: &Project, report: &mut Report) -> Vec<PlannedStep> {
    let mut all = Vec::new();
    for file in report.keep(project.workflow_files()).into_iter().flatten() {
        let Some(workflow) = report.keep(Project::workflow(&file)) else { continue };
        for step in workflow.steps() {
            let Some(planned) = report.keep(plan::planned(project, &workflow, step)) else { continue };
            let limits = report.keep(planned.limits(&Limits::most(), &[]));
            let admitted = limits.and_then(|limits| report.keep(admission::admit(&planned, &limits)));
            for label in admitted.iter().flat_map(Admitted::unused_grants) {
                report.warn(format!(
                    "{}: `{label}` is granted, but the step does not import it",
                    planned.place
                ));
            }
            for (label, grant) in planned.grants.iter() {
                match grant {
                    Grant::Secret => report.warn(format!(
                        "{}: {}: its bytes enter the step; prefer a credential of the endpoint, or a signer",
                        planned.place,
                        reveals(label)
                    )),
                    Grant::Endpoint(_) | Grant::Signer | Grant::Clock | Grant::Random => {}
                }
            }
            all.push(planned);
        }
    }
    all
}

fn environment_of(
    session: &Session,
    found: Found,
    planned: &[PlannedStep],
    machine: bool,
    report: &mut Report,
) -> Result<(), Fault> {
    for warning in found.environment.warnings() {
        report.warn(warning.to_string());
    }
    match found.environment.witnesses() {
        Some(rules) => drop(report.keep(witnesses::policy(rules))),
        None => {
            report.notes.push(format!(
                "the environment {} has {}",
                found.environment.name(),
                witnesses::NONE
            ));
        }
    }
    for step in planned {
        report.keep(step.limits(found.environment.ceilings(), &[]));
        for warning in report.keep(found.environment.check(&step.grants)).into_iter().flatten() {
            report.warn(format!("{}: {warning}", step.place));
        }
    }
    if !machine {
        return Ok(());
    }
    let state = State::open(session, found.environment.name())?;
    report.keep(found.witnesses());
    let Some(bindings) = report.keep(found.unrecorded(&state)) else { return Ok(()) };
    for step in planned {
        let identity = StepIdentity {
            run: format!("check-{}", now_ms()).into(),
            step: step.name.as_str().into(),
            item: None,
        };
        report.keep(LiveBroker::new(Arc::clone(&bindings), step.grants.clone(), identity));
    }
    // An endpoint that no step is granted disturbs no run, but somebody will want it.
    for fault in bindings.unusable().filter(|fault| !report.errors.contains(fault)).collect::<Vec<_>>() {
        report.warn(fault.to_string());
    }
    Ok(())
}

fn show(session: &Session, project: &Project, report: &Report) {
    let output = session.output();
    output.json("stepward.check/1", report);
    for fault in &report.errors {
        output.finding(fault);
    }
    for warning in &report.warnings {
        output.warning(warning);
    }
    for note in &report.notes {
        output.line(styled(DIM, note));
    }
    if report.errors.is_empty() {
        output.line(format_args!(
            "{} {} with {} steps: nothing that a run would refuse",
            styled(GOOD, "ok"),
            project.name(),
            project.steps().len()
        ));
    } else {
        output.line(format_args!("\n{} to put right", report.errors.len()));
    }
}
