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
use stepward_fault::{Class, Fault};
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
    /// Why what it did cannot be read, where it cannot: then anything may be unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    unreadable: Option<&'a Fault>,
}

pub(super) fn run(session: &Session, arguments: &Arguments) -> Result<ExitCode, Fault> {
    let Arguments { run, whose } = arguments;
    let cancel = async |book: &crate::running::book::Book, _: &_| {
        let (unknown, unreadable) = match book.journal().standing(run).await {
            Ok((before, standing)) => {
                let restored =
                    doubts(&standing).iter().filter(|doubt| matches!(doubt, Doubt::Restored { .. }));
                (unsettled(&before).chain(restored.cloned()).collect::<Vec<_>>(), None)
            }
            // A record that is damaged must not keep its run unfinished for ever.
            Err(fault) if fault.class() == Class::EvidenceInvalid => (Vec::new(), Some(fault)),
            Err(fault) => return Err(fault),
        };
        let event = book.journal().cancel(run, book.actor()).await?.sequence();
        Ok((event, unknown, unreadable))
    };
    let (_, (event, unknown, unreadable)) = whose.own(session, cancel)?;
    let output = session.output();
    output.json(
        "stepward.cancelled/1",
        &Cancelled {
            run,
            event,
            unknown: unknown.iter().map(DoubtJson::of).collect(),
            unreadable: unreadable.as_ref(),
        },
    );
    output.line(format_args!("run {run} is cancelled (event {event})"));
    if let Some(fault) = &unreadable {
        output.warning(format_args!(
            "what it did cannot be read, so look at the services that it calls: {fault}"
        ));
    }
    for doubt in &unknown {
        output.line(styled(WARN, told(doubt)));
    }
    Ok(ExitCode::SUCCESS)
}
