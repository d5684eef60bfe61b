//! Guests that try to say too much, or to say it so that a reader is misled.

use super::guests;
use crate::support::brokers::plain;
use crate::support::sandbox::{document, failure, limit, limits, padded, ready, run, run_ready};
use stepward_sandbox::{Outcome, StepErrorKind};
use stepward_seam::{HostCall, LimitName, Limits, LogLevel};

#[test]
pub(super) fn output_of_any_size() {
    let guest = ready(guests::OUTPUT_OF_ANY_SIZE.bytes());
    let small = limits(&[(LimitName::OutputBytes, 1_000)]);
    let finished = run_ready(&guest, &padded(1_000), small.clone(), plain);
    assert_eq!(document(&finished).len(), 1_000);
    assert_eq!(finished.usage.output_bytes, 1_000);
    let finished = run_ready(&guest, &padded(1_001), small, plain);
    assert_eq!(limit(&finished), LimitName::OutputBytes);
}

#[track_caller]
fn breaks_the_abi(bytes: Vec<u8>, says: &str) {
    let finished = run(bytes, Limits::default(), plain);
    let (code, message) = failure(&finished);
    assert_eq!(code, "trap");
    assert_eq!(message, format!("the step broke the component ABI: {says}"));
    assert!(finished.calls.is_empty());
}

#[test]
pub(super) fn output_past_memory() {
    breaks_the_abi(guests::OUTPUT_PAST_MEMORY.bytes(), "string pointer/length out of bounds of memory");
}

#[test]
pub(super) fn output_area_past_memory() {
    breaks_the_abi(guests::OUTPUT_AREA_PAST_MEMORY.bytes(), "pointer out of bounds of memory");
}

#[test]
pub(super) fn output_unknown_case() {
    breaks_the_abi(guests::OUTPUT_UNKNOWN_CASE.bytes(), "invalid expected discriminant");
}

#[test]
pub(super) fn output_not_text() {
    breaks_the_abi(guests::OUTPUT_NOT_TEXT.bytes(), "invalid utf-8 sequence of 1 bytes from index 1");
}

#[test]
pub(super) fn log_not_text() {
    breaks_the_abi(guests::LOG_NOT_TEXT.bytes(), "invalid utf-8 sequence of 1 bytes from index 1");
}

#[test]
pub(super) fn output_not_json() {
    let finished = run(guests::OUTPUT_NOT_JSON.bytes(), Limits::default(), plain);
    assert_eq!(
        failure(&finished),
        (
            "output-not-json",
            "the step returned text that is not a JSON document: expected value at line 1 column 1"
        )
    );
}

#[test]
pub(super) fn output_nested_deeply() {
    let finished = run(guests::OUTPUT_NESTED_DEEPLY.bytes(), Limits::default(), plain);
    let (code, message) = failure(&finished);
    assert_eq!(code, "output-not-json");
    assert!(message.contains("recursion limit exceeded"), "{message}");
}

#[test]
pub(super) fn error_of_any_size() {
    let guest = ready(guests::ERROR_OF_ANY_SIZE.bytes());
    let error = |length: usize| run_ready(&guest, &"e".repeat(length), Limits::default(), plain);
    let finished = error(64);
    assert_eq!(failure(&finished), ("e".repeat(64).as_str(), "e".repeat(64).as_str()));
    let finished = error(4_096);
    let cut = format!("{}… [4032 bytes cut]", "e".repeat(64));
    assert_eq!(failure(&finished), (cut.as_str(), "e".repeat(4_096).as_str()));
    let finished = error(4_097);
    assert_eq!(failure(&finished).1, format!("{}… [1 bytes cut]", "e".repeat(4_096)));
    // A megabyte is still an error and not a limit: what was cut is said, not lost.
    let finished = error(1 << 20);
    assert_eq!(failure(&finished).1, format!("{}… [1044480 bytes cut]", "e".repeat(4_096)));
}

#[test]
pub(super) fn error_with_escapes() {
    let finished = run(guests::ERROR_WITH_ESCAPES.bytes(), Limits::default(), plain);
    let Outcome::Failed(error) = finished.outcome else { panic!("{:?}", finished.outcome) };
    assert_eq!(error.kind, StepErrorKind::Retryable);
    assert_eq!(error.code, "ok\\u{1b}]0;owned\\u{7}");
    assert_eq!(error.message, "\\u{1b}[2J\\u{a}INFO all is well \\u{202e}dehsinif\\u{200b}");
}

#[test]
pub(super) fn panic_with_escapes() {
    let finished = run(guests::PANIC_WITH_ESCAPES.bytes(), Limits::default(), plain);
    assert_eq!(
        failure(&finished),
        ("panic", "panicked at src/lib.rs:1:1\\u{a}: \\u{1b}[31mred\\u{d}over\\u{2066}")
    );
}

#[test]
pub(super) fn panic_of_any_size() {
    let guest = ready(guests::PANIC_OF_ANY_SIZE.bytes());
    let finished = run_ready(&guest, &"p".repeat(1 << 20), Limits::default(), plain);
    let (code, message) = failure(&finished);
    assert_eq!(code, "panic");
    assert!(message.starts_with("panicked at : ppp"), "{}", &message[..32]);
    assert!(message.ends_with("… [1044494 bytes cut]"), "{}", &message[4_090..]);
}

#[test]
pub(super) fn log_with_escapes() {
    let finished = run(guests::LOG_WITH_ESCAPES.bytes(), Limits::default(), plain);
    assert_eq!(document(&finished), "null");
    let HostCall::Log { level, message } = &finished.calls[0].call else { panic!("{:?}", finished.calls) };
    assert_eq!((*level, message.as_str()), (LogLevel::Info, "fine\nERROR \u{1b}[31mforged"));
    // In a trace it stays on one line, with no control character left.
    let line = serde_json::to_string(&finished.calls[0]).unwrap();
    assert!(!line.contains(char::is_control), "{line}");
    assert_eq!(stepward_fault::shown(message).to_string(), "fine\\u{a}ERROR \\u{1b}[31mforged");
}

#[test]
pub(super) fn log_flood() {
    let guest = ready(guests::LOG_FLOOD.bytes());
    let finished = run_ready(&guest, "12345", limits(&[(LimitName::LogLines, 7)]), plain);
    assert_eq!(limit(&finished), LimitName::LogLines);
    assert_eq!(finished.calls.len(), 7);
    let finished = run_ready(&guest, "12345", limits(&[(LimitName::LogBytes, 34)]), plain);
    assert_eq!(limit(&finished), LimitName::LogBytes);
    assert_eq!(finished.calls.len(), 6);
}

#[test]
pub(super) fn names_with_escapes() {
    let finished = run(guests::NAMES_WITH_ESCAPES.bytes(), Limits::default(), plain);
    assert_eq!(
        failure(&finished),
        ("trap", "the step trapped: wasm trap: wasm `unreachable` instruction executed")
    );
}
