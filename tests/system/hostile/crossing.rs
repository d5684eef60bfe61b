//! Guests that try to make the host allocate or keep data: arguments, replies, counts.

use super::guests;
use crate::support::brokers::{answers, plain, plain_reply};
use crate::support::sandbox::{document, limit, limits, padded, ready, run, run_ready, stopped};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use stepward_seam::{Body, HostReply, HttpResponse, LimitName, Limits, Pair};

#[test]
pub(super) fn aliased_strings() {
    let finished = run(guests::ALIASED_STRINGS.bytes(), Limits::default(), plain);
    assert_eq!(limit(&finished), LimitName::BytesOutPerCall);
    assert!(finished.calls.is_empty());
}

#[test]
pub(super) fn aliased_pairs() {
    let finished = run(guests::ALIASED_PAIRS.bytes(), Limits::default(), plain);
    assert_eq!(limit(&finished), LimitName::BytesOutPerCall);
    assert!(finished.calls.is_empty());
}

#[test]
pub(super) fn empty_strings() {
    let finished = run(guests::EMPTY_STRINGS.bytes(), Limits::default(), plain);
    assert_eq!(limit(&finished), LimitName::BytesOutPerCall);
    assert!(finished.calls.is_empty());
}

#[test]
pub(super) fn empty_strings_that_pile_up() {
    let finished = run(guests::EMPTY_STRINGS_THAT_PILE_UP.bytes(), Limits::default(), plain);
    assert_eq!(limit(&finished), LimitName::BytesOut);
    // 2.4 MB each of the 16 MiB there are.
    assert_eq!(finished.calls.len(), 6);
}

#[test]
pub(super) fn body_of_any_size() {
    let ready = ready(guests::BODY_OF_ANY_SIZE.bytes());
    let small = limits(&[(LimitName::BytesOutPerCall, 1_000), (LimitName::BytesOut, 1_999)]);
    let outcome = |length| run_ready(&ready, &"1".repeat(length), small.clone(), plain);
    assert_eq!(document(&outcome(999)), "null");
    // One byte past what a call may carry, and one past what both may carry together.
    assert_eq!(limit(&outcome(1_001)), LimitName::BytesOutPerCall);
    let finished = outcome(1_000);
    assert_eq!(limit(&finished), LimitName::BytesOut);
    assert_eq!(finished.calls.len(), 1);
}

/// wasmtime keeps the type of this error to itself, so the sandbox tells it by its text, and by the
/// frame of the guest whether it was an argument or the output.
#[test]
fn too_much_to_copy_is_told_apart_from_too_much_output() {
    let small = limits(&[(LimitName::BytesOutPerCall, 1_000), (LimitName::OutputBytes, 1_000)]);
    let input = "1".repeat(1 << 20);
    let argument = ready(guests::BODY_OF_ANY_SIZE.bytes());
    assert_eq!(limit(&run_ready(&argument, &input, small.clone(), plain)), LimitName::BytesOutPerCall);
    let output = ready(guests::OUTPUT_OF_ANY_SIZE.bytes());
    assert_eq!(limit(&run_ready(&output, &input, small, plain)), LimitName::OutputBytes);
}

#[test]
pub(super) fn replies_that_pile_up() {
    let guest = ready(guests::REPLIES_THAT_PILE_UP.bytes());
    let finished = run_ready(&guest, "null", limits(&[(LimitName::BytesIn, 20_000)]), plain);
    assert_eq!(limit(&finished), LimitName::BytesIn);
    assert_eq!(finished.calls.len(), 5);
    let finished = run_ready(&guest, "null", limits(&[(LimitName::HostCalls, 3)]), plain);
    assert_eq!(limit(&finished), LimitName::HostCalls);
    assert_eq!(finished.calls.len(), 3);
    let finished = run_ready(&guest, "null", limits(&[(LimitName::MemoryBytes, 1 << 20)]), plain);
    assert_eq!(limit(&finished), LimitName::MemoryBytes);
}

#[test]
pub(super) fn random_past_the_most() {
    let asked = Arc::new(AtomicUsize::new(0));
    let broker = || {
        let seen = Arc::clone(&asked);
        answers(move |_, call| {
            seen.fetch_add(1, Ordering::Relaxed);
            Ok(plain_reply(call))
        })
    };
    let finished = run(guests::RANDOM_PAST_THE_MOST.bytes(), Limits::default(), broker);
    assert_eq!(stopped(&finished).rule().as_str(), "random-count");
    assert_eq!(asked.load(Ordering::Relaxed), 0);
    let most = guests::RANDOM_PAST_THE_MOST.bytes_with("(i32.const 4097)", "(i32.const 4096)");
    assert_eq!(document(&run(most, Limits::default(), broker)), "null");
    // Once in each way.
    assert_eq!(asked.load(Ordering::Relaxed), 2);
}

/// A reply that is larger than the guest may be given ends the run by name, whoever sent it.
#[test]
fn a_reply_at_the_cap_and_one_past_it() {
    let guest = ready(guests::EVERYTHING_IT_CAN.bytes());
    let small = limits(&[(LimitName::BytesInPerCall, 1_000)]);
    for (body, ended) in [(942, None), (943, Some(LimitName::BytesInPerCall))] {
        let broker = || {
            answers(move |_, call| {
                Ok(match plain_reply(call) {
                    HostReply::Http(_) => HostReply::Http(Ok(HttpResponse {
                        status: 200,
                        headers: vec![Pair { name: "etag".to_owned(), value: "abcdef".to_owned() }],
                        body: Body(vec![b'x'; body]),
                    })),
                    other => other,
                })
            })
        };
        let finished = run_ready(&guest, "null", small.clone(), broker);
        match ended {
            None => assert_eq!(document(&finished), "{}"),
            Some(name) => assert_eq!(limit(&finished), name),
        }
    }
}

#[test]
fn an_input_at_the_cap_and_one_past_it() {
    let guest = ready(guests::OUTPUT_OF_ANY_SIZE.bytes());
    let small = limits(&[(LimitName::InputBytes, 1_000)]);
    assert_eq!(document(&run_ready(&guest, &padded(1_000), small.clone(), plain)).len(), 1_000);
    let finished = run_ready(&guest, &padded(1_001), small, plain);
    assert_eq!(limit(&finished), LimitName::InputBytes);
    assert_eq!(finished.usage.fuel, 0);
}
