//! A workflow file. Seeds: `corpus/workflow`.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| {
    let _ = stepward_flow::Workflow::parse(text, "workflow.toml");
});
