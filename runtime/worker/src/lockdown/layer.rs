//! One layer of the lockdown by itself, so that tests can show what each is worth.
//!
//! Nothing here makes a [`super::Locked`], so nothing that handles guests can be reached by way of
//! it: a process that applies a layer by hand has only fewer rights than before.

use super::{Ceilings, Kind, machine};

/// What covers an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layer {
    /// Root's account and every capability left.
    Account,
    /// The limits on memory, time, descriptors and processes.
    Limits,
    /// The ruleset without a rule.
    Landlock,
    /// The allow-list.
    Seccomp,
}

impl Layer {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Account, Self::Limits, Self::Landlock, Self::Seccomp];

    /// The name on a test's command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Limits => "limits",
            Self::Landlock => "landlock",
            Self::Seccomp => "seccomp",
        }
    }

    /// Applies this layer alone.
    ///
    /// # Errors
    /// Why it does not hold on this machine.
    pub fn apply(self, kind: Kind, ceilings: Ceilings) -> Result<(), String> {
        machine::layer(self, kind, ceilings)
    }
}
