//! The evidence of a run. Seeds: `corpus/evidence`.
#![no_main]

#[path = "../checks/evidence.rs"]
mod check;
#[path = "../checks/log.rs"]
mod log;
#[path = "../checks/report.rs"]
mod report;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = check::check(bytes);
});
