//! `stepward runs erase`

use super::Whose;
use crate::{
    files,
    render::{WARN, styled, utc},
    running::{book::Book, state::State},
    session::Session,
};
use clap::Args;
use serde::Serialize;
use std::process::ExitCode;
use stepward::journal::Erasure;
use stepward_fault::Fault;
use stepward_vault::{Completion, Erased};

/// Makes what a run read and wrote unreadable, for good.
///
/// The key of its inputs, outputs, calls and replies is dropped, and its traces are removed. Its events
/// stay, and the log still verifies. The answer says when the erasure is complete for older copies too,
/// and which copies have to be destroyed, among them the logs that `restore --replace` moved aside here.
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
    /// Whether the log has the run, and says that it was erased.
    recorded: bool,
    /// Whether no copy of keys.db, however old, can be opened for this run, and none of a log that was
    /// replaced lies here.
    complete: bool,
    /// Since when, or from when on.
    complete_at: &'a str,
    /// The key that older copies of the run's key are under.
    wrapping_key: u64,
    /// Whether traces were removed.
    traces_removed: bool,
    /// The folders that restores moved replaced logs into: they open with the environment's key.
    replaced: Vec<String>,
}

pub(super) fn run(session: &Session, arguments: &Arguments) -> Result<ExitCode, Fault> {
    let Arguments { run, whose } = arguments;
    let erase = async |book: &Book, state: &State| {
        let replaced = state.replaced()?;
        // Traces are not sealed. They go first, so that whatever stops this afterwards leaves nothing in
        // the clear, and again when no run can write any more.
        let before = state.remove_traces(run)?;
        let erased = book.journal().erase(run, book.actor()).await?;
        let after = state.remove_traces(run)?;
        Ok((erased, before || after, replaced))
    };
    let (_, (erasure, traces_removed, replaced)) = whose.own(session, erase)?;
    let erased = erasure.key();
    let Erased { wrapping_key, completion } = erased;
    let destroyed = matches!(completion, Completion::Done { .. });
    let complete_at = utc(erased.complete_at_ms() / 1000);
    let output = session.output();
    let report = Report {
        run,
        recorded: matches!(erasure, Erasure::Told(_)),
        complete: destroyed && replaced.is_empty(),
        complete_at: &complete_at,
        wrapping_key,
        traces_removed,
        replaced: replaced.iter().map(|folder| files::from_here(folder)).collect(),
    };
    output.json("stepward.erased/1", &report);
    output.line(match erasure {
        Erasure::Told(_) => {
            format!("run {run}: the key of its bodies is dropped here; its events stay in the log")
        }
        Erasure::NeverBegun(_) => format!(
            "run {run}: its key is dropped here; the log has no run of this name, so nothing is written into it"
        ),
    });
    if traces_removed {
        output.line("its traces are removed; cases that were recorded from it lie where they were put");
    }
    let copies = "destroy the copies of wrapping.db that were made before then: with one of them, the \
                  environment's key and an old copy of keys.db the bodies could be opened";
    output.line(if destroyed {
        format!("the wrapping key is destroyed since {complete_at}: complete, if no copy of wrapping.db from before is left")
    } else {
        styled(
            WARN,
            format_args!(
                "complete when the log is next opened at or after {complete_at}, when the wrapping key \
                 {wrapping_key} is destroyed; {copies}"
            ),
        )
    });
    for folder in &replaced {
        output.line(styled(
            WARN,
            format_args!(
                "{} holds copies that a restore moved aside, which still open with the environment's key: \
                 destroy them",
                files::place(folder)
            ),
        ));
    }
    Ok(ExitCode::SUCCESS)
}
