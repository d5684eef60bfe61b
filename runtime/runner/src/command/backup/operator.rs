//! What an operator did, written into a log that is otherwise left alone.

use crate::{
    files,
    running::{book::Book, live::Found, policy::Policy, signals, state::State},
    session::Session,
};
use stepward_fault::{Class, Fault, Owner, Rule};
use stepward_ledger::event::Act;
use stepward_seam::{Label, SecretBytes};
use stepward_vault::Rotated;

/// The rule that there is a log.
const MISSING: Rule = Rule::new("log-missing");
/// What another process's log refuses with: then nothing is written into it.
const OWNED: &str = "log-owned";

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

/// Whether an act stands in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Recorded {
    /// It does.
    InLog,
    /// There is no log, or another process owns it.
    Nowhere,
}

/// Writes an act into the log, where there is one that nobody else owns.
pub(crate) fn record(
    session: &Session,
    state: &State,
    environment: &Label,
    key: &SecretBytes,
    act: Act,
) -> Result<Recorded, Fault> {
    if state.ledger().symlink_metadata().is_err() {
        return Ok(Recorded::Nowhere);
    }
    match signals::block_on(under(session, state, environment, key, act)) {
        Err(fault) if fault.rule().as_str() == OWNED => {
            session.output().progress(format_args!(
                "the log is in use ({}), so that this is done does not stand in it",
                fault.message()
            ));
            Ok(Recorded::Nowhere)
        }
        written => written.map(|_| Recorded::InLog),
    }
}

/// Opens the log, writes the act, and gives the log back.
pub(crate) async fn acted(
    session: &Session,
    state: &State,
    environment: &Label,
    act: Act,
) -> Result<Rotated, Fault> {
    under(session, state, environment, &state.environment_key()?, act).await
}

/// The same under a key that is at hand. The environment's file is not needed for that: its configuration
/// is as it was. Where it is at hand, its witnesses are asked. Says what became of the wrapping keys.
async fn under(
    session: &Session,
    state: &State,
    environment: &Label,
    key: &SecretBytes,
    act: Act,
) -> Result<Rotated, Fault> {
    let output = session.output();
    // Where the environment's file cannot be read, its witnesses are asked at the next start.
    let witnesses = Found::at_hand(session.project().ok().as_ref(), environment)
        .and_then(|found| found.map_or(Ok(None), |found| found.witnesses()))
        .unwrap_or_else(|fault| {
            output.warning(format_args!("the log's witnesses are not asked: {fault}"));
            None
        });
    let book = Book::open(state, environment, key, Policy::AsRemembered, witnesses, output).await?;
    book.tell_unwatched(output);
    let written = book.journal().acted(act, None, book.actor()).await.map(drop);
    let closed = book.close().await;
    written.and(closed).map(|()| book.rotated().clone())
}
