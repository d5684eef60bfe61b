//! A trace of a run. Seeds: `corpus/trace`.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| {
    let _ = stepward::Trace::from_json(text, "trace.json");
});
