//! The event log of an environment, as this process owns it.
//!
//! ```text
//!  lock ─► checkpoints that are known ─► Log::open ─► witnesses ─► Journal::open ─► first checkpoint ─► rotation ─► runs ─┐
//!                                                                                close ◄─ witnesses ◄─ tiles ◄─ checkpoint ◄─ stop
//! ```
//!
//! A log is opened by the one process that holds its lock, and is checked before anything is appended:
//! it must extend the newest checkpoint that it holds itself, and the one that lies in `tiles/` beside
//! it, which an older copy of the database does not bring along. Where the environment has witnesses, it
//! must extend what they have seen, which an older copy of everything does not bring along. A log without
//! any checkpoint is signed before it holds a run, and is refused when it holds one. The keys of runs are
//! checked against the log before any of them is destroyed: an older copy of them knows less than there is.

mod begun;
mod checked;
pub(crate) mod clock;
mod owner;
mod publisher;
mod signing;
mod unfinished;
mod view;
mod watch;

pub(crate) use checked::sign;
pub(crate) use owner::owner;
pub(crate) use signing::{MAX_GENERATIONS, Names, Signing};
pub(crate) use unfinished::{said, what_to_type};
pub(crate) use view::View;
#[cfg(test)]
pub(crate) use view::along_its_events;
pub(crate) use watch::Watch;

use super::{policy::Policy, restore, state::State, witnesses::Witnesses};
use crate::{
    files,
    render::{Output, utc},
};
use begun::Begun;
use checked::Checked;
use clock::SystemClock;
use publisher::Publisher;
use serde::Deserialize;
use std::sync::Arc;
use stepward::journal::{Journal, Opened, Unfinished};
use stepward_fault::{Class, Fault, Owner, Rule};
use stepward_ledger::{
    event::{Actor, Name, Recognised},
    store::owner::{Holder, Ownership},
};
use stepward_seam::{Label, SecretBytes};
use stepward_vault::{EnvironmentRoot, Rotated};

/// The rule that what stands in an event has a name.
const NAME: Rule = Rule::new("book-name");
/// The rule that an event says where it stands.
const SEQUENCE: Rule = Rule::new("event-sequence");
/// The rule that SQLite can name the state's files.
const DEEP: Rule = Rule::new("state-too-deep");
/// Bytes of a path that SQLite takes, less those that it adds (`MAX_PATHNAME` of SQLite).
const SQLITE_PATH: usize = 512 - 8;

/// An environment's log, open for writing.
pub(crate) struct Book {
    journal: Journal,
    publisher: Arc<Publisher>,
    watch: Option<Arc<Watch>>,
    actor: Actor,
    unfinished: Vec<Unfinished>,
    rotated: Rotated,
}

impl Book {
    /// Takes the log of an environment, or makes it, asks its witnesses, and starts to write; a new log
    /// is signed when this returns. `key` is the environment's key, `policy` what is known of
    /// its configuration.
    pub(crate) async fn open(
        state: &State,
        environment: &Label,
        key: &SecretBytes,
        policy: impl Into<Policy>,
        witnesses: Option<Witnesses>,
        output: &Output,
    ) -> Result<Self, Fault> {
        let Checked { root, log, keys, clock, publisher, watch, begun } =
            Checked::of(state, environment, key, witnesses, output).await?;
        let policy = policy.into().settle(&log, &files::place(&state.ledger())).await?;
        let opened = Journal::open(log, keys, clock, name(environment.as_str())?, policy, version()?).await?;
        let Opened { journal, unfinished } = opened;
        match begun {
            // What a start writes is not left unsigned until the next second.
            Begun::Signed => publisher.go_on(journal.log()).await,
            // Before a run can have a key here.
            Begun::Unsigned => publisher.begin(journal.log()).await?,
        }
        let rotated = journal.rotate().await?;
        for held in &rotated.held {
            output.warning(format_args!(
                "the wrapping key {} cannot be destroyed, so erasures are not complete: {} keys of runs under it \
                 cannot be read, the first is that of {}; restore keys.db, or erase these runs",
                held.wrapping_key, held.runs, held.first
            ));
        }
        let publisher = Arc::new(publisher);
        publisher.keep_up(journal.log());
        if let Some(watch) = &watch {
            if let Some(gap) = watch.mark_gap(&journal)? {
                output.warning(format_args!("the log goes on unwatched, and says so: {}", gap.message()));
            }
            watch.keep_up(&publisher, &journal);
        }
        Ok(Self { journal, publisher, watch, actor: person(&root)?, unfinished, rotated })
    }

    /// What runs and operators write with.
    pub(crate) fn journal(&self) -> &Journal {
        &self.journal
    }

    /// The person at the keyboard.
    pub(crate) fn actor(&self) -> Actor {
        self.actor.clone()
    }

    /// What became of the wrapping keys when the log was opened.
    pub(crate) fn rotated(&self) -> &Rotated {
        &self.rotated
    }

    /// The log's witnesses, where it has any. Runs ask it whether they may go on.
    pub(crate) fn watch(&self) -> Option<&Arc<Watch>> {
        self.watch.as_ref()
    }

    /// Tells an operator, who may go on, why no run would start.
    pub(crate) fn tell_unwatched(&self, output: &Output) {
        if let Some(Err(fault)) = self.watch().map(|watch| watch.check()) {
            output.warning(format_args!("no run would start now: {fault}"));
        }
    }

    /// Signs a checkpoint over everything that is durable, and publishes it.
    pub(crate) async fn checkpoint(&self) -> Result<(), Fault> {
        self.publisher.publish(self.journal.log()).await
    }

    /// Tells of the runs that have not ended, each with what to type; `but` is one that the caller
    /// knows of.
    pub(crate) fn tell_unfinished(&self, environment: &Label, but: Option<&str>, output: &Output) {
        unfinished::tell(&self.unfinished, environment, but, output);
    }

    /// Writes that the service ended, signs and publishes everything, shows it to the witnesses, and
    /// gives the log back. Every effect must have ended.
    pub(crate) async fn close(&self) -> Result<(), Fault> {
        let stopped = self.journal.stop().await.map(drop);
        let signed = match stopped {
            Ok(()) => self.checkpoint().await,
            Err(fault) => Err(fault),
        };
        let watched = match (&signed, &self.watch) {
            (Ok(()), Some(watch)) => watch.end(&self.publisher, self.journal.log()).await,
            (Ok(()), None) | (Err(_), _) => Ok(()),
        };
        // Also where nothing could be written: another process may try then.
        let closed = self.journal.log().close().await.map(drop);
        signed.and(watched).and(closed)
    }

    /// Gives the log back although effects are under way. The next owner finds that this one did not
    /// end in order.
    pub(crate) async fn abandon(&self) -> Result<(), Fault> {
        self.journal.log().close().await.map(drop)
    }
}

/// The log's file, where SQLite can name all that it puts beside it.
fn short(state: &State) -> Result<std::path::PathBuf, Fault> {
    let (ledger, longest) = (state.ledger(), state.wrapping_keys().as_os_str().len());
    if longest <= SQLITE_PATH {
        return Ok(ledger);
    }
    Err(Fault::new(Class::Refused, Owner::Operator, DEEP)
        .at(files::place(state.root()))
        .says(format_args!(
            "a path of {longest} bytes: the log's database takes {SQLITE_PATH} at most, so nothing can be recorded"
        ))
        .hint("name a folder with a shorter path with --state"))
}

/// Takes the lock of the log, and says in it who has it.
pub(crate) fn own(state: &State) -> Result<Ownership, Fault> {
    let path = state.ledger_lock();
    let holder = Holder {
        pid: std::process::id(),
        since: &utc(super::live::now_ms() / 1000),
        what: &owner::command(),
    };
    Ownership::claim(files::open_lock(&path)?, files::place(&path), &holder)
}

/// Whoever started this program, as the operating system knows it.
pub(crate) fn person(root: &EnvironmentRoot) -> Result<Actor, Fault> {
    let uid = rustix::process::getuid().as_raw();
    Ok(Actor::Person { name: name(&root.pseudonym(&format!("uid:{uid}")))?, by: Recognised::OsAccount })
}

fn version() -> Result<Name, Fault> {
    name(env!("CARGO_PKG_VERSION"))
}

pub(crate) fn name(text: &str) -> Result<Name, Fault> {
    Name::new(text).map_err(|error| {
        Fault::new(Class::Internal, Owner::Stepward, NAME)
            .says(format_args!("`{text}` cannot stand in the log: {error}"))
            .hint("please report this")
    })
}

/// Where an event says that it stands. An event of a later version is not understood here and hinders
/// nothing: what it says of itself is compared with its place all the same.
pub(crate) fn sequence(leaf: &[u8]) -> Result<u64, Fault> {
    #[derive(Deserialize)]
    struct Numbered {
        seq: u64,
    }
    serde_json::from_slice(leaf).map(|Numbered { seq }| seq).map_err(|error| {
        Fault::new(Class::EvidenceInvalid, Owner::Operator, SEQUENCE)
            .says(format_args!("an event does not say where it stands: {error}"))
            .hint("`stepward verify` looks through the whole log; compare it with a backup")
    })
}
