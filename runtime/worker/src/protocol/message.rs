//! The messages.

use super::wire::{Answer, Call};
use crate::lockdown::{Ceilings, Promises};
use serde::{Deserialize, Serialize};
use stepward_sandbox::{Import, ImportKind, StepErrorKind};
use stepward_seam::{Interface, Label, LimitName};

/// What the parent tells a worker.
#[derive(Serialize, Deserialize)]
pub enum Down {
    /// What the worker is for: the first message, and the last before it locks itself in.
    Start(Start),
    /// Compile this component. Said once, to a compiler.
    Compile(Compile),
    /// Make this code ready. Said to a runner, before the first run of it.
    Load(Load),
    /// Run a step.
    Run(Run),
    /// The answer to the call that a run waits for.
    Answer {
        /// The run.
        run: u64,
        /// The answer.
        answer: Answer,
    },
    /// The run is over; nobody waits for its end.
    Cancel {
        /// The run.
        run: u64,
    },
}

/// Room for what is small in a message: numbers, names, lengths.
const REST_BYTES: usize = 1 << 10;

impl Down {
    /// About how many bytes it takes, and at least as many as it takes where some of them are secret:
    /// room to encode it without copying, and without leaving copies behind.
    pub(crate) fn about_bytes(&self) -> usize {
        let large = match self {
            Self::Start(_) | Self::Cancel { .. } => 0,
            Self::Compile(compile) => compile.component.len(),
            Self::Load(load) => load.sealed.len(),
            Self::Run(run) => run.input.len(),
            Self::Answer { answer, .. } => answer.large_bytes(),
        };
        large.saturating_add(REST_BYTES)
    }
}

/// What a worker is for.
#[derive(Serialize, Deserialize)]
pub struct Start {
    /// What it is for.
    pub kind: StartKind,
    /// What it may use.
    pub ceilings: Ceilings,
}

/// The kinds of workers, with what each needs before it locks itself in.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub enum StartKind {
    /// Compiles one component.
    Compiler,
    /// Runs guests.
    Runner {
        /// Runs at one time.
        concurrency: u32,
        /// The key under which this parent gives this worker its code. It opens nothing else.
        key: [u8; 32],
    },
}

/// A component to compile.
#[derive(Serialize, Deserialize)]
pub struct Compile {
    /// Its bytes, as they were admitted.
    #[serde(with = "serde_bytes")]
    pub component: Vec<u8>,
}

/// Code to make ready.
#[derive(Serialize, Deserialize)]
pub struct Load {
    /// The number under which runs name it.
    pub code: u32,
    /// The digest of the component that it was compiled from.
    pub component: [u8; 32],
    /// What the component imports, all of it granted.
    pub imports: Vec<Imported>,
    /// Native code, sealed under the worker's key.
    #[serde(with = "serde_bytes")]
    pub sealed: Vec<u8>,
}

/// One import: logging, or a thing that was granted under a label.
#[derive(Serialize, Deserialize)]
pub struct Imported(Option<(Label, Interface)>);

impl From<&Import> for Imported {
    fn from(import: &Import) -> Self {
        Self(match &import.kind {
            ImportKind::Log => None,
            ImportKind::Granted { label, interface } => Some((label.clone(), *interface)),
        })
    }
}

impl From<Imported> for Import {
    fn from(Imported(granted): Imported) -> Self {
        match granted {
            None => Self::log(),
            Some((label, interface)) => Self::granted(label, interface),
        }
    }
}

/// A step to run.
#[derive(Serialize, Deserialize)]
pub struct Run {
    /// The run's number, never used twice by one parent.
    pub run: u64,
    /// The code's number.
    pub code: u32,
    /// One value for each limit, in the order of [`LimitName::ALL`].
    pub limits: Vec<u64>,
    /// The input, a JSON document.
    pub input: String,
}

/// What a worker tells its parent.
#[derive(Debug, Serialize, Deserialize)]
pub enum Up {
    /// The worker has locked itself in and is ready. Its first message.
    Hello(Hello),
    /// A compiler's component, compiled: native code in wasmtime's format.
    Compiled(#[serde(with = "serde_bytes")] Vec<u8>),
    /// A compiler's component does not compile.
    NotCompiled(String),
    /// A guest asks something.
    Call {
        /// The run that asks.
        run: u64,
        /// What it asks.
        call: Call,
    },
    /// A run is over.
    Ended(Ended),
}

/// How a worker stands when it is ready.
#[derive(Debug, Serialize, Deserialize)]
pub struct Hello {
    /// The version of the protocol that it speaks.
    pub protocol: u32,
    /// The fingerprint of its engine.
    pub engine: [u8; 32],
    /// What became of each protection.
    pub promises: Promises,
}

/// How a run ended.
#[derive(Debug, Serialize, Deserialize)]
pub struct Ended {
    /// The run.
    pub run: u64,
    /// How.
    pub end: GuestEnd,
    /// Fuel that it consumed.
    pub fuel: u64,
    /// Highest sum of linear memory, in bytes.
    pub peak_memory_bytes: u64,
    /// Highest sum of table elements.
    pub table_elements: u64,
}

/// How a guest ended, in its own words: nothing of it is released, cut or escaped yet.
#[derive(Debug, Serialize, Deserialize)]
pub enum GuestEnd {
    /// It returned this text.
    Returned(String),
    /// It returned an error.
    Errored {
        /// Whether trying again can help.
        kind: StepErrorKind,
        /// The error's name.
        code: String,
        /// For people.
        message: String,
    },
    /// It gave up and said where.
    Aborted {
        /// File, line and column.
        place: String,
        /// Why.
        message: String,
    },
    /// It trapped, or broke the component ABI.
    Trapped(String),
    /// This limit ran out.
    Limit(LimitName),
    /// The parent stopped it in its last call.
    Stopped,
    /// The sandbox ended it by this rule of its own.
    Refused {
        /// The rule's name.
        rule: String,
        /// Who can put it right.
        owner: String,
        /// What happened.
        message: String,
    },
    /// The code could not be made ready.
    NotLoaded(String),
    /// This limit ran out in a call or an output that went no further than the worker.
    Overrun(Overrun),
}

/// What is counted of a run that a limit ended, with what was too much for it: the parent never sees
/// that, and the run's usage has it.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Overrun {
    /// The limit.
    pub limit: LimitName,
    /// Host calls.
    pub host_calls: u64,
    /// Bytes from guest to host.
    pub bytes_out: u64,
    /// Log lines.
    pub log_lines: u64,
    /// Bytes of all log lines.
    pub log_bytes: u64,
    /// Bytes of the output document.
    pub output_bytes: u64,
}
