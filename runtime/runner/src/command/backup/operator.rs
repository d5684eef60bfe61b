//! What an operator did, written into a log that is otherwise left alone.

use crate::{
    files,
    render::Output,
    running::{book::Book, state::State},
};
use stepward_fault::{Class, Fault, Owner, Rule};
use stepward_ledger::{
    event::Act,
    store::{Records as _, sqlite::Reader},
};
use stepward_seam::Label;
use stepward_trust::Digest;

/// The rule that there is a log.
const MISSING: Rule = Rule::new("log-missing");
/// The remembered digest of the environment's configuration, as the journal writes it.
const POLICY_FACT: &str = "policy";

/// Refuses where there is no log.
pub(crate) fn check_log(state: &State, environment: &Label) -> Result<(), Fault> {
    let ledger = state.ledger();
    if ledger.symlink_metadata().is_ok() {
        return Ok(());
    }
    Err(Fault::new(Class::BadInput, Owner::Caller, MISSING)
        .at(files::place(&ledger))
        .says(format_args!("the environment {environment} has no log"))
        .hint("the first `stepward run` begins it; another one is named with --env or --state"))
}

/// Opens the log, writes the act, and gives the log back. The environment's file is not needed for
/// that: its configuration is as it was.
pub(crate) async fn acted(
    state: &State,
    environment: &Label,
    act: Act,
    output: &Output,
) -> Result<(), Fault> {
    let remembered = Reader::open(&state.ledger())?.fact(POLICY_FACT)?;
    let policy = remembered
        .and_then(|value| value.try_into().ok())
        .map_or_else(|| Digest::of(b""), Digest::from_bytes);
    let book = Book::open(state, environment, &state.environment_key()?, policy, None, output).await?;
    let written = book.journal().acted(act, None, book.actor()).await.map(drop);
    let closed = book.close().await;
    written.and(closed)
}
