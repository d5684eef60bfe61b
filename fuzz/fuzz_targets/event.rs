//! An event of the log. Seeds: `corpus/event`.
#![no_main]

#[path = "../checks/event.rs"]
mod check;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = check::check(bytes);
});
