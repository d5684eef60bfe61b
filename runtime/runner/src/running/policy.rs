//! The configuration of an environment, as its log knows it: one digest.

use cap_std::fs::Dir;
use serde::Serialize;
use std::{collections::BTreeMap, io::Read as _};
use stepward_broker::Environment;
use stepward_fault::{Class, Fault, Owner, Rule};
use stepward_ledger::{facts, log::Log, store::Records};
use stepward_trust::Digest;

/// The rule that runs start and go on under a configuration that is known.
const UNKNOWN: Rule = Rule::new("environment-unknown");
/// What is read of a file with roots: the broker refuses more.
const ROOTS_BYTES: u64 = 1 << 20;

/// What is known of an environment's configuration when its log is opened.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Policy {
    /// Its file is at hand, and this is the [`digest`]. A log that knows another one says that it changed.
    Now(Digest),
    /// What is done does not need it: it is what the log remembers.
    AsRemembered,
    /// Runs are to start and there is no file. Refused where the log remembers one, whose witnesses nobody
    /// would ask.
    NoFile,
}

impl From<Digest> for Policy {
    fn from(digest: Digest) -> Self {
        Self::Now(digest)
    }
}

impl Policy {
    /// The digest that a log goes on with, which was opened and not written to. `place` is its file.
    ///
    /// # Errors
    /// When runs are to start under a configuration that is not at hand.
    pub(crate) async fn settle(self, log: &Log, place: &str) -> Result<Digest, Fault> {
        let remembered = match self {
            Self::Now(digest) => return Ok(digest),
            Self::AsRemembered | Self::NoFile => log.read(|records| remembered(records)).await?,
        };
        match (self, remembered) {
            (_, None) => Ok(of_no_file()),
            (Self::NoFile, Some(digest)) if digest != of_no_file() => Err(unknown(place)),
            (_, Some(digest)) => Ok(digest),
        }
    }
}

/// Whether a log remembers an environment's file. Such a file may name witnesses.
pub(crate) fn remembers_a_file(records: &dyn Records) -> Result<bool, Fault> {
    Ok(remembered(records)?.is_some_and(|digest| digest != of_no_file()))
}

/// What cannot have been written as a digest is no configuration that anybody has: its own digest stands
/// for it.
fn remembered(records: &dyn Records) -> Result<Option<Digest>, Fault> {
    let value = records.fact(facts::POLICY)?;
    Ok(value
        .map(|value| value.try_into().map_or_else(|value: Vec<u8>| Digest::of(&value), Digest::from_bytes)))
}

/// What stands for the configuration where there is no file: the default limits, and nothing bound.
fn of_no_file() -> Digest {
    Digest::of(b"stepward: no environment file")
}

/// The digest of an environment's configuration: over the bytes of its file, and of each file with roots
/// that it names, by which it decides whom to trust. A file with roots that cannot be read is told as such.
/// Secrets and keys are not part of it.
pub(crate) fn digest(environment: &Environment, text: &str, folder: &Dir) -> Digest {
    #[derive(Serialize)]
    struct Covered<'a> {
        schema: &'static str,
        file: Digest,
        roots: BTreeMap<&'a str, Option<Digest>>,
    }
    let read = |name: &str| {
        let mut bytes = Vec::new();
        folder.open(name).ok()?.take(ROOTS_BYTES + 1).read_to_end(&mut bytes).ok()?;
        Some(Digest::of(&bytes))
    };
    let roots = environment.roots().into_iter().map(|name| (name, read(name))).collect();
    let covered = Covered { schema: "stepward.policy/1", file: Digest::of(text.as_bytes()), roots };
    // Texts alone: nothing that serialising could refuse.
    Digest::of(&serde_json::to_vec(&covered).unwrap_or_default())
}

fn unknown(place: &str) -> Fault {
    Fault::new(Class::Refused, Owner::Operator, UNKNOWN)
        .at(place)
        .says(
            "this log has the configuration of an environment whose file is not at hand: nobody knows its rules \
             and its witnesses, so no run starts and none goes on",
        )
        .hint(
            "do it inside the project that has the environment's file, or name that project with --project; \
             another log is named with --state",
        )
}
