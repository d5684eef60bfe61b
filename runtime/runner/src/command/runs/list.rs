//! `stepward runs list`

use super::{Whose, sweep::sweep};
use crate::{
    render::{BAD, DIM, GOOD, STRONG, Table, WARN, styled, utc},
    running::book::{View, owner, what_to_type},
    session::Session,
};
use clap::Args;
use serde::Serialize;
use std::process::ExitCode;
use stepward_fault::{Fault, shown};
use stepward_ledger::{
    event::Outcome,
    runs::{self, Standing},
    store::{MAX_PAGE, Run},
};

/// Lists the runs of an environment, the newest first, and where each stands.
#[derive(Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    whose: Whose,
    /// Lists at most this many
    #[arg(long, value_name = "COUNT", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
    /// Lists all of them
    #[arg(long, conflicts_with = "limit")]
    all: bool,
}

/// The standing of a run whose record cannot be read.
const UNREADABLE: &str = "unreadable";

#[derive(Serialize)]
struct Report<'a> {
    environment: &'a str,
    /// Who owns the log at this moment, and may be at work on any run that has not ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    owned_by: Option<String>,
    runs: &'a [Line],
    /// Whether there are older ones.
    more: bool,
}

#[derive(Serialize)]
struct Line {
    run: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    object: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    started: Option<String>,
    standing: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<Outcome>,
    /// What to type, or why its record cannot be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
    first_event: u64,
    last_event: u64,
}

impl Line {
    fn left_to_its_owner(self) -> Self {
        match self.standing {
            UNREADABLE => self,
            _ => Self { next: None, ..self },
        }
    }
}

pub(super) fn run(session: &Session, arguments: &Arguments) -> Result<ExitCode, Fault> {
    let (environment, state, view) = arguments.whose.view_of(session)?;
    // Asked after the view was taken: an owner that ended before has written all that it would.
    let owner = owner(&state);
    let most = if arguments.all { usize::MAX } else { arguments.limit as usize };
    let (found, more) = find(&view, most)?;
    let read = sweep(view.records(), view.head(), &found, |name| view.run(name));
    let lines = found.iter().zip(read).map(|(run, read)| line(&view, run, read, &environment.name));
    let lines = match &owner {
        None => lines.collect::<Vec<_>>(),
        // What it is in the middle of is not for a person to decide.
        Some(_) => lines.map(Line::left_to_its_owner).collect(),
    };
    let output = session.output();
    output.json(
        "stepward.runs/1",
        &Report { environment: environment.name.as_str(), owned_by: owner.clone(), runs: &lines, more },
    );
    if lines.is_empty() {
        output.line("no runs yet");
        return Ok(ExitCode::SUCCESS);
    }
    let mut table = Table::new(&["run", "of", "started", "standing"]);
    for line in &lines {
        let standing = line.outcome.map_or(line.standing, Outcome::as_str);
        let style = match (line.standing, line.outcome) {
            (_, Some(Outcome::Succeeded)) => GOOD,
            ("in-doubt" | "can-go-on" | "not-started", _) => WARN,
            (_, _) => BAD,
        };
        table.row([
            styled(STRONG, shown(&line.run)),
            shown(line.object.as_deref().unwrap_or("?")).to_string(),
            line.started.clone().unwrap_or_default(),
            styled(style, standing),
        ]);
    }
    output.line(table);
    for (run, next) in lines.iter().filter_map(|line| Some((&line.run, line.next.as_deref()?))) {
        output.line(format_args!("{}: {}", shown(run), shown(next)));
    }
    if let Some(owner) = owner.filter(|_| lines.iter().any(|line| line.outcome.is_none())) {
        output.line(format_args!("still at work, perhaps on one of these: {}", shown(&owner)));
    }
    if more {
        output.line(styled(DIM, "there are older ones; --all lists them"));
    }
    Ok(ExitCode::SUCCESS)
}

/// The newest runs, at most so many, and whether there are more.
fn find(view: &View, most: usize) -> Result<(Vec<Run>, bool), Fault> {
    let (mut found, mut before) = (Vec::new(), u64::MAX);
    while found.len() <= most {
        let page = view.runs(before, most.saturating_add(1).saturating_sub(found.len()).min(MAX_PAGE))?;
        let Some(last) = page.last() else { break };
        before = last.opened;
        found.extend(page);
    }
    let more = found.len() > most;
    found.truncate(most);
    Ok((found, more))
}

/// What is known of a run. One that cannot be read hides none of the others.
fn line(view: &View, run: &Run, read: Result<runs::Run, Fault>, environment: &stepward_seam::Label) -> Line {
    let started = view.event(run.opened).map(|event| utc(event.stamp.unix_us / 1_000_000)).ok();
    let bare = Line {
        run: run.name.clone(),
        object: None,
        started,
        standing: UNREADABLE,
        outcome: None,
        next: None,
        first_event: run.opened,
        last_event: run.last,
    };
    match read {
        Err(fault) => Line { next: Some(fault.to_string()), ..bare },
        Ok(folded) => {
            let standing = view.standing(&folded);
            let (outcome, next) = match &standing {
                Standing::Finished(outcome) => (Some(*outcome), None),
                Standing::Erased => (None, None),
                Standing::NotStarted | Standing::CanGoOn | Standing::InDoubt(_) => {
                    (None, Some(what_to_type(&run.name, &standing, environment)))
                }
            };
            Line { object: Some(folded.object.to_string()), standing: standing.word(), outcome, next, ..bare }
        }
    }
}
