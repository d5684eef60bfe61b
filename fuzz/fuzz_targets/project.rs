//! A project file. Seeds: `corpus/project`.
#![no_main]

#[path = "../checks/project.rs"]
mod check;

libfuzzer_sys::fuzz_target!(|text: &str| {
    let _ = check::check(text, "stepward.toml");
});
