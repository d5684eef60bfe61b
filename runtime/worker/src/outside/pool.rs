//! Which worker a run goes to.
//!
//! Workers belong to one trust group and serve many of its runs at once. A worker takes no further
//! run after a number of them, after a guest trapped in it, and where newly compiled code is to be
//! run beside guests that ran before it; it ends when its last run has ended.
//!
//! A run whose worker was lost is repeated in a worker of its own while there is room: whatever brought
//! the first one down then takes nobody along twice.

use super::link::{Link, Loss};
use super::seat::Seat;
use super::start;
use super::{Code, Group, Isolation, WorkerOptions};
use crate::lockdown::Kept;
use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use stepward_fault::Fault;
use stepward_sandbox::CodeKey;
use stepward_trust::Digest;
use tokio::sync::Notify;

/// Components that one worker keeps code of.
const MOST_CODES: usize = 256;

/// One worker and who is in it.
#[derive(Debug)]
pub(super) struct Worker {
    pub(super) link: Arc<Link>,
    pub(super) key: CodeKey,
    pub(super) kept: Kept,
    group: Group,
    occupied: Mutex<Occupied>,
}

#[derive(Debug, Default)]
struct Occupied {
    running: u32,
    started: u32,
    /// The numbers of the code that it has.
    codes: HashSet<u32>,
    retired: bool,
}

/// What a worker has of some code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Has {
    Code,
    Nothing,
}

impl Worker {
    pub(super) fn new(link: Arc<Link>, key: CodeKey, kept: Kept, group: Group) -> Self {
        Self { link, key, kept, group, occupied: Mutex::default() }
    }

    fn occupied(&self) -> MutexGuard<'_, Occupied> {
        self.occupied.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes no further run; ends with the last.
    pub(super) fn retire(&self) {
        let mut occupied = self.occupied();
        occupied.retired = true;
        if occupied.running == 0 {
            drop(occupied);
            self.link.lose(Loss::Retired);
        }
    }

    /// Whether the worker was sent `code` already.
    pub(super) fn has(&self, code: &Code) -> Has {
        if self.occupied().codes.contains(&code.number()) { Has::Code } else { Has::Nothing }
    }

    /// Sees to it that the worker has `code` before anything that is sent after this: `send` is called
    /// where it does not.
    pub(super) fn provide(&self, code: &Code, send: impl FnOnce() -> Result<(), Loss>) -> Result<(), Loss> {
        // Held while sending, so that no other run of the same code overtakes it.
        let mut occupied = self.occupied();
        if occupied.codes.insert(code.number()) { send() } else { Ok(()) }
    }

    fn left(&self) {
        let mut occupied = self.occupied();
        occupied.running = occupied.running.saturating_sub(1);
        if occupied.retired && occupied.running == 0 {
            drop(occupied);
            self.link.lose(Loss::Retired);
        }
    }
}

/// The workers of a service.
pub(super) struct Pool {
    options: WorkerOptions,
    starter: start::Starter,
    engine: Digest,
    inner: Mutex<Inner>,
    /// A seat became free, or a worker ended.
    freed: Notify,
}

#[derive(Default)]
struct Inner {
    workers: Vec<Arc<Worker>>,
    /// Workers that are being started.
    starting: Vec<Group>,
}

/// What can be done for a run now.
enum Found {
    Place(Arc<Worker>),
    Start(Group),
    Wait,
}

impl Pool {
    pub(super) fn new(options: WorkerOptions, starter: start::Starter, engine: Digest) -> Arc<Self> {
        Arc::new(Self { options, starter, engine, inner: Mutex::default(), freed: Notify::new() })
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for one run of `code`, in a worker of its group. Waits where every worker is full.
    /// `alone` is a group that nobody else has, for a run that is better off in a worker of its own where
    /// there is room for one.
    pub(super) async fn seat(
        self: &Arc<Self>,
        code: &Code,
        group: Group,
        alone: Option<Group>,
    ) -> Result<Seat, Fault> {
        loop {
            let freed = self.freed.notified();
            let found = alone.and_then(|alone| self.find_alone(alone));
            match found.unwrap_or_else(|| self.find(code, group)) {
                Found::Place(worker) => return Ok(Seat::new(Arc::clone(self), worker)),
                Found::Start(group) => {
                    let starting = Starting { pool: self, group };
                    let worker = start::runner(&self.starter, &self.options, self.engine, group).await?;
                    // In one step with the end of `starting`, so that no other run starts one too many.
                    starting.done(Arc::new(worker));
                }
                Found::Wait => freed.await,
            }
        }
    }

    /// The worker of a group that one run alone has, or room to start it.
    fn find_alone(&self, group: Group) -> Option<Found> {
        let mut inner = self.inner();
        inner.workers.retain(|worker| worker.link.loss().is_none());
        if let Some(worker) = inner.workers.iter().find(|worker| worker.group == group) {
            let mut occupied = worker.occupied();
            occupied.running += 1;
            occupied.started += 1;
            occupied.retired = true;
            return Some(Found::Place(Arc::clone(worker)));
        }
        if inner.workers.len() + inner.starting.len() >= self.options.workers.get() as usize {
            return None;
        }
        // Many runs may have lost one worker: they start theirs one after the other.
        if inner.starting.len() >= self.options.workers_per_group.get() as usize {
            return Some(Found::Wait);
        }
        inner.starting.push(group);
        Some(Found::Start(group))
    }

    fn find(&self, code: &Code, group: Group) -> Found {
        let mut inner = self.inner();
        inner.workers.retain(|worker| worker.link.loss().is_none());
        let options = &self.options;
        let mut best: Option<(&Arc<Worker>, MutexGuard<'_, Occupied>)> = None;
        // Has room, but none for this code, and will not have.
        let mut unfit: Option<(&Arc<Worker>, u32)> = None;
        let mut of_group = inner.starting.iter().filter(|starting| **starting == group).count();
        for worker in inner.workers.iter().filter(|worker| worker.group == group) {
            let occupied = worker.occupied();
            if occupied.retired {
                continue;
            }
            of_group += 1;
            let beside = occupied.started > 0 && code.is_new() && !occupied.codes.contains(&code.number());
            let full = occupied.codes.len() >= MOST_CODES && !occupied.codes.contains(&code.number());
            if beside || full {
                if unfit.is_none_or(|(_, least)| occupied.running < least) {
                    unfit = Some((worker, occupied.running));
                }
                continue;
            }
            if occupied.running >= options.runs_at_once.get() {
                continue;
            }
            if best.as_ref().is_none_or(|(_, least)| occupied.running < least.running) {
                best = Some((worker, occupied));
            }
        }
        let may_start = of_group < options.workers_per_group.get() as usize
            && inner.workers.len() + inner.starting.len() < options.workers.get() as usize;
        match best {
            Some((worker, mut occupied)) if occupied.running == 0 || !may_start => {
                occupied.running += 1;
                occupied.started += 1;
                occupied.retired = match options.isolation {
                    Isolation::Bundle | Isolation::Step => occupied.started >= options.runs_per_worker.get(),
                    Isolation::Run => true,
                };
                Found::Place(Arc::clone(worker))
            }
            Some(_) | None if may_start => {
                drop(best);
                inner.starting.push(group);
                Found::Start(group)
            }
            Some(_) | None => {
                drop(best);
                // What makes room where it can: a worker of another group that nobody is in, or else one of
                // this group that could never take this run, at once or with its last run.
                let elsewhere = of_group < options.workers_per_group.get() as usize;
                let idle = inner.workers.iter().find(|w| w.group != group && w.occupied().running == 0);
                let unfit = unfit.map(|(worker, _)| worker);
                if let Some(worker) = idle.filter(|_| elsewhere).or(unfit) {
                    worker.retire();
                    self.freed.notify_waiters();
                }
                Found::Wait
            }
        }
    }

    /// A run has left its worker.
    pub(super) fn left(&self, worker: &Arc<Worker>) {
        worker.left();
        self.freed.notify_waiters();
    }

    /// Ends every worker, and waits until they are gone.
    pub(super) fn end(&self) {
        for worker in std::mem::take(&mut self.inner().workers) {
            worker.link.lose(Loss::Retired);
        }
        self.starter.settle();
    }
}

/// A worker in the making; gives its place back when it is dropped before.
struct Starting<'a> {
    pool: &'a Pool,
    group: Group,
}

impl Starting<'_> {
    fn done(self, worker: Arc<Worker>) {
        self.pool.inner().workers.push(worker);
    }
}

impl Drop for Starting<'_> {
    fn drop(&mut self) {
        let mut inner = self.pool.inner();
        if let Some(place) = inner.starting.iter().position(|group| *group == self.group) {
            inner.starting.swap_remove(place);
        }
        drop(inner);
        self.pool.freed.notify_waiters();
    }
}
