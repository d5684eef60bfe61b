//! What a locked worker promises, and what became of each promise on this machine.
//!
//! The list is closed: a mechanism that is not in it protects nobody, because nobody is told when it
//! fails. Each promise ends as [`State::Held`] or as [`State::Missing`] with the reason that the
//! kernel gave. Which of them a service cannot do without is its operator's decision: [`Required`].

use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use stepward_fault::{Class, Fault, Owner, Rule};

const PROMISE_MISSING: Rule = Rule::new("worker-promise-missing");

macro_rules! promises {
    ($($(#[$doc:meta])* $variant:ident = $name:literal: $meaning:literal,)+) => {
        /// One thing that holds of a worker process before it touches any guest byte.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum Promise {
            $(#[doc = $meaning] $(#[$doc])* $variant,)+
        }

        impl Promise {
            /// Every promise, in the order in which people are shown them.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The name in reports and in the operator's files. Stable.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }

            /// What it means, in one sentence.
            pub const fn meaning(self) -> &'static str {
                match self {
                    $(Self::$variant => $meaning,)+
                }
            }
        }
    };
}

promises! {
    /// `PR_SET_NO_NEW_PRIVS`, Linux 3.5.
    NoNewPrivileges = "no-new-privileges":
        "No program that the worker could start would have more rights than the worker.",
    /// `capset`, the bounding and ambient sets, and the account 65534 where root started the worker.
    Capabilities = "capabilities":
        "The worker holds no capability and is not root.",
    /// Seccomp filters with `SECCOMP_RET_KILL_PROCESS`, Linux 4.14.
    Seccomp = "seccomp":
        "A system call that the worker's work does not need ends the worker.",
    /// Landlock ABI 5, Linux 6.10; earlier kernels miss rights, the first is 5.13.
    LandlockFiles = "landlock-files":
        "The worker opens, makes, changes and lists no file, and traces no process outside.",
    /// Landlock ABI 4, Linux 6.7.
    LandlockNetwork = "landlock-network":
        "The worker connects to no TCP port and listens on none.",
    /// Landlock ABI 6, Linux 6.12.
    LandlockScopes = "landlock-scopes":
        "The worker signals no process outside and connects to no abstract socket made outside.",
    /// `RLIMIT_AS` and `RLIMIT_DATA` (with `mprotect` since Linux 4.7), `oom_score_adj`.
    MemoryLimit = "memory-limit":
        "The worker maps no more memory than its ceiling, and is the first that the kernel ends when memory is short.",
    /// `RLIMIT_CPU`.
    CpuLimit = "cpu-limit":
        "The worker ends once it has used its seconds of processor time.",
    /// `RLIMIT_NOFILE`, `RLIMIT_FSIZE`.
    FileLimit = "file-limit":
        "The worker opens no descriptor of any kind and writes no byte to a file.",
    /// `RLIMIT_NPROC`, which the kernel does not apply to root.
    ProcessLimit = "process-limit":
        "The worker starts no process and no thread.",
    /// `PR_SET_DUMPABLE` and `RLIMIT_CORE`.
    NotDumpable = "not-dumpable":
        "The worker's memory reaches no core file and no process of the same account.",
    /// `setsid` or `setpgid`.
    OwnProcessGroup = "own-process-group":
        "The worker leads its own process group, so no signal to a group reaches others through it.",
    /// `PR_SET_PDEATHSIG`.
    DiesWithParent = "dies-with-parent":
        "The kernel ends the worker when its parent ends.",
    /// `execve` with an empty environment.
    CleanEnvironment = "clean-environment":
        "The worker was given no environment variable.",
    /// Descriptor 0 is the pipe, 1 and 2 are the null device, and there is no other.
    OnlyThePipe = "only-the-pipe":
        "The worker holds no descriptor but its pipe to the Broker.",
}

impl fmt::Display for Promise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What became of a promise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// The kernel took it and it was read back where that is possible.
    Held,
    /// It does not hold, and why.
    Missing(String),
}

/// What became of every promise, for one worker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Promises(BTreeMap<Promise, State>);

impl Promises {
    /// Every promise missing, for one reason: where lockdown has not begun, or cannot.
    pub(crate) fn missing(reason: &str) -> Self {
        Self(Promise::ALL.iter().map(|&promise| (promise, State::Missing(reason.to_owned()))).collect())
    }

    /// Notes what became of one.
    #[cfg_attr(
        not(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64"))),
        allow(dead_code, reason = "elsewhere nothing is tried, so there is nothing to note")
    )]
    pub(crate) fn note(&mut self, promise: Promise, result: Result<(), String>) {
        let state = match result {
            Ok(()) => State::Held,
            Err(reason) => State::Missing(reason),
        };
        self.0.insert(promise, state);
    }

    /// Each promise with its state, in the order of [`Promise::ALL`].
    pub fn iter(&self) -> impl Iterator<Item = (Promise, &State)> {
        self.0.iter().map(|(promise, state)| (*promise, state))
    }

    /// Why a promise is missing; nothing where it is held.
    pub fn why_missing(&self, promise: Promise) -> Option<&str> {
        match self.0.get(&promise) {
            Some(State::Held) => None,
            Some(State::Missing(reason)) => Some(reason),
            // Only a report that came over a wire can lack an entry, and that is no promise.
            None => Some("the worker did not say"),
        }
    }
}

/// The promises that a service refuses to run without.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Required(BTreeSet<Promise>);

impl Required {
    /// Every promise. What a service on a current kernel should demand.
    pub fn all() -> Self {
        Self(Promise::ALL.iter().copied().collect())
    }

    /// No promise: the worker runs with whatever this machine offers and reports the rest.
    pub fn none() -> Self {
        Self(BTreeSet::new())
    }

    /// These.
    pub fn these(promises: impl IntoIterator<Item = Promise>) -> Self {
        Self(promises.into_iter().collect())
    }

    /// Holds a report against what is required, for a parent that judges what its worker reported.
    ///
    /// # Errors
    /// The required promises that are missing.
    pub fn hold(&self, promises: Promises) -> Result<Kept, MissingPromises> {
        let missing: Vec<_> = self
            .0
            .iter()
            .filter_map(|&promise| promises.why_missing(promise).map(|why| (promise, why.to_owned())))
            .collect();
        if missing.is_empty() { Ok(Kept(promises)) } else { Err(MissingPromises(missing)) }
    }
}

/// A report in which nothing that was required is missing. Only [`Required::hold`] makes one.
#[derive(Debug)]
pub struct Kept(Promises);

impl Kept {
    /// What became of each promise, required or not.
    pub fn promises(&self) -> &Promises {
        &self.0
    }
}

/// The required promises that this machine does not keep. Never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MissingPromises(Vec<(Promise, String)>);

impl MissingPromises {
    /// Each with its reason.
    pub fn iter(&self) -> impl Iterator<Item = (Promise, &str)> {
        self.0.iter().map(|(promise, why)| (*promise, why.as_str()))
    }
}

impl fmt::Display for MissingPromises {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (promise, why)) in self.0.iter().enumerate() {
            write!(f, "{}{promise} ({why})", if at == 0 { "" } else { "; " })?;
        }
        Ok(())
    }
}

impl std::error::Error for MissingPromises {}

impl From<MissingPromises> for Fault {
    fn from(missing: MissingPromises) -> Self {
        Self::new(Class::Unavailable, Owner::Operator, PROMISE_MISSING)
            .says(format_args!("worker processes cannot keep what is required of them here: {missing}"))
            .hint("`stepward doctor` shows each protection; use a newer kernel, or require less of this environment")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_promise_has_its_kebab_name_and_crosses_the_wire() {
        for promise in Promise::ALL {
            let bytes = postcard::to_stdvec(promise).unwrap();
            assert_eq!(postcard::from_bytes::<Promise>(&bytes).unwrap(), *promise);
            assert!(promise.name().chars().all(|c| c.is_ascii_lowercase() || c == '-'), "{promise}");
        }
    }

    #[test]
    fn a_missing_promise_refuses_only_where_it_is_required() {
        let mut promises = Promises::missing("not tried");
        promises.note(Promise::Seccomp, Ok(()));
        Required::none().hold(promises.clone()).unwrap();
        Required::these([Promise::Seccomp]).hold(promises.clone()).unwrap();
        let missing =
            Required::these([Promise::Seccomp, Promise::CpuLimit]).hold(promises.clone()).unwrap_err();
        assert_eq!(missing.iter().collect::<Vec<_>>(), [(Promise::CpuLimit, "not tried")]);
        assert_eq!(
            Required::all().hold(promises.clone()).unwrap_err().iter().count(),
            Promise::ALL.len() - 1
        );
    }

    #[test]
    fn a_report_without_an_entry_promises_nothing() {
        let short = Promises(BTreeMap::new());
        assert_eq!(short.why_missing(Promise::Seccomp), Some("the worker did not say"));
        Required::these([Promise::Seccomp]).hold(short).unwrap_err();
    }
}
