//! What a worker sends its parent. Seeds: `corpus/protocol`.
#![no_main]

#[path = "../checks/protocol.rs"]
mod check;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = check::check(bytes);
});
