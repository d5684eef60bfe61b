//! The same input and the same replies give the same calls, output and fuel, in every process.

use super::guests;
use crate::support::brokers::plain;
use crate::support::sandbox::{admit, document, job, run};
use crate::support::ways::both_for;
use std::future::pending;
use stepward_sandbox::Finished;
use stepward_seam::Limits;

/// Everything about a run that must repeat.
fn story(finished: &Finished) -> String {
    let calls = serde_json::to_string(&finished.calls).unwrap();
    format!("{} {:?} {calls}", document(finished), finished.usage)
}

#[test]
pub(super) fn everything_it_can() {
    let admitted = admit(guests::EVERYTHING_IT_CAN.bytes());
    let input = r#"{"invoice":4711}"#;
    let mut stories = Vec::new();
    for way in [both_for(1), both_for(3)].into_iter().flatten() {
        let guest = way.compile(&admitted).unwrap();
        for _ in 0..25 {
            let finished = way.block_on(way.run(&guest, job(input, Limits::default(), plain()), pending()));
            assert_eq!(finished.calls.len(), 6);
            stories.push(story(&finished));
        }
    }
    assert_eq!(stories.len(), 100);
    stories.dedup();
    assert_eq!(stories.len(), 1, "{stories:#?}");
    assert!(!stories[0].contains("hush"), "a revealed secret is in the record: {}", stories[0]);
}

/// IEEE 754-2019 leaves sign and payload of a NaN open; WebAssembly's canonical NaN has a clear sign
/// and only the top bit of the payload set.
#[test]
pub(super) fn bits_of_nan() {
    let finished = run(guests::BITS_OF_NAN.bytes(), Limits::default(), plain);
    assert_eq!(document(&finished), "\"7fc000007ff8000000000000\"");
}
