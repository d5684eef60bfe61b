//! Run the steps of a workflow sealed: the crate that a host embeds.
//!
//! ```text
//! bytes ─► Pinned::check ─► Inspected::read ─► admit ─► Engine::prepare ─► Engine::run ─► Finished
//!          the digest        structure, world   grants   compile or load    limits         outcome, usage, trace
//! ```
//!
//! The host brings its own [`Broker`], which answers every call that a step makes, or takes the one
//! of the standalone runner with the feature `broker`. Nothing here reads the environment, opens a file by its path, or installs a
//! `tracing` subscriber; no type of wasmtime appears in this API. Dropping the future of
//! [`Engine::run`] cancels the run.
//!
//! ```no_run
//! use stepward::{Broker, Deadline, Digest, Engine, EngineOptions, Grants, Inspected, Job, Limits, Pinned};
//! use std::sync::Arc;
//!
//! async fn approve(bytes: Vec<u8>, pin: Digest, input: &str, broker: Arc<dyn Broker>) -> Result<(), stepward::Fault> {
//!     let engine = Engine::new(EngineOptions::default())?;
//!     let limits = Limits::default();
//!     let deadline = Deadline::start(&limits);
//!     let admitted = Inspected::read(Pinned::check(bytes, pin)?, &limits)?.admit(&Grants::default())?;
//!     let step = engine.prepare(admitted, None, &limits, deadline).await?;
//!     let finished = engine.run(&step, Job::new("run-1", "approve", input, limits, broker), deadline).await;
//!     println!("{:?} after {} units of fuel", finished.outcome, finished.usage.fuel);
//!     engine.close().await;
//!     Ok(())
//! }
//! ```
#![forbid(unsafe_code)]

mod case;
mod code_dir;
mod engine;
#[cfg(feature = "journal")]
pub mod journal;
mod replay;
mod trace;

/// Worker processes: what they promise, and what a program that is one does.
pub use stepward_worker as worker;

#[cfg(feature = "broker")]
pub use stepward_broker as broker;
/// The event log: events, storage, tree, checkpoints, witnesses.
#[cfg(feature = "journal")]
pub use stepward_ledger as ledger;
/// Keys and sealed values.
#[cfg(feature = "journal")]
pub use stepward_vault as vault;

pub use case::{Case, CaseDifference, CaseMatched, Expected, ScriptedBroker};
pub use code_dir::CodeDir;
pub use engine::{Deadline, Engine, Finished, Job, Prepared, Step};
pub use replay::{Divergence, Replay, replay};
pub use stepward_fault::{Class, Fault, Owner, Rule, shown};
pub use stepward_sandbox::{
    Admitted, CodeKey, CodeRefusal, EngineOptions, Import, ImportKind, Inspected, Outcome, Recorded,
    StepError, StepErrorKind,
};
pub use stepward_seam::{
    Algorithm, Body, Broker, BrokerFuture, CallSite, Cause, EndpointGrant, Grant, Grants, HostCall,
    HostReply, HttpFailure, HttpRequest, HttpResponse, Interface, Label, LabelError, LimitError, LimitName,
    LimitTable, Limits, LogLevel, Method, Pair, PathPattern, Refusal, Revealed, SecretBytes, Signature, Stop,
    Usage,
};
pub use stepward_trust::{Digest, DigestError, Pinned};
pub use stepward_worker::{Isolation, Program, WorkerOptions};
pub use trace::{End, Late, LateAnswer, Trace};
