//! `stepward runs erase`

use super::Whose;
use crate::{
    render::{WARN, styled, utc},
    running::{book::Book, state::State},
    session::Session,
};
use clap::Args;
use serde::Serialize;
use std::process::ExitCode;
use stepward_fault::Fault;
use stepward_vault::{Completion, Erased};

/// Makes what a run read and wrote unreadable, for good.
///
/// The key of its inputs, outputs, calls and replies is dropped, and its traces are removed. Its events
/// stay, and the log still verifies. The answer says when the erasure is complete for older copies too,
/// and which copies have to be destroyed.
#[derive(Args)]
pub(crate) struct Arguments {
    /// The run, as `stepward runs list` shows it
    #[arg(value_name = "RUN")]
    run: String,
    #[command(flatten)]
    whose: Whose,
}

#[derive(Serialize)]
struct Report<'a> {
    run: &'a str,
    /// Whether no copy of keys.db, however old, can be opened for this run.
    complete: bool,
    /// Since when, or from when on.
    complete_at: &'a str,
    /// The key that older copies of the run's key are under.
    wrapping_key: u64,
    /// Whether traces were removed.
    traces_removed: bool,
}

pub(super) fn run(session: &Session, arguments: &Arguments) -> Result<ExitCode, Fault> {
    let Arguments { run, whose } = arguments;
    let erase = async |book: &Book, state: &State| {
        let erased = book.journal().erase(run, book.actor()).await?;
        let traces = state.remove_traces(run)?;
        Ok((erased, traces))
    };
    let (_, (erased, traces_removed)) = whose.own(session, erase)?;
    let Erased { wrapping_key, completion } = erased;
    let complete = matches!(completion, Completion::Done { .. });
    let complete_at = utc(erased.complete_at_ms() / 1000);
    let output = session.output();
    let report = Report { run, complete, complete_at: &complete_at, wrapping_key, traces_removed };
    output.json("stepward.erased/1", &report);
    output.line(format_args!("run {run}: the key of its bodies is dropped here; its events stay in the log"));
    if traces_removed {
        output.line("its traces are removed; cases that were recorded from it lie where they were put");
    }
    let copies = "destroy the copies of wrapping.db that were made before then: with one of them, the \
                  environment's key and an old copy of keys.db the bodies could be opened";
    output.line(if complete {
        format!("complete since {complete_at}, if no copy of wrapping.db from before is left")
    } else {
        styled(
            WARN,
            format_args!(
                "complete when the log is next opened at or after {complete_at}, when the wrapping key \
                 {wrapping_key} is destroyed; {copies}"
            ),
        )
    });
    Ok(ExitCode::SUCCESS)
}
