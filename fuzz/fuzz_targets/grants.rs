//! A path pattern, a label, or the grants of a step. Seeds: `corpus/grants`.
#![no_main]

#[path = "../checks/grants.rs"]
mod check;

libfuzzer_sys::fuzz_target!(|text: &str| {
    let _ = check::check(text);
});
