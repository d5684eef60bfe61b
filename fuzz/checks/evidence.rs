//! What holds of everything that is offered as the evidence of a run.
#![allow(clippy::unwrap_used, reason = "the known log is sound")]

use super::log::KNOWN;
use super::report::sound;
use stepward_ledger::event::Event;
use stepward_ledger::note::VerifierKey;
use stepward_ledger::proof::LogProof;
use stepward_ledger::verify::{self, Evidence, Keys, Report, Verdict};

/// What stands between the parts.
const BETWEEN: &[u8] = b"\n===\n";

/// Verifies the evidence that is made of the bytes: the keys, the checkpoint, the events, and then proofs for
/// as many of the events, one after the other, each behind such a line as [`BETWEEN`]. The known log gives the
/// checkpoint and the proofs that are missing. Only its own events hold, of one run and in order.
pub(crate) fn check(bytes: &[u8]) -> Report {
    let mut parts = split(bytes).into_iter();
    let newest = KNOWN.newest();
    let whole = newest.to_string();
    let keys = String::from_utf8_lossy(parts.next().unwrap()).into_owned();
    let checkpoint = parts.next().filter(|part| !part.is_empty()).unwrap_or(whole.as_bytes());
    let events = parts.next().unwrap_or_default();
    let given = std::cell::RefCell::new(parts);
    let evidence = Evidence {
        keys: &keys,
        checkpoint,
        events,
        proof: &|sequence| {
            let made = || KNOWN.inclusion(sequence).map(|path| LogProof::new(path, &newest).to_string());
            let given = given.borrow_mut().next().filter(|part| !part.is_empty()).map(<[u8]>::to_vec);
            Ok(given.unwrap_or_else(|| made().unwrap_or_default().into_bytes()))
        },
    };
    let known = Keys::new([VerifierKey::Log(KNOWN.signer.verifier())]);
    let report = verify::evidence(&evidence, "evidence", &known);
    sound(&report);
    if report.verdict() == Verdict::Holds {
        only_events_of_one_run(events);
    }
    report
}

fn split(mut bytes: &[u8]) -> Vec<&[u8]> {
    let mut parts = Vec::new();
    while let Some(end) = bytes.windows(BETWEEN.len()).position(|window| window == BETWEEN) {
        parts.push(&bytes[..end]);
        bytes = &bytes[end + BETWEEN.len()..];
    }
    parts.push(bytes);
    parts
}

fn only_events_of_one_run(events: &[u8]) {
    let lines = events.strip_suffix(b"\n").unwrap_or(events).split(|byte| *byte == b'\n');
    let events: Vec<_> = lines
        .map(|line| {
            let event = Event::decode(line).unwrap();
            assert_eq!(KNOWN.leaves[usize::try_from(event.sequence).unwrap()], line);
            event
        })
        .collect();
    assert!(events.is_sorted_by(|a, b| a.sequence < b.sequence));
    assert!(events.iter().all(|event| event.run.is_some() && event.run == events[0].run));
}
