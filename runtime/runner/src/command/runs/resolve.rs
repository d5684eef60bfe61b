//! `stepward runs resolve`

use super::Whose;
use crate::{
    files::{self, Purpose},
    running::book::{Book, said, what_to_type},
    session::{Session, absolute},
};
use clap::{Args, ValueEnum};
use serde::Serialize;
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};
use stepward::journal::{Given, Place};
use stepward_fault::{Class, Fault, Owner, Rule};
use stepward_ledger::event::Resolution;
use stepward_seam::HttpResponse;

/// The rule that an answer is one of a call that was carried out.
const ANSWER: Rule = Rule::new("resolve-answer");
/// The rule that a decision has a reason.
const REASON: Rule = Rule::new("resolve-reason");
/// The word for everything since a backup.
const SINCE_RESTORE: &str = "since-restore";

/// Says what came of a call in doubt, after somebody looked at the service.
///
/// The run then goes on from there with `stepward runs resume`: a call that was applied is not sent
/// again, one that was not is. Who said it, and why, is recorded.
#[derive(Args)]
pub(crate) struct Arguments {
    /// The run, as `stepward runs list` shows it
    #[arg(value_name = "RUN")]
    run: String,
    /// The call's number, or `since-restore` for everything that the run could have done since the
    /// backup that the log was restored from
    #[arg(value_name = "CALL", value_parser = place)]
    call: Place,
    /// What was found
    #[arg(long = "as", value_enum, value_name = "FOUND")]
    found: Found,
    /// Why; it is sealed with the run's other bodies
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// The service's answer, which the step is told: JSON with `status`, `headers` and `body` as in a
    /// case [default: status 204 and nothing else]
    #[arg(long, value_name = "FILE")]
    answer: Option<PathBuf>,
    #[command(flatten)]
    whose: Whose,
}

#[derive(Clone, Copy, ValueEnum)]
enum Found {
    /// The service acted on the call
    Applied,
    /// The service did not, and will not
    NotApplied,
}

impl Found {
    const fn effect(self) -> Resolution {
        match self {
            Self::Applied => Resolution::Applied,
            Self::NotApplied => Resolution::NotApplied,
        }
    }
}

fn place(text: &str) -> Result<Place, String> {
    if text == SINCE_RESTORE {
        return Ok(Place::SinceRestore);
    }
    text.parse().map(Place::Call).map_err(|_| format!("a call is a number, or `{SINCE_RESTORE}`"))
}

#[derive(Serialize)]
struct Report<'a> {
    run: &'a str,
    effect: Resolution,
    event: u64,
    standing: &'static str,
}

pub(super) fn run(session: &Session, arguments: Arguments) -> Result<ExitCode, Fault> {
    let Arguments { run, call, found, reason, answer, whose } = arguments;
    let (run, effect) = (&*run, found.effect());
    if reason.trim().is_empty() {
        return Err(Fault::new(Class::Usage, Owner::Caller, REASON)
            .says("a decision needs a reason")
            .hint("say what you looked at and what you found, such as --reason \"payment 77 is booked\""));
    }
    let told_nothing = match (call, effect, &answer) {
        (Place::Call(_), Resolution::Applied, None) => true,
        (Place::Call(_) | Place::SinceRestore, _, _) => false,
    };
    let answer = answer.as_deref().map(|path| given(path, effect)).transpose()?;
    let resolve = async |book: &Book, _: &_| {
        let history = book.journal().history(run).await?;
        let given = Given { effect, reason: &reason, answer, actor: book.actor() };
        let event = book.journal().resolve(&history, call, given).await?.sequence();
        let (_, standing) = book.journal().standing(run).await?;
        Ok((event, standing))
    };
    let (environment, (event, standing)) = whose.own(session, resolve)?;
    let output = session.output();
    output.json("stepward.resolved/1", &Report { run, effect, event, standing: standing.word() });
    output.line(format_args!(
        "recorded as {effect} (event {event}); run {run} {}: {}",
        said(&standing),
        what_to_type(run, &standing, &environment.name)
    ));
    if told_nothing {
        output.line(
            "the step will be told status 204 without a body; `--answer FILE`, when a call is resolved, gives it \
             what the service had answered",
        );
    }
    Ok(ExitCode::SUCCESS)
}

/// The answer that the operator vouches for.
fn given(path: &Path, effect: Resolution) -> Result<HttpResponse, Fault> {
    if effect == Resolution::NotApplied {
        return Err(Fault::new(Class::Usage, Owner::Caller, ANSWER)
            .says("a call that was not applied has no answer")
            .hint("leave out --answer"));
    }
    let text = files::read_text(path, Purpose::Case)?;
    serde_json::from_str(&text).map_err(|error| {
        Fault::new(Class::BadInput, Owner::Caller, ANSWER)
            .at(format_args!("{}:{}:{}", files::place(&absolute(path)), error.line(), error.column()))
            .says(format_args!("not the answer of a service: {error}"))
            .hint("write it as in a case: {\"status\": 201, \"body\": {\"text\": \"…\"}}")
    })
}
