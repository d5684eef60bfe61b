//! What is reported, read back from the very bytes.

use super::{Line, layer};
use serde_json::{Map, Value, json};
use std::{
    io,
    sync::{Arc, Mutex},
};
use stepward_ledger::event::Event;
use tracing_subscriber::layer::SubscriberExt as _;

/// One event of every kind, with every word, as version 1 of the encoding wrote it.
const EVENTS: &str = include_str!("../../../ledger/tests/event/v1.jsonl");

#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl io::Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What is reported while something is done.
fn reported(json: bool, work: impl FnOnce()) -> String {
    let kept = Kept::default();
    let to = kept.clone();
    let reports = layer(json, move || Line::to(to.clone(), json));
    tracing::subscriber::with_default(tracing_subscriber::registry().with(reports), work);
    let bytes = kept.0.lock().unwrap().clone();
    String::from_utf8(bytes).unwrap()
}

/// The fields of an event under the names that a report has for them.
fn fields(event: &str) -> Map<String, Value> {
    let mut fields: Map<String, Value> = serde_json::from_str(event).unwrap();
    let actor = fields.remove("actor").unwrap();
    let actor = actor.as_object().unwrap().iter();
    fields.extend(actor.map(|(name, value)| (format!("actor.{name}"), value.clone())));
    fields
}

#[test]
fn every_event_is_reported_with_the_names_and_values_of_the_log() {
    for encoded in EVENTS.lines() {
        let event = Event::decode(encoded.as_bytes()).unwrap();
        let line = reported(true, || event.tell());
        let line: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(line["target"], "stepward::event");
        assert_eq!(line["fields"], Value::Object(fields(encoded)), "{line}");
        let text = reported(false, || event.tell());
        for (name, value) in fields(encoded) {
            assert!(
                text.contains(&format!(" {name}={value}")) || text.contains(&told(&name, &value)),
                "{text}"
            );
        }
    }
}

/// What is shown, and not recorded as text, has no quotation marks.
fn told(name: &str, value: &Value) -> String {
    format!(" {name}={}", value.as_str().unwrap_or_default())
}

#[test]
fn nothing_that_is_reported_forges_a_line() {
    let evil = "a\u{1b}[2J\r\n2026 ERROR \u{9b}2J\u{202e}\u{200b}\"}\u{7f}\u{2028}\t\\";
    for json in [false, true] {
        let text = reported(json, || {
            tracing::warn!(target: "stepward::step", step = %evil, quoted = evil, "{evil}");
            tracing::warn!(target: "stepward::step", "next");
        });
        assert_eq!(text.lines().count(), 2, "{text:?}");
        let steers = |c: char| c != '\n' && (c.is_control() || ('\u{200b}'..='\u{202e}').contains(&c));
        assert!(!text.contains(steers), "{text:?}");
        if json {
            let line: Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
            assert_eq!((&line["fields"]["step"], &line["fields"]["quoted"]), (&json!(evil), &json!(evil)));
        }
    }
}
