//! Resource limits: memory, processor time, descriptors, processes.
//!
//! Every limit is hard, and without `CAP_SYS_RESOURCE` no hard limit is ever raised again.

use super::super::Ceilings;
use rustix::process::{Resource, Rlimit, getuid, setrlimit};

/// Bytes of the main thread's stack, Linux's own default. Growing it counts against no other limit.
const STACK_BYTES: u64 = 8 << 20;

/// A descriptor's number must be below this one. Number 0 is taken, so none can be opened; `poll`
/// refuses more descriptors than this.
const DESCRIPTORS: u64 = 1;

/// The kernel's scale for what it ends first when memory is short (`proc_pid_oom_score_adj(5)`).
const FIRST_TO_END: &str = "1000";

/// Where a process says so of itself.
const OOM_SCORE: &str = "/proc/self/oom_score_adj";

/// Sizes of this process in pages: total, resident, shared, text, unused, data and stack, unused.
const SIZES: &str = "/proc/self/statm";

/// What a process may have beyond what it has now.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Limits {
    address_space: u64,
    data: u64,
}

impl Limits {
    /// The ceiling on top of what the process has now. An engine has reserved terabytes by then, and
    /// a limit below that would only refuse everything, so what counts is what is added.
    #[expect(clippy::disallowed_methods, reason = "the process reads its own size, before any guest byte")]
    pub(in super::super) fn from_now(ceilings: Ceilings) -> Result<Self, String> {
        let text =
            std::fs::read_to_string(SIZES).map_err(|error| format!("{SIZES} cannot be read: {error}"))?;
        let page = u64::try_from(rustix::param::page_size()).unwrap_or(u64::MAX);
        let mut fields = text.split_ascii_whitespace().map(|field| field.parse::<u64>().ok());
        let (Some(Some(total)), Some(Some(data))) = (fields.next(), fields.nth(4)) else {
            return Err(format!("{SIZES} has another form than is known"));
        };
        let beyond = |pages: u64| pages.saturating_mul(page).saturating_add(ceilings.memory_bytes);
        Ok(Self { address_space: beyond(total), data: beyond(data) })
    }

    /// Two limits, since each sees what the other does not: address space counts every mapping that
    /// is made, also shared ones; data counts pages that become writable in what was reserved before.
    pub(in super::super) fn apply(self) -> Result<(), String> {
        limit(Resource::As, self.address_space)?;
        limit(Resource::Data, self.data)?;
        limit(Resource::Stack, STACK_BYTES)?;
        limit(Resource::Memlock, 0)
    }
}

/// Marks the process as the first that the kernel ends when the machine's memory is short.
#[expect(clippy::disallowed_methods, reason = "the process writes its own score, before any guest byte")]
pub(in super::super) fn first_to_end() -> Result<(), String> {
    std::fs::write(OOM_SCORE, FIRST_TO_END).map_err(|error| format!("{OOM_SCORE} cannot be written: {error}"))
}

pub(in super::super) fn processor(ceilings: Ceilings) -> Result<(), String> {
    limit(Resource::Cpu, ceilings.cpu_seconds)?;
    limit(Resource::Nice, 0)?;
    limit(Resource::Rtprio, 0)
}

pub(in super::super) fn files() -> Result<(), String> {
    limit(Resource::Fsize, 0)?;
    limit(Resource::Locks, 0)?;
    limit(Resource::Msgqueue, 0)?;
    limit(Resource::Nofile, DESCRIPTORS)
}

pub(in super::super) fn processes() -> Result<(), String> {
    limit(Resource::Sigpending, 0)?;
    limit(Resource::Nproc, 0)?;
    if getuid().is_root() {
        return Err("the worker is still root, whose processes the kernel does not count".to_owned());
    }
    Ok(())
}

/// Lowers a limit. One that is lower already stays as it is.
fn limit(resource: Resource, value: u64) -> Result<(), String> {
    let before = rustix::process::getrlimit(resource);
    let lowest = before.maximum.map_or(value, |maximum| maximum.min(value));
    setrlimit(resource, Rlimit { current: Some(lowest), maximum: Some(lowest) })
        .map_err(|error| format!("{resource:?} cannot be limited to {lowest}: {error}"))
}
