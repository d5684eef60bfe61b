//! The events of a run. Seeds: `corpus/runs`.
#![no_main]

#[path = "../checks/runs.rs"]
mod check;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = check::check(bytes);
});
