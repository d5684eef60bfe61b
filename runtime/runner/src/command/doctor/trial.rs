//! Every attempt, each in a locked worker of its own, several at a time.

use crate::PROBE;
use serde::Serialize;
use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};
use stepward::worker::lockdown::{
    Attempt, Kind, Promises,
    probe::{Probed, Prober},
};
use stepward_fault::{Class, Fault, Owner, Rule};

/// The rule that workers can be started to be tried.
const START: Rule = Rule::new("probe-start");

/// Attempts at a time, beyond which they only wait for each other.
const AT_ONCE: usize = 4;

/// What every attempt needs around it.
pub(super) struct Trial {
    prober: Prober,
}

/// One attempt, by both kinds of workers.
#[derive(Serialize)]
pub(super) struct Tried {
    pub(super) name: Attempt,
    pub(super) meaning: &'static str,
    /// None where this kind must be able to do it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) compiler: Option<End>,
    /// As for the compiler.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) runner: Option<End>,
}

/// How an attempt ended.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case", tag = "end")]
pub(super) enum End {
    /// The kernel refused, and the worker went on.
    Refused { how: String },
    /// The kernel ended the worker.
    Ended { signal: i32 },
    /// It got what it wanted.
    Succeeded { got: String },
    /// It could not be made.
    Unknown { why: String },
}

impl From<Probed> for End {
    fn from(probed: Probed) -> Self {
        match probed {
            Probed::Refused(how) => Self::Refused { how },
            Probed::Ended(signal) => Self::Ended { signal },
            Probed::Succeeded(got) => Self::Succeeded { got },
            Probed::Unknown(why) => Self::Unknown { why },
        }
    }
}

impl End {
    pub(super) fn is_success(&self) -> bool {
        match self {
            Self::Succeeded { .. } => true,
            Self::Refused { .. } | Self::Ended { .. } | Self::Unknown { .. } => false,
        }
    }

    pub(super) fn is_unknown(&self) -> bool {
        match self {
            Self::Unknown { .. } => true,
            Self::Refused { .. } | Self::Ended { .. } | Self::Succeeded { .. } => false,
        }
    }
}

/// The attempts of which one ended so, with what it got or why, in words.
pub(super) fn names(tried: &[Tried], wanted: impl Fn(&End) -> bool) -> String {
    let is = |end: &Option<End>| end.as_ref().is_some_and(&wanted);
    let names = tried.iter().filter(|tried| is(&tried.compiler) || is(&tried.runner));
    names.map(|tried| tried.name.name()).collect::<Vec<_>>().join(", ")
}

impl Trial {
    /// Starts what the attempts are made against. They end with the calling thread.
    pub(super) fn start() -> Result<Self, Fault> {
        // This very program, also where its file was replaced meanwhile: see proc(5).
        Ok(Self { prober: Prober::start("/proc/self/exe", [PROBE]).map_err(|error| not_started(&error))? })
    }

    /// What a worker of this kind promises.
    pub(super) fn promises(&self, kind: Kind) -> Result<Promises, Fault> {
        self.prober.promises(kind).map_err(|error| not_started(&error))
    }

    /// Makes every attempt that concerns a kind.
    pub(super) fn all(&self) -> Vec<Tried> {
        let mut wanted: Vec<(Kind, Attempt)> = Attempt::ALL
            .iter()
            .flat_map(|attempt| Kind::ALL.map(|kind| (kind, *attempt)))
            .filter(|(kind, attempt)| attempt.concerns(*kind))
            .collect();
        // The longest first, so that the others are made beside it.
        wanted.sort_by_key(|(_, attempt)| *attempt != Attempt::ExhaustProcessor);
        let next = AtomicUsize::new(0);
        let work = || {
            let mut ends = Vec::new();
            while let Some(&(kind, attempt)) = wanted.get(next.fetch_add(1, Ordering::Relaxed)) {
                ends.push(((attempt, kind.name()), self.prober.probe(kind, attempt)));
            }
            ends
        };
        let mut ends: BTreeMap<_, _> = thread::scope(|scope| {
            let working: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(work)).collect();
            working.into_iter().filter_map(|thread| thread.join().ok()).flatten().collect()
        });
        let mut end = |attempt: Attempt, kind: Kind| {
            let lost = || Probed::Unknown("the thread that tried it broke off".to_owned());
            attempt.concerns(kind).then(|| ends.remove(&(attempt, kind.name())).unwrap_or_else(lost).into())
        };
        let tried = |attempt: &Attempt| Tried {
            name: *attempt,
            meaning: attempt.meaning(),
            compiler: end(*attempt, Kind::Compiler),
            runner: end(*attempt, Kind::Runner),
        };
        Attempt::ALL.iter().map(tried).collect()
    }
}

fn not_started(error: &std::io::Error) -> Fault {
    Fault::new(Class::Unavailable, Owner::Operator, START)
        .says(format_args!("a worker process cannot be started to be tried: {error}"))
        .hint("look at the limits on processes, memory and open files (`ulimit -a`); /proc must be mounted")
}
