//! `stepward runs`

mod cancel;
mod erase;
mod list;
mod replay;
mod resolve;
mod resume;
mod show;
mod sweep;

use crate::{
    running::{
        book::{Book, View},
        live::{Found, Wanted},
        policy::{self, Policy},
        signals,
        state::State,
    },
    session::Session,
};
use clap::{Args, Subcommand};
use std::process::ExitCode;
use stepward_fault::Fault;
use stepward_ledger::store::sqlite::Reader;

/// Looks at runs that were recorded, and brings those further that were interrupted.
#[derive(Subcommand)]
pub(crate) enum Command {
    List(list::Arguments),
    Show(show::Arguments),
    Resume(resume::Arguments),
    Resolve(resolve::Arguments),
    Cancel(cancel::Arguments),
    Erase(erase::Arguments),
    Replay(replay::Arguments),
}

pub(crate) fn run(session: &Session, command: Command) -> Result<ExitCode, Fault> {
    match command {
        Command::List(arguments) => list::run(session, &arguments),
        Command::Show(arguments) => show::run(session, &arguments),
        Command::Resume(arguments) => Ok(resume::run(session, &arguments)),
        Command::Resolve(arguments) => resolve::run(session, arguments),
        Command::Cancel(arguments) => cancel::run(session, &arguments),
        Command::Erase(arguments) => erase::run(session, &arguments),
        Command::Replay(arguments) => replay::run(session, &arguments),
    }
}

/// Whose log is meant.
#[derive(Args)]
struct Whose {
    /// The environment [default: dev]
    #[arg(long, value_name = "NAME")]
    env: Option<String>,
}

impl Whose {
    fn wanted(&self) -> Result<Wanted, Fault> {
        Wanted::new(self.env.as_deref())
    }

    /// Looks at the log, whoever owns it.
    fn view(&self, session: &Session) -> Result<(Wanted, View), Fault> {
        let (environment, _, view) = self.view_of(session)?;
        Ok((environment, view))
    }

    /// The same, with the state that it lies in.
    fn view_of(&self, session: &Session) -> Result<(Wanted, State, View), Fault> {
        let environment = self.wanted()?;
        let state = State::open(session, &environment.name)?;
        View::is_there(&state, &environment.name)?;
        let view = View::open(&state, &environment.name, &state.existing_environment_key()?)?;
        Ok((environment, state, view))
    }

    /// Takes the log, which must be there, does something with it, and gives it back. No run starts, so the
    /// environment's file need not be at hand; its configuration stays what it was then.
    fn own<T>(
        &self,
        session: &Session,
        work: impl AsyncFnOnce(&Book, &State) -> Result<T, Fault>,
    ) -> Result<(Wanted, T), Fault> {
        let environment = self.wanted()?;
        let state = State::open(session, &environment.name)?;
        View::is_there(&state, &environment.name)?;
        let found = Found::at_hand(session.project().ok().as_ref(), &environment.name)?;
        let (key, output) = (state.existing_environment_key()?, session.output());
        if found.is_none() && policy::remembers_a_file(&Reader::open(&state.ledger())?)? {
            output.warning(format_args!(
                "the file of the environment {} is not at hand: the log's witnesses, if it has any, are not asked",
                environment.name
            ));
        }
        let done = signals::block_on(async {
            let (policy, witnesses) = match &found {
                Some(found) => (found.policy(), found.witnesses()?),
                None => (Policy::AsRemembered, None),
            };
            let book = Book::open(&state, &environment.name, &key, policy, witnesses, output).await?;
            book.tell_unwatched(output);
            let result = work(&book, &state).await;
            if let Err(fault) = book.close().await {
                // What was written stands: it was durable when it was written.
                output.warning(format_args!("the log was not left in order: {fault}"));
                for line in fault.remedy().lines() {
                    output.warning(line);
                }
            }
            result
        })?;
        Ok((environment, done))
    }
}
