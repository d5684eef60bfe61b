//! One event, one line: the exact bytes of a leaf.

use super::{Actor, Commitment, Event, Name, Stamp, What};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use stepward_fault::{Class, Fault, Owner, Rule};

/// The version of the encoding that is written.
pub const VERSION: u64 = 1;
/// Longest event in bytes: what a log takes as a leaf. Names and texts are bounded, so no event comes
/// near it; a reader refuses more before it parses.
pub const EVENT_BYTES: usize = crate::log::MAX_LEAF;

/// The rule that a leaf is an event of a version that is known.
const EVENT: Rule = Rule::new("event-format");
/// The rule that this version can read an event.
const NEWER: Rule = Rule::new("event-version");

#[derive(Serialize)]
struct Line<'a> {
    v: u64,
    seq: u64,
    env: &'a Name,
    time_us: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_us: Option<u64>,
    mono_us: u64,
    actor: &'a Actor,
    #[serde(skip_serializing_if = "Option::is_none")]
    run: Option<&'a Name>,
    #[serde(skip_serializing_if = "Option::is_none")]
    step: Option<&'a Name>,
    #[serde(skip_serializing_if = "Option::is_none")]
    call: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<Commitment>,
    #[serde(flatten)]
    what: &'a What,
}

/// What every event has, apart from what happened.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Common {
    #[serde(rename = "v")]
    _version: u64,
    seq: u64,
    env: Name,
    time_us: u64,
    error_us: Option<u64>,
    mono_us: u64,
    actor: Actor,
    run: Option<Name>,
    step: Option<Name>,
    call: Option<u64>,
    body: Option<Commitment>,
}

/// The keys of [`Common`].
const COMMON: [&str; 11] =
    ["v", "seq", "env", "time_us", "error_us", "mono_us", "actor", "run", "step", "call", "body"];

impl Event {
    /// The event's one spelling.
    pub fn encode(&self) -> Vec<u8> {
        let Self { sequence, environment, stamp, actor, run, step, call, body, what } = self;
        let Stamp { unix_us, error_us, mono_us } = *stamp;
        let line = Line {
            v: VERSION,
            seq: *sequence,
            env: environment,
            time_us: unix_us,
            error_us,
            mono_us,
            actor,
            run: run.as_ref(),
            step: step.as_ref(),
            call: *call,
            body: *body,
            what,
        };
        // Texts and numbers alone: nothing that serialising could refuse.
        serde_json::to_vec(&line).unwrap_or_default()
    }

    /// Reads an event; its sequence says where it stands.
    ///
    /// # Errors
    /// When the bytes are not the one spelling of an event of a version that is known.
    pub fn decode(bytes: &[u8]) -> Result<Self, Fault> {
        if bytes.len() > EVENT_BYTES {
            return Err(malformed(format_args!(
                "{} bytes, where an event has at most {EVENT_BYTES}",
                bytes.len()
            )));
        }
        let mut all: Map<String, Value> = serde_json::from_slice(bytes).map_err(malformed)?;
        match all.get("v").and_then(Value::as_u64) {
            Some(VERSION) => {}
            Some(version) if version > VERSION => return Err(newer(version)),
            Some(_) | None => return Err(malformed("it names no version that was ever written")),
        }
        let common: Map<String, Value> = COMMON.iter().filter_map(|key| all.remove_entry(*key)).collect();
        let common: Common = serde_json::from_value(common.into()).map_err(malformed)?;
        let what: What = serde_json::from_value(all.into()).map_err(malformed)?;
        let event = Self {
            sequence: common.seq,
            environment: common.env,
            stamp: Stamp { unix_us: common.time_us, error_us: common.error_us, mono_us: common.mono_us },
            actor: common.actor,
            run: common.run,
            step: common.step,
            call: common.call,
            body: common.body,
            what,
        };
        // Two spellings of one event would be two leaves that say the same.
        if event.encode() == bytes { Ok(event) } else { Err(malformed("it is not spelt as events are")) }
    }
}

fn malformed(why: impl std::fmt::Display) -> Fault {
    Fault::new(Class::EvidenceInvalid, Owner::Operator, EVENT)
        .says(format_args!("a leaf is not an event: {why}"))
        .hint("if the tree still verifies it was written so; otherwise compare the log with a backup")
}

fn newer(version: u64) -> Fault {
    Fault::new(Class::Unavailable, Owner::Operator, NEWER)
        .says(format_args!("an event has the version {version}, and this program reads up to {VERSION}"))
        .hint("use the version of Stepward that wrote the log, or a newer one")
}
