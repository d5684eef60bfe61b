//! Compiled code that was kept. Seeds: `corpus/native`.
#![no_main]

#[path = "../checks/native.rs"]
mod check;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = check::check(bytes);
});
