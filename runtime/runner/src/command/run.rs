//! `stepward run`

use crate::{
    files::{self, Purpose, Readers},
    render::Output,
    running::{
        admission,
        execute::{self, Answers, Ran},
        heard::Late,
        input, late,
        live::{Found, Wanted},
        plan::{Pin, Plan},
        report::Report,
        state::State,
        workplace::Isolated,
    },
    session::{Session, absolute},
};
use clap::Args;
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};
use stepward::Case;
use stepward_fault::{Class, Fault, Owner, Rule, shown};
use stepward_seam::{LimitName, Limits};
use stepward_trust::Digest;

/// The rule that a case is of one step.
const ONE_STEP: Rule = Rule::new("case-one-step");
/// The rule that a case can be written where it shall be.
const RECORD: Rule = Rule::new("record-place");
/// The rule that a run has an input.
const NO_INPUT: Rule = Rule::new("input-missing");

/// Runs a workflow, one of its steps, or a pinned component file.
///
/// Each step runs as the exact bytes that stepward.lock pins, under its limits, reaching what its
/// grants and the environment allow.
///
/// The exit code is 0 only when the last step succeeded. A trace of each step is kept in the state
/// folder; `stepward runs replay` runs it again without effects. The exit code is 7 where the run
/// succeeded, but a trace or case could not be written.
///
/// An effect that is under way when its step is ended, by a limit or a signal, is waited for. What
/// came of it is told, and kept in the trace, or in STEP.late.json where a signal left no trace. A
/// second signal ends the waiting.
#[derive(Args)]
pub(crate) struct Arguments {
    /// WORKFLOW, WORKFLOW/STEP, STEP, or a component file together with --digest
    #[arg(value_name = "WORKFLOW|STEP|FILE")]
    target: String,
    /// The input: a .json file is the document itself, any other file one JSON string, `-` is JSON
    /// on standard input
    #[arg(long, value_name = "FILE")]
    input: Option<PathBuf>,
    /// The environment, a folder under environments/ [default: dev; the default limits apply where
    /// the project has none]
    #[arg(long, value_name = "NAME")]
    env: Option<String>,
    /// Answers the step's calls from a case instead of the environment: no effects
    #[arg(long, value_name = "CASE")]
    script: Option<PathBuf>,
    /// Writes what happened as a case; for a workflow, one file for each step into this folder
    #[arg(long, value_name = "CASE")]
    record: Option<PathBuf>,
    /// The digest that was approved for a component given as a file
    #[arg(long, value_name = "sha256:…", value_parser = digest)]
    digest: Option<Digest>,
    /// Lowers a limit, such as fuel=1000000; repeatable
    #[arg(long = "limit", value_name = "NAME=VALUE", value_parser = limit)]
    limits: Vec<(LimitName, u64)>,
    #[command(flatten)]
    log: crate::log::LogArguments,
}

fn digest(text: &str) -> Result<Digest, String> {
    Digest::parse(text).map_err(|error| error.to_string())
}

/// Reads `NAME=VALUE`.
pub(crate) fn limit(text: &str) -> Result<(LimitName, u64), String> {
    let (name, value) = text.split_once('=').ok_or("written NAME=VALUE, such as fuel=1000000")?;
    let known = LimitName::ALL.iter().find(|limit| limit.as_str() == name).ok_or_else(|| {
        let all = LimitName::ALL.iter().map(|limit| limit.as_str()).collect::<Vec<_>>();
        format!("no limit is called `{}`; there are {}", shown(name), all.join(", "))
    })?;
    let value = value.replace('_', "").parse().map_err(|_| "the value is a whole number".to_owned())?;
    if value == 0 {
        return Err("the least value is 1".to_owned());
    }
    Ok((*known, value))
}

/// Reads a case.
pub(crate) fn case(path: &Path) -> Result<Case, Fault> {
    Case::from_json(&files::read_text(path, Purpose::Case)?, &files::place(path))
}

pub(crate) fn run(session: &Session, arguments: &Arguments) -> ExitCode {
    arguments.log.install();
    let (mut ran, mut late, mut isolated) = (Vec::new(), Vec::new(), None);
    let result = execute(session, arguments, &mut ran, &mut late, &mut isolated);
    let report = Report {
        name: &arguments.target,
        ran: &ran,
        late: &late,
        isolated: isolated.as_ref(),
        fault: result.as_ref().err(),
    };
    report.show(session.output())
}

fn execute(
    session: &Session,
    arguments: &Arguments,
    ran: &mut Vec<Ran>,
    late: &mut Vec<Late>,
    isolated: &mut Option<Isolated>,
) -> Result<(), Fault> {
    let mut plan = Plan::find(session, &arguments.target, arguments.digest)?;
    let environment = Wanted::new(arguments.env.as_deref())?;
    let script = arguments.script.as_deref().map(case).transpose()?;
    if script.is_some() && plan.steps.len() != 1 {
        return Err(Fault::new(Class::Usage, Owner::Caller, ONE_STEP)
            .says(format_args!("a case answers for one step, and `{}` has {}", plan.name, plan.steps.len()))
            .hint(format_args!("name one step: stepward run {}/STEP --script CASE", plan.name)));
    }
    let input = match (&arguments.input, &script) {
        (Some(path), _) => input::read(path)?,
        (None, Some(case)) => case.input.to_string(),
        (None, None) => {
            return Err(Fault::new(Class::Usage, Owner::Caller, NO_INPUT)
                .says("a run needs an input")
                .hint("add `--input FILE`, or `--input -` for JSON on standard input"));
        }
    };
    // A component given as a file belongs to no project, whatever lies in the folders above.
    let project = if arguments.digest.is_some() { None } else { Some(session.project()?) };
    let grants = plan.steps.iter().map(|step| &step.grants).collect::<Vec<_>>();
    let found = match &script {
        Some(_) => Found::read(project.as_ref(), &environment, &[])?,
        None => Found::read(project.as_ref(), &environment, &grants)?,
    };
    let ceilings = found.environment.ceilings();
    if script.is_some() {
        grant_bare(&mut plan, ceilings, &arguments.limits)?;
    }
    let steps = execute::admit(&plan, ceilings, &arguments.limits, session.output(), ran)?;
    let state = State::open(session, &environment.name)?;
    let many = plan.steps.len() > 1;
    let record = arguments.record.as_deref().map(|place| place_for_cases(place, many)).transpose()?;
    let workplace = found.workplace.clone();
    let answers = match script {
        Some(case) => Answers::Script(case),
        None => Answers::Live(found.bind(&state)?),
    };
    let result = execute::block_on(answers.effects(), async {
        let opened = workplace.open(session.output()).await?;
        *isolated = Some(opened.isolated);
        execute::run(&opened.engine, steps, input, &answers, &state, session.output(), ran).await
    });
    *late = late::keep(&answers, &state, ran, session.output());
    if let Some(place) = record {
        write_cases(&place, ran, many, session.output());
    }
    result
}

/// Where cases are written. Known before the first step runs: a place that cannot be used must not
/// hide what a run did.
fn place_for_cases(record: &Path, many: bool) -> Result<PathBuf, Fault> {
    let place = absolute(record);
    if !many && place.is_dir() {
        return Err(Fault::new(Class::BadInput, Owner::Caller, RECORD)
            .at(files::place(&place))
            .says("this is a folder, and the case of one step is a file")
            .hint("name a file in it, such as `--record steps/NAME/cases/new.json`"));
    }
    files::make_folder(if many { &place } else { place.parent().unwrap_or(&place) })?;
    Ok(place)
}

/// Grants a component file what it imports. Only where a case answers: then no call has an effect.
fn grant_bare(plan: &mut Plan, ceilings: &Limits, lowered: &[(LimitName, u64)]) -> Result<(), Fault> {
    for step in &mut plan.steps {
        match step.pin {
            Pin::Locked(..) => {}
            Pin::Given(_) => {
                let limits = step.limits(ceilings, lowered)?;
                step.grants = admission::grants_for(&admission::inspect(step, &limits)?);
            }
        }
    }
    Ok(())
}

/// Writes the cases. Effects may have happened: a case that cannot be written must not hide them.
fn write_cases(place: &Path, ran: &mut [Ran], many: bool, output: &Output) {
    for step in ran {
        let Some(case) = &step.case else { continue };
        let path = if many { place.join(format!("{}.json", step.name)) } else { place.to_owned() };
        let text = serde_json::to_string_pretty(case).unwrap_or_default();
        if let Err(fault) = files::write(&path, format!("{text}\n").as_bytes(), Readers::Public) {
            output.warning(format_args!("step {}: its case is not written: {fault}", step.name));
            step.lost.case = Some(fault);
        }
    }
}
