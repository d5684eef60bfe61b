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
    pub(super) bytes: usize,
    pub(super) requests: Vec<Request>,
}

impl Work {
    /// How many events there are.
    pub(super) fn events(&self) -> usize {
        self.entries.len()
    }

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

/// Everything that is decided under the one lock: numbers, stamps, the tree.
pub(super) struct Queue {
    pub(super) life: Life,
    pub(super) places: Places,
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
}

impl Queue {
    pub(super) fn after(frontier: Frontier, head: TreeHead, places: Places) -> Self {
        let next = head.size.get();
        Self {
            life: Life::Open,
            places,
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

    /// Whether the writer has nothing to do.
    pub(super) fn is_idle(&self) -> bool {
        self.entries.is_empty() && self.checkpoints.is_empty() && self.requests.is_empty()
    }

    /// Somebody waits for this event.
    pub(super) fn want(&mut self, sequence: u64) {
        self.wanted = self.wanted.max(sequence.saturating_add(1));
    }

    /// Whether there is something that somebody waits for, or so much that it is written anyhow.
    pub(super) fn is_wanted(&self) -> bool {
        let asked =
            !self.checkpoints.is_empty() || !self.requests.is_empty() || !matches!(self.life, Life::Open);
        asked
            || self.wanted > self.first
            || self.waiting.0 >= FULL_BATCH
            || self.waiting.1 >= FULL_BATCH_BYTES
    }

    /// Events that wait for the next commit.
    pub(super) fn gathered(&self) -> usize {
        self.entries.len()
    }

    /// Whether events are taken and less than half of their room is.
    pub(super) fn has_room(&self) -> bool {
        matches!(self.life, Life::Open)
            && self.waiting.0 < MAX_WAITING_EVENTS / 2
            && self.waiting.1 < MAX_WAITING_BYTES / 2
    }

    /// Hands everything over. The next buffer is made as large as this one was.
    pub(super) fn take(&mut self) -> Work {
        let room = self.entries.len();
        Work {
            first: mem::replace(&mut self.first, self.next),
            entries: mem::replace(&mut self.entries, Vec::with_capacity(room)),
            subtrees: mem::take(&mut self.subtrees),
            head: self.frontier.head(),
            checkpoints: mem::take(&mut self.checkpoints),
            facts: mem::take(&mut self.facts),
            runs: self.places.changed(),
            bytes: mem::take(&mut self.bytes),
            requests: mem::take(&mut self.requests),
        }
    }

    /// Gives the room of a committed batch back.
    pub(super) fn written(&mut self, events: usize, bytes: usize) {
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
