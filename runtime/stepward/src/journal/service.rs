//! The life of the process that owns the log.

use super::{Inner, Journal, Note, blocking, history::keys_behind, name};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};
use stepward_fault::Fault;
use stepward_ledger::{
    event::{Draft, Event, Gap, Name, What},
    facts,
    log::{Clock, Durable, Log},
    merkle::TreeHead,
    runs::{self, Standing},
    store::Records,
};
use stepward_trust::Digest;
use stepward_vault::{Lookup, RunKeys};

pub use stepward_ledger::runs::Unfinished;

/// What a journal found when it was opened.
#[derive(Debug)]
pub struct Opened {
    /// The journal.
    pub journal: Journal,
    /// The runs that have not ended, and where each stands.
    pub unfinished: Vec<Unfinished>,
}

/// The log's last event before this service.
enum Last {
    /// The log was empty.
    None,
    /// This version cannot read it, so it says nothing about how the last service ended.
    Unreadable,
    /// This one.
    Event(Box<Event>),
}

impl Last {
    fn read(records: &dyn Records, head: TreeHead) -> Self {
        match head.size.get().checked_sub(1) {
            None => Self::None,
            Some(last) => {
                runs::event(records, head, last).map_or(Self::Unreadable, |event| Self::Event(event.into()))
            }
        }
    }
}

impl Journal {
    /// Opens the journal of an environment over its log: writes that the service started, what it found
    /// of the one before, and whether its configuration changed. `policy` is the digest of the
    /// environment's configuration; `version` is that of the program.
    ///
    /// # Errors
    /// When the log cannot be read or written. A run whose record
    /// cannot be read is told in [`Opened::unfinished`] and stops nothing.
    pub async fn open(
        log: Log,
        keys: RunKeys,
        clock: Arc<dyn Clock>,
        environment: Name,
        policy: Digest,
        version: Name,
    ) -> Result<Opened, Fault> {
        let running = Mutex::new(HashMap::new());
        let inner = Inner { log, keys: Arc::new(keys), clock, environment, policy, running };
        let journal = Self(Arc::new(inner));
        let head = journal.0.log.head();
        let (open, restored) = (journal.0.log.open_runs(), journal.0.log.fact(facts::RESTORED));
        let (last, newest, unfinished) = journal
            .0
            .log
            .read(move |records| {
                let last = Last::read(records, head);
                let restored = runs::restored(records, head, restored)?;
                Ok((last, records.runs(u64::MAX, 1)?.pop(), runs::unfinished(records, open, restored)))
            })
            .await?;
        if let Some(newest) = newest {
            journal.check_keys(&newest.name).await?;
        }
        journal.check_erasures().await?;
        journal.write(Note::of(Draft::service(What::ServiceStarted { version })))?;
        journal.note_the_last(&last, &unfinished)?;
        journal.note_policy()?;
        let unfinished = journal.finish_erasures(unfinished).await?;
        Ok(Opened { journal, unfinished })
    }

    /// Writes that the owner ends in order. Durable when it returns; nothing may be appended after it.
    ///
    /// # Errors
    /// When anything could not be written.
    pub async fn stop(&self) -> Result<Durable, Fault> {
        self.append_durably(Note::of(Draft::service(What::ServiceStopped))).await
    }

    /// Writes that something is missing.
    ///
    /// # Errors
    /// When the log cannot be written.
    pub fn gap(&self, gap: Gap, from: u64) -> Result<(), Fault> {
        self.write(Note::of(Draft::service(What::GapFound { gap, from })))
    }

    /// The key of a run is durable before the run is in the log, so the keys know the newest run.
    async fn check_keys(&self, newest: &str) -> Result<(), Fault> {
        let (keys, run) = (Arc::clone(&self.0.keys), name(newest)?);
        blocking(move || match keys.get(run.as_str())? {
            Lookup::Key(_) | Lookup::Erased { .. } | Lookup::Damaged(_) => Ok(()),
            Lookup::Never => Err(keys_behind(&run)),
        })
        .await
    }

    fn note_the_last(&self, last: &Last, unfinished: &[Unfinished]) -> Result<(), Fault> {
        match last {
            Last::None => return Ok(()),
            Last::Unreadable => {}
            Last::Event(last) => {
                if self.0.clock.stamp().unix_us < last.stamp.unix_us {
                    self.gap(Gap::ClockBack, last.sequence)?;
                }
                if last.what == What::ServiceStopped {
                    return Ok(());
                }
            }
        }
        let count = |wanted: fn(&Standing) -> bool| {
            let of = unfinished.iter().filter(|run| run.standing.as_ref().is_ok_and(wanted));
            u64::try_from(of.count()).unwrap_or(u64::MAX)
        };
        let unreadable = unfinished.iter().filter(|run| run.standing.is_err()).count();
        let what = What::ServiceRecovered {
            not_started: count(|standing| matches!(standing, Standing::NotStarted)),
            can_go_on: count(|standing| matches!(standing, Standing::CanGoOn)),
            in_doubt: count(|standing| matches!(standing, Standing::InDoubt(_))),
            unreadable: u64::try_from(unreadable).unwrap_or(u64::MAX),
        };
        self.write(Note::of(Draft::service(what)))
    }

    fn note_policy(&self) -> Result<(), Fault> {
        let (before, now) = (self.digest_fact(facts::POLICY), self.0.policy);
        if before == Some(now) {
            return Ok(());
        }
        let what = What::ConfigurationChanged { before, now };
        self.write(Note::of(Draft::service(what)).remembering(facts::POLICY, now.as_bytes()))
    }

    /// A digest that the log remembers.
    pub(super) fn digest_fact(&self, fact: &str) -> Option<Digest> {
        self.0.log.fact(fact).and_then(|value| value.try_into().ok()).map(Digest::from_bytes)
    }
}
