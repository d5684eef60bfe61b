//! The shape of the seccomp allow-list: one row for each system call, with its condition and reason.

/// One system call that a locked worker may make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowed {
    pub(super) name: &'static str,
    #[cfg_attr(not(target_os = "linux"), expect(dead_code, reason = "only Linux has numbers for them"))]
    pub(super) number: i64,
    pub(super) when: When,
    pub(super) reason: &'static str,
}

impl Allowed {
    /// The system call's name, as the kernel names it.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Its number on this machine.
    #[cfg(target_os = "linux")]
    pub const fn number(&self) -> i64 {
        self.number
    }

    /// With which arguments.
    pub const fn when(&self) -> When {
        self.when
    }

    /// What the worker needs it for.
    pub const fn reason(&self) -> &'static str {
        self.reason
    }
}

/// What the arguments of an allowed system call must be. Any other argument ends the worker.
///
/// Seccomp sees arguments as numbers: what a pointer points at is never part of a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// Whatever the arguments.
    Always,
    /// Descriptor 0, the pipe.
    OnThePipe,
    /// Descriptor 0, the pipe, or 2, the null device.
    OnThePipeOrNull,
    /// One descriptor at most.
    OneDescriptor,
    /// Anonymous, private and not growing by itself: no file, nothing shared, nothing that the limit
    /// on data does not count. Readable and writable at most.
    PrivateMemory,
    /// No access, read, or read and write.
    NeverExecutable,
    /// No access, read, read and write, or read and execute: never writable and executable at once.
    NeverWritableAndExecutable,
    /// Giving pages back (`MADV_DONTNEED`, `MADV_FREE`).
    GivingBack,
    /// Giving pages of this process back, several ranges at once.
    GivingBackOwn,
    /// Waiting and waking within this process; none of the priority-inheriting operations.
    PrivateWaitOrWake,
    /// The clocks of the machine and of this process; none of another process or of a device.
    OwnClocks,
    /// The faults that traps arise from, and `SIGABRT`.
    FaultsAndAbort,
    /// This very thread, and only with `SIGABRT`.
    AbortingItself,
    /// `PAGEMAP_SCAN` on the descriptor of this process's own page map, where the engine holds one.
    ScanningOwnPages,
    /// Registering for and asking for a barrier over the cores that run this process.
    OwnCores,
    /// Answered with `ENOSYS` in place of an end: the caller has another way.
    AnsweredAsUnknown,
}

impl When {
    /// The condition in words.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Always => "always",
            Self::OnThePipe => "on the pipe",
            Self::OnThePipeOrNull => "on the pipe or the null device",
            Self::OneDescriptor => "one descriptor at most",
            Self::PrivateMemory => "anonymous private memory, not executable",
            Self::NeverExecutable => "never executable",
            Self::NeverWritableAndExecutable => "never writable and executable at once",
            Self::GivingBack => "giving pages back",
            Self::GivingBackOwn => "giving this process's pages back",
            Self::PrivateWaitOrWake => "waiting and waking within this process",
            Self::OwnClocks => "the clocks of the machine and of this process",
            Self::FaultsAndAbort => "for faults and SIGABRT",
            Self::AbortingItself => "this thread, with SIGABRT",
            Self::ScanningOwnPages => "PAGEMAP_SCAN on this process's page map",
            Self::OwnCores => "a barrier over the cores that run this process",
            Self::AnsweredAsUnknown => "answered with ENOSYS",
        }
    }
}
