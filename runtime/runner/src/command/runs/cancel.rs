//! `stepward runs cancel`

use super::{
    Whose,
    show::{DoubtJson, doubts, told, unsettled},
};
use crate::{
    render::{WARN, styled},
    session::Session,
};
use clap::Args;
use serde::Serialize;
use std::process::ExitCode;
use stepward_fault::Fault;
use stepward_ledger::runs::Doubt;

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
    /// What it may have done, and nobody knows.
    unknown: Vec<DoubtJson>,
}

pub(super) fn run(session: &Session, arguments: &Arguments) -> Result<ExitCode, Fault> {
    let Arguments { run, whose } = arguments;
    let cancel = async |book: &crate::running::book::Book, _: &_| {
        let (before, standing) = book.journal().standing(run).await?;
        let event = book.journal().cancel(run, book.actor()).await?.sequence();
        let restored = doubts(&standing).iter().filter(|doubt| matches!(doubt, Doubt::Restored { .. }));
        Ok((event, unsettled(&before).chain(restored.cloned()).collect::<Vec<_>>()))
    };
    let (_, (event, unknown)) = whose.own(session, cancel)?;
    let output = session.output();
    output.json(
        "stepward.cancelled/1",
        &Cancelled { run, event, unknown: unknown.iter().map(DoubtJson::of).collect() },
    );
    output.line(format_args!("run {run} is cancelled (event {event})"));
    for doubt in &unknown {
        output.line(styled(WARN, told(doubt)));
    }
    Ok(ExitCode::SUCCESS)
}
