//! The log as its callers hold it.

use super::check::{self, Opened, SequenceOf, Trusted};
use super::queue::{Life, Queue, Request, Until};
use super::seal::Vouched;
use super::{Clock, OpenRun, Sealer, Stamp, writer};
use crate::merkle::TreeHead;
use crate::store::{Checkpoint, Fact, Records, RunLink, Store};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use stepward_fault::{Class, Fault, Owner, Rule};
use tokio::sync::{oneshot, watch};

/// Bytes of the largest leaf. An event carries names and hashes, never data.
pub const MAX_LEAF: usize = 4096;

const NO_THREAD: Rule = Rule::new("log-no-thread");
const OTHER_LOG: Rule = Rule::new("log-other-ticket");
const CHECKPOINT_AHEAD: Rule = Rule::new("log-checkpoint-ahead");

/// Tells the logs of one process apart.
static LOGS: AtomicU64 = AtomicU64::new(0);

/// The single writer of a log. Clones share it; the last one to go closes it, as [`Log::close`] does.
#[derive(Clone)]
pub struct Log(Arc<Handle>);

/// When an event that nobody waits for goes to the disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum When {
    /// With the next one that somebody waits for, or a moment later: it costs no commit of its own.
    #[default]
    WithNext,
    /// At once: what cannot be found out again, such as the answer to an effect.
    Soon,
}

/// What goes with an event besides its bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attached {
    /// When it goes to the disk where nobody waits for it.
    pub when: When,
    /// The run that it belongs to, and what it makes of it.
    pub run: Option<RunLink>,
    /// The sealed body that it commits to.
    pub body: Option<Vec<u8>>,
    /// Values to remember in the same commit.
    pub facts: Vec<Fact>,
}

impl Attached {
    /// Bytes that they take up while they wait.
    pub(super) fn bytes(&self) -> usize {
        let facts: usize = self.facts.iter().map(|fact| fact.name.len() + fact.value.len()).sum();
        let run = self.run.as_ref().map_or(0, |link| link.run.len());
        facts + run + self.body.as_ref().map_or(0, Vec::len)
    }
}

/// An event that was taken and is not durable yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "an event whose ticket nobody waits for may be lost in a crash"]
pub struct Ticket {
    log: u64,
    sequence: u64,
}

impl Ticket {
    /// The event's sequence number.
    pub fn sequence(self) -> u64 {
        self.sequence
    }
}

/// An event that outlives a crash, and with it every event before it. Only [`Log::durable`] makes one.
///
/// ```compile_fail,E0451
/// stepward_ledger::log::Durable { sequence: 7 };
/// ```
///
/// ```compile_fail,E0599
/// fn twice(durable: stepward_ledger::log::Durable) -> [stepward_ledger::log::Durable; 2] {
///     [durable.clone(), durable]
/// }
/// ```
#[derive(Debug, PartialEq, Eq)]
pub struct Durable {
    sequence: u64,
}

impl Durable {
    /// The event's sequence number.
    pub fn sequence(&self) -> u64 {
        self.sequence
    }
}

/// What everybody may know.
pub(super) struct Progress {
    /// The durable tree.
    pub(super) head: TreeHead,
    /// Why it will not grow any more.
    end: Option<Fault>,
}

/// What the callers and the writer share.
pub(super) struct Shared {
    queue: Mutex<Queue>,
    wake: Condvar,
    pub(super) progress: watch::Sender<Progress>,
}

impl Shared {
    pub(super) fn lock(&self) -> MutexGuard<'_, Queue> {
        // An encoder that panics under the lock has changed nothing yet.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts the writer to sleep until there is what it sleeps for, and at most so long.
    pub(super) fn sleep<'a>(
        &self,
        mut queue: MutexGuard<'a, Queue>,
        until: Until,
        most: Option<Duration>,
    ) -> MutexGuard<'a, Queue> {
        queue.sleep(until);
        let asleep = |queue: &mut Queue| queue.is_asleep();
        let mut queue = match most {
            None => self.wake.wait_while(queue, asleep).unwrap_or_else(PoisonError::into_inner),
            Some(most) => {
                let woken = self.wake.wait_timeout_while(queue, most, asleep);
                woken.unwrap_or_else(PoisonError::into_inner).0
            }
        };
        queue.wake();
        queue
    }

    /// Changes the queue, and wakes the writer where it sleeps and now has something to do. Each signal is a
    /// system call, also where nobody sleeps, so that it is given once.
    fn change<R>(&self, change: impl FnOnce(&mut Queue) -> R) -> R {
        let mut queue = self.lock();
        let changed = change(&mut queue);
        let rouse = queue.rouse();
        drop(queue);
        if rouse {
            self.wake.notify_one();
        }
        changed
    }

    /// Ends the log with the first fault that is given.
    pub(super) fn die(&self, fault: Fault) {
        let mut queue = self.lock();
        if matches!(queue.life, Life::Dead(_)) {
            return;
        }
        queue.die(fault.clone());
        drop(queue);
        self.progress.send_modify(|progress| progress.end = Some(fault));
    }
}

struct Handle {
    shared: Arc<Shared>,
    clock: Arc<dyn Clock>,
    id: u64,
    writer: Mutex<Option<JoinHandle<()>>>,
}

impl Log {
    /// Checks a store against the heads that are trusted and starts to write after its last event.
    ///
    /// The check hashes the leaves after the largest trusted head and a few hundred stored hashes;
    /// what lies before has no part in its cost. `sequence_of` reads the number inside a leaf; `sealer`
    /// holds the key of this log's seals.
    ///
    /// # Errors
    /// When the log is shorter than a trusted head or another one, when a leaf after it was edited or
    /// stands in the wrong place, when the head, the unfinished runs or the remembered values are not
    /// those that were sealed, when the store cannot be read, or no thread can be started. The store is
    /// dropped then.
    pub fn open(
        store: Box<dyn Store>,
        clock: Arc<dyn Clock>,
        trusted: &[Trusted],
        sequence_of: SequenceOf<'_>,
        sealer: &Sealer,
    ) -> Result<(Self, Opened), Fault> {
        let (frontier, vouched, opened) = check::since(&*store, trusted, sequence_of, sealer)?;
        let Vouched { places, sealing, .. } = vouched;
        let shared = Arc::new(Shared {
            queue: Mutex::new(Queue::after(frontier, opened.head, places)),
            wake: Condvar::new(),
            progress: watch::Sender::new(Progress { head: opened.head, end: None }),
        });
        let theirs = Arc::clone(&shared);
        let thread = thread::Builder::new()
            .name("ledger".to_owned())
            .spawn(move || writer::run(&theirs, store, sealing))
            .map_err(|error| {
                Fault::new(Class::Unavailable, Owner::Operator, NO_THREAD)
                    .says(format_args!("the log's writer cannot be started: {error}"))
                    .hint("raise the limit of threads of this account")
            })?;
        let writer = Mutex::new(Some(thread));
        let id = LOGS.fetch_add(1, Ordering::Relaxed);
        Ok((Self(Arc::new(Handle { shared, clock, id, writer })), opened))
    }

    /// Takes an event: gives it the next number and a stamp, has it encoded and hashed. It is not
    /// durable yet, and goes to the disk when somebody waits for it or for a later one, and soon in any
    /// case. Never waits for the disk: with too much waiting for it already, it refuses; who
    /// can wait does so in [`room`](Self::room) before. `encode` runs under the log's lock and must
    /// be quick.
    ///
    /// # Errors
    /// When the log is closed or its last commit failed, too much waits for the disk, or the bytes are
    /// none or more than [`MAX_LEAF`]. The event then has no number and is not in the log.
    pub fn append(
        &self,
        attached: Attached,
        encode: impl FnOnce(u64, &Stamp) -> Vec<u8>,
    ) -> Result<Ticket, Fault> {
        let sequence = self.0.shared.change(|queue| queue.push(&*self.0.clock, attached, encode))?;
        Ok(Ticket { log: self.0.id, sequence })
    }

    /// Waits until an event and everything before it are durable. Dropping the future changes nothing
    /// for the event.
    ///
    /// # Errors
    /// When the commit failed; whether the event is in the log is then open until it is opened again.
    pub async fn durable(&self, ticket: Ticket) -> Result<Durable, Fault> {
        if ticket.log != self.0.id {
            return Err(Fault::new(Class::Internal, Owner::Embedder, OTHER_LOG)
                .says("the ticket is from another log")
                .hint("wait where the event was appended"));
        }
        let sequence = ticket.sequence;
        if self.head().size.get() <= sequence {
            self.0.shared.change(|queue| queue.want(sequence));
        }
        self.reached(|progress| progress.head.size.get() > sequence).await?;
        Ok(Durable { sequence })
    }

    /// A run, where it is unfinished after the last event that was taken.
    pub fn open_run(&self, name: &str) -> Option<OpenRun> {
        self.0.shared.lock().places.get(name).cloned()
    }

    /// All runs that are unfinished then, the oldest first.
    pub fn open_runs(&self) -> Vec<OpenRun> {
        self.0.shared.lock().places.all()
    }

    /// What is remembered under a name after the last event that was taken.
    pub fn fact(&self, name: &str) -> Option<Vec<u8>> {
        self.0.shared.lock().places.fact(name).map(<[u8]>::to_vec)
    }

    /// Waits until less than half of what may wait for the disk does. For work that can be put off:
    /// a new run, a new request. Others may come first: it is no reservation.
    ///
    /// # Errors
    /// When the log is closed or its last commit failed.
    pub async fn room(&self) -> Result<(), Fault> {
        self.reached(|_| self.0.shared.lock().has_room()).await
    }

    /// The durable tree: what a checkpoint may be about.
    pub fn head(&self) -> TreeHead {
        self.0.shared.progress.borrow().head
    }

    /// Signs the durable head and keeps the note, durably, before it is given out.
    ///
    /// # Errors
    /// When it cannot be signed, or not be written.
    pub async fn checkpoint(
        &self,
        sign: impl FnOnce(TreeHead) -> Result<String, Fault>,
    ) -> Result<Checkpoint, Fault> {
        let head = self.head();
        let checkpoint = Checkpoint { size: head.size.get(), note: sign(head)? };
        self.keep(checkpoint.clone()).await?;
        Ok(checkpoint)
    }

    /// Keeps a checkpoint, or the same one with more cosignatures. Returns when it is durable.
    ///
    /// # Errors
    /// When it is about more events than are durable, or cannot be written.
    pub async fn keep(&self, checkpoint: Checkpoint) -> Result<(), Fault> {
        let durable = self.head().size.get();
        if checkpoint.size > durable {
            return Err(Fault::new(Class::Internal, Owner::Embedder, CHECKPOINT_AHEAD)
                .says(format_args!(
                    "a checkpoint over {} events where {durable} are durable",
                    checkpoint.size
                ))
                .hint("sign the head that the log gives"));
        }
        self.ask(|queue, done| queue.checkpoint(checkpoint, done), |_| Ok(Ok(()))).await
    }

    /// Drops the sealed bodies of a run and says how many there were.
    ///
    /// # Errors
    /// When the store cannot be written; the log is then closed as after any failed commit.
    pub async fn erase_bodies(&self, run: &str) -> Result<u64, Fault> {
        let run = run.to_owned();
        self.ask(Queue::request, move |store| store.erase_bodies(&run).map(Ok)).await
    }

    /// Reads, on the writer's thread, after everything that waits now was committed. Commits wait
    /// meanwhile: for a proof, a body, a page of an index. Long reads take a connection of their own.
    ///
    /// # Errors
    /// What `read` answers, or that the log is closed or its last commit failed.
    pub async fn read<R: Send + 'static>(
        &self,
        read: impl FnOnce(&dyn Records) -> Result<R, Fault> + Send + 'static,
    ) -> Result<R, Fault> {
        self.ask(Queue::request, move |store| Ok(read(store))).await
    }

    /// Takes no more events, writes those that wait, and gives the store back: when this returns,
    /// another process may open it.
    ///
    /// # Errors
    /// When a commit failed, now or before.
    pub async fn close(&self) -> Result<TreeHead, Fault> {
        self.0.stop();
        let ended = self.reached(|_| false).await;
        self.0.join();
        let head = self.head();
        match ended {
            Err(fault) if fault.class() != Class::Cancelled => Err(fault),
            _ => Ok(head),
        }
    }

    /// Waits until `there` says so of the log's progress.
    async fn reached(&self, mut there: impl FnMut(&Progress) -> bool) -> Result<(), Fault> {
        let mut progress = self.0.shared.progress.subscribe();
        let seen = progress.wait_for(|progress| there(progress) || progress.end.is_some()).await;
        match seen.as_deref() {
            Ok(progress) if there(progress) => Ok(()),
            Ok(Progress { end: Some(fault), .. }) => Err(fault.clone()),
            Ok(_) | Err(_) => Err(super::queue::closed()),
        }
    }

    /// Has the writer do something and waits for its answer. An outer fault of `act` ends the log.
    async fn ask<R: Send + 'static>(
        &self,
        enqueue: impl FnOnce(&mut Queue, Request) -> Result<(), Fault>,
        act: impl FnOnce(&mut dyn Store) -> Result<Result<R, Fault>, Fault> + Send + 'static,
    ) -> Result<R, Fault> {
        let (answer, answered) = oneshot::channel();
        let request: Request = Box::new(move |store| {
            let (reply, end) = match act(store) {
                Ok(reply) => (reply, Ok(())),
                Err(fault) => (Err(fault.clone()), Err(fault)),
            };
            // Whoever asked may have gone.
            let _ = answer.send(reply);
            end
        });
        self.0.shared.change(|queue| enqueue(queue, request))?;
        match answered.await {
            Ok(reply) => reply,
            // The request was dropped unanswered: the log has ended.
            Err(_) => Err(match self.reached(|_| false).await {
                Err(fault) => fault,
                Ok(()) => super::queue::closed(),
            }),
        }
    }
}

impl Handle {
    /// Takes no more events.
    fn stop(&self) {
        self.shared.change(|queue| {
            if matches!(queue.life, Life::Open) {
                queue.life = Life::Closing;
            }
        });
    }

    /// Waits for the writer to give the store back.
    fn join(&self) {
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(writer) = writer.filter(|writer| writer.thread().id() != thread::current().id()) {
            // A panic there was reported to everyone who waits.
            let _ = writer.join();
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.stop();
        self.join();
    }
}

impl std::fmt::Debug for Log {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Log").field("head", &self.head()).finish_non_exhaustive()
    }
}
