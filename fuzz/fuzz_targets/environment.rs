//! An environment file. Seeds: `corpus/environment`.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| {
    let _ = stepward::broker::Environment::parse(text, "environment.toml");
});
