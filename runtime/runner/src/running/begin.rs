//! The beginning and the end of a run in the log.

use super::{
    execute::{AdmittedStep, After, Answers, Begin, From, Story, run_name},
    live::Live,
    plan::PlannedStep,
};
use crate::render::Output;
use stepward::{
    Engine, Finished, Outcome as Ended,
    journal::{Earlier, EarlierStep, History, RunLog, RunStart},
};
use stepward_fault::{Class, Fault, Owner, Rule};
use stepward_ledger::{
    event::{NAME_BYTES, Outcome},
    runs::Run,
};
use stepward_seam::Limits;
use stepward_trust::Digest;

/// The rule that a run goes on as what it was started as.
const CHANGED: Rule = Rule::new("resume-changed");
/// The rule that a run goes on under its own name.
const OTHER: Rule = Rule::new("resume-other");
/// The rule that a case answers for a whole run.
const SCRIPTED: Rule = Rule::new("resume-scripted");
/// The rule that a step that did not succeed ends its run.
const ENDED: Rule = Rule::new("step-ended-before");
/// The rule that the end of a run is recorded before it is told.
const UNRECORDED: Rule = Rule::new("run-end-unrecorded");

/// A run that began or goes on.
pub(super) struct Begun {
    /// Its name.
    pub(super) run: String,
    /// What the next step is given.
    pub(super) document: String,
    /// Where it is recorded.
    pub(super) record: Record,
    interrupted: Option<EarlierStep>,
    /// Whether it began before: then its steps may have acted.
    origin: Origin,
}

/// Whether a run is new.
#[derive(Clone, Copy)]
enum Origin {
    /// It began just now.
    New,
    /// It was interrupted and goes on.
    GoesOn,
}

impl Begun {
    /// Records the end of the run, unless what kept it from its end can be put right: then it stays
    /// unfinished, and goes on when somebody says so. A new run that was refused before its first step
    /// did nothing, and ends.
    pub(super) async fn end(
        self,
        result: Result<(), Fault>,
        story: &Story,
        output: &Output,
    ) -> Result<(), Fault> {
        let waits = match (&result, story.ran.last().map(|last| After::of(&last.outcome))) {
            (_, Some(After::Waits(_))) => true,
            (Err(_), _) => matches!(self.origin, Origin::GoesOn),
            (Ok(()), _) => false,
        };
        if let (true, Record::Log(log)) = (waits, &self.record) {
            output.warning(format_args!(
                "run {0} has not ended: `stepward runs resume {0}` goes on with it when that is put right",
                log.name()
            ));
            return result;
        }
        self.record.end(result, story).await
    }

    /// What a step was answered before it was interrupted; nothing where it was not. Given out once.
    pub(super) fn earlier_of(&mut self, step: &str) -> Option<Vec<Earlier>> {
        let named = |interrupted: &mut EarlierStep| interrupted.name == in_log(step);
        self.interrupted.take_if(named).map(|interrupted| interrupted.calls)
    }
}

/// Begins a run where it has to begin: `steps` are then those that are left.
pub(super) async fn begin(
    answers: &Answers,
    begin: Begin<'_>,
    steps: &mut Vec<AdmittedStep>,
    story: &mut Story,
) -> Result<Begun, Fault> {
    let Begin { object, definition, from } = begin;
    let begun = match (answers, from) {
        (Answers::Script(_), From::Input(document)) => {
            return Ok(Begun {
                run: run_name()?,
                document,
                record: Record::None,
                interrupted: None,
                origin: Origin::New,
            });
        }
        (Answers::Script(_), From::Interrupted(_)) => {
            return Err(Fault::new(Class::Usage, Owner::Caller, SCRIPTED)
                .says("a case cannot answer for a run that went on before")
                .hint("leave out --script, or start a new run with it"));
        }
        (Answers::Live(live), From::Input(document)) => {
            let (run, actor) = (run_name()?, live.book.actor());
            let start = RunStart { run: &run, object, definition, input: &document, actor };
            let record = Record::Log(live.book.journal().start(start).await?);
            Begun { run, document, record, interrupted: None, origin: Origin::New }
        }
        (Answers::Live(live), From::Interrupted(history)) => {
            check_same(&history.run, object, definition, steps.iter().map(|step| &step.planned))?;
            go_on(live, *history, steps, story).await?
        }
    };
    story.run = Some(begun.run.clone());
    Ok(begun)
}

async fn go_on(
    live: &Live,
    history: History,
    steps: &mut Vec<AdmittedStep>,
    story: &mut Story,
) -> Result<Begun, Fault> {
    let record = Record::Log(live.book.journal().go_on(&history, live.book.actor()).await?);
    let run = record.name().unwrap_or_default().to_owned();
    let succeeded = history.finished.iter().all(|step| step.outcome == Outcome::Succeeded);
    let left = if succeeded { history.finished.len().min(steps.len()) } else { steps.len() };
    drop(steps.drain(..left));
    let output = history.finished.last().and_then(|last| last.output.clone());
    let document = output.unwrap_or(history.input);
    story.taken = history.finished;
    Ok(Begun { run, document, record, interrupted: history.interrupted, origin: Origin::GoesOn })
}

/// The run is of what is there now.
fn check_same<'a>(
    run: &Run,
    object: &str,
    definition: Digest,
    steps: impl ExactSizeIterator<Item = &'a PlannedStep>,
) -> Result<(), Fault> {
    if run.object.as_str() != object {
        return Err(Fault::new(Class::Usage, Owner::Caller, OTHER)
            .says(format_args!("run {} is one of `{}`, not of `{object}`", run.name, run.object))
            .hint(format_args!("stepward runs resume {}", run.name)));
    }
    let planned = steps.map(|step| (in_log(&step.name), step.pin.component())).collect::<Vec<_>>();
    let differs = run.steps.iter().enumerate().find_map(|(at, step)| match planned.get(at) {
        None => Some(format!("the step {} is not there any more", step.name)),
        Some((name, _)) if name != step.name.as_str() => {
            Some(format!("the step {} stands where {} stood", name, step.name))
        }
        Some((_, now)) if *now != step.component => {
            Some(format!("the step {} was the component {}, and is {now}", step.name, step.component))
        }
        Some(_) => None,
    });
    let differs = match differs {
        Some(differs) => differs,
        None if run.definition == definition => return Ok(()),
        None => "the grants or limits of its steps, their order, or a step that had not started".to_owned(),
    };
    Err(Fault::new(Class::Refused, Owner::Operator, CHANGED)
        .at(format_args!("run {}", run.name))
        .says(format_args!("what it runs changed since it was started: {differs}"))
        .hint(format_args!(
            "go to the version of the project that it was started from and run `stepward build --locked`; or end \
             it with `stepward runs cancel {}`, look what it did with `stepward runs show {0}`, and start a new one",
            run.name
        )))
}

/// A step's name as the log has it. Those of a workflow are names already; that of a component's file
/// can be anything.
fn in_log(step: &str) -> String {
    let fits = |c: char| c.is_ascii_graphic() && c != '"' && c != '\\';
    let name = step.chars().take(NAME_BYTES).map(|c| if fits(c) { c } else { '_' }).collect::<String>();
    if name.is_empty() { "_".to_owned() } else { name }
}

/// Where a run is recorded.
pub(super) enum Record {
    /// Nowhere: a case answers, and nothing leaves this process.
    None,
    /// In the log.
    Log(RunLog),
}

impl Record {
    fn name(&self) -> Option<&str> {
        match self {
            Self::None => None,
            Self::Log(log) => Some(log.name()),
        }
    }

    pub(super) fn step_started(
        &self,
        step: &str,
        component: Digest,
        engine: &Engine,
        limits: &Limits,
    ) -> Result<(), Fault> {
        match self {
            Self::None => Ok(()),
            Self::Log(log) => log.step_started(&in_log(step), component, engine.fingerprint(), limits),
        }
    }

    /// Records which rule or limit does not let a step run, or holds it up, and gives the fault on. Where
    /// that cannot be recorded, the end of the run cannot either, which is told then.
    pub(super) fn refused(&self, step: &str, fault: Fault) -> Fault {
        match self {
            Self::None => {}
            Self::Log(log) => drop(log.step_refused(&in_log(step), &fault)),
        }
        fault
    }

    pub(super) fn step_ended(&self, step: &str, finished: &Finished) -> Result<(), Fault> {
        match self {
            Self::None => Ok(()),
            Self::Log(log) => log.step_ended(&in_log(step), finished),
        }
    }

    /// Records how the run ended. What it came to is what this returns, and nothing before.
    async fn end(self, result: Result<(), Fault>, story: &Story) -> Result<(), Fault> {
        let Self::Log(log) = self else { return result };
        let run = log.name().to_owned();
        let (outcome, output) = match &result {
            Err(fault) => (refused(fault), None),
            Ok(()) => match story.ran.last().map(|last| &last.outcome) {
                Some(Ended::Succeeded(output)) => (Outcome::Succeeded, Some(output.as_str())),
                Some(Ended::Failed(_)) => (Outcome::Failed, None),
                Some(Ended::LimitExceeded(_)) => (Outcome::LimitExceeded, None),
                Some(Ended::Refused(_)) => (Outcome::Refused, None),
                // Every step had ended before the run was interrupted.
                None => story
                    .taken
                    .last()
                    .map_or((Outcome::Refused, None), |last| (last.outcome, last.output.as_deref())),
            },
        };
        match log.end(outcome, output).await {
            Ok(_) => result.and_then(|()| ended_before(story)),
            Err(fault) => Err(unrecorded(&run, &fault)),
        }
    }
}

/// Says of a run whose last step had ended before it was interrupted how that ended.
fn ended_before(story: &Story) -> Result<(), Fault> {
    let (true, Some(last)) = (story.ran.is_empty(), story.taken.last()) else { return Ok(()) };
    let class = match last.outcome {
        Outcome::Succeeded => return Ok(()),
        Outcome::Failed => Class::StepFailed,
        Outcome::LimitExceeded => Class::LimitExceeded,
        Outcome::Refused | Outcome::Cancelled => Class::Refused,
    };
    Err(Fault::new(class, Owner::StepAuthor, ENDED)
        .at(format_args!("step {}", last.name))
        .says(format_args!("the step ended before the run was interrupted: {}", last.outcome))
        .hint("`stepward runs show` with `--bodies` shows its error"))
}

/// How a run ended that was refused before its next step.
fn refused(fault: &Fault) -> Outcome {
    match fault.class() {
        Class::LimitExceeded => Outcome::LimitExceeded,
        Class::Usage
        | Class::Refused
        | Class::StepFailed
        | Class::Waiting
        | Class::Unavailable
        | Class::EvidenceInvalid
        | Class::BadInput
        | Class::Internal
        | Class::Cancelled => Outcome::Refused,
    }
}

fn unrecorded(run: &str, fault: &Fault) -> Fault {
    let place = if fault.place().is_empty() { String::new() } else { format!(" ({})", fault.place()) };
    Fault::new(Class::Unavailable, Owner::Operator, UNRECORDED)
        .at(format_args!("run {run}"))
        .says(format_args!(
            "what the steps did stands, and the log could not be written, so how the run ended is not known to \
             it: {}: {}{place}",
            fault.rule(),
            fault.message()
        ))
        .hint(format_args!(
            "{}\nthen `stepward runs show {run}` says what the log has, and `stepward runs resume {run}` goes on \
             from there",
            fault.remedy()
        ))
}
