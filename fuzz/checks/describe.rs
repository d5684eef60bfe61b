//! What holds of every module that is asked to describe a step.
#![allow(clippy::unwrap_used, reason = "the module around the bytes is sound")]

use std::fmt::Write as _;
use stepward_fault::Fault;

/// Longest description.
const DESCRIPTION_BYTES: usize = 1 << 20;

/// Asks the bytes for a description, where they begin like a module; else a sound module that answers
/// with the bytes, whose answer is taken exactly when it is text.
pub(crate) fn check(bytes: &[u8]) -> Result<String, Fault> {
    if bytes.starts_with(b"\0asm") {
        return stepward_sandbox::describe(bytes)
            .inspect(|text| assert!(text.len() <= DESCRIPTION_BYTES, "{} bytes", text.len()));
    }
    let answered = stepward_sandbox::describe(&answering(bytes));
    assert_eq!(answered.as_deref().ok(), std::str::from_utf8(bytes).ok());
    answered
}

fn answering(bytes: &[u8]) -> Vec<u8> {
    let mut escaped = String::new();
    for byte in bytes.len().to_le_bytes().iter().take(4).chain(bytes) {
        write!(escaped, "\\{byte:02x}").unwrap();
    }
    wat::parse_str(format!(
        r#"(module
            (memory (export "memory") 17)
            (data (i32.const 16) "\18\00\00\00")
            (data (i32.const 20) "{escaped}")
            (func (export "stepward-describe") (result i32) i32.const 16))"#
    ))
    .unwrap()
}
