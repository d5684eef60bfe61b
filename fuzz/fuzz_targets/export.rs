//! The export of a log. Seeds: `corpus/export`.
#![no_main]

#[path = "../checks/export.rs"]
mod check;
#[path = "../checks/log.rs"]
mod log;
#[path = "../checks/report.rs"]
mod report;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = check::check(bytes);
});
