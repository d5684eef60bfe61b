//! What a guest would try that broke out of WebAssembly.
//!
//! Each [`Attempt`] is made in the process that calls it, with nothing but what any program can do,
//! and tells how it ended. `stepward doctor` makes each in a locked worker of its own
//! ([`super::probe`]); the tests make each with no protection, with all, and with each layer alone
//! that covers it. An attempt that seccomp refuses tells nothing: the process is gone with `SIGSYS`.

use serde::{Deserialize, Serialize};

/// What an attempt needs to know of the processes around it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Around {
    /// The process that started this one.
    pub parent: u32,
    /// Another process that it started.
    pub sibling: u32,
    /// The name of an abstract Unix socket on which the parent listens.
    pub listener: String,
}

/// How an attempt ended, where its process lived to tell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Attempted {
    /// The attacker has what it wanted; the text says what.
    Succeeded(String),
    /// The kernel refused; the text says how.
    Refused(String),
}

macro_rules! attempts {
    ($($variant:ident = $name:literal: $meaning:literal,)+) => {
        /// One thing that an escaped guest would try.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum Attempt {
            $(#[doc = $meaning] $variant,)+
        }

        impl Attempt {
            /// Every attempt, in the order in which people are shown them.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The name in reports.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }

            /// What is tried, in one sentence.
            pub const fn meaning(self) -> &'static str {
                match self {
                    $(Self::$variant => $meaning,)+
                }
            }
        }
    };
}

attempts! {
    ReadFile = "read-file": "Read a file that every account may read.",
    WriteFile = "write-file": "Make a file in the folder for temporary files.",
    ListFolder = "list-folder": "List the root folder.",
    ReadEnvironment = "read-environment": "Read the environment, one's own or the parent's.",
    ReadParentMemory = "read-parent-memory": "Read the parent's memory as a file.",
    PeekParentMemory = "peek-parent-memory": "Copy the parent's memory by a system call.",
    ListParentDescriptors = "list-parent-descriptors": "See what the parent has open.",
    TakeParentDescriptor = "take-parent-descriptor": "Take a descriptor of the parent's for oneself.",
    TcpSocket = "tcp-socket": "Listen on a TCP port and connect to it.",
    UdpSocket = "udp-socket": "Send a datagram.",
    UnixSocket = "unix-socket": "Connect to a local service.",
    StartProcess = "start-process": "Start another process.",
    StartThread = "start-thread": "Start another thread.",
    BecomeProgram = "become-program": "Become another program.",
    TraceParent = "trace-parent": "Attach to the parent as a debugger would.",
    SignalParent = "signal-parent": "Send the parent a signal.",
    SignalSibling = "signal-sibling": "Send another worker a signal.",
    ExhaustMemory = "exhaust-memory": "Take more memory than was granted.",
    MemoryFile = "memory-file": "Keep data in a file that lives in memory, where no limit on memory counts it.",
    ExhaustProcessor = "exhaust-processor": "Use more processor time than was granted.",
    ExhaustDescriptors = "exhaust-descriptors": "Open descriptors without end.",
    ExhaustProcesses = "exhaust-processes": "Start threads without end.",
    MapExecutable = "map-executable": "Make memory executable (in a compiler; a runner must).",
    OpenNamespace = "open-namespace": "Become root of a namespace of one's own.",
    ChangeRoot = "change-root": "Change the root folder.",
}

impl Attempt {
    /// The attempt of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|attempt| attempt.name() == name)
    }

    /// Whether a worker of this kind is locked against it. The one exception: a runner loads native
    /// code, so it must be able to make memory executable.
    pub const fn concerns(self, kind: super::Kind) -> bool {
        match (self, kind) {
            (Self::MapExecutable, super::Kind::Runner) => false,
            (_, super::Kind::Runner | super::Kind::Compiler) => true,
        }
    }

    /// Makes the attempt in this process. Does not return where it becomes another program, nor
    /// where seccomp ends the process.
    pub fn make(self, around: &Around) -> Attempted {
        match super::machine::attempt(self, around) {
            Ok(got) => Attempted::Succeeded(got),
            Err(refusal) => Attempted::Refused(refusal),
        }
    }
}
