//! The schemas that a component carries. Seeds: `corpus/schema`.
#![no_main]

#[path = "../checks/schema.rs"]
mod check;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = check::check(bytes);
});
