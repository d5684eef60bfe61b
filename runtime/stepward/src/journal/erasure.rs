//! Erasing runs, and what is left of it to do.
//!
//! ```text
//!  the run's key is dropped ─► its sealed bodies are dropped ─► body-erased is durable ─► a rotation destroys the wrapping key
//! ```
//!
//! The log is never ahead of the deed. A crash leaves it behind, and the next start finds what is not
//! told: the keys remember which erasures are not complete. The log in turn remembers the last one that
//! it told, so that a store of keys from before it is refused: in that one, the key still lives.

use super::{Journal, Note, blocking, name, reporting::Attempts};
use std::sync::Arc;
use stepward_fault::{Class, Fault, Owner, Rule};
use stepward_ledger::{
    event::{Act, Actor, Draft, Event, Name, What},
    facts,
    log::Durable,
    merkle::TreeHead,
    runs::{self, Unfinished},
    store::{Records, RunChange},
};
use stepward_vault::{Erased, Lookup, Rotated, RunKeys};

/// The rule that the store of keys has forgotten what the log says that it forgot.
const KEYS_BEHIND: Rule = Rule::new("keys-behind-log");

/// What an erasure came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Erasure {
    /// The run's key and its bodies are gone, and the log says so.
    Told(Erased),
    /// The log has no run of this name: its start ended after the key was made. The key is gone, and
    /// nothing was written.
    NeverBegun(Erased),
}

impl Erasure {
    /// What became of the key.
    pub const fn key(self) -> Erased {
        match self {
            Self::Told(erased) | Self::NeverBegun(erased) => erased,
        }
    }
}

/// What the log says of a run whose key is gone.
enum Told {
    /// It has no such run.
    Unknown,
    /// It has the run, and not that it was erased.
    Not,
    /// That it was erased.
    Erased,
}

impl Told {
    fn of(records: &dyn Records, head: TreeHead, run: &str) -> Result<Self, Fault> {
        let Some(found) = records.run(run)? else { return Ok(Self::Unknown) };
        let last = records.leaf(found.last)?.and_then(|leaf| Event::decode(&leaf.bytes).ok());
        if last.is_some_and(|last| matches!(last.what, What::BodyErased { .. })) {
            return Ok(Self::Erased);
        }
        // Somebody may have looked at it since. A record that cannot be read does not keep a run alive.
        let erased = runs::ended_run(records, head, run).is_ok_and(|run| run.erased.is_some());
        Ok(if erased { Self::Erased } else { Self::Not })
    }
}

/// Refuses keys that are older than an erasure of this log: the erased run's key is still in them.
///
/// # Errors
/// When they are, or either of the two cannot be read.
pub fn check_erased(records: &dyn Records, keys: &RunKeys) -> Result<(), Fault> {
    records.fact(facts::ERASED)?.map_or(Ok(()), |value| check_told(&value, keys))
}

/// Refuses keys that do not know of the erasure of this run.
fn check_told(run: &[u8], keys: &RunKeys) -> Result<(), Fault> {
    let run = String::from_utf8_lossy(run);
    match keys.get(&run)? {
        Lookup::Erased { .. } => Ok(()),
        Lookup::Key(_) | Lookup::Damaged(_) | Lookup::Never => Err(Fault::new(
            Class::EvidenceInvalid,
            Owner::Operator,
            KEYS_BEHIND,
        )
        .says(format_args!(
            "the log says that run {run} was erased, and the store of keys does not: it is an older copy, in \
                     which the key may still be"
        ))
        .hint(
            "put back the keys.db and wrapping.db that belong to this log, and destroy this older copy; if \
                     they are lost, `stepward restore` a backup and erase again what it names",
        )),
    }
}

impl Journal {
    /// Drops the key of a run's bodies, and the sealed bodies that lie here. The events stay, and the
    /// log still verifies. Doing it again writes nothing, and says how far it is.
    ///
    /// It is complete for older copies of the keys when a [rotation](Self::rotate) destroyed the wrapping
    /// key, and not before [`Erased::complete_at_ms`].
    ///
    /// # Errors
    /// When the run reports to this journal at the moment, when nothing knows it, or log or keys cannot be
    /// written.
    pub async fn erase(&self, run: &str, actor: Actor) -> Result<Erasure, Fault> {
        let run = name(run)?;
        let _claim = self.claim(&run, None, Attempts::new())?;
        self.finish_erasure(run, actor).await
    }

    /// Makes the wrapping key of a week that began, and destroys those under which runs were erased: that
    /// completes their erasure. Whoever keeps a journal open calls this once a week at least, and after
    /// opening it; it does nothing where nothing is due. That keys are destroyed is durable in the log
    /// before they are: after a crash in between it stands there twice.
    ///
    /// # Errors
    /// When keys or log cannot be written. A log that takes no events keeps the keys.
    pub async fn rotate(&self) -> Result<Rotated, Fault> {
        let (keys, now, journal) = (Arc::clone(&self.0.keys), self.now_ms(), self.clone());
        let here = tokio::runtime::Handle::current();
        let told =
            move |_: &[u64]| here.block_on(journal.acted(Act::KeysRotated, None, Actor::Service)).map(drop);
        blocking(move || keys.rotate_told(now, &mut { told })).await
    }

    /// Refuses keys from before the last erasure that the log tells.
    pub(super) async fn check_erasures(&self) -> Result<(), Fault> {
        let Some(run) = self.0.log.fact(facts::ERASED) else { return Ok(()) };
        let keys = Arc::clone(&self.0.keys);
        // Not on the log's writer: a rotation holds the keys while it waits for a commit.
        blocking(move || check_told(&run, &keys)).await
    }

    /// Tells of the erasures that a crash kept from being told, and drops what is left of their bodies.
    /// Gives the unfinished runs that are none of those.
    pub(super) async fn finish_erasures(
        &self,
        mut unfinished: Vec<Unfinished>,
    ) -> Result<Vec<Unfinished>, Fault> {
        let keys = Arc::clone(&self.0.keys);
        for run in blocking(move || keys.incomplete()).await? {
            let (of, head) = (run.clone(), self.0.log.head());
            let told = self.0.log.read(move |records| Told::of(records, head, &of)).await?;
            match told {
                Told::Unknown | Told::Erased => {}
                Told::Not => {
                    self.finish_erasure(name(&run)?, Actor::Service).await?;
                    unfinished.retain(|open| open.name != run);
                }
            }
        }
        Ok(unfinished)
    }

    async fn finish_erasure(&self, run: Name, actor: Actor) -> Result<Erasure, Fault> {
        let (keys, of, now) = (Arc::clone(&self.0.keys), run.clone(), self.now_ms());
        let erased = blocking(move || keys.erase(of.as_str(), now)).await?;
        let of = run.clone();
        // The read comes after everything that was appended before it.
        self.0.log.read(|_| Ok(())).await?;
        let head = self.0.log.head();
        match self.0.log.read(move |records| Told::of(records, head, of.as_str())).await? {
            Told::Unknown => return Ok(Erasure::NeverBegun(erased)),
            Told::Erased => {
                self.0.log.erase_bodies(run.as_str()).await?;
                return Ok(Erasure::Told(erased));
            }
            Told::Not => {}
        }
        self.0.log.erase_bodies(run.as_str()).await?;
        let what = What::BodyErased { complete_at_ms: erased.complete_at_ms() };
        let draft = Draft { actor, run: Some(run.clone()), step: None, call: None, body: None, what };
        // A run whose bodies are gone can never go on.
        let note =
            Note::of(draft).changing(RunChange::Closes).remembering(facts::ERASED, run.as_str().as_bytes());
        let _: Durable = self.append_durably(note).await?;
        Ok(Erasure::Told(erased))
    }
}
