//! Admission, limits and execution of sealed steps: the only room that knows wasmtime.
//!
//! A step's life is a chain of types, each made from the one before, so that leaving a check out
//! does not compile:
//!
//! ```text
//! Pinned ── Inspected::read ─► Inspected ── admit ─► Admitted ── Engine::compile ─► Ready ── Engine::run ─► Finished
//! (trust)   structure, names                imports ⊆ grants     or Engine::open                    outcome, usage, calls
//! ```
//!
//! Nothing here touches the network, the disk, the environment, a clock or a secret. Effects leave
//! through [`stepward_seam::Broker`], time arrives as a deadline future, cached code as bytes.
//!
//! What went wrong in the engine in the past, and why it cannot happen to a step, is in the manual:
//! [`manual::advisories`].
#![deny(unsafe_code)]

mod admit;
mod code;
mod compiler;
mod describe;
mod document;
mod ending;
mod engine;
mod failure;
mod host;
mod meter;
mod outcome;
mod run;
mod structure;
mod tally;
mod world;

pub use admit::{Admitted, GRANT_KIND, GRANT_MISSING, Linkage};
pub use code::{Authentic, CodeKey, CodeRefusal, Opened};
pub use compiler::Compiler;
pub use describe::{DESCRIBE_EXPORT, describe};
pub use ending::{GuestEnd, restored};
pub use engine::{Engine, EngineOptions, Ready, not_compiled, settings};
pub use failure::ENGINE_ROOM;
pub use host::plain::MAX_RANDOM;
pub use outcome::{Finished, Outcome, Recorded, StepError, StepErrorKind};
pub use run::{Guest, Job, Record};
pub use structure::Inspected;
pub use tally::{COST_TABLE_VERSION, Tally};
pub use world::{Import, ImportKind, LOG_INTERFACE};

/// The manual.
#[cfg(doc)]
pub mod manual {
    #[doc = include_str!("../docs/advisories.md")]
    pub mod advisories {}
}
