//! What can be counted from outside a guest: its host calls, their bytes, its output.
//!
//! Where a guest lives in another process, both ends count the same: the one that runs it, to end it
//! at its limit, and the one that answers it, because the other end may have been taken over.

use stepward_seam::{HostCall, HostReply, HttpFailure, LimitName, Limits, Usage};

/// The version of the prices below; part of the engine's fingerprint.
pub const COST_TABLE_VERSION: u32 = 1;
/// Fuel for each host call: about what crossing, recording and answering one costs in instructions.
const CALL_PRICE: u64 = 5_000;
/// Fuel for each byte that crosses: it is copied, recorded and hashed.
const BYTE_PRICE: u64 = 2;

/// The countable limits of one run beside what it has used of them.
#[derive(Clone, Debug)]
pub struct Tally {
    limits: Limits,
    pub(crate) usage: Usage,
}

impl Tally {
    /// Nothing used yet.
    pub fn new(limits: Limits) -> Self {
        Self { limits, usage: Usage::default() }
    }

    /// What was used so far.
    pub fn usage(&self) -> Usage {
        self.usage
    }

    /// The value of one limit.
    pub fn limit(&self, name: LimitName) -> u64 {
        self.limits.get(name)
    }

    pub(crate) fn hold(&self, used: u64, name: LimitName) -> Result<(), LimitName> {
        if used > self.limits.get(name) { Err(name) } else { Ok(()) }
    }

    /// Counts a call that the guest makes and returns its price in fuel.
    ///
    /// # Errors
    /// The limit that runs out with it.
    pub fn call(&mut self, call: &HostCall) -> Result<u64, LimitName> {
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
    ///
    /// # Errors
    /// The limit that runs out with it.
    pub fn reply(&mut self, reply: &HostReply) -> Result<u64, LimitName> {
        let bytes = bytes_in(reply);
        self.hold(bytes, LimitName::BytesInPerCall)?;
        self.usage.bytes_in = self.usage.bytes_in.saturating_add(bytes);
        self.hold(self.usage.bytes_in, LimitName::BytesIn)?;
        Ok(bytes.saturating_mul(BYTE_PRICE))
    }

    /// Counts the output document.
    ///
    /// # Errors
    /// [`LimitName::OutputBytes`].
    pub fn output(&mut self, bytes: usize) -> Result<(), LimitName> {
        self.usage.output_bytes = bytes as u64;
        self.hold(bytes as u64, LimitName::OutputBytes)
    }

    /// Takes over what only the process that ran the guest can know, each cut down to its limit: a
    /// process that was taken over cannot claim more than it was granted.
    pub fn measured(&mut self, fuel: u64, peak_memory_bytes: u64, table_elements: u64) {
        self.usage.fuel = fuel.min(self.limit(LimitName::Fuel));
        self.usage.peak_memory_bytes = peak_memory_bytes.min(self.limit(LimitName::MemoryBytes));
        self.usage.table_elements = table_elements.min(self.limit(LimitName::TableElements));
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
