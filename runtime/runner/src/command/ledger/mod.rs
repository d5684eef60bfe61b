//! `stepward ledger`

mod checkpoint;
pub(crate) mod covering;
mod export;
mod filter;
mod key;
mod moment;
mod out;
pub(crate) mod prove;
mod show;

use super::backup::operator;
use crate::{
    render::count,
    running::{
        book::View,
        live::{Found, Wanted},
        signals,
        state::State,
        witnesses,
    },
    session::Session,
};
use clap::{Args, Subcommand};
use std::process::ExitCode;
use stepward_fault::{Class, Fault, Owner, Rule};
use stepward_ledger::{
    event::Act,
    note::{SignedCheckpoint, WitnessVerifier},
    witness::Policy,
};

/// The rule that a checkpoint covers what is proven with it.
const UNCOVERED: Rule = Rule::new("checkpoint-too-small");
/// The rule of a log that another process owns.
const OWNED: &str = "log-owned";

/// Reads the event log of an environment, and takes out what others can check.
#[derive(Subcommand)]
pub(crate) enum Command {
    Show(show::Arguments),
    Prove(prove::Arguments),
    Export(export::Arguments),
    Checkpoint(checkpoint::Arguments),
    Key(key::Arguments),
}

pub(crate) fn run(session: &Session, command: &Command) -> Result<ExitCode, Fault> {
    match command {
        Command::Show(arguments) => show::run(session, arguments),
        Command::Prove(arguments) => prove::run(session, arguments),
        Command::Export(arguments) => export::run(session, arguments),
        Command::Checkpoint(arguments) => checkpoint::run(session, arguments),
        Command::Key(arguments) => key::run(session, arguments),
    }
}

/// Whose log is meant.
#[derive(Args)]
pub(crate) struct Whose {
    /// The environment [default: dev]
    #[arg(long, value_name = "NAME")]
    env: Option<String>,
}

/// A log that can be looked at, whoever owns it.
pub(crate) struct Here {
    pub(crate) environment: Wanted,
    pub(crate) state: State,
}

impl Whose {
    /// Finds the log, which must be there.
    pub(crate) fn find(&self, session: &Session) -> Result<Here, Fault> {
        let environment = Wanted::new(self.env.as_deref())?;
        let state = State::open(session, &environment.name)?;
        View::is_there(&state, &environment.name)?;
        Ok(Here { environment, state })
    }
}

impl Here {
    /// Looks at it.
    pub(crate) fn view(&self) -> Result<View, Fault> {
        View::open(&self.state, &self.environment.name, &self.state.existing_environment_key()?)
    }

    /// The environment's witnesses, and how many are enough. Without the environment's file nobody knows
    /// them; what the log signed stands all the same.
    pub(crate) fn witnesses(&self, session: &Session) -> Option<Policy> {
        let found = Found::at_hand(session.project().ok().as_ref(), &self.environment.name);
        let policy = found.and_then(|found| {
            found.as_ref().and_then(|found| found.environment.witnesses()).map(witnesses::policy).transpose()
        });
        policy.unwrap_or_else(|fault| {
            session.output().warning(format_args!("the environment's witnesses are not known here: {fault}"));
            None
        })
    }

    /// Writes what an operator does into the log, and signs a checkpoint over everything. Where another
    /// process owns the log that cannot be done from here; then a warning says so.
    pub(crate) fn record(&self, session: &Session, act: Act) -> Result<(), Fault> {
        let output = session.output();
        let acted = operator::acted(session, &self.state, &self.environment.name, act);
        match signals::block_on(acted) {
            Err(fault) if fault.rule().as_str() == OWNED => {
                output.warning(format_args!(
                    "another process owns the log, so it will not say that this was taken out: {}",
                    fault.message()
                ));
                Ok(())
            }
            other => other.map(drop),
        }
    }
}

/// So many of something, such as `1 event` or `1,024 events`.
pub(crate) fn counted(number: u64, what: &str) -> String {
    format!("{} {what}{}", count(number), if number == 1 { "" } else { "s" })
}

/// The newest checkpoint, which must cover an event.
pub(crate) fn newest(view: &View, event: u64) -> Result<&SignedCheckpoint, Fault> {
    let size = view.newest().map_or(0, |newest| newest.head().size.get());
    view.newest().filter(|_| event < size).ok_or_else(|| {
        Fault::new(Class::Unavailable, Owner::Operator, UNCOVERED)
            .at(format_args!("event {event}"))
            .says(format_args!("the newest checkpoint covers {}, and this one comes after", counted(size, "event")))
            .hint("make one over everything: `stepward ledger checkpoint`; a service that owns the log does so every second")
    })
}

/// The public keys of the log and of the witnesses that cosigned a checkpoint.
pub(crate) fn vkeys(view: &View, witnesses: Option<&Policy>, checkpoint: &SignedCheckpoint) -> Vec<String> {
    let cosigned =
        |witness: &&WitnessVerifier| checkpoint.cosigned_by(witness).is_ok_and(|seen| seen.is_some());
    let witnesses = witnesses.into_iter().flat_map(Policy::witnesses).filter(cosigned);
    std::iter::once(view.signing().signer().verifier().to_string())
        .chain(witnesses.map(ToString::to_string))
        .collect()
}
