//! A claim about a Merkle tree. Seeds: `corpus/merkle`.
#![no_main]

#[path = "../checks/merkle.rs"]
mod check;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = check::check(bytes);
});
