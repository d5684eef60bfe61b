//! A lock file. Seeds: `corpus/lock`.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| {
    let _ = stepward_trust::Lock::parse(text, "stepward.lock");
});
