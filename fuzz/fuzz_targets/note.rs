//! A signed note, and a checkpoint. Seeds: `corpus/note`.
#![no_main]

#[path = "../checks/note.rs"]
mod check;
#[path = "../checks/log.rs"]
mod log;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = check::check(bytes);
});
