//! Events: what a log holds, and the exact bytes of its leaves.
//!
//! An event says who did what to what, when, under which rule, and in which run, step and call. It
//! never holds a body, a request's path or a secret: a [`Commitment`] stands for the body, which is
//! sealed elsewhere, and a [pseudonym](Actor::Person) for a person. So the story of a run stays
//! readable, and the tree stays whole, after its bodies were erased.
//!
//! # The encoding, version 1
//!
//! A leaf is one JSON object (RFC 8259) in UTF-8 without white space, of at most [`EVENT_BYTES`] bytes.
//! Its keys come in this order; those in brackets are left out where there is nothing to say.
//!
//! | key | meaning |
//! | --- | --- |
//! | `v` | the version of the encoding: 1 |
//! | `seq` | the index of the leaf, from 0 |
//! | `env` | the environment |
//! | `time_us` | the wall clock: microseconds since 1970-01-01T00:00:00Z, leap seconds not counted |
//! | `[error_us]` | how far that may be off, in microseconds; left out where nobody knows |
//! | `mono_us` | microseconds since the owner of the log started, by a clock that never goes back |
//! | `actor` | an [`Actor`]: `kind`, and `name` and `by` where it has them |
//! | `[run]`, `[step]`, `[call]` | what it belongs to; calls are counted from 0 within the step, log lines too |
//! | `[body]` | the [`Commitment`] to the body |
//! | `action` | the word of the [`What`], followed by its fields in the order of its documentation |
//!
//! Digests are written `sha256:` and 64 hex digits. Each event has one spelling: [`Event::decode`] refuses
//! any other, unknown keys, and versions that it does not know.
//!
//! ```
//! use stepward_ledger::event::{Actor, Event, Name, Stamp, What};
//!
//! let event = Event {
//!     sequence: 0,
//!     environment: Name::new("dev")?,
//!     stamp: Stamp { unix_us: 1_763_719_267_000_000, error_us: None, mono_us: 12 },
//!     actor: Actor::Service,
//!     run: None,
//!     step: None,
//!     call: None,
//!     body: None,
//!     what: What::ServiceStarted { version: Name::new("0.1.0")? },
//! };
//! let leaf = event.encode();
//! assert_eq!(
//!     std::str::from_utf8(&leaf)?,
//!     r#"{"v":1,"seq":0,"env":"dev","time_us":1763719267000000,"mono_us":12,"actor":{"kind":"service"},"action":"service-started","version":"0.1.0"}"#
//! );
//! assert_eq!(Event::decode(&leaf)?, event);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod actor;
mod codec;
mod tell;
mod what;
mod words;

pub use crate::log::Stamp;
pub use actor::{Actor, Recognised};
pub use codec::{EVENT_BYTES, VERSION};
pub use what::{Act, Decision, Effect, Gap, Outcome, Purpose, Resolution, What};
pub use words::{Commitment, NAME_BYTES, Name, NameError, TEXT_BYTES, Text};

/// One event of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The index of its leaf.
    pub sequence: u64,
    /// The environment.
    pub environment: Name,
    /// When.
    pub stamp: Stamp,
    /// Who.
    pub actor: Actor,
    /// The run that it belongs to.
    pub run: Option<Name>,
    /// The step of the run.
    pub step: Option<Name>,
    /// The call of the step, counted from 0, log lines too.
    pub call: Option<u64>,
    /// What stands for the body.
    pub body: Option<Commitment>,
    /// What happened.
    pub what: What,
}

/// An event that has no place in the log yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// Who.
    pub actor: Actor,
    /// The run that it belongs to.
    pub run: Option<Name>,
    /// The step of the run.
    pub step: Option<Name>,
    /// The call of the step.
    pub call: Option<u64>,
    /// What stands for the body.
    pub body: Option<Commitment>,
    /// What happened.
    pub what: What,
}

impl Draft {
    /// Something that the owner of the log did, in no run.
    pub fn service(what: What) -> Self {
        Self { actor: Actor::Service, run: None, step: None, call: None, body: None, what }
    }

    /// The event at its place.
    pub fn at(self, sequence: u64, environment: Name, stamp: Stamp) -> Event {
        let Self { actor, run, step, call, body, what } = self;
        Event { sequence, environment, stamp, actor, run, step, call, body, what }
    }
}
