//! What every store can do.

use super::{Batch, Chain, Checkpoint, Fact, Seal};
use crate::merkle::{LeafHash, NodeHash, TreeHead};
use std::ops::Range;
use stepward_fault::{Class, Fault, Owner, Rule};

/// Rows in one page of a list: what fits in memory without a thought and keeps one read short. A
/// larger wish is cut to this.
pub const MAX_PAGE: usize = 1024;

/// A stored leaf, lent for the length of a visit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeafRef<'a> {
    /// Its sequence number.
    pub sequence: u64,
    /// The exact bytes.
    pub bytes: &'a [u8],
    /// The hash that was stored beside them. Nothing has compared the two.
    pub hash: LeafHash,
}

/// The rule that a leaf is the one that was hashed when it was written.
pub(crate) const EDITED: Rule = Rule::new("log-leaf-edited");

impl<'a> LeafRef<'a> {
    /// The bytes, compared with the hash that was stored beside them: for whatever is handed out under
    /// the log's name.
    ///
    /// # Errors
    /// When the event was changed after it was written.
    pub fn checked(&self) -> Result<&'a [u8], Fault> {
        let now = LeafHash::of(self.bytes);
        if now == self.hash {
            return Ok(self.bytes);
        }
        Err(Fault::new(Class::EvidenceInvalid, Owner::Operator, EDITED)
            .at(format_args!("event {}", self.sequence))
            .says(format_args!(
                "the event was changed after it was written: its hash is {now}, not {}",
                self.hash
            ))
            .hint("keep this copy, it shows what happened; put the last good copy back, or `stepward restore` a backup"))
    }
}

/// A stored leaf.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leaf {
    /// The exact bytes.
    pub bytes: Vec<u8>,
    /// The hash that was stored beside them. Nothing has compared the two.
    pub hash: LeafHash,
    /// The event of the same run before this one, where there is one.
    pub previous: Option<u64>,
}

/// What a store says of itself besides its tree, all of it from one state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Index {
    /// The tree after the last commit.
    pub head: TreeHead,
    /// The seal that came with that commit; none before the first.
    pub seal: Option<Seal>,
    /// The unfinished runs, in the order of their first events.
    pub open: Vec<Run>,
    /// The remembered values.
    pub facts: Vec<Fact>,
}

/// A run in the index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// Its name.
    pub name: String,
    /// The sequence number of its first event.
    pub opened: u64,
    /// The sequence number of its last event so far.
    pub last: u64,
    /// Whether it is unfinished, as its events said.
    pub open: bool,
    /// How many events it has.
    pub events: u64,
    /// The hash over its events.
    pub chain: Chain,
}

/// What can be read from a log.
///
/// Every call sees whole commits only. Two calls may see two states: take [`head`](Self::head) first
/// and read below it, where nothing changes any more. Lists hold at most [`MAX_PAGE`] rows a call.
///
/// Nothing that is read has been verified; [`Log::open`](crate::log::Log::open) and the verifiers do that.
///
/// # Errors
/// Each call fails when the store cannot be read ([`Class::Unavailable`](stepward_fault::Class)), or
/// is damaged so that what was asked for is not there or not of its kind
/// ([`Class::EvidenceInvalid`](stepward_fault::Class)).
#[expect(clippy::missing_errors_doc, reason = "said once for the whole trait")]
pub trait Records: Send {
    /// The tree after the last commit, as the writer stated it.
    fn head(&self) -> Result<TreeHead, Fault>;

    /// Visits the leaves of a range in order and ends early only when the visitor refuses. A leaf of
    /// the range that is not there is an error that names the first.
    fn leaves(
        &self,
        range: Range<u64>,
        visit: &mut dyn FnMut(LeafRef<'_>) -> Result<(), Fault>,
    ) -> Result<(), Fault>;

    /// One leaf, if the log has it.
    fn leaf(&self, sequence: u64) -> Result<Option<Leaf>, Fault>;

    /// The hashes of `count` neighbouring subtrees of 256^`level` leaves, from the one at `from`: a
    /// tile, or a part of one, of C2SP tlog-tiles. At most [`TILE_WIDTH`](super::TILE_WIDTH) a call.
    /// One that is not there is an error.
    fn hashes(&self, level: u32, from: u64, count: usize) -> Result<Vec<NodeHash>, Fault>;

    /// The sealed body of an event, if it had one and it was not erased.
    fn body(&self, sequence: u64) -> Result<Option<Vec<u8>>, Fault>;

    /// A run, if there is one of this name.
    fn run(&self, name: &str) -> Result<Option<Run>, Fault>;

    /// The sequence numbers of a run's events from `from` on, in order. A store may walk back from
    /// the run's last event, so a page costs as much as there are events from `from` on.
    fn events_of(&self, run: &str, from: u64, limit: usize) -> Result<Vec<u64>, Fault>;

    /// The unfinished runs whose first event is `from` or later, in the order of their first events.
    fn open_runs(&self, from: u64, limit: usize) -> Result<Vec<Run>, Fault>;

    /// The runs whose first event is before `before`, the newest first.
    fn runs(&self, before: u64, limit: usize) -> Result<Vec<Run>, Fault>;

    /// The largest checkpoint over at most `size` leaves. `u64::MAX` asks for the latest.
    fn checkpoint(&self, size: u64) -> Result<Option<Checkpoint>, Fault>;

    /// The checkpoints over `from` leaves or more, the smallest first.
    fn checkpoints(&self, from: u64, limit: usize) -> Result<Vec<Checkpoint>, Fault>;

    /// The head with its seal, the unfinished runs and the remembered values. It holds at most
    /// [`MAX_UNFINISHED`](crate::log::MAX_UNFINISHED) runs and [`MAX_FACTS`](crate::log::MAX_FACTS) values;
    /// more are an error.
    fn index(&self) -> Result<Index, Fault>;

    /// A remembered value.
    fn fact(&self, name: &str) -> Result<Option<Vec<u8>>, Fault>;
}

/// A log that one owner can write.
///
/// # What an implementation must hold
/// - `commit` is atomic: after a crash at any moment all of the batch is there or none of it.
/// - When `commit` returned, the batch outlives a crash of the process, the kernel and the power.
/// - Batches are never reordered: a later one is there only if every earlier one is.
/// - A batch that does not begin at the log's size is refused and changes nothing.
/// - After `commit` failed the owner closes the store; whether the batch is there is then open.
pub trait Store: Records {
    /// Writes a batch and returns when it is durable.
    ///
    /// # Errors
    /// When it cannot be written, or does not begin where the log ends.
    fn commit(&mut self, batch: &Batch) -> Result<(), Fault>;

    /// Drops the sealed bodies of a run, for when its key is gone, and says how many there were. The
    /// events stay. Space that held a body is overwritten where the store can.
    ///
    /// # Errors
    /// When it cannot be written.
    fn erase_bodies(&mut self, run: &str) -> Result<u64, Fault>;
}
