//! Why a step failed.

use std::fmt;

/// Why a step failed: whether trying again can help, a stable code, and words for a person.
///
/// ```
/// use stepward_sdk::StepError;
///
/// let error = StepError::permanent("supplier-unknown", "supplier 17 is not in the ERP");
/// assert_eq!(error.code(), "supplier-unknown");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepError {
    kind: ErrorKind,
    code: String,
    message: String,
}

/// Whether trying again can help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The same input may succeed later.
    Retryable,
    /// The same input will fail again.
    Permanent,
}

impl StepError {
    /// An error that may go away by itself: the same input may succeed later.
    ///
    /// `code` is a stable name in kebab case that workflows match on; `message` is one or two
    /// sentences for a person.
    pub fn retryable(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { kind: ErrorKind::Retryable, code: code.into(), message: message.into() }
    }

    /// An error that will come again with the same input. Takes what [`retryable`](Self::retryable)
    /// takes.
    pub fn permanent(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { kind: ErrorKind::Permanent, code: code.into(), message: message.into() }
    }

    /// Whether trying again can help.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The stable name.
    pub fn code(&self) -> &str {
        &self.code
    }

    /// The words for a person.
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for StepError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} [{}]", self.message, self.code)
    }
}

impl std::error::Error for StepError {}

/// A document that is not of the shape that the step needs: permanent, code `json-invalid`.
impl From<serde_json::Error> for StepError {
    fn from(error: serde_json::Error) -> Self {
        Self::permanent("json-invalid", error.to_string())
    }
}

/// The host refused the use of a signer or a secret.
///
/// Becomes a permanent [`StepError`] with the code `grant-refused`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    rule: String,
}

impl Refused {
    pub(crate) fn new(rule: impl Into<String>) -> Self {
        Self { rule: rule.into() }
    }

    /// The name of the rule that refused it.
    pub fn rule(&self) -> &str {
        &self.rule
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the host refused this by its rule `{}`", self.rule)
    }
}

impl std::error::Error for Refused {}

impl From<Refused> for StepError {
    fn from(refused: Refused) -> Self {
        Self::permanent("grant-refused", refused.to_string())
    }
}
