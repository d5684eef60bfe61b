//! Who did something.

use super::Name;
use serde::{Deserialize, Serialize};

/// Who did something, and how that is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Actor {
    /// The process that owns the log, acting by itself.
    Service,
    /// A step: its identity is the digest of the component that runs, which its start names.
    Step {
        /// Its name in the workflow.
        name: Name,
    },
    /// A person.
    Person {
        /// A pseudonym: equal for the same person in one environment, and worth nothing without the
        /// environment's key.
        name: Name,
        /// How the person was recognised.
        by: Recognised,
    },
    /// A program that acts for somebody.
    Robot {
        /// Its name.
        name: Name,
        /// How it was recognised.
        by: Recognised,
    },
}

/// How somebody was recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Recognised {
    /// By the account of the operating system that started the command: nothing stronger was asked.
    OsAccount,
    /// By the program that embeds the runtime, which vouches for it.
    Embedder,
}

impl Actor {
    /// The kind, as it is written.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::Step { .. } => "step",
            Self::Person { .. } => "person",
            Self::Robot { .. } => "robot",
        }
    }

    /// How somebody was recognised, as it is written.
    pub const fn by(&self) -> Option<&'static str> {
        match self {
            Self::Service | Self::Step { .. } => None,
            Self::Person { by, .. } | Self::Robot { by, .. } => Some(by.as_str()),
        }
    }

    /// The name; the service has none.
    pub fn name(&self) -> Option<&Name> {
        match self {
            Self::Service => None,
            Self::Step { name } | Self::Person { name, .. } | Self::Robot { name, .. } => Some(name),
        }
    }
}
