//! `stepward run`

use crate::{
    files::{self, Purpose, Readers},
    project::Project,
    render::Output,
    running::{
        admission,
        book::View,
        execute::{self, Answers, Begin, From, Place, Ran, Story},
        heard::Late,
        input, late,
        live::{Found, Wanted},
        plan::{Pin, Plan},
        report::Report,
        signals,
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
/// The rule that a component's file is named where a run of it goes on.
const FILE_NEEDED: Rule = Rule::new("resume-file");
/// The rule that a run has an input.
const NO_INPUT: Rule = Rule::new("input-missing");

/// Runs a workflow, one of its steps, or a pinned component file.
///
/// Each step runs as the exact bytes that stepward.lock pins, under its limits, reaching what its
/// grants and the environment allow.
///
/// The exit code is 0 only when the last step succeeded. A trace of each step is kept in the state
/// folder; `stepward runs replay` runs it again without effects. The exit code is 7 where the run
/// succeeded, but a trace or case could not be written, or its end could not be recorded. A log that
/// could not be signed or published afterwards is a warning, and `log_error` with `--json`.
///
/// What a run did is in the environment's log before it is told here: each effect before it is sent,
/// and the end of the run before its output. A run that a signal or a crash interrupted can go on with
/// `stepward runs resume`. One process at a time writes the log; a second one ends with exit code 7.
///
/// An effect that is under way when its step is ended, by a limit or a signal, is waited for. What
/// came of it is told, recorded, and kept in the trace, or in STEP.late.json where a signal left no
/// trace. A second signal ends the waiting.
#[derive(Args)]
pub(crate) struct Arguments {
    /// WORKFLOW, WORKFLOW/STEP, STEP, or a component file together with --digest
    #[arg(value_name = "WORKFLOW|STEP|FILE")]
    target: String,
    /// The input: a .json file is the document itself, any other file one JSON string, `-` is JSON
    /// on standard input
    #[arg(long, value_name = "FILE")]
    input: Option<PathBuf>,
    /// Goes on with a run that was interrupted, as `stepward runs resume` does
    #[arg(long, value_name = "RUN", conflicts_with_all = ["input", "script"])]
    resume: Option<String>,
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
    let asked = Asked {
        target: Some(&arguments.target),
        digest: arguments.digest,
        env: arguments.env.as_deref(),
        limits: &arguments.limits,
        record: arguments.record.as_deref(),
    };
    let mut shown = Shown::default();
    let result = match &arguments.resume {
        None => start(session, arguments, &asked, &mut shown),
        Some(run) => resume(session, run, &asked, &mut shown),
    };
    shown.report(session, &arguments.target, result)
}

/// `stepward runs resume`: goes on with a run of which the log says what it is of.
pub(crate) fn go_on(session: &Session, run: &str, asked: &Asked<'_>) -> ExitCode {
    let mut shown = Shown::default();
    let result = resume(session, run, asked, &mut shown);
    shown.report(session, run, result)
}

/// What the command line says of a run, whether it starts or goes on.
pub(crate) struct Asked<'a> {
    /// What is run; the log says it where a run goes on.
    pub(crate) target: Option<&'a str>,
    /// The digest of a component's file.
    pub(crate) digest: Option<Digest>,
    /// The environment.
    pub(crate) env: Option<&'a str>,
    /// Limits that are lowered.
    pub(crate) limits: &'a [(LimitName, u64)],
    /// Where cases are written.
    pub(crate) record: Option<&'a Path>,
}

/// What is shown of a run, as far as it came.
#[derive(Default)]
struct Shown {
    story: Story,
    late: Vec<Late>,
    isolated: Option<Isolated>,
    unkept: Option<Fault>,
}

impl Shown {
    fn report(&self, session: &Session, name: &str, result: Result<(), Fault>) -> ExitCode {
        let result = result.map_err(|fault| match (fault.class(), &self.story.run) {
            (Class::Cancelled, Some(run)) => interrupted(run, !self.late.is_empty(), fault),
            _ => fault,
        });
        if let Some(fault) = &self.unkept {
            session.output().warning(format_args!("the log was not left in order: {fault}"));
            for line in fault.remedy().lines() {
                session.output().warning(line);
            }
        }
        let report = Report {
            name,
            story: &self.story,
            late: &self.late,
            isolated: self.isolated.as_ref(),
            fault: result.as_ref().err(),
            unkept: self.unkept.as_ref(),
        };
        report.show(session.output())
    }
}

/// What a run is told that was interrupted after it started; `late` where an effect was under way.
fn interrupted(run: &str, late: bool, fault: Fault) -> Fault {
    let mut hint = format!(
        "`stepward runs resume {run}` goes on with it; `stepward runs show {run}` says where it stands"
    );
    if late {
        hint.push_str(
            "\nwhat came of the effect that was under way stands above; where that is unknown, it may have been \
             applied: look at the service",
        );
    }
    fault.says(format_args!("run {run} was interrupted; what it did is in the log")).hint(hint)
}

fn start(
    session: &Session,
    arguments: &Arguments,
    asked: &Asked<'_>,
    shown: &mut Shown,
) -> Result<(), Fault> {
    let mut plan = Plan::find(session, &arguments.target, arguments.digest)?;
    let environment = Wanted::new(asked.env)?;
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
    let Some(script) = script else {
        let object = match arguments.digest {
            // A path may say more than a log should know.
            Some(digest) => digest.to_string(),
            None => arguments.target.clone(),
        };
        return live(session, asked, &environment, Task { plan, object, wish: Wish::Start(input) }, shown);
    };
    let found = Found::read(project(session, asked, &environment)?.as_ref(), &environment, &[])?;
    let ceilings = found.environment.ceilings();
    grant_bare(&mut plan, ceilings, asked.limits)?;
    let steps = execute::admit(&plan, ceilings, asked.limits, session.output(), &mut shown.story.ran)?;
    let state = State::open(session, &environment.name)?;
    let cases = Cases::of(asked, &plan)?;
    let begin = Begin { object: &plan.name, definition: plan.definition()?, from: From::Input(input) };
    let result = signals::block_on(async {
        let opened = found.workplace.open(session.output()).await?;
        shown.isolated = Some(opened.isolated);
        let place = Place { engine: &opened.engine, state: &state, output: session.output() };
        execute::run(place, steps, begin, &Answers::Script(script), &mut shown.story).await
    });
    cases.write(&mut shown.story.ran, session.output());
    result
}

/// Goes on with a run.
fn resume(session: &Session, run: &str, asked: &Asked<'_>, shown: &mut Shown) -> Result<(), Fault> {
    let environment = Wanted::new(asked.env)?;
    let state = State::open(session, &environment.name)?;
    let object = match (asked.digest, asked.target) {
        (Some(digest), _) => digest.to_string(),
        (None, Some(target)) => target.to_owned(),
        (None, None) => {
            View::is_there(&state, &environment.name)?;
            let view = View::open(&state, &environment.name, &state.existing_environment_key()?)?;
            view.run(run)?.object.to_string()
        }
    };
    if asked.digest.is_none() && Digest::parse(&object).is_ok() {
        return Err(Fault::new(Class::Usage, Owner::Caller, FILE_NEEDED)
            .says(format_args!("run {run} is of a component's file, which the log knows by its digest alone"))
            .hint(format_args!("name the file: stepward run FILE --digest {object} --resume {run}")));
    }
    let plan = Plan::find(session, asked.target.unwrap_or(&object), asked.digest)?;
    live(session, asked, &environment, Task { plan, object, wish: Wish::GoOn(run) }, shown)
}

/// What is to run with real effects.
struct Task<'a> {
    plan: Plan,
    /// Its name in the log.
    object: String,
    wish: Wish<'a>,
}

/// What is to come of a run.
enum Wish<'a> {
    /// It starts with this input.
    Start(String),
    /// It goes on.
    GoOn(&'a str),
}

/// Runs a plan in its environment: effects are real, and recorded.
fn live(
    session: &Session,
    asked: &Asked<'_>,
    environment: &Wanted,
    task: Task<'_>,
    shown: &mut Shown,
) -> Result<(), Fault> {
    let (output, Task { plan, object, wish }) = (session.output(), task);
    let grants = plan.steps.iter().map(|step| &step.grants).collect::<Vec<_>>();
    let found = Found::read(project(session, asked, environment)?.as_ref(), environment, &grants)?;
    let steps =
        execute::admit(&plan, found.environment.ceilings(), asked.limits, output, &mut shown.story.ran)?;
    let state = State::open(session, &environment.name)?;
    let cases = Cases::of(asked, &plan)?;
    let (definition, workplace) = (plan.definition()?, found.workplace.clone());
    let left = signals::in_environment(found.live(&state, output), async |live| {
        let known = match &wish {
            Wish::Start(_) => None,
            Wish::GoOn(run) => Some(*run),
        };
        live.book.tell_unfinished(&environment.name, known, output);
        let from = match wish {
            Wish::Start(input) => From::Input(input),
            Wish::GoOn(run) => From::Interrupted(Box::new(live.book.journal().history(run).await?)),
        };
        let opened = workplace.open(output).await?;
        shown.isolated = Some(opened.isolated);
        let place = Place { engine: &opened.engine, state: &state, output };
        let begin = Begin { object: &object, definition, from };
        execute::run(place, steps, begin, &Answers::Live(live.clone()), &mut shown.story).await
    });
    if let Some(live) = &left.live {
        shown.late = late::keep(&live.heard, &state, &mut shown.story.ran, output);
    }
    shown.unkept = left.closed.err();
    cases.write(&mut shown.story.ran, output);
    left.result
}

/// The project whose environment is meant. A component given as a file belongs to none, but the log that its
/// run is written into may be that of a project's environment, whose rules and witnesses hold then.
fn project(session: &Session, asked: &Asked<'_>, environment: &Wanted) -> Result<Option<Project>, Fault> {
    match asked.digest {
        None => session.project().map(Some),
        Some(_) => Ok(session.project().ok().filter(|project| Found::is_in(project, &environment.name))),
    }
}

/// Where cases go that were asked for.
struct Cases {
    place: Option<PathBuf>,
    many: bool,
}

impl Cases {
    fn of(asked: &Asked<'_>, plan: &Plan) -> Result<Self, Fault> {
        let many = plan.steps.len() > 1;
        let place = asked.record.map(|place| place_for_cases(place, many)).transpose()?;
        Ok(Self { place, many })
    }

    fn write(&self, ran: &mut [Ran], output: &Output) {
        if let Some(place) = &self.place {
            write_cases(place, ran, self.many, output);
        }
    }
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
