//! What holds of all bytes that stand where a log has an event.
#![allow(clippy::unwrap_used, reason = "what was decoded is text")]

use serde_json::Value;
use stepward_fault::{Fault, shown};
use stepward_ledger::event::{Event, Name};

/// Longest event, and longest text in one, in bytes.
const EVENT_BYTES: usize = 4096;
const TEXT_BYTES: usize = 200;

/// Reads the bytes. An event is bounded, has one spelling, and nothing in it can deceive a reader; only a
/// version that is not known yet is nobody's fault.
pub(crate) fn check(bytes: &[u8]) -> Result<Event, Fault> {
    let event = Event::decode(bytes).inspect_err(|fault| refused(fault, bytes))?;
    assert!(bytes.len() <= EVENT_BYTES, "{} bytes", bytes.len());
    assert_eq!(event.encode(), bytes);
    let text = std::str::from_utf8(bytes).unwrap();
    assert_eq!(shown(text).to_string(), text);
    let told: Value = serde_json::from_str(text).unwrap();
    texts(&told, &|text| {
        assert_eq!(shown(text).to_string(), text);
        assert!(text.len() <= TEXT_BYTES, "{text:?}");
    });
    assert_eq!(told["seq"], event.sequence);
    assert_eq!(told["action"], event.what.action());
    assert_eq!(told["actor"]["kind"], event.actor.kind());
    for (key, value) in [("run", &event.run), ("step", &event.step)] {
        assert_eq!(told.get(key).and_then(Value::as_str), value.as_ref().map(Name::as_str));
    }
    Ok(event)
}

/// Every text in a value, keys too.
fn texts(value: &Value, take: &impl Fn(&str)) {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
        Value::String(text) => take(text),
        Value::Array(values) => values.iter().for_each(|value| texts(value, take)),
        Value::Object(fields) => fields.iter().for_each(|(key, value)| {
            take(key);
            texts(value, take);
        }),
    }
}

/// The reason is true, and can be shown.
fn refused(fault: &Fault, bytes: &[u8]) {
    let version = serde_json::from_slice::<Value>(bytes).ok().and_then(|told| told.get("v")?.as_u64());
    let newer = bytes.len() <= EVENT_BYTES && version.is_some_and(|version| version > 1);
    assert_eq!(fault.rule().as_str(), if newer { "event-version" } else { "event-format" }, "{fault}");
    assert_eq!(shown(fault.message()).to_string(), fault.message());
}
