//! Why the host ended a run: carried through wasmtime as a typed error and read back after it.

use std::fmt;
use stepward_fault::Fault;
use stepward_seam::LimitName;

/// The host's reason to end a run.
#[derive(Debug)]
pub(crate) enum Ended {
    /// A limit ran out.
    Limit(LimitName),
    /// The broker will not answer, or the guest broke a rule that ends the run.
    Stopped(Fault),
    /// The guest gave up; the SDK's panic hook calls this.
    Aborted { place: String, message: String },
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Limit(name) => write!(f, "the limit {name} ran out"),
            Self::Stopped(fault) => write!(f, "{fault}"),
            Self::Aborted { .. } => f.write_str("the guest aborted"),
        }
    }
}

impl std::error::Error for Ended {}
