//! Reads events beside the thread that hashes them.

use super::events::{COMPARE, MISPLACED, invalid};
use crate::event::Event;
use serde::Deserialize;
use std::num::NonZeroUsize;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use stepward_fault::{Class, Fault, Owner, Rule};

/// Leaves in one piece of work: about a megabyte, some milliseconds.
const CHUNK: usize = 2048;
/// Pieces that wait for each thread: one in work, one next.
const WAITING: usize = 2;
/// Threads at most: the one that hashes keeps no more of them busy.
const MAX_LANES: usize = 8;

const LOST: Rule = Rule::new("verify-thread");

/// Leaves on their way to a thread.
#[derive(Default)]
struct Chunk {
    bytes: Vec<u8>,
    /// Place and end in `bytes`.
    leaves: Vec<(u64, usize)>,
}

/// What stands at a place.
pub(super) type Decoded = (u64, Result<Event, Fault>);

struct Lane {
    give: SyncSender<Chunk>,
    take: Receiver<Vec<Decoded>>,
}

/// Reads leaves on other threads and gives the events back in the order of the leaves.
pub(super) struct Decoders {
    lanes: Vec<Lane>,
    filling: Chunk,
    given: usize,
    taken: usize,
}

impl Decoders {
    /// Starts the threads in a scope; they end when this is dropped.
    pub(super) fn start<'scope>(scope: &'scope thread::Scope<'scope, '_>) -> Self {
        let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let lanes = (0..cores.clamp(1, MAX_LANES))
            .map(|_| {
                let (give, work) = sync_channel::<Chunk>(WAITING);
                let (done, take) = sync_channel(WAITING);
                scope.spawn(move || {
                    // Ends when nobody gives any more, or nobody takes.
                    while let Ok(chunk) = work.recv() {
                        if done.send(chunk.decode()).is_err() {
                            break;
                        }
                    }
                });
                Lane { give, take }
            })
            .collect();
        Self { lanes, filling: Chunk::default(), given: 0, taken: 0 }
    }

    /// Takes a leaf; what is ready goes to `ready`, in order.
    pub(super) fn push(
        &mut self,
        place: u64,
        leaf: &[u8],
        ready: &mut dyn FnMut(Decoded) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        self.filling.bytes.extend_from_slice(leaf);
        self.filling.leaves.push((place, self.filling.bytes.len()));
        if self.filling.leaves.len() < CHUNK {
            return Ok(());
        }
        self.send()?;
        if self.given - self.taken >= self.lanes.len() * WAITING {
            self.receive(ready)?;
        }
        Ok(())
    }

    /// Gives everything back that was taken.
    pub(super) fn finish(mut self, ready: &mut dyn FnMut(Decoded) -> Result<(), Fault>) -> Result<(), Fault> {
        self.send()?;
        while self.taken < self.given {
            self.receive(ready)?;
        }
        Ok(())
    }

    fn send(&mut self) -> Result<(), Fault> {
        let lane = self.lanes.get(self.given % self.lanes.len().max(1)).ok_or_else(lost)?;
        lane.give.send(std::mem::take(&mut self.filling)).map_err(|_| lost())?;
        self.given += 1;
        Ok(())
    }

    fn receive(&mut self, ready: &mut dyn FnMut(Decoded) -> Result<(), Fault>) -> Result<(), Fault> {
        let lane = self.lanes.get(self.taken % self.lanes.len().max(1)).ok_or_else(lost)?;
        let decoded = lane.take.recv().map_err(|_| lost())?;
        self.taken += 1;
        decoded.into_iter().try_for_each(ready)
    }
}

impl Chunk {
    fn decode(self) -> Vec<Decoded> {
        let mut start = 0;
        let leaves = self.leaves.into_iter().map(|(place, end)| {
            let leaf = self.bytes.get(start..end).unwrap_or_default();
            start = end;
            (place, at(place, leaf))
        });
        leaves.collect()
    }
}

/// What the events of every version have.
#[derive(Deserialize)]
struct Envelope {
    seq: u64,
}

/// Reads the event at a place. One of a version that is not known yet must at least say that it belongs there.
pub(super) fn at(place: u64, leaf: &[u8]) -> Result<Event, Fault> {
    let decoded = Event::decode(leaf);
    match &decoded {
        Err(fault) if fault.class() == Class::Unavailable => {}
        Ok(_) | Err(_) => return decoded,
    }
    let says = match serde_json::from_slice(leaf) {
        Ok(Envelope { seq }) if seq == place => return decoded,
        Ok(Envelope { seq }) => format!("the event that stands here says that it is number {seq}"),
        Err(error) => format!("the event that stands here does not say which number it is: {error}"),
    };
    Err(invalid(MISPLACED, place).says(says).hint(COMPARE))
}

fn lost() -> Fault {
    Fault::new(Class::Internal, Owner::Stepward, LOST)
        .says("a thread that reads events ended without an answer")
        .hint("please report this")
}
