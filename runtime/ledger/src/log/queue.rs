//! What waits for the disk, in the order that it will have there.

use super::seal::Sealing;
use super::unfinished::{Changed, Places};
use super::{Attached, Clock, MAX_LEAF, Stamp, When};
use crate::merkle::{Frontier, LeafHash, TreeHead};
use crate::store::{Batch, Checkpoint, Entry, Fact, Store, Subtree};
use std::mem;
use stepward_fault::{Class, Fault, Owner, Rule};

/// Events that wait for the disk at most. Each run waits for its intents before it goes on, so this
/// is room for thousands of runs; more means that the disk has stopped answering.
pub const MAX_WAITING_EVENTS: usize = 16_384;

/// Bytes that wait for the disk at most, sealed bodies included: 64 MiB, a second of a slow disk.
pub const MAX_WAITING_BYTES: usize = 64 << 20;

/// Events that are worth a commit although nobody waits for them.
const FULL_BATCH: usize = 1024;

/// Bytes that are worth one: 1 MiB.
const FULL_BATCH_BYTES: usize = 1 << 20;

/// Requests that wait for the writer at most: each is a caller that waits for its answer.
const MAX_REQUESTS: usize = 1024;

const OVERLOADED: Rule = Rule::new("log-overloaded");
const LEAF_SIZE: Rule = Rule::new("log-leaf-size");
const FULL: Rule = Rule::new("log-tree-full");
const CLOSED: Rule = Rule::new("log-closed");

/// Work for the thread that owns the store.
pub(super) type Request = Box<dyn FnOnce(&mut dyn Store) -> Result<(), Fault> + Send>;

/// What the writer takes away in one go.
pub(super) struct Work {
    first: u64,
    entries: Vec<Entry>,
    subtrees: Vec<Subtree>,
    head: TreeHead,
    checkpoints: Vec<Checkpoint>,
    facts: Vec<Fact>,
    runs: Changed,
    /// Who waits for these events so far.
    pub(super) waiters: usize,
    pub(super) bytes: usize,
    pub(super) requests: Vec<Request>,
}

impl Work {
    /// Seals what there is to commit; none where there is nothing.
    pub(super) fn batch(&mut self, sealing: &mut Sealing) -> Option<Batch> {
        if self.entries.is_empty() && self.checkpoints.is_empty() {
            return None;
        }
        for (name, run) in self.runs.drain(..) {
            sealing.run(&name, run.as_ref());
        }
        for fact in &self.facts {
            sealing.fact(fact);
        }
        Some(Batch {
            first: self.first,
            entries: mem::take(&mut self.entries),
            subtrees: mem::take(&mut self.subtrees),
            head: self.head,
            seal: sealing.seal(self.head),
            checkpoints: mem::take(&mut self.checkpoints),
            facts: mem::take(&mut self.facts),
        })
    }
}

/// Whether events are taken.
pub(super) enum Life {
    /// They are.
    Open,
    /// No more; those that wait are still written.
    Closing,
    /// A commit failed or the writer ended: nothing is written any more.
    Dead(Fault),
}

/// What the writer sleeps for.
#[derive(Clone, Copy)]
pub(super) enum Until {
    /// There is something, whether anybody waits for it or not.
    Work,
    /// Somebody waits.
    Wanted,
    /// As many wait as the last commit woke.
    Gathered,
}

/// Everything that is decided under the one lock: numbers, stamps, the tree.
pub(super) struct Queue {
    pub(super) life: Life,
    pub(super) places: Places,
    /// Set while the writer sleeps, and unset by whoever wakes it.
    sleeps: Option<Until>,
    frontier: Frontier,
    next: u64,
    last_mono: u64,
    first: u64,
    entries: Vec<Entry>,
    subtrees: Vec<Subtree>,
    checkpoints: Vec<Checkpoint>,
    facts: Vec<Fact>,
    requests: Vec<Request>,
    /// Bytes in `entries` and `facts`.
    bytes: usize,
    /// In `entries` and in the batch that is being committed.
    waiting: (usize, usize),
    /// The events before this one are waited for, or are to be written soon.
    wanted: u64,
    /// How many wait for what the next commit will write.
    waiters: usize,
    /// How many wait for what is being committed, and then were woken by it.
    woken: usize,
}

impl Queue {
    pub(super) fn after(frontier: Frontier, head: TreeHead, places: Places) -> Self {
        let next = head.size.get();
        Self {
            life: Life::Open,
            places,
            sleeps: None,
            frontier,
            next,
            last_mono: 0,
            first: next,
            entries: Vec::new(),
            subtrees: Vec::new(),
            checkpoints: Vec::new(),
            facts: Vec::new(),
            requests: Vec::new(),
            bytes: 0,
            waiting: (0, 0),
            wanted: next,
            waiters: 0,
            woken: 0,
        }
    }

    /// Refuses when nothing more is taken.
    pub(super) fn check_open(&self) -> Result<(), Fault> {
        match &self.life {
            Life::Open => Ok(()),
            Life::Closing => Err(closed()),
            Life::Dead(fault) => Err(fault.clone()),
        }
    }

    /// Takes one event: number, stamp, bytes, hash. A refusal leaves everything as it was.
    pub(super) fn push(
        &mut self,
        clock: &dyn Clock,
        attached: Attached,
        encode: impl FnOnce(u64, &Stamp) -> Vec<u8>,
    ) -> Result<u64, Fault> {
        self.check_open()?;
        self.check_room(attached.bytes())?;
        self.places.check(attached.run.as_ref(), &attached.facts)?;
        let sequence = self.next;
        let mut stamp = clock.stamp();
        stamp.mono_us = stamp.mono_us.max(self.last_mono);
        let leaf = encode(sequence, &stamp);
        if leaf.is_empty() || leaf.len() > MAX_LEAF {
            return Err(leaf_size(leaf.len()));
        }
        let hash = LeafHash::of(&leaf);
        let subtrees = &mut self.subtrees;
        self.frontier
            .append_with(hash, |node, hash| subtrees.extend(Subtree::kept(node, hash)))
            .map_err(|error| Fault::new(Class::LimitExceeded, Owner::Operator, FULL).says(error))?;
        self.places.take(sequence, hash, attached.run.as_ref(), &attached.facts);
        let bytes = attached.bytes() + leaf.len();
        self.bytes += bytes;
        self.waiting = (self.waiting.0 + 1, self.waiting.1 + bytes);
        self.last_mono = stamp.mono_us;
        self.next += 1;
        match attached.when {
            When::WithNext => {}
            When::Soon => self.wanted = self.next,
        }
        self.entries.push(Entry { leaf, hash, run: attached.run, body: attached.body });
        self.facts.extend(attached.facts);
        Ok(sequence)
    }

    /// Takes work for the thread that owns the store.
    pub(super) fn request(&mut self, request: Request) -> Result<(), Fault> {
        self.check_open()?;
        if self.requests.len() >= MAX_REQUESTS {
            return Err(overloaded(format_args!("{MAX_REQUESTS} requests wait for the log's writer")));
        }
        self.requests.push(request);
        Ok(())
    }

    /// Takes a checkpoint into the next commit. The caller has seen that the log is as long.
    pub(super) fn checkpoint(&mut self, checkpoint: Checkpoint, done: Request) -> Result<(), Fault> {
        self.request(done)?;
        self.checkpoints.push(checkpoint);
        Ok(())
    }

    /// The writer goes to sleep, unless it need not.
    pub(super) fn sleep(&mut self, until: Until) {
        self.sleeps = Some(until);
        let _ = self.rouse();
    }

    /// It is awake.
    pub(super) fn wake(&mut self) {
        self.sleeps = None;
    }

    pub(super) fn is_asleep(&self) -> bool {
        self.sleeps.is_some()
    }

    /// Ends its sleep where there is now what it sleeps for; whether this was so.
    pub(super) fn rouse(&mut self) -> bool {
        let there = match self.sleeps {
            None => false,
            Some(Until::Work) => !self.is_idle() || !matches!(self.life, Life::Open),
            Some(Until::Wanted) => self.is_wanted(),
            Some(Until::Gathered) => self.has_gathered(),
        };
        if there {
            self.sleeps = None;
        }
        there
    }

    /// Whether the writer has nothing to do.
    pub(super) fn is_idle(&self) -> bool {
        self.entries.is_empty() && self.checkpoints.is_empty() && self.requests.is_empty()
    }

    /// Somebody waits for this event.
    pub(super) fn want(&mut self, sequence: u64) {
        self.wanted = self.wanted.max(sequence.saturating_add(1));
        let counted = if sequence < self.first { &mut self.woken } else { &mut self.waiters };
        *counted += 1;
    }

    /// Who waits for the next commit.
    pub(super) fn waiters(&self) -> usize {
        self.waiters
    }

    /// Whether as many wait as the last commit woke, or others need it now.
    pub(super) fn has_gathered(&self) -> bool {
        self.waiters >= self.woken || self.is_pressed()
    }

    /// Whether there is something that somebody waits for, or so much that it is written anyhow.
    pub(super) fn is_wanted(&self) -> bool {
        self.wanted > self.first || self.is_pressed()
    }

    /// Whether something else than an event is waited for, or a batch is full.
    fn is_pressed(&self) -> bool {
        !self.checkpoints.is_empty()
            || !self.requests.is_empty()
            || !matches!(self.life, Life::Open)
            || self.waiting.0 >= FULL_BATCH
            || self.waiting.1 >= FULL_BATCH_BYTES
    }

    /// Whether events are taken and less than half of their room is.
    pub(super) fn has_room(&self) -> bool {
        matches!(self.life, Life::Open)
            && self.waiting.0 < MAX_WAITING_EVENTS / 2
            && self.waiting.1 < MAX_WAITING_BYTES / 2
    }

    /// Hands everything over. The next buffer is made as large as this one was.
    pub(super) fn take(&mut self) -> Work {
        self.woken = 0;
        let room = self.entries.len();
        Work {
            first: mem::replace(&mut self.first, self.next),
            entries: mem::replace(&mut self.entries, Vec::with_capacity(room)),
            subtrees: mem::take(&mut self.subtrees),
            head: self.frontier.head(),
            checkpoints: mem::take(&mut self.checkpoints),
            facts: mem::take(&mut self.facts),
            runs: self.places.changed(),
            waiters: mem::take(&mut self.waiters),
            bytes: mem::take(&mut self.bytes),
            requests: mem::take(&mut self.requests),
        }
    }

    /// Gives the room of a committed batch back, whose waiters are about to be woken.
    pub(super) fn written(&mut self, events: usize, bytes: usize, waiters: usize) {
        self.woken += waiters;
        self.waiting = (self.waiting.0.saturating_sub(events), self.waiting.1.saturating_sub(bytes));
    }

    /// Refuses everything from now on and drops what waits: its callers hear of it from `fault`.
    pub(super) fn die(&mut self, fault: Fault) {
        self.life = Life::Dead(fault);
        self.entries = Vec::new();
        self.requests = Vec::new();
        self.checkpoints = Vec::new();
    }

    fn check_room(&self, bytes: usize) -> Result<(), Fault> {
        if self.waiting.0 >= MAX_WAITING_EVENTS {
            return Err(overloaded(format_args!("{MAX_WAITING_EVENTS} events wait for the disk")));
        }
        if self.waiting.1 + bytes > MAX_WAITING_BYTES {
            return Err(overloaded(format_args!("{} bytes of events wait for the disk", self.waiting.1)));
        }
        Ok(())
    }
}

pub(super) fn closed() -> Fault {
    Fault::new(Class::Cancelled, Owner::Embedder, CLOSED)
        .says("the log was closed and takes no more events")
        .hint("end the runs before the log is closed")
}

fn overloaded(what: std::fmt::Arguments<'_>) -> Fault {
    Fault::new(Class::Unavailable, Owner::Operator, OVERLOADED)
        .says(what)
        .hint("the disk is too slow for the load, or stands still: look at it, or start fewer runs at a time")
}

fn leaf_size(bytes: usize) -> Fault {
    Fault::new(Class::Internal, Owner::Stepward, LEAF_SIZE)
        .says(format_args!("an event of {bytes} bytes: it must have 1 to {MAX_LEAF}"))
        .hint("please report it with the kind of event")
}
