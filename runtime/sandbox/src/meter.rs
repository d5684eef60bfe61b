//! What a run may use and has used: memory and tables summed, as the engine asks for them.

use crate::ending::Ended;
use crate::failure::unavailable;
use crate::tally::Tally;
use stepward_seam::{LimitName, Limits};
use wasmtime::ResourceLimiter;

/// The limits of one run beside what it has used of them.
pub(crate) struct Meter {
    pub(crate) tally: Tally,
    /// Bytes of all memories together. They never shrink.
    memory: u64,
    /// Elements of all tables together.
    tables: u64,
}

impl Meter {
    pub(crate) fn new(limits: Limits) -> Self {
        Self { tally: Tally::new(limits), memory: 0, tables: 0 }
    }

    pub(crate) fn limit(&self, name: LimitName) -> u64 {
        self.tally.limit(name)
    }
}

fn over(name: LimitName) -> wasmtime::Error {
    wasmtime::Error::new(Ended::Limit(name))
}

fn grown(sum: u64, current: usize, desired: usize) -> u64 {
    sum.saturating_add(desired.saturating_sub(current) as u64)
}

/// Whether a guest asks for more than its own memory or table declares, which the specification answers
/// with −1: no limit of the host has a part in it, and nothing grows.
fn past_its_own(desired: usize, maximum: Option<usize>) -> bool {
    maximum.is_some_and(|maximum| desired > maximum)
}

/// The growth was within every limit, and the host could not make it. A guest that was answered −1 would
/// go on as no other machine does, and its trace could not be replayed.
fn host_cannot(what: &str, error: &wasmtime::Error) -> wasmtime::Error {
    wasmtime::Error::new(Ended::Stopped(unavailable(format_args!(
        "this machine cannot give the step more {what}, which its limits allow: {}",
        error.root_cause()
    ))))
}

/// wasmtime asks for each memory and table alone; the sums are kept here. Growth over a limit ends
/// the run at once under the limit's name, where a `memory.grow` that answers −1 would end it later
/// as the `unreachable` of some allocator.
impl ResourceLimiter for Meter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let sum = grown(self.memory, current, desired);
        self.tally.hold(sum, LimitName::MemoryBytes).map_err(over)?;
        if past_its_own(desired, maximum) {
            return Ok(false);
        }
        self.memory = sum;
        self.tally.usage.peak_memory_bytes = sum;
        Ok(true)
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let sum = grown(self.tables, current, desired);
        self.tally.hold(sum, LimitName::TableElements).map_err(over)?;
        if past_its_own(desired, maximum) {
            return Ok(false);
        }
        self.tables = sum;
        self.tally.usage.table_elements = sum;
        Ok(true)
    }

    fn memory_grow_failed(&mut self, error: wasmtime::Error) -> wasmtime::Result<()> {
        Err(host_cannot("memory", &error))
    }

    fn table_grow_failed(&mut self, error: wasmtime::Error) -> wasmtime::Result<()> {
        Err(host_cannot("table elements", &error))
    }
}

#[cfg(test)]
mod tests {
    use super::Meter;
    use crate::ending::GuestEnd;
    use crate::failure::Failure;
    use stepward_fault::{Class, Owner};
    use stepward_seam::{LimitName, Limits};
    use wasmtime::ResourceLimiter;

    const PAGE: usize = 64 << 10;

    #[test]
    fn what_a_guest_declared_as_its_most_is_no_limit_of_ours() {
        let mut meter = Meter::new(Limits::default());
        assert!(meter.memory_growing(0, PAGE, Some(2 * PAGE)).unwrap());
        assert!(!meter.memory_growing(PAGE, 3 * PAGE, Some(2 * PAGE)).unwrap());
        assert!(meter.table_growing(0, 10, Some(20)).unwrap());
        assert!(!meter.table_growing(10, 21, Some(20)).unwrap());
        let used = meter.tally.usage();
        assert_eq!((used.peak_memory_bytes, used.table_elements), (PAGE as u64, 10));
        // Past a limit too: the limit has its name.
        let most = usize::try_from(meter.limit(LimitName::MemoryBytes)).unwrap();
        let error = meter.memory_growing(PAGE, most + PAGE, Some(2 * PAGE)).unwrap_err();
        assert!(matches!(Failure::Running(error).end(), GuestEnd::Limit(LimitName::MemoryBytes)));
        // A growth that was answered −1 left the sum as it was.
        assert!(meter.memory_growing(PAGE, most, None).unwrap());
    }

    #[test]
    fn a_growth_that_the_host_cannot_make_ends_the_run() {
        let mut meter = Meter::new(Limits::default());
        let refused = || wasmtime::Error::new(std::io::Error::from(std::io::ErrorKind::OutOfMemory));
        let memory = meter.memory_grow_failed(refused()).unwrap_err();
        let table = meter.table_grow_failed(refused()).unwrap_err();
        for (error, what) in [(memory, "more memory"), (table, "more table elements")] {
            let GuestEnd::Stopped(fault) = Failure::Running(error).end() else { panic!("{what}") };
            assert_eq!((fault.class(), fault.owner()), (Class::Unavailable, Owner::Operator));
            assert!(fault.message().contains(what), "{fault}");
        }
    }
}
