//! What an operator did, written into a log that is otherwise left alone.

use crate::{
    files,
    running::{book::Book, live::Found, policy::Policy, state::State},
    session::Session,
};
use stepward_fault::{Class, Fault, Owner, Rule};
use stepward_ledger::event::Act;
use stepward_seam::Label;

/// The rule that there is a log.
const MISSING: Rule = Rule::new("log-missing");

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
/// that: its configuration is as it was. Where it is at hand, its witnesses are asked.
pub(crate) async fn acted(
    session: &Session,
    state: &State,
    environment: &Label,
    act: Act,
) -> Result<(), Fault> {
    let output = session.output();
    // Where the environment's file cannot be read, its witnesses are asked at the next start.
    let witnesses = Found::at_hand(session.project().ok().as_ref(), environment)
        .and_then(|found| found.map_or(Ok(None), |found| found.witnesses()))
        .unwrap_or_else(|fault| {
            output.warning(format_args!("the log's witnesses are not asked: {fault}"));
            None
        });
    let book =
        Book::open(state, environment, &state.environment_key()?, Policy::AsRemembered, witnesses, output)
            .await?;
    book.tell_unwatched(output);
    let written = book.journal().acted(act, None, book.actor()).await.map(drop);
    let closed = book.close().await;
    written.and(closed)
}
