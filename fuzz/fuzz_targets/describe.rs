//! A core module that is asked to describe its step. Seeds: `corpus/describe`.
#![no_main]

#[path = "../checks/describe.rs"]
mod check;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = check::check(bytes);
});
