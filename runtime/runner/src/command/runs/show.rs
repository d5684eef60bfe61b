//! `stepward runs show`

use super::Whose;
use crate::{
    render::{DIM, GOOD, STRONG, Table, WARN, styled, utc},
    running::book::{Book, View, what_to_type},
    session::Session,
};
use clap::Args;
use serde::Serialize;
use serde_json::{Value, value::RawValue};
use std::process::ExitCode;
use stepward::journal::OpenedBody;
use stepward_fault::{Fault, shown};
use stepward_ledger::{
    event::{Actor, Event, What},
    runs::{Attempt, Doubt, Made, Run, Standing},
};
use stepward_seam::Label;

/// Shows what a run did, from its events: its steps, its calls, what came of them, who decided what.
///
/// Each event is checked against the log's tree. What a run read and wrote is not in its events and can
/// be erased; `--bodies` opens it where it is still there.
#[derive(Args)]
pub(crate) struct Arguments {
    /// The run, as `stepward runs list` shows it
    #[arg(value_name = "RUN")]
    run: String,
    #[command(flatten)]
    whose: Whose,
    /// Opens the inputs, outputs, calls and replies too. That somebody did is written into the log, so no
    /// other process may own it
    #[arg(long)]
    bodies: bool,
}

#[derive(Serialize)]
struct Report<'a> {
    run: &'a str,
    object: &'a str,
    standing: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<&'a str>,
    in_doubt: Vec<DoubtJson>,
    /// Effects whose step went on, or ended, without anybody knowing whether they were carried out.
    unknown: Vec<DoubtJson>,
    /// The events as the log has them.
    events: Vec<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bodies: Option<Vec<BodyJson>>,
}

#[derive(Serialize)]
pub(super) struct DoubtJson {
    #[serde(skip_serializing_if = "Option::is_none")]
    step: Option<String>,
    /// A call's number, or `since-restore`.
    call: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    object: Option<String>,
}

#[derive(Serialize)]
struct BodyJson {
    event: u64,
    action: &'static str,
    /// Whether it is not there although nobody erased it.
    missing: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<Value>,
}

impl DoubtJson {
    pub(super) fn of(doubt: &Doubt) -> Self {
        match doubt {
            Doubt::Call { step, call, object } => {
                Self { step: Some(step.to_string()), call: (*call).into(), object: Some(object.to_string()) }
            }
            Doubt::Restored { .. } => Self { step: None, call: "since-restore".into(), object: None },
        }
    }
}

pub(super) fn run(session: &Session, arguments: &Arguments) -> Result<ExitCode, Fault> {
    let (environment, view) = arguments.whose.view(session)?;
    let run = view.run(&arguments.run)?;
    let (standing, events) = (view.standing(&run), view.events(&arguments.run)?);
    let unknown = unknown(&view, &run, &events);
    let bodies =
        if arguments.bodies { Some(open(session, &arguments.whose, view, &arguments.run)?) } else { None };
    let next = next(&run, &standing, &environment.name);
    let output = session.output();
    let leaf = |event: &Event| RawValue::from_string(String::from_utf8(event.encode()).ok()?).ok();
    output.json(
        "stepward.run-events/1",
        &Report {
            run: &arguments.run,
            object: run.object.as_str(),
            standing: standing.word(),
            next: next.as_deref(),
            in_doubt: doubts(&standing).iter().map(DoubtJson::of).collect(),
            unknown: unknown.iter().map(DoubtJson::of).collect(),
            events: events.iter().filter_map(leaf).collect(),
            bodies: bodies.as_ref().map(|bodies| bodies.iter().map(body).collect()),
        },
    );
    output.line(format_args!(
        "run {} of {}: {}",
        styled(STRONG, &run.name),
        run.object,
        styled(if matches!(standing, Standing::Finished(_)) { GOOD } else { WARN }, standing.word())
    ));
    output.line(table(&events));
    for doubt in unknown.iter().chain(doubts(&standing)) {
        output.line(styled(WARN, told(doubt)));
    }
    if let Some(next) = next {
        output.line(format_args!("next: {next}"));
    }
    for body in bodies.iter().flatten() {
        output.line(styled(DIM, format_args!("\nevent {}, {}:", body.sequence, body.kind)));
        match &body.bytes {
            Some(bytes) => {
                for line in pretty(bytes).lines() {
                    output.line(format_args!("  {}", shown(line)));
                }
            }
            None => output.line(styled(
                WARN,
                "  it is missing, and nobody erased it: somebody removed it; `stepward verify` tells all that is",
            )),
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Opens the bodies as the log's owner, who writes that it was done.
fn open(session: &Session, whose: &Whose, view: View, run: &str) -> Result<Vec<OpenedBody>, Fault> {
    // Its connection goes before the owner's comes.
    drop(view);
    let open = async |book: &Book, _: &_| book.journal().bodies(run, book.actor()).await;
    whose.own(session, open).map(|(_, bodies)| bodies)
}

fn next(run: &Run, standing: &Standing, environment: &Label) -> Option<String> {
    match standing {
        Standing::Finished(_) | Standing::Erased => None,
        Standing::NotStarted | Standing::CanGoOn | Standing::InDoubt(_) => {
            Some(what_to_type(run.name.as_str(), standing, environment))
        }
    }
}

/// What the run may have done, and nobody knows, apart from what it waits for an operator to decide.
fn unknown(view: &View, run: &Run, events: &[Event]) -> Vec<Doubt> {
    let ends = |event: &&Event| matches!(event.what, What::RunEnded { .. } | What::BodyErased { .. });
    let Some(end) = events.iter().find(ends) else { return run.unknown().collect() };
    // What it was in doubt about when it was ended does not end with it.
    let mut open = run.clone();
    (open.ended, open.erased) = (None, None);
    let open = view.standing(&open);
    let restored = |doubt: &&Doubt| match doubt {
        Doubt::Restored { sequence } => *sequence < end.sequence,
        Doubt::Call { .. } => false,
    };
    unsettled(run).chain(doubts(&open).iter().filter(restored).cloned()).collect()
}

/// The effects of a run of which nobody knows whether they were carried out, also of a step that never
/// ended.
pub(super) fn unsettled(run: &Run) -> impl Iterator<Item = Doubt> {
    let lost = |attempt: &Attempt| attempt.answer.is_none() && attempt.resolved.is_none();
    let cut = run.steps.iter().filter(|step| step.ended.is_none()).flat_map(move |step| {
        step.calls.iter().filter_map(move |call| match &call.made {
            Made::Effect(attempts) => attempts.last().filter(|last| lost(last)).map(|_| Doubt::Call {
                step: step.name.clone(),
                call: call.number,
                object: call.object.clone(),
            }),
            Made::Recorded(_) => None,
        })
    });
    run.unknown().chain(cut)
}

pub(super) fn doubts(standing: &Standing) -> &[Doubt] {
    match standing {
        Standing::InDoubt(doubts) => doubts,
        Standing::Finished(_) | Standing::NotStarted | Standing::CanGoOn | Standing::Erased => &[],
    }
}

pub(super) fn told(doubt: &Doubt) -> String {
    match doubt {
        Doubt::Call { step, call, object } => {
            format!("nobody knows whether {object} acted on call {call} of step {step}")
        }
        Doubt::Restored { sequence } => {
            format!("nobody knows what it did after the backup that was restored at event {sequence}")
        }
    }
}

/// One line for each event.
fn table(events: &[Event]) -> Table {
    let mut table = Table::new(&["event", "time", "step", "call", "what", "of", "", "by"]);
    for event in events {
        let name = |name: Option<&stepward_ledger::event::Name>| {
            name.map(|name| name.as_str().to_owned()).unwrap_or_default()
        };
        table.row([
            event.sequence.to_string(),
            utc(event.stamp.unix_us / 1_000_000),
            name(event.step.as_ref()),
            event.call.map(|call| call.to_string()).unwrap_or_default(),
            event.what.action().to_owned(),
            name(event.what.object()),
            came(&event.what),
            by(&event.actor),
        ]);
    }
    table
}

/// What was decided or came of it, and by which rule or under which status.
fn came(what: &What) -> String {
    let more = match what {
        What::CallIntended { method, attempt, idempotent, .. } => {
            Some(format!("{method}, attempt {attempt}{}", if *idempotent { ", idempotent" } else { "" }))
        }
        What::CallAnswered { status: Some(status), .. } | What::CallRecorded { status: Some(status), .. } => {
            Some(status.to_string())
        }
        What::CallAnswered { rule: Some(rule), .. } | What::GrantDecided { rule, .. } => {
            Some(rule.to_string())
        }
        What::SecretUsed { version, .. } => Some(format!("version {version}")),
        _ => None,
    };
    let verdict = what.verdict().unwrap_or_default();
    match more {
        Some(more) if verdict.is_empty() => more,
        Some(more) => format!("{verdict} ({more})"),
        None => verdict.to_owned(),
    }
}

fn by(actor: &Actor) -> String {
    match actor.name() {
        Some(name) => format!("{} {name}", actor.kind()),
        None => actor.kind().to_owned(),
    }
}

/// A body as JSON where it is some, which every body is that this version writes.
fn body(opened: &OpenedBody) -> BodyJson {
    let body = opened.bytes.as_deref().map(|bytes| {
        serde_json::from_slice(bytes)
            .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(bytes).into_owned()))
    });
    BodyJson { event: opened.sequence, action: opened.kind, missing: body.is_none(), body }
}

fn pretty(bytes: &[u8]) -> String {
    let value = serde_json::from_slice::<Value>(bytes);
    value
        .and_then(|value| serde_json::to_string_pretty(&value))
        .unwrap_or_else(|_| String::from_utf8_lossy(bytes).into_owned())
}
