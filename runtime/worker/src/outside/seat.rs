//! One run's place in a worker.

use super::Code;
use super::conversation::GRACE;
use super::link::{Heard, Link, Loss, Owed, Room, Secrecy};
use super::pool::{Has, Pool, Worker};
use crate::protocol::{Down, Load, Run};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use stepward_seam::{LimitName, Limits};
use tokio::sync::mpsc;

/// What a frame holds beyond what the limits of its run count: names, lengths, numbers, and the
/// room that the sandbox leaves for the elements of lists.
const FRAME_SLACK_BYTES: u64 = 128 << 10;

/// Numbers runs over all workers of this process, so that none is ever used twice. They can be guessed:
/// what keeps a worker from another's runs is that each link knows only its own.
static RUNS: AtomicU64 = AtomicU64::new(1);

/// A place. Dropping it cancels the run that is in it, if it has not ended.
pub(super) struct Seat {
    pool: Arc<Pool>,
    worker: Arc<Worker>,
    run: u64,
}

impl Seat {
    pub(super) fn new(pool: Arc<Pool>, worker: Arc<Worker>) -> Self {
        Self { pool, worker, run: RUNS.fetch_add(1, Ordering::Relaxed) }
    }

    pub(super) fn link(&self) -> &Arc<Link> {
        &self.worker.link
    }

    pub(super) fn run(&self) -> u64 {
        self.run
    }

    /// The worker takes no further run.
    pub(super) fn retire(&self) {
        self.worker.retire();
    }

    /// Starts the run. What it hears ends at once where the worker is gone.
    pub(super) async fn begin(&self, code: &Code, limits: &Limits, input: &str) -> mpsc::Receiver<Heard> {
        let native = match self.worker.has(code) {
            Has::Code => 0,
            Has::Nothing => code.native_bytes(),
        };
        let room = self.link().room(native.saturating_add(input.len())).await;
        let hears = self.link().admit(self.run, longest(limits));
        // A worker that is gone hears nothing, and the run learns it from the silence.
        drop(self.send(room, code, limits, input));
        hears
    }

    fn send(&self, room: Option<Room>, code: &Code, limits: &Limits, input: &str) -> Result<(), Loss> {
        self.worker.provide(code, || {
            let load = Load {
                code: code.number(),
                component: *code.linkage().component().as_bytes(),
                imports: code.linkage().imports().iter().map(Into::into).collect(),
                sealed: code.sealed_for(&self.worker.key),
            };
            self.link().send(&Down::Load(load), Secrecy::Plain)
        })?;
        let limits = LimitName::ALL.iter().map(|name| limits.get(*name)).collect();
        let run = Run { run: self.run, code: code.number(), limits, input: input.to_owned() };
        // Behind the code, so that its room is given back when both have left.
        self.link().send_in(room, &Down::Run(run), Secrecy::Plain)
    }
}

/// The longest frame that a run under these limits may cause: the sandbox itself allows a guest's
/// words twice the larger of these limits, counted in the host's memory.
pub(super) fn longest(limits: &Limits) -> u64 {
    limits
        .get(LimitName::BytesOutPerCall)
        .max(limits.get(LimitName::OutputBytes))
        .saturating_mul(2)
        .saturating_add(FRAME_SLACK_BYTES)
}

impl Drop for Seat {
    fn drop(&mut self) {
        let owed = self.link().cancel(self.run);
        self.pool.left(&self.worker);
        match owed {
            Owed::Nothing => {}
            Owed::End => watch(Arc::clone(&self.worker), self.run),
        }
    }
}

/// Ends a worker that does not end a run that nobody waits for.
fn watch(worker: Arc<Worker>, run: u64) {
    match tokio::runtime::Handle::try_current() {
        Ok(runtime) => drop(runtime.spawn(async move {
            tokio::time::sleep(GRACE).await;
            match worker.link.owes(run) {
                Owed::Nothing => {}
                Owed::End => worker.link.lose(Loss::Disobeyed),
            }
        })),
        // Without a runtime nobody will look again.
        Err(_) => worker.link.lose(Loss::Disobeyed),
    }
}
