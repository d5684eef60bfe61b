//! The event log of an environment, as the runs of this process write it and go on from it.
//!
//! ```text
//!  Journal::open ─► Journal::start ─► RunLog ─► step_started ─► LiveBroker ⇄ Journal ─► step_ended ─► end
//!                   Journal::history ─► History ─► Journal::go_on ─┘         intent before the wire
//! ```
//!
//! [`Journal`] is the [`stepward_broker::Journal`] of an environment's
//! [`Services`](stepward_broker::Services): what the broker tells it becomes events, with the bodies
//! sealed under the key of their run. An effect is sent when its intent is durable, and not before. Reads, answers
//! and the ends of steps are written in order and are durable with the next intent, at the latest with
//! the end of the run, for which [`RunLog::end`] waits. When the log cannot be written, nothing is sent
//! any more and no outcome is given out. When one event of a run cannot be recorded, that holds for its
//! run; the runs beside it go on.
//!
//! A run belongs to one holder at a time: it is started, gone on with, decided about or erased, and each
//! of these is refused while another one, or an effect of the run, is under way.
//!
//! Scripted runs and replays have no effects and no journal.

mod answer;
mod bodies;
mod continued;
mod erasure;
mod history;
mod logged;
mod operator;
mod recording;
mod reporting;
mod run;
mod service;

pub use bodies::OpenedBody;
pub use continued::Continued;
pub use erasure::{Erasure, check_erased};
pub use history::{Earlier, EarlierStep, FinishedStep, History, Known};
pub use logged::Logged;
pub use operator::{Given, Place};
pub use run::{RunLog, RunStart};
pub use service::{Opened, Unfinished};

use reporting::{Reporting, Running, STRANGER};
use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use stepward_fault::{Class, Fault, Owner, Rule};
use stepward_ledger::{
    event::{Commitment, Draft, Event, Name, What},
    log::{Attached, Clock, Durable, Log, Sealer, Ticket, When},
    store::{Fact, RunChange, RunLink},
};
use stepward_trust::Digest;
use stepward_vault::{BodyContext, EnvironmentRoot, RunKeys};

/// The rule that what stands in an event has a name.
const NAME: Rule = Rule::new("journal-name");

/// What seals the log of an environment, under a key that only it is used with.
pub fn sealer(root: &EnvironmentRoot) -> Sealer {
    Sealer::new(root.log_seal())
}

/// Writes what the runs of an environment do. Clones share one log.
#[derive(Clone)]
pub struct Journal(Arc<Inner>);

struct Inner {
    log: Log,
    keys: Arc<RunKeys>,
    clock: Arc<dyn Clock>,
    environment: Name,
    policy: Digest,
    running: Mutex<HashMap<String, Reporting>>,
}

/// An event on its way to the log.
struct Note {
    draft: Draft,
    change: Option<RunChange>,
    sealed: Option<Vec<u8>>,
    facts: Vec<Fact>,
}

impl Note {
    fn of(draft: Draft) -> Self {
        Self { draft, change: None, sealed: None, facts: Vec::new() }
    }

    fn changing(self, change: RunChange) -> Self {
        Self { change: Some(change), ..self }
    }

    fn remembering(mut self, name: &str, value: &[u8]) -> Self {
        self.facts.push(Fact { name: name.to_owned(), value: value.to_vec() });
        self
    }

    /// Seals a body under the key of its run.
    fn with_body(mut self, environment: &Name, running: &Running, body: &[u8]) -> Result<Self, Fault> {
        let context = BodyContext {
            environment: environment.as_str(),
            run: running.name.as_str(),
            kind: self.draft.what.action(),
        };
        let sealed = running.key.seal(context, body)?;
        self.draft.body = Some(Commitment::from_bytes(*sealed.commitment.as_bytes()));
        self.sealed = Some(sealed.bytes);
        Ok(self)
    }
}

impl Journal {
    /// The log that it writes.
    pub fn log(&self) -> &Log {
        &self.0.log
    }

    /// The environment.
    pub fn environment(&self) -> &Name {
        &self.0.environment
    }

    /// Appends an event and tells it to `tracing`.
    fn append(&self, note: Note) -> Result<Ticket, Fault> {
        let Note { draft, change, sealed, facts } = note;
        let run = draft
            .run
            .as_ref()
            .map(|run| RunLink { run: run.as_str().to_owned(), change: change.unwrap_or(RunChange::Stays) });
        // What a service answered is known nowhere else.
        let answered = matches!(draft.what, What::CallAnswered { .. });
        let when = if answered { When::Soon } else { When::WithNext };
        let environment = self.0.environment.clone();
        let mut told: Option<Event> = None;
        let ticket = self.0.log.append(Attached { when, run, body: sealed, facts }, |sequence, stamp| {
            told.insert(draft.at(sequence, environment, *stamp)).encode()
        })?;
        if let Some(event) = told {
            event.tell();
        }
        Ok(ticket)
    }

    /// Appends an event that is durable with the next one that somebody waits for: the next intent, the
    /// end of its run, the end of the service.
    fn write(&self, note: Note) -> Result<(), Fault> {
        self.append(note).map(drop)
    }

    /// Appends an event and waits until it is durable, with everything before it.
    async fn append_durably(&self, note: Note) -> Result<Durable, Fault> {
        let ticket = self.append(note)?;
        self.0.log.durable(ticket).await
    }

    /// Appends what has happened in a run and cannot be refused. Where that fails, the run sends nothing
    /// any more and comes to no end.
    fn append_or_break(&self, run: &str, note: Result<Note, Fault>) {
        if let Err(fault) = note.and_then(|note| self.write(note)) {
            tracing::error!(
                target: "stepward::alert", run, rule = %fault.rule(), "what happened cannot be recorded: {fault}"
            );
            self.break_run(run, fault);
        }
    }

    fn now_ms(&self) -> u64 {
        self.0.clock.stamp().unix_us / 1000
    }
}

impl fmt::Debug for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Journal").field("environment", &self.0.environment).finish_non_exhaustive()
    }
}

/// A text as a name in an event.
fn name(text: &str) -> Result<Name, Fault> {
    Name::new(text).map_err(|why| {
        Fault::new(Class::BadInput, Owner::Embedder, NAME)
            .says(format_args!("`{text}` cannot stand in an event: {why}"))
            .hint("give runs and steps short names without spaces")
    })
}

/// What a lock of this module holds is whole at every point where its holder could die.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Does what waits for a disk on a thread for that.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Fault> + Send + 'static,
) -> Result<T, Fault> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|_| {
        Err(Fault::new(Class::Internal, Owner::Stepward, STRANGER)
            .says("the thread that kept the keys of runs ended without an answer")
            .hint("please report this"))
    })
}
