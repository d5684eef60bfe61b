//! What a witness answers. Seeds: `corpus/witness_response`.
#![no_main]

#[path = "../checks/witness_response.rs"]
mod check;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = check::check(bytes);
});
