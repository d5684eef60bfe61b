//! A scripted case of a step. Seeds: `corpus/case`.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| {
    let _ = stepward::Case::from_json(text, "case.json");
});
