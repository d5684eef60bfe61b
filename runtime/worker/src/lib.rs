//! The process that a guest lives in.
//!
//! Whoever breaks out of WebAssembly must find an empty room: no file, no socket, no secret, no
//! other process, and one pipe to a Broker that still checks every call. [`lockdown`] empties the
//! room before any guest byte enters it.
//!
//! ```text
//! parent: broker, secrets, sockets            worker: one pipe and nothing else
//! Workers::compile ── component ────────────► compiler: Cranelift, one component, then it ends
//!                  ◄── native code ─────────
//! Workers::run ────── code, input, limits ──► runner: wasmtime, many runs of one group
//!   checks, counts ◄─ HostCall ──────────────
//!   asks the broker ─ HostReply ────────────►
//!   settles        ◄─ how the guest ended ───
//! ```
//!
//! The parent believes nothing that it can count or compare itself: see [`protocol`].
#![forbid(unsafe_code)]

mod inside;
pub mod lockdown;
mod outside;
pub mod protocol;

pub use inside::main;
pub use outside::{Code, Group, Isolation, Keys, Origin, Program, SystemKeys, WorkerOptions, Workers};
