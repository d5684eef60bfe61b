//! From grants to effects.
//!
//! ```text
//!  environment.toml ─► Environment ─► Bindings ─┐
//!                                               ├─► LiveBroker: HostCall ─► Gate ─► Permit ─► Journal ─► effect ─► Guard ─► HostReply
//!  a step's Grants  ────────────────────────────┘
//! ```
//!
//! - [`Environment`]: what an operator binds to names; checked text, nothing opened.
//! - [`Bindings`]: an environment opened, with its roots, its secrets' source and the host's
//!   [`Services`].
//! - [`LiveBroker`]: answers the calls of one step. Each request passes the [`Gate`], which yields a
//!   [`Permit`] that the wire consumes; the credential is added after the last thing that the step
//!   controls; the [`Guard`] searches what comes back.
//! - [`net`]: one HTTP exchange, from the address policy to the caps on the answer.
//!
//! An effect is sent once its [`Journal`] has recorded the intent, as an [`Intended`] and not
//! otherwise. It runs in a task of its own that outlives the step which asked for it; the journal
//! hears how it ended, and [`Bindings::settled`] waits for the last one.
#![forbid(unsafe_code)]

mod bindings;
mod credential;
mod encode;
mod endpoint;
mod environment;
mod gate;
mod guard;
mod headers;
mod journal;
mod keys;
mod live;
pub mod net;
mod roots;
mod secrets;
mod services;
mod signer;
mod tasks;

pub use bindings::Bindings;
pub use environment::{
    Demand, Demanded, Environment, Isolation, WhenUnreachable, WitnessBinding, WitnessRules, WorkerRules,
};
pub use gate::{Applied, Gate, Permit, Refused};
pub use guard::{Clear, Guard, Leak, MATERIAL_BYTES, SECRET_LEAK};
pub use journal::{
    Completion, EffectEnd, End, Exchange, Granted, Intended, Intent, Journal, Permitted, Recording,
    Unrecorded,
};
pub use keys::KEY_BYTES;
pub use live::{LiveBroker, SecretUse, SecretUseKind, StepIdentity};
pub use secrets::{FileSecrets, SecretSource, ServiceAccount};
pub use services::{Entropy, Services, SystemEntropy, WallClock};
