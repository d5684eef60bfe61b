//! Seccomp: the system calls that the worker's work needs, and the end of the process for the rest.
//!
//! Two filters, since a filter has one answer for what it matches; the kernel takes the strictest
//! answer of all filters. The first ends the process for whatever its rows do not allow. The second
//! answers `ENOSYS` to the few calls whose caller has another way when the kernel is too old for
//! them. A call by another architecture's numbers (32-bit, x32) ends the process too.
//!
//! The pipe is read and written and nothing more: the calls that take flags for sockets (`recvfrom`,
//! `sendto`) reach out-of-band data, and those with control messages (`recvmsg`, `sendmsg`) pass
//! descriptors. Both are parts of the kernel that a worker has no use for and attackers do.
//!
//! Two calls of x86-64 no filter sees: `uretprobe` and `uprobe`, by which a tracer's probe returns.
//! Made from anywhere else they do nothing, or end the process.

use super::super::{Allowed, Kind, When};
use super::process::Own;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    TargetArch, apply_filter,
};
use std::collections::BTreeMap;

#[cfg(target_arch = "x86_64")]
const ARCH: TargetArch = TargetArch::x86_64;
#[cfg(target_arch = "aarch64")]
const ARCH: TargetArch = TargetArch::aarch64;

/// `PAGEMAP_SCAN`, `_IOWR('f', 16, struct pm_scan_arg)`, `include/uapi/linux/fs.h` since Linux 6.7.
const PAGEMAP_SCAN: u64 = 0xC060_6610;
/// The descriptor that stands for the calling thread, `include/uapi/linux/pidfd.h` since Linux 6.14.
const PIDFD_SELF: i32 = -10_000;
/// The last of the fixed clocks (`CLOCK_BOOTTIME`); other processes' clocks have negative numbers.
const LAST_OWN_CLOCK: u64 = 7;
/// The kind of mapping, and the bits that would make one of a file, growing by itself, or of huge pages.
const MAPPING_BITS: i32 = libc::MAP_TYPE | libc::MAP_ANONYMOUS | libc::MAP_GROWSDOWN | libc::MAP_HUGETLB;

/// `membarrier` commands that icache coherence on arm64 needs (`include/uapi/linux/membarrier.h`).
#[cfg(target_arch = "aarch64")]
const SYNC_CORE: u64 = 1 << 5;
#[cfg(target_arch = "aarch64")]
const REGISTER_SYNC_CORE: u64 = 1 << 6;

macro_rules! rows {
    ($($call:ident $when:ident: $reason:literal;)*) => {
        [$((stringify!($call), libc::$call, When::$when, $reason),)*]
    };
}

type Row = (&'static str, libc::c_long, When, &'static str);

/// What both kinds need: the pipe, memory, and an end.
const BOTH: &[Row] = &rows! {
    SYS_read OnThePipe: "messages from the parent";
    SYS_write OnThePipeOrNull: "messages to the parent; the text of a panic goes to the null device";
    SYS_ppoll OneDescriptor: "waiting for the pipe";
    SYS_restart_syscall Always: "the kernel goes on with a wait after the worker was stopped and continued";
    SYS_brk Always: "the allocator";
    SYS_mmap PrivateMemory: "the allocator, and memory for native code";
    SYS_munmap Always: "the allocator";
    SYS_mremap Always: "the allocator moves a large block; a mapping keeps its protection";
    SYS_madvise GivingBack: "the allocator and the engine give pages back";
    SYS_futex PrivateWaitOrWake: "locks of the standard library";
    SYS_getrandom Always: "seeds of hash tables";
    SYS_clock_gettime OwnClocks: "time, where the kernel's page for it cannot tell";
    SYS_sched_yield Always: "a short wait of the standard library";
    SYS_sigaltstack Always: "the stack for faults is taken down at the end";
    SYS_rt_sigaction FaultsAndAbort: "a fault that is no trap is given back to its default end";
    SYS_rt_sigprocmask Always: "an abort blocks signals first";
    SYS_rt_sigreturn Always: "a handled trap returns";
    SYS_getpid Always: "an abort names itself";
    SYS_gettid Always: "an abort names itself";
    SYS_tgkill AbortingItself: "an abort ends as SIGABRT, so that it is told from a refusal";
    SYS_exit_group Always: "the end";
};

/// Calls that only one architecture has.
#[cfg(target_arch = "x86_64")]
const OF_ARCH: &[Row] = &rows! {
    SYS_poll OneDescriptor: "waiting for the pipe";
};
#[cfg(target_arch = "aarch64")]
const OF_ARCH: &[Row] = &[];

const COMPILER: &[Row] = &rows! {
    SYS_mprotect NeverExecutable: "the allocator";
};

const RUNNER: &[Row] = &rows! {
    SYS_mprotect NeverWritableAndExecutable: "memories of guests grow; native code becomes executable once it is written";
    SYS_process_madvise GivingBackOwn: "the engine gives the pages of many ended runs back at once";
    SYS_ioctl ScanningOwnPages: "the engine asks which pages a run touched, to reset only those";
    SYS_memfd_create AnsweredAsUnknown: "the engine copies a memory's first content when it cannot map it";
};

/// After new native code was written, every core must see it.
#[cfg(target_arch = "aarch64")]
const RUNNER_OF_ARCH: &[Row] = &rows! {
    SYS_membarrier OwnCores: "every core sees new native code before it runs";
};
#[cfg(target_arch = "x86_64")]
const RUNNER_OF_ARCH: &[Row] = &[];

pub(in super::super) fn table(kind: Kind) -> Vec<Allowed> {
    let own: [&[Row]; 2] = match kind {
        Kind::Compiler => [COMPILER, &[]],
        Kind::Runner => [RUNNER, RUNNER_OF_ARCH],
    };
    [BOTH, OF_ARCH]
        .into_iter()
        .chain(own)
        .flatten()
        .map(|&(name, number, when, reason)| Allowed {
            name: name.trim_start_matches("SYS_"),
            number,
            when,
            reason,
        })
        .collect()
}

/// Confines the calling thread to the table of its kind, for good.
pub(in super::super) fn confine(kind: Kind, own: &Own) -> Result<(), String> {
    let table = table(kind);
    let allowed = program(&table, own, SeccompAction::KillProcess, SeccompAction::Allow)?;
    let unknown: Vec<Allowed> = table.into_iter().filter(|row| row.when == When::AnsweredAsUnknown).collect();
    let errno = SeccompAction::Errno(libc::ENOSYS.unsigned_abs());
    let answered =
        (!unknown.is_empty()).then(|| program(&unknown, own, SeccompAction::Allow, errno)).transpose()?;
    // The strict one last: from then on no filter can be added.
    for filter in answered.iter().chain([&allowed]) {
        apply_filter(filter).map_err(|error| format!("the kernel refuses the filter: {error}"))?;
    }
    Ok(())
}

fn program(
    rows: &[Allowed],
    own: &Own,
    other: SeccompAction,
    matched: SeccompAction,
) -> Result<BpfProgram, String> {
    let says = |error: seccompiler::BackendError| format!("the filter cannot be made: {error}");
    let mut rules = BTreeMap::new();
    for row in rows {
        match conditions(row.when, own).map_err(says)? {
            Rows::Any => rules.insert(row.number, Vec::new()),
            Rows::These(these) => rules.insert(row.number, these),
            Rows::None => None,
        };
    }
    SeccompFilter::new(rules, other, matched, ARCH).and_then(TryInto::try_into).map_err(says)
}

/// The rules for one call. None at all must be told from "any", which an empty list means below.
enum Rows {
    Any,
    None,
    These(Vec<SeccompRule>),
}

type Made<T> = Result<T, seccompiler::BackendError>;

fn conditions(when: When, own: &Own) -> Made<Rows> {
    let negative = |number: i32| u64::from(number.cast_unsigned());
    let bits = |number: i32| u64::from(number.unsigned_abs());
    Ok(match when {
        // The second filter answers it; to the first it is allowed.
        When::Always | When::AnsweredAsUnknown => Rows::Any,
        When::OnThePipe => any_of([vec![is(0, 0)?]])?,
        When::OnThePipeOrNull => any_of([vec![is(0, 0)?], vec![is(0, 2)?]])?,
        When::OneDescriptor => any_of([vec![wide_at_most(1, 1)?]])?,
        When::PrivateMemory => any_of([vec![
            masked(2, !bits(libc::PROT_READ | libc::PROT_WRITE), 0)?,
            masked(3, bits(MAPPING_BITS), bits(libc::MAP_PRIVATE | libc::MAP_ANONYMOUS))?,
        ]])?,
        When::NeverExecutable => any_of(each(2, &NEVER_EXECUTABLE)?)?,
        When::NeverWritableAndExecutable => {
            any_of(each(2, &NEVER_EXECUTABLE)?.into_iter().chain([vec![is(2, READ_EXECUTE)?]]))?
        }
        When::GivingBack => any_of(each(2, &[bits(libc::MADV_DONTNEED), bits(libc::MADV_FREE)])?)?,
        When::GivingBackOwn => {
            any_of([vec![is(0, negative(PIDFD_SELF))?, is(3, bits(libc::MADV_DONTNEED))?]])?
        }
        When::PrivateWaitOrWake => {
            let private = |operation: i32| bits(operation | libc::FUTEX_PRIVATE_FLAG);
            let operations =
                [libc::FUTEX_WAIT, libc::FUTEX_WAKE, libc::FUTEX_WAIT_BITSET, libc::FUTEX_WAKE_BITSET];
            any_of(each(1, &operations.map(private))?)?
        }
        When::OwnClocks => any_of([vec![at_most(0, LAST_OWN_CLOCK)?]])?,
        When::FaultsAndAbort => {
            let signals = [libc::SIGABRT, libc::SIGSEGV, libc::SIGBUS, libc::SIGILL, libc::SIGFPE];
            any_of(each(0, &signals.map(bits))?)?
        }
        When::AbortingItself => any_of([vec![
            is(0, bits(own.process.as_raw_nonzero().get()))?,
            is(1, bits(own.thread.as_raw_nonzero().get()))?,
            is(2, bits(libc::SIGABRT))?,
        ]])?,
        When::ScanningOwnPages => match own.pagemap {
            Some(descriptor) => any_of([vec![is(0, bits(descriptor))?, is(1, PAGEMAP_SCAN)?]])?,
            None => Rows::None,
        },
        #[cfg(target_arch = "aarch64")]
        When::OwnCores => any_of(each(0, &[SYNC_CORE, REGISTER_SYNC_CORE])?)?,
        #[cfg(not(target_arch = "aarch64"))]
        When::OwnCores => Rows::None,
    })
}

/// No access, read, read and write.
const NEVER_EXECUTABLE: [u64; 3] =
    [libc::PROT_NONE as u64, libc::PROT_READ as u64, (libc::PROT_READ | libc::PROT_WRITE) as u64];
const READ_EXECUTE: u64 = (libc::PROT_READ | libc::PROT_EXEC) as u64;

/// The kernel reads only the lower half of this argument.
fn is(argument: u8, value: u64) -> Made<SeccompCondition> {
    SeccompCondition::new(argument, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, value)
}

fn at_most(argument: u8, value: u64) -> Made<SeccompCondition> {
    SeccompCondition::new(argument, SeccompCmpArgLen::Dword, SeccompCmpOp::Le, value)
}

/// The kernel reads all of this argument.
fn wide_at_most(argument: u8, value: u64) -> Made<SeccompCondition> {
    SeccompCondition::new(argument, SeccompCmpArgLen::Qword, SeccompCmpOp::Le, value)
}

fn masked(argument: u8, mask: u64, value: u64) -> Made<SeccompCondition> {
    SeccompCondition::new(argument, SeccompCmpArgLen::Qword, SeccompCmpOp::MaskedEq(mask), value)
}

/// One alternative for each value of one argument.
fn each(argument: u8, values: &[u64]) -> Made<Vec<Vec<SeccompCondition>>> {
    values.iter().map(|&value| Ok(vec![is(argument, value)?])).collect()
}

fn any_of(alternatives: impl IntoIterator<Item = Vec<SeccompCondition>>) -> Made<Rows> {
    alternatives.into_iter().map(SeccompRule::new).collect::<Made<Vec<_>>>().map(Rows::These)
}
