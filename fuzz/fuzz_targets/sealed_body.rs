//! The sealed body of an event. Seeds: `corpus/sealed_body`.
#![no_main]

#[path = "../checks/sealed_body.rs"]
mod check;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = check::check(bytes);
});
