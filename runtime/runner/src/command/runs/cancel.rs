//! `stepward runs cancel`

use super::Whose;
use crate::session::Session;
use clap::Args;
use serde::Serialize;
use std::process::ExitCode;
use stepward_fault::Fault;

/// Ends a run that was interrupted, for good. What it did stays done, and in the log.
#[derive(Args)]
pub(crate) struct Arguments {
    /// The run, as `stepward runs list` shows it
    #[arg(value_name = "RUN")]
    run: String,
    #[command(flatten)]
    whose: Whose,
}

#[derive(Serialize)]
struct Cancelled<'a> {
    run: &'a str,
    event: u64,
}

pub(super) fn run(session: &Session, arguments: &Arguments) -> Result<ExitCode, Fault> {
    let Arguments { run, whose } = arguments;
    let cancel = async |book: &crate::running::book::Book, _: &_| {
        book.journal().cancel(run, book.actor()).await.map(|durable| durable.sequence())
    };
    let (_, event) = whose.own(session, cancel)?;
    let output = session.output();
    output.json("stepward.cancelled/1", &Cancelled { run, event });
    output.line(format_args!("run {run} is cancelled (event {event})"));
    Ok(ExitCode::SUCCESS)
}
