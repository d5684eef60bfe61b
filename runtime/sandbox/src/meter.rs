//! What a run may use and has used: memory and tables summed, as the engine asks for them.

use crate::ending::Ended;
use crate::tally::Tally;
use stepward_seam::{LimitName, Limits};
use wasmtime::ResourceLimiter;

/// The limits of one run beside what it has used of them.
pub(crate) struct Meter {
    pub(crate) tally: Tally,
    memory: Summed,
    tables: Summed,
}

/// A sum over all memories or all tables. The step before the last growth is kept, because wasmtime
/// may allow a growth here and still not make it.
#[derive(Clone, Copy, Default)]
struct Summed {
    now: u64,
    peak: u64,
    before: (u64, u64),
}

impl Summed {
    fn grow(&mut self, current: usize, desired: usize) -> u64 {
        self.before = (self.now, self.peak);
        self.now = self.now.saturating_add(desired.saturating_sub(current) as u64);
        self.peak = self.peak.max(self.now);
        self.now
    }

    fn undo(&mut self) {
        (self.now, self.peak) = self.before;
    }
}

impl Meter {
    pub(crate) fn new(limits: Limits) -> Self {
        Self { tally: Tally::new(limits), memory: Summed::default(), tables: Summed::default() }
    }

    pub(crate) fn limit(&self, name: LimitName) -> u64 {
        self.tally.limit(name)
    }
}

fn over(name: LimitName) -> wasmtime::Error {
    wasmtime::Error::new(Ended::Limit(name))
}

/// wasmtime asks for each memory and table alone; the sums are kept here. Growth over a limit ends
/// the run at once under the limit's name, where a `memory.grow` that answers −1 would end it later
/// as the `unreachable` of some allocator.
impl ResourceLimiter for Meter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let sum = self.memory.grow(current, desired);
        self.tally.hold(sum, LimitName::MemoryBytes).map_err(over)?;
        self.tally.usage.peak_memory_bytes = self.memory.peak;
        Ok(true)
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let sum = self.tables.grow(current, desired);
        self.tally.hold(sum, LimitName::TableElements).map_err(over)?;
        self.tally.usage.table_elements = self.tables.peak;
        Ok(true)
    }

    fn memory_grow_failed(&mut self, _error: wasmtime::Error) -> wasmtime::Result<()> {
        self.memory.undo();
        self.tally.usage.peak_memory_bytes = self.memory.peak;
        Ok(())
    }

    fn table_grow_failed(&mut self, _error: wasmtime::Error) -> wasmtime::Result<()> {
        self.tables.undo();
        self.tally.usage.table_elements = self.tables.peak;
        Ok(())
    }
}
