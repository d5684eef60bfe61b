//! What a run may use and has used: memory and tables summed, host calls counted and priced.

use crate::ending::Ended;
use stepward_seam::{HostCall, HostReply, HttpFailure, LimitName, Limits, Usage};
use wasmtime::ResourceLimiter;

/// The version of the prices below; part of the engine's fingerprint.
pub const COST_TABLE_VERSION: u32 = 1;
/// Fuel for each host call: about what crossing, recording and answering one costs in instructions.
const CALL_PRICE: u64 = 5_000;
/// Fuel for each byte that crosses: it is copied, recorded and hashed.
const BYTE_PRICE: u64 = 2;

/// The limits of one run beside what it has used of them.
pub(crate) struct Meter {
    limits: Limits,
    pub(crate) usage: Usage,
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
        Self { limits, usage: Usage::default(), memory: Summed::default(), tables: Summed::default() }
    }

    pub(crate) fn limit(&self, name: LimitName) -> u64 {
        self.limits.get(name)
    }

    fn hold(&self, used: u64, name: LimitName) -> Result<(), Ended> {
        if used > self.limits.get(name) { Err(Ended::Limit(name)) } else { Ok(()) }
    }

    /// Counts a call that the guest makes and returns its price in fuel.
    pub(crate) fn call(&mut self, call: &HostCall) -> Result<u64, Ended> {
        let bytes = bytes_out(call);
        self.hold(bytes, LimitName::BytesOutPerCall)?;
        self.usage.host_calls += 1;
        self.hold(self.usage.host_calls, LimitName::HostCalls)?;
        self.usage.bytes_out = self.usage.bytes_out.saturating_add(bytes);
        self.hold(self.usage.bytes_out, LimitName::BytesOut)?;
        if let HostCall::Log { .. } = call {
            self.usage.log_lines += 1;
            self.hold(self.usage.log_lines, LimitName::LogLines)?;
            self.usage.log_bytes = self.usage.log_bytes.saturating_add(bytes);
            self.hold(self.usage.log_bytes, LimitName::LogBytes)?;
        }
        Ok(CALL_PRICE.saturating_add(bytes.saturating_mul(BYTE_PRICE)))
    }

    /// Counts a reply that goes to the guest and returns its price in fuel.
    pub(crate) fn reply(&mut self, reply: &HostReply) -> Result<u64, Ended> {
        let bytes = bytes_in(reply);
        self.hold(bytes, LimitName::BytesInPerCall)?;
        self.usage.bytes_in = self.usage.bytes_in.saturating_add(bytes);
        self.hold(self.usage.bytes_in, LimitName::BytesIn)?;
        Ok(bytes.saturating_mul(BYTE_PRICE))
    }

    /// Counts the output document.
    pub(crate) fn output(&mut self, bytes: usize) -> Result<(), Ended> {
        self.usage.output_bytes = bytes as u64;
        self.hold(bytes as u64, LimitName::OutputBytes)
    }
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
        self.hold(sum, LimitName::MemoryBytes).map_err(wasmtime::Error::new)?;
        self.usage.peak_memory_bytes = self.memory.peak;
        Ok(true)
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let sum = self.tables.grow(current, desired);
        self.hold(sum, LimitName::TableElements).map_err(wasmtime::Error::new)?;
        self.usage.table_elements = self.tables.peak;
        Ok(true)
    }

    fn memory_grow_failed(&mut self, _error: wasmtime::Error) -> wasmtime::Result<()> {
        self.memory.undo();
        self.usage.peak_memory_bytes = self.memory.peak;
        Ok(())
    }

    fn table_grow_failed(&mut self, _error: wasmtime::Error) -> wasmtime::Result<()> {
        self.tables.undo();
        self.usage.table_elements = self.tables.peak;
        Ok(())
    }
}

fn text(len: usize) -> u64 {
    len as u64
}

fn pairs(pairs: &[stepward_seam::Pair]) -> u64 {
    pairs.iter().map(|p| listed(&p.name) + listed(&p.value)).sum()
}

/// What a string in a list counts beyond its text: the room that even an empty one takes in the host,
/// which keeps it in the record of the run.
const LISTED_BYTES: u64 = 24;

fn listed(string: &str) -> u64 {
    text(string.len()).saturating_add(LISTED_BYTES)
}

/// Bytes that a call carries: every string and body in it.
fn bytes_out(call: &HostCall) -> u64 {
    match call {
        HostCall::Http { request, .. } => {
            request.path.iter().map(|s| listed(s)).sum::<u64>()
                + pairs(&request.query)
                + pairs(&request.headers)
                + request.body.as_ref().map_or(0, |b| text(b.len()))
                + request.operation.as_ref().map_or(0, |o| text(o.len()))
        }
        HostCall::Sign { message, .. } => text(message.len()),
        HostCall::Reveal { .. } | HostCall::Now { .. } | HostCall::Random { .. } => 0,
        HostCall::Log { message, .. } => text(message.len()),
    }
}

/// Bytes that a reply carries: every string and body in it.
fn bytes_in(reply: &HostReply) -> u64 {
    match reply {
        HostReply::Http(Ok(response)) => pairs(&response.headers) + text(response.body.len()),
        HostReply::Http(Err(HttpFailure::Refused(refusal))) => {
            text(refusal.rule.len()) + text(refusal.message.len())
        }
        HostReply::Http(Err(HttpFailure::NotApplied(_) | HttpFailure::Unknown(_))) | HostReply::Log => 0,
        HostReply::Sign(Ok(signature)) => text(signature.key_version.len()) + text(signature.bytes.len()),
        HostReply::Sign(Err(refusal)) | HostReply::Reveal(Err(refusal)) => text(refusal.rule.len()),
        HostReply::Reveal(Ok(revealed)) => {
            text(revealed.version.len()) + revealed.value.as_ref().map_or(0, |v| text(v.expose().len()))
        }
        HostReply::Now(_) => 8,
        HostReply::Random(bytes) => text(bytes.len()),
    }
}
