//! A proof that an event is in a log. Seeds: `corpus/proof`.
#![no_main]

#[path = "../checks/proof.rs"]
mod check;
#[path = "../checks/log.rs"]
mod log;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = check::check(bytes);
});
