//! How a run ended and what it used.

use serde::{Deserialize, Serialize};
use stepward_fault::Fault;
use stepward_seam::{HostCall, HostReply, LimitName, Usage};

/// Everything that one run leaves.
#[derive(Debug)]
pub struct Finished {
    /// How it ended.
    pub outcome: Outcome,
    /// What it used. `wall_us` is left at 0: there is no clock in this room.
    pub usage: Usage,
    /// The host calls in order, with what they were answered.
    pub calls: Vec<Recorded>,
}

/// How a run ended.
#[derive(Debug)]
pub enum Outcome {
    /// The step returned this JSON document.
    Succeeded(String),
    /// The step returned an error, panicked or trapped.
    Failed(StepError),
    /// This limit ran out.
    LimitExceeded(LimitName),
    /// The host ended the run.
    Refused(Fault),
}

/// A step's error, as it may be shown: cut to length, control characters escaped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StepError {
    /// Whether trying again can help.
    pub kind: StepErrorKind,
    /// A stable name: the step's own, or `panic`, `trap`, `output-not-json`.
    pub code: String,
    /// For people.
    pub message: String,
}

/// Whether trying again can help.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepErrorKind {
    /// The same input may succeed later.
    Retryable,
    /// The same input will fail again.
    Permanent,
}

/// Longest error code, in bytes.
const CODE_BYTES: usize = 64;
/// Longest error message, in bytes.
const MESSAGE_BYTES: usize = 4 << 10;

impl StepError {
    /// Takes over what a guest said: the text is escaped, and cut with a mark where it is too long.
    pub fn from_guest(kind: StepErrorKind, code: &str, message: &str) -> Self {
        Self { kind, code: cut(code, CODE_BYTES), message: cut(message, MESSAGE_BYTES) }
    }
}

fn cut(text: &str, most: usize) -> String {
    let end = text.floor_char_boundary(most);
    let (head, rest) = text.split_at(end);
    let shown = stepward_fault::shown(head);
    if rest.is_empty() { shown.to_string() } else { format!("{shown}… [{} bytes cut]", rest.len()) }
}

/// One host call and its answer, without the bytes of revealed secrets.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recorded {
    /// What the guest asked.
    pub call: HostCall,
    /// What it was answered; absent when the run ended in this call.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reply: Option<HostReply>,
}

#[cfg(test)]
mod tests {
    use super::{MESSAGE_BYTES, StepError, StepErrorKind};

    #[test]
    fn long_and_deceptive_text_is_cut_and_escaped() {
        let long = "é".repeat(MESSAGE_BYTES);
        let error = StepError::from_guest(StepErrorKind::Permanent, "a\u{1b}[31m", &long);
        assert_eq!(error.code, "a\\u{1b}[31m");
        assert!(
            error.message.ends_with(&format!("… [{MESSAGE_BYTES} bytes cut]")),
            "{}",
            error.message.len()
        );
    }
}
