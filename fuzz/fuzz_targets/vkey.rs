//! A verifier key. Seeds: `corpus/vkey`.
#![no_main]

#[path = "../checks/vkey.rs"]
mod check;

libfuzzer_sys::fuzz_target!(|text: &str| {
    let _ = check::check(text);
});
