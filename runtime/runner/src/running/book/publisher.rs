//! Signing the log as it grows, and putting it where others can check it.

#[cfg(test)]
mod tests;

use super::Signing;
use crate::{files, running::state::State};
use std::{
    path::PathBuf,
    sync::{Arc, PoisonError, Weak},
    time::Duration,
};
use stepward_fault::{Class, Fault, Owner, Rule};
use stepward_ledger::{
    log::{Log, Trusted},
    note::SignedCheckpoint,
    store::{Checkpoint, Records, sqlite::Reader},
    tiles::TileDir,
};
use tokio::{
    sync::{Mutex, OwnedMutexGuard},
    task, time,
};

/// The rule that the log is published.
const PUBLISH: Rule = Rule::new("log-publish");
/// How long events may be unsigned while the log is open: as long as somebody who cuts the log's end
/// off in a running system has to do it unnoticed.
const UNSIGNED: Duration = Duration::from_secs(1);

/// Signs checkpoints of one log and publishes what they are about.
pub(super) struct Publisher {
    signing: Signing,
    ledger: PathBuf,
    /// Where the tiles lie, for messages.
    place: String,
    /// Held while something is published: one does at a time.
    published: Arc<Mutex<Published>>,
    /// What was told last of what cannot be published.
    told: std::sync::Mutex<Option<String>>,
}

struct Published {
    tiles: TileDir,
    /// The newest that this process signed: the log keeps it.
    signed: Option<SignedCheckpoint>,
    /// The newest that lies in the tiles.
    newest: Option<SignedCheckpoint>,
}

impl Published {
    /// The newest that is known.
    fn known(&self) -> Option<&SignedCheckpoint> {
        self.signed.as_ref().or(self.newest.as_ref())
    }
}

impl Publisher {
    /// Of the log in this state.
    pub(super) fn new(signing: Signing, state: &State) -> Result<Self, Fault> {
        let tiles = TileDir::new(state.tiles()?);
        let place = files::place(&state.root().join("tiles"));
        let newest = tiles
            .checkpoint(&signing.signer().verifier())
            .map_err(|fault| fault.at(format_args!("{place}/checkpoint")))?;
        let published = Arc::new(Mutex::new(Published { tiles, signed: None, newest }));
        Ok(Self { signing, ledger: state.ledger(), place, published, told: std::sync::Mutex::default() })
    }

    pub(super) fn signing(&self) -> &Signing {
        &self.signing
    }

    /// What the log must extend: the newest checkpoint of the database, and the one that is published.
    pub(super) fn trusted(&self, records: &dyn Records) -> Result<Vec<Trusted>, Fault> {
        let published = self.published.try_lock().ok().and_then(|published| {
            let head = published.newest.as_ref()?.head();
            Some(Trusted { head, source: format!("{}/checkpoint", self.place) })
        });
        Ok(self.signing.trusted(records)?.into_iter().chain(published).collect())
    }

    /// Signs what is durable, keeps the checkpoint in the log, and publishes it. Does nothing where
    /// that was done. What was signed stays so where it cannot be published.
    pub(super) async fn publish(&self, log: &Log) -> Result<(), Fault> {
        let mut published = Arc::clone(&self.published).lock_owned().await;
        let (head, signer) = (log.head(), self.signing.signer());
        if published.known().is_none_or(|known| known.head() != head) {
            let mut signed = None;
            log.checkpoint(|head| Ok(signed.insert(signer.sign(head)).to_string())).await?;
            published.signed = signed;
        }
        match published.signed.clone() {
            Some(signed) if published.newest.as_ref() != Some(&signed) => self.put(published, signed).await,
            Some(_) | None => Ok(()),
        }
    }

    /// Signs a log for the first time: over everything that was written to it by now.
    pub(super) async fn begin(&self, log: &Log) -> Result<(), Fault> {
        // It is read after what waits is durable.
        log.read(|_| Ok(())).await?;
        self.publish(log).await
    }

    /// Keeps in the log what only the tiles have: its database lost it.
    pub(super) async fn keep(&self, log: &Log) -> Result<(), Fault> {
        let Some(published) = self.published.lock().await.newest.clone() else { return Ok(()) };
        let size = published.head().size.get();
        let kept = log
            .read(move |records| Ok(records.checkpoint(size)?.is_some_and(|kept| kept.size == size)))
            .await?;
        if kept { Ok(()) } else { log.keep(Checkpoint { size, note: published.to_string() }).await }
    }

    /// Signs what a start wrote to a log that is signed already. What cannot be published is told, and tried
    /// again.
    pub(super) async fn go_on(&self, log: &Log) {
        self.tell(&self.begin(log).await);
    }

    /// The newest checkpoint that is signed or published.
    pub(super) async fn newest(&self) -> Option<SignedCheckpoint> {
        self.published.lock().await.known().cloned()
    }

    /// Keeps a checkpoint that was cosigned, and publishes it where none over more events was published
    /// meanwhile.
    pub(super) async fn cosigned(&self, log: &Log, checkpoint: SignedCheckpoint) -> Result<(), Fault> {
        let size = checkpoint.head().size;
        log.keep(Checkpoint { size: size.get(), note: checkpoint.to_string() }).await?;
        let mut published = Arc::clone(&self.published).lock_owned().await;
        if published.known().is_some_and(|known| known.head().size > size) {
            return Ok(());
        }
        published.signed = Some(checkpoint.clone());
        match self.put(published, checkpoint).await {
            // The log keeps it, and it is published with the next one.
            Err(fault) if fault.class() == Class::Unavailable => self.tell(&Err(fault)),
            other => other?,
        }
        Ok(())
    }

    /// Publishes a checkpoint of the log, over no fewer events than the last.
    async fn put(
        &self,
        mut published: OwnedMutexGuard<Published>,
        newest: SignedCheckpoint,
    ) -> Result<(), Fault> {
        let verifier = self.signing.signer().verifier();
        let (ledger, place) = (self.ledger.clone(), self.place.clone());
        let published = task::spawn_blocking(move || {
            // A connection of its own: commits do not wait for it.
            let reader = Reader::open(&ledger)?;
            let Published { tiles, newest: before, .. } = &mut *published;
            let records: &dyn Records = &reader;
            tiles.publish(records, &verifier, &newest)?;
            if let Some(before) = before {
                tiles.prune(before.head().size, newest.head().size)?;
            }
            *before = Some(newest);
            Ok(())
        });
        published
            .await
            .unwrap_or_else(|error| {
                Err(Fault::new(Class::Internal, Owner::Stepward, PUBLISH)
                    .says(error)
                    .hint("please report this"))
            })
            .map_err(|fault: Fault| {
                let within = format!("{place}/{}", fault.place());
                fault.at(within)
            })
    }

    /// Signs and publishes while events arrive, until nobody holds this or the log any more. What cannot
    /// be published is told, once for each reason, and tried again.
    pub(super) fn keep_up(self: &Arc<Self>, log: &Log) {
        let (publisher, log): (Weak<Self>, Log) = (Arc::downgrade(self), log.clone());
        task::spawn(async move {
            loop {
                time::sleep(UNSIGNED).await;
                let Some(publisher) = publisher.upgrade() else { return };
                let done = publisher.publish(&log).await;
                // It answers at once where the log has ended: nothing is ever signed again then.
                let ended = if done.is_err() { log.room().await.err() } else { None };
                if ended.as_ref().is_none_or(|ended| ended.class() != Class::Cancelled) {
                    publisher.tell(&done);
                }
                if ended.is_some() {
                    return;
                }
            }
        });
    }

    /// Tells why the log is not published, where that is another reason than before, and that it is again.
    pub(super) fn tell(&self, done: &Result<(), Fault>) {
        // Each change leaves it whole.
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        match done {
            Ok(()) => {
                if told.take().is_some() {
                    tracing::info!(target: "stepward::alert", "the log is published again");
                }
            }
            Err(fault) => {
                // The place moves with the log.
                let reason = format!("{}: {}", fault.rule(), fault.message());
                if told.as_ref() != Some(&reason) {
                    tracing::error!(target: "stepward::alert", rule = %fault.rule(), "the log is not published: {fault}");
                    *told = Some(reason);
                }
            }
        }
    }
}
