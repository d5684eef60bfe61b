//! An environment's key under a passphrase. Seeds: `corpus/sealed_key`.
#![no_main]

#[path = "../checks/sealed_key.rs"]
mod check;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = check::check(bytes);
});
