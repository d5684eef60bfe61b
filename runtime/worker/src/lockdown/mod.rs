//! What a worker process does to itself before it touches any guest byte.
//!
//! # The threat
//!
//! A guest that breaks out of WebAssembly runs native code in this process with every right that
//! the process has. So the process gives its rights up first, in two stages, and cannot take them
//! back:
//!
//! 1. [`Lockdown::enter`], the first line of the worker's `main`: leave the parent's account,
//!    session, descriptors and environment behind, and die with the parent.
//! 2. [`Lockdown::lock`], after the engine has reserved its address space and before the first
//!    byte is read from the pipe: limits, Landlock, and the seccomp allow-list.
//!
//! Only the second stage makes a [`Locked`], and whatever handles guests asks for one.
//!
//! # The mechanisms
//!
//! | stage | what | since Linux | stands against |
//! | --- | --- | --- | --- |
//! | enter | bounding set, account 65534 where root started it, capability sets | 2.6 | root's rights over files and processes |
//! | enter | `PR_SET_NO_NEW_PRIVS` | 3.5 | set-user-ID programs |
//! | enter | `PR_SET_PDEATHSIG`, parent checked after | 2.1 | a worker that outlives what it may ask |
//! | enter | `setsid`, umask, working folder `/` | | the terminal, signals to groups |
//! | enter | every descriptor above 2 closed | | what the parent forgot to close |
//! | lock | `PR_SET_DUMPABLE`, `RLIMIT_CORE` | 2.4 | core files, tracers of the same account |
//! | lock | Landlock with every right handled and no rule | 5.13 to 6.12 | files, TCP, tracing, signals, abstract sockets |
//! | lock | `RLIMIT_*` | 4.7 for `mprotect` | exhaustion of memory, time, descriptors, processes |
//! | lock | seccomp allow-list, see [`seccomp_table`] | 4.14 | every other way into the kernel |
//!
//! A mechanism that the kernel lacks does not stop the others. Each is a [`Promise`] that is held or
//! is missing with a reason, and [`Required`] says which a service will not run without. Layers
//! overlap on purpose: the tests show each attempt of an attacker failing under each layer alone
//! that covers it.
//!
//! # What it does not stand against
//!
//! - A fault in the kernel behind one of the allowed system calls.
//! - Time: a locked worker can burn its seconds of processor time. The parent holds the wall clock.
//! - Memory, for some hundred milliseconds: a runner may make its reserved address space readable, and reading it costs the
//!   kernel eight bytes of page table for each 4 KiB. No rlimit counts them, nor pages that were
//!   filled and made read-only after it. The parent looks a few times a second at what its workers
//!   hold and ends one that holds too much; until then the worker is marked as the first to end
//!   when memory is short, and a memory cgroup bounds it.
//! - The processor's own leaks between processes.

pub mod attempt;
#[cfg(unix)]
pub mod probe;
pub mod promise;

pub use attempt::{Around, Attempt, Attempted};
pub use promise::{Kept, MissingPromises, Promise, Promises, Required, State};

#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
#[path = "linux/mod.rs"]
mod machine;

#[cfg(not(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64"))))]
#[path = "elsewhere.rs"]
mod machine;

#[doc(hidden)]
pub mod layer;
mod table;

pub use table::{Allowed, When};

use serde::{Deserialize, Serialize};

/// What a worker is for; it decides what it may ask of the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Compiles one component and hands the native code back as bytes. Never maps anything executable.
    Compiler,
    /// Loads native code and runs guests.
    Runner,
}

impl Kind {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Compiler, Self::Runner];

    /// The name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Compiler => "compiler",
            Self::Runner => "runner",
        }
    }
}

/// What a worker may use up. Both are hard: the kernel refuses or ends the worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ceilings {
    /// Bytes that it may map, and bytes that it may make writable, beyond what it has when it is
    /// locked. A pool of memories that was reserved before counts here as its pages are made writable.
    pub memory_bytes: u64,
    /// Seconds of processor time over its whole life, what it used before being locked included.
    pub cpu_seconds: u64,
}

/// A worker that has left its parent's account, session, descriptors and environment behind.
#[derive(Debug)]
#[must_use = "a worker that has only entered is not locked"]
pub struct Lockdown {
    kind: Kind,
    promises: Promises,
}

impl Lockdown {
    /// The first stage. Call it on the first line of the worker's `main`, before any thread is
    /// started and before anything opens a descriptor: every one above 2 is closed.
    ///
    /// `parent` is the process that started the worker, as it names itself. Where the worker's parent
    /// is another by now, [`Promise::DiesWithParent`] is missing.
    ///
    /// The kernel ties this signal to the *thread* that started the worker: start workers on a thread
    /// that lives as long as they should.
    pub fn enter(kind: Kind, parent: u32) -> Self {
        let mut promises = Promises::missing("this worker was never locked");
        machine::enter(parent, &mut promises);
        Self { kind, promises }
    }

    /// The second stage: nothing that the process gave up here comes back. From now on a system call
    /// that is not in [`seccomp_table`] ends the process with `SIGSYS`.
    ///
    /// # Errors
    /// A required promise that this machine does not keep. The process is locked as far as it can be
    /// even then, and should only say so and end.
    pub fn lock(mut self, ceilings: Ceilings, required: &Required) -> Result<Locked, MissingPromises> {
        machine::lock(self.kind, ceilings, &mut self.promises);
        Ok(Locked { kept: required.hold(self.promises)? })
    }
}

/// The system calls that a locked worker of this kind may make, each with its condition and its
/// reason. Every other one ends the worker. Empty on machines that have no seccomp.
pub fn seccomp_table(kind: Kind) -> Vec<Allowed> {
    machine::seccomp_table(kind)
}

/// A process that is locked as far as was required. Only [`Lockdown::lock`] makes one, and what
/// handles guests takes one.
#[derive(Debug)]
pub struct Locked {
    kept: Kept,
}

impl Locked {
    /// What became of each promise, required or not.
    pub fn promises(&self) -> &Promises {
        self.kept.promises()
    }
}
