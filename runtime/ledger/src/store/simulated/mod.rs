//! A store on a disk that fails on purpose, for tests of recovery.
//!
//! A [`Disk`] is bytes in memory of which some are synced. It counts its operations, and a [`Plan`]
//! says at which of them what goes wrong. [`Disk::crashed`] is the disk that is found after a power
//! failure, decided by a seed; [`Simulated`] is a log on it. The disk is cloned to be kept apart from
//! the store: both then look at the same bytes.
//!
//! ```
//! use stepward_ledger::store::simulated::{Disk, DiskFault, Plan, Simulated};
//! use stepward_ledger::store::Records;
//!
//! let disk = Disk::new();
//! disk.plan(Plan { at: 0, fault: DiskFault::PowerLoss, seed: 7 });
//! let store = Simulated::open(disk.clone())?;
//! // … everything fails from the first operation on …
//! let found = Simulated::open(disk.crashed(7))?;
//! assert_eq!(found.head()?.size.get(), 0);
//! # Ok::<(), stepward_fault::Fault>(())
//! ```

mod disk;
mod frame;
mod tables;

pub use disk::{Disk, DiskFault, Plan};

use self::frame::Frame;
use self::tables::Tables;
use super::{Batch, Checkpoint, Index, Leaf, LeafRef, Records, Run, Store};
use crate::merkle::{NodeHash, TreeHead};
use std::ops::Range;
use stepward_fault::{Class, Fault, Owner, Rule};

const OUT_OF_STEP: Rule = Rule::new("store-out-of-step");

/// A log on a [`Disk`]: one file of checksummed frames, one for each commit, and everything in memory.
#[derive(Debug)]
pub struct Simulated {
    disk: Disk,
    tables: Tables,
}

impl Simulated {
    /// Reads the whole frames, and cuts off what a crash left of one.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn open(disk: Disk) -> Result<Self, Fault> {
        let bytes = disk.bytes();
        let mut tables = Tables::default();
        let mut rest = bytes.as_slice();
        while let Some((frame, after)) = frame::decode(rest) {
            tables.apply(frame);
            rest = after;
        }
        if !rest.is_empty() {
            disk.truncate(bytes.len() - rest.len())?;
            disk.sync()?;
        }
        Ok(Self { disk, tables })
    }

    fn write(&mut self, frame: Frame) -> Result<(), Fault> {
        let bytes = frame::encode(&frame)?;
        // In pieces, so that a plan can strike between any two of them.
        let (head, body) = bytes.split_at(bytes.len().min(frame::HEADER));
        let (first, second) = body.split_at(body.len() / 2);
        for piece in [head, first, second] {
            self.disk.write(piece)?;
        }
        self.disk.sync()?;
        self.tables.apply(frame);
        Ok(())
    }
}

impl Store for Simulated {
    fn commit(&mut self, batch: &Batch) -> Result<(), Fault> {
        let size = self.tables.head.size.get();
        let after = batch.first + batch.entries.len() as u64;
        if batch.first != size || batch.head.size.get() != after {
            return Err(Fault::new(Class::Internal, Owner::Stepward, OUT_OF_STEP)
                .says(format_args!("a batch from {} was given to a log of {size}", batch.first)));
        }
        self.write(Frame::from(batch))
    }

    fn erase_bodies(&mut self, run: &str) -> Result<u64, Fault> {
        let erased = self.tables.bodies_of(run);
        self.write(Frame::Erase(run.to_owned()))?;
        Ok(erased)
    }
}

impl Records for Simulated {
    fn head(&self) -> Result<TreeHead, Fault> {
        Ok(self.tables.head)
    }

    fn leaves(
        &self,
        range: Range<u64>,
        visit: &mut dyn FnMut(LeafRef<'_>) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        self.tables.leaves(range, visit)
    }

    fn leaf(&self, sequence: u64) -> Result<Option<Leaf>, Fault> {
        Ok(self.tables.leaf(sequence))
    }

    fn hashes(&self, level: u32, from: u64, count: usize) -> Result<Vec<NodeHash>, Fault> {
        self.tables.hashes(level, from, count)
    }

    fn body(&self, sequence: u64) -> Result<Option<Vec<u8>>, Fault> {
        Ok(self.tables.body(sequence))
    }

    fn run(&self, name: &str) -> Result<Option<Run>, Fault> {
        Ok(self.tables.run(name))
    }

    fn events_of(&self, run: &str, from: u64, limit: usize) -> Result<Vec<u64>, Fault> {
        Ok(self.tables.events_of(run, from, limit))
    }

    fn open_runs(&self, from: u64, limit: usize) -> Result<Vec<Run>, Fault> {
        Ok(self.tables.open_runs(from, limit))
    }

    fn runs(&self, before: u64, limit: usize) -> Result<Vec<Run>, Fault> {
        Ok(self.tables.runs(before, limit))
    }

    fn checkpoint(&self, size: u64) -> Result<Option<Checkpoint>, Fault> {
        Ok(self.tables.checkpoint(size))
    }

    fn checkpoints(&self, from: u64, limit: usize) -> Result<Vec<Checkpoint>, Fault> {
        Ok(self.tables.checkpoints(from, limit))
    }

    fn index(&self) -> Result<Index, Fault> {
        Ok(self.tables.index())
    }

    fn fact(&self, name: &str) -> Result<Option<Vec<u8>>, Fault> {
        Ok(self.tables.fact(name))
    }
}
