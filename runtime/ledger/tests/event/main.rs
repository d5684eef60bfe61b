//! The encoding of events: one spelling, kept for ever.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod every;

use every::{every, name};
use proptest::prelude::*;
use serde_json::Value;
use std::collections::BTreeSet;
use stepward_ledger::event::{
    Act, Decision, EVENT_BYTES, Effect, Event, Gap, NAME_BYTES, Name, Outcome, Purpose, Recognised,
    Resolution, TEXT_BYTES, Text, What,
};

/// As version 1 wrote it. Its lines never change, and new words get new ones: a log of any age must stay
/// readable.
const VERSION_1: &str = include_str!("v1.jsonl");

#[test]
fn version_1_reads_and_writes_as_it_always_did() {
    let lines = VERSION_1.lines().collect::<Vec<_>>();
    let now = every();
    assert_eq!(lines.len(), now.len());
    for (line, event) in lines.iter().zip(&now) {
        assert_eq!(&Event::decode(line.as_bytes()).unwrap(), event, "{line}");
        assert_eq!(std::str::from_utf8(&event.encode()).unwrap(), *line);
    }
}

/// Every variant has a line; a new one does not compile here before it has.
#[test]
fn the_kept_file_has_every_action() {
    let kept = every().iter().map(|event| event.what.action()).collect::<BTreeSet<_>>();
    for event in every() {
        let known = match event.what {
            What::ServiceStarted { .. }
            | What::ServiceStopped
            | What::ServiceRecovered { .. }
            | What::LogRestored { .. }
            | What::ConfigurationChanged { .. }
            | What::BundleChanged { .. }
            | What::OperatorActed { .. }
            | What::RunStarted { .. }
            | What::RunContinued { .. }
            | What::RunEnded { .. }
            | What::StepStarted { .. }
            | What::StepEnded { .. }
            | What::GrantDecided { .. }
            | What::CallIntended { .. }
            | What::CallAnswered { .. }
            | What::CallRecorded { .. }
            | What::CallResolved { .. }
            | What::LimitReached { .. }
            | What::SecretUsed { .. }
            | What::BodyErased { .. }
            | What::GapFound { .. } => 21,
        };
        assert_eq!(kept.len(), known, "{kept:?}");
    }
}

/// A word that is spelt otherwise makes an old log unreadable, so each stands in the kept file.
#[test]
fn the_kept_file_has_every_word() {
    let words = |action: &str, pointer: &str| {
        let kept = VERSION_1.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let kept = kept.filter(|event| action.is_empty() || event["action"] == action);
        let words = kept.filter_map(|event| Some(event.pointer(pointer)?.as_str()?.to_owned()));
        words.collect::<BTreeSet<_>>()
    };
    let sets = [
        ("", "/action", What::ACTIONS),
        ("", "/actor/kind", &["service", "step", "person", "robot"][..]),
        ("", "/actor/by", Recognised::WORDS),
        ("run-ended", "/outcome", Outcome::WORDS),
        ("step-ended", "/outcome", Outcome::WORDS),
        ("grant-decided", "/decision", Decision::WORDS),
        ("call-answered", "/effect", Effect::WORDS),
        ("call-resolved", "/effect", Resolution::WORDS),
        ("secret-used", "/purpose", Purpose::WORDS),
        ("operator-acted", "/act", Act::WORDS),
        ("gap-found", "/gap", Gap::WORDS),
    ];
    for (action, pointer, all) in sets {
        let all = all.iter().map(|word| (*word).to_owned()).collect::<BTreeSet<_>>();
        assert_eq!(words(action, pointer), all, "{action} {pointer}");
    }
    for (line, event) in VERSION_1.lines().zip(every()) {
        let told = [event.what.verdict(), event.actor.by(), Some(event.what.action())];
        for word in told.into_iter().flatten() {
            assert!(line.contains(&format!(":\"{word}\"")), "{word}: {line}");
        }
    }
}

#[test]
fn another_spelling_is_refused() {
    let line = VERSION_1.lines().next().unwrap();
    for (changed, why) in [
        (line.replace(",\"seq\"", ", \"seq\""), "white space"),
        (line.replace("\"v\":1,\"seq\":0", "\"seq\":0,\"v\":1"), "another order"),
        (line.replace("{\"v\"", "{\"extra\":1,\"v\""), "an unknown key"),
        (line.replace("\"seq\":0", "\"seq\":0,\"seq\":0"), "a key twice"),
        (line.replace("\"seq\":0", "\"seq\":00"), "a leading zero"),
        (line.replace("\"seq\":0", "\"seq\":0.0"), "a fraction"),
        (line.replace("prod", "pr\\u006fd"), "an escape"),
        (line.replace("\"error_us\":1500", "\"error_us\":null"), "a null"),
        (line.replace("service-started", "service-strarted"), "an unknown action"),
        (
            line.replace("\"version\":\"0.1.0\"", "\"version\":\"0.1.0\",\"act\":\"backup\""),
            "a field of another",
        ),
        (format!("{line}\n"), "a newline"),
        (String::new(), "nothing"),
    ] {
        assert_ne!(changed, line, "{why}: the change did nothing");
        let fault = Event::decode(changed.as_bytes()).unwrap_err();
        assert_eq!(fault.rule().as_str(), "event-format", "{why}");
    }
}

#[test]
fn a_newer_version_is_not_called_damaged() {
    let line = VERSION_1.lines().next().unwrap().replace("{\"v\":1,", "{\"v\":2,");
    let fault = Event::decode(line.as_bytes()).unwrap_err();
    assert_eq!(fault.rule().as_str(), "event-version");
    assert!(fault.remedy().contains("newer"), "{}", fault.remedy());
}

#[test]
fn the_largest_event_is_within_its_bound() {
    let longest = Name::new(&"n".repeat(NAME_BYTES)).unwrap();
    // The characters that JSON makes longest, of those that `shown` leaves as they are.
    let text = Text::of(&"\"".repeat(TEXT_BYTES));
    for mut event in every() {
        event.run = Some(longest.clone());
        event.step = Some(longest.clone());
        event.call = Some(u64::MAX);
        event.sequence = u64::MAX;
        if let What::CallIntended { workflow_rule, environment_rule, .. } = &mut event.what {
            (*workflow_rule, *environment_rule) = (text.clone(), text.clone());
        }
        let bytes = event.encode();
        assert!(bytes.len() < EVENT_BYTES / 2, "{} bytes", bytes.len());
        assert_eq!(Event::decode(&bytes).unwrap(), event);
    }
}

#[test]
fn too_much_is_refused_before_it_is_parsed() {
    let fault = Event::decode(&vec![b'['; EVENT_BYTES + 1]).unwrap_err();
    assert!(fault.message().contains("4096"), "{}", fault.message());
}

#[test]
fn no_text_in_an_event_can_deceive() {
    for text in ["a\u{1b}[2J", "a\nb", "\u{202e}cod.exe", "", "a b", "\"", "\\", "é"] {
        assert!(Name::new(text).is_err(), "{text:?}");
    }
    assert_eq!(Text::of("GET /a\u{1b}[2J\n").as_str(), "GET /a\\u{1b}[2J\\u{a}");
    let long = Text::of(&"é".repeat(TEXT_BYTES));
    assert!(long.as_str().len() <= TEXT_BYTES && long.as_str().ends_with('…'));
    // A log that was written by something else cannot smuggle one in either.
    let line = VERSION_1.lines().find(|line| line.contains("POST /payments")).unwrap();
    assert!(Event::decode(line.replace("POST /payments", "POST\\u001b[2J").as_bytes()).is_err());
}

proptest! {
    #[test]
    fn no_bytes_are_too_strange(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        drop(Event::decode(&bytes));
    }

    /// Each event has one spelling, so no change of a byte is the same event.
    #[test]
    fn one_changed_byte_is_another_event_or_none(which in any::<prop::sample::Index>(), at in any::<prop::sample::Index>(), to in any::<u8>()) {
        let event = every().remove(which.index(every().len()));
        let mut bytes = event.encode();
        let at = at.index(bytes.len());
        prop_assume!(bytes[at] != to);
        bytes[at] = to;
        if let Ok(other) = Event::decode(&bytes) {
            prop_assert_ne!(other, event);
        }
    }

    #[test]
    fn names_are_what_they_were(text in "[!#-\\[\\]-~]{1,128}") {
        let name = name(&text);
        prop_assert_eq!(name.as_str(), text);
    }
}
