//! The resolver configuration of the machine. Seeds: `corpus/resolv`.
#![no_main]

#[path = "../checks/resolv.rs"]
mod check;

libfuzzer_sys::fuzz_target!(|text: &str| {
    let _ = check::check(text);
});
