//! A proof that one event is in a log.

use super::decode;
use super::events::{Events, Scope};
use super::export::conclude;
use super::keys::{Checked, Keys};
use super::report::{Findings, Report};
use crate::event::{Event, Name};
use crate::proof::LogProof;
use serde::Deserialize;
use std::fmt;
use stepward_fault::{Class, Fault, Owner, Rule};

const PLACE: Rule = Rule::new("proof-of-another-event");
const CHECKPOINT: Rule = Rule::new("evidence-checkpoint");
const EMPTY: Rule = Rule::new("evidence-empty");
const TWO_RUNS: Rule = Rule::new("evidence-two-runs");
const NAMELESS: Rule = Rule::new("evidence-event-nameless");
const DISORDER: Rule = Rule::new("evidence-order");

/// Verifies a C2SP tlog-proof and the event that it is about, given by its exact bytes.
pub fn proof(proof: &[u8], event: &[u8], place: &str, keys: &Keys) -> Report {
    let mut report = Report::default();
    let Report { findings, .. } = &mut report;
    let Some(proof) = findings.take(LogProof::parse(proof).map_err(|error| error.fault(place))) else {
        return report;
    };
    let Some(checked) = findings.take(keys.open(proof.note().to_string().as_bytes(), place)) else {
        return report;
    };
    let head = checked.checkpoint.head();
    if included(&proof, event, &checked, place, findings) {
        report.established.tree = Some(head);
        report.established.checkpoints = 1;
    }
    let mut events = Events::new(Scope::Event);
    let index = proof.index().get();
    events.take(index, &decode::at(index, event));
    events.finish(&mut report.established, &mut report.open, &mut report.findings);
    conclude(&checked, keys, place, &mut report);
    // One event tells nothing about others.
    report.established.unanswered = 0;
    report
}

/// Whether an event is where a proof says, in a tree; if not, that is a finding.
fn included(proof: &LogProof, event: &[u8], checked: &Checked, place: &str, findings: &mut Findings) -> bool {
    let proved = proof.verify(event, checked.key());
    findings.take(proved.map_err(|error| error.fault(place))).is_some()
}

/// What an evidence folder holds, as the parts are read.
pub struct Evidence<'a> {
    /// `keys.txt`: public keys, one a line.
    pub keys: &'a str,
    /// `checkpoint`.
    pub checkpoint: &'a [u8],
    /// `events.jsonl`: the events, one a line.
    pub events: &'a [u8],
    /// Reads `proofs/N.tlog-proof`.
    pub proof: &'a dyn Fn(u64) -> Result<Vec<u8>, Fault>,
}

impl fmt::Debug for Evidence<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Evidence").finish_non_exhaustive()
    }
}

/// Verifies the evidence of a run. The events are of one run, in order, and each is in the tree of the one
/// checkpoint. `place` is what the folder is called.
pub fn evidence(parts: &Evidence<'_>, place: &str, keys: &Keys) -> Report {
    let mut report = Report::default();
    let (mut keys, findings) = (keys.clone(), &mut report.findings);
    // Each byte counts: a line ends with a line feed and nothing else.
    for vkey in parts.keys.strip_suffix('\n').unwrap_or(parts.keys).split('\n') {
        keys.find_or_tell(vkey, format_args!("{place}/keys.txt"), findings);
    }
    let at = format!("{place}/checkpoint");
    let Some(checked) = findings.take(keys.open(parts.checkpoint, &at)) else { return report };
    let head = checked.checkpoint.head();
    let mut events = Events::new(Scope::Run);
    let (mut run, mut next, mut proven) = (None, 0, 0);
    let place_of = |line: usize| format!("{place}/events.jsonl:{line}");
    let lines = parts.events.strip_suffix(b"\n").unwrap_or(parts.events);
    for (number, line) in (1..).zip(lines.split(|byte| *byte == b'\n')) {
        let Some((sequence, of, decoded)) =
            findings.take(told(line).map_err(|fault| fault.at(place_of(number))))
        else {
            continue;
        };
        if sequence < next {
            findings.push(
                wrong(DISORDER, place_of(number)).says("it stands after an event that came later in the log"),
            );
        }
        if *run.get_or_insert_with(|| of.clone()) != of || of.is_none() {
            findings.push(
                wrong(TWO_RUNS, place_of(number))
                    .says("it belongs to another run than the first event, or to none"),
            );
        }
        next = sequence.saturating_add(1);
        let at = format!("{place}/proofs/{sequence}.tlog-proof");
        proven += u64::from(proved(parts, sequence, line, &checked, &at, findings));
        events.take(sequence, &decoded);
    }
    if next == 0 {
        findings.push(wrong(EMPTY, place_of(1)).says("there is no event that could be read"));
    }
    events.finish(&mut report.established, &mut report.open, &mut report.findings);
    if proven > 0 {
        report.established.tree = Some(head);
        report.established.checkpoints = 1;
    }
    report.established.compared = 0;
    conclude(&checked, &keys, &at, &mut report);
    report.open.push(super::report::Open::OtherEventsOfRun);
    report
}

/// Where an event says that it stands, of which run it says that it is, and the event where it can be read.
type Told = (u64, Option<Name>, Result<Event, Fault>);

/// Where an event says that it stands, and of which run it is. Those of a newer version say so, too: what
/// else they say is not known, and blames nobody.
fn told(line: &[u8]) -> Result<Told, Fault> {
    #[derive(Deserialize)]
    struct Newer {
        seq: u64,
        run: Option<Name>,
    }
    match Event::decode(line) {
        Ok(event) => Ok((event.sequence, event.run.clone(), Ok(event))),
        Err(newer) if newer.class() == Class::Unavailable => match serde_json::from_slice(line) {
            Ok(Newer { seq, run }) => Ok((seq, run, Err(newer))),
            Err(error) => Err(wrong(NAMELESS, "").says(format_args!(
                "a newer version wrote it, and it does not say where it belongs: {error}"
            ))),
        },
        Err(fault) => Err(fault),
    }
}

fn proved(
    parts: &Evidence<'_>,
    sequence: u64,
    line: &[u8],
    checked: &Checked,
    at: &str,
    findings: &mut Findings,
) -> bool {
    let read = (parts.proof)(sequence);
    let parsed = read.and_then(|text| LogProof::parse(&text).map_err(|error| error.fault(at)));
    let Some(proof) = findings.take(parsed) else { return false };
    if proof.note().to_string().as_bytes() != parts.checkpoint {
        findings.push(wrong(CHECKPOINT, at).says("its checkpoint is not the one of the folder"));
        return false;
    }
    if proof.index().get() != sequence {
        findings.push(wrong(PLACE, at).says(format_args!(
            "it is about event {}, and the event says that it is number {}",
            proof.index(),
            sequence
        )));
        return false;
    }
    included(&proof, line, checked, at, findings)
}

fn wrong(rule: Rule, place: impl fmt::Display) -> Fault {
    Fault::new(Class::EvidenceInvalid, Owner::Operator, rule)
        .at(place)
        .hint("ask for the evidence again: it was put together by hand or changed")
}
