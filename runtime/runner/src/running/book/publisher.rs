//! Signing the log as it grows, and putting it where others can check it.

use super::Signing;
use crate::{files, running::state::State};
use std::{
    path::PathBuf,
    sync::{Arc, Weak},
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
}

struct Published {
    tiles: TileDir,
    newest: Option<SignedCheckpoint>,
}

impl Publisher {
    /// Of the log in this state.
    pub(super) fn new(signing: Signing, state: &State) -> Result<Self, Fault> {
        let tiles = TileDir::new(state.tiles()?);
        let place = files::place(&state.root().join("tiles"));
        let newest = tiles
            .checkpoint(&signing.signer().verifier())
            .map_err(|fault| fault.at(format_args!("{place}/checkpoint")))?;
        let published = Arc::new(Mutex::new(Published { tiles, newest }));
        Ok(Self { signing, ledger: state.ledger(), place, published })
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
    /// that was done.
    pub(super) async fn publish(&self, log: &Log) -> Result<(), Fault> {
        let published = Arc::clone(&self.published).lock_owned().await;
        if published.newest.as_ref().is_some_and(|newest| newest.head() == log.head()) {
            return Ok(());
        }
        let mut signed = None;
        let signer = self.signing.signer();
        log.checkpoint(|head| Ok(signed.insert(signer.sign(head)).to_string())).await?;
        let Some(newest) = signed else { return Ok(()) };
        self.put(published, newest).await
    }

    /// Signs a log for the first time: over everything that was written to it by now.
    pub(super) async fn begin(&self, log: &Log) -> Result<(), Fault> {
        // It is read after what waits is durable.
        log.read(|_| Ok(())).await?;
        self.publish(log).await
    }

    /// The newest checkpoint that is published.
    pub(super) async fn newest(&self) -> Option<SignedCheckpoint> {
        self.published.lock().await.newest.clone()
    }

    /// Keeps a checkpoint that was cosigned, and publishes it where none over more events was published
    /// meanwhile.
    pub(super) async fn cosigned(&self, log: &Log, checkpoint: SignedCheckpoint) -> Result<(), Fault> {
        let size = checkpoint.head().size;
        log.keep(Checkpoint { size: size.get(), note: checkpoint.to_string() }).await?;
        let published = Arc::clone(&self.published).lock_owned().await;
        match &published.newest {
            Some(newest) if newest.head().size > size => Ok(()),
            Some(_) | None => self.put(published, checkpoint).await,
        }
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
            let Published { tiles, newest: before } = &mut *published;
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

    /// Publishes while events arrive, until nobody holds this any more. What cannot be published is tried
    /// again when the log is closed, and told then.
    pub(super) fn keep_up(self: &Arc<Self>, log: &Log) {
        let (publisher, log): (Weak<Self>, Log) = (Arc::downgrade(self), log.clone());
        task::spawn(async move {
            loop {
                time::sleep(UNSIGNED).await;
                let Some(publisher) = publisher.upgrade() else { return };
                if let Err(fault) = publisher.publish(&log).await {
                    tracing::error!(target: "stepward::alert", rule = %fault.rule(), "the log is not published: {fault}");
                    return;
                }
            }
        });
    }
}
