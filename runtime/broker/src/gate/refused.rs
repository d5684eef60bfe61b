//! Refusals of the gate.

use crate::guard::Guard;
use std::fmt;
use stepward_fault::{Class, Fault, Owner, Rule};
use stepward_seam::Refusal;

/// The method is not granted.
pub(crate) const METHOD: Rule = Rule::new("endpoint-method");
/// The path is not granted.
pub(crate) const PATH: Rule = Rule::new("endpoint-path");
/// A path segment is empty, a dot segment, or holds a character that would leave it.
pub(crate) const SEGMENT: Rule = Rule::new("endpoint-path-segment");
/// A query pair that belongs to the host.
pub(crate) const QUERY: Rule = Rule::new("endpoint-query");
/// A header that belongs to the host.
pub(crate) const HEADER: Rule = Rule::new("endpoint-header");
/// A header that is malformed or stands there twice.
pub(crate) const HEADER_SYNTAX: Rule = Rule::new("endpoint-header-syntax");
/// A body where there can be none.
pub(crate) const BODY: Rule = Rule::new("endpoint-body");
/// Too many or too large parts.
pub(crate) const SIZE: Rule = Rule::new("endpoint-request-size");
/// An effect without an operation label, a read with one, or a malformed one.
pub(crate) const OPERATION: Rule = Rule::new("endpoint-operation");
/// An operation label that was used for another request.
pub(crate) const OPERATION_REUSED: Rule = Rule::new("endpoint-operation-reused");
/// An operation that may have been carried out, at an endpoint that would do it twice.
pub(crate) const OPERATION_REPEATED: Rule = Rule::new("endpoint-operation-repeated");

/// The gate did not let a request out.
#[derive(Clone, PartialEq, Eq)]
pub struct Refused {
    owner: Owner,
    rule: Rule,
    message: String,
    hint: String,
    /// Message and hint for logs, where those quote what the guest wrote.
    in_logs: Option<(&'static str, String)>,
}

impl Refused {
    /// A refusal; `message` goes to the step's author and names no file, host or address.
    pub(crate) fn new(owner: Owner, rule: Rule, message: impl fmt::Display) -> Self {
        Self { owner, rule, message: message.to_string(), hint: String::new(), in_logs: None }
    }

    /// The refusal without the secrets in it: its texts may quote what the step asked for, and go to
    /// logs and records.
    #[must_use]
    pub(crate) fn redacted(&self, guard: &Guard) -> Self {
        let (message, hint) = (guard.redact_text(&self.message), guard.redact_text(&self.hint));
        Self { message, hint, ..self.clone() }
    }

    /// What logs are told instead of what quotes the guest: a label or a path may be a person's number.
    #[must_use]
    pub(crate) fn in_logs(mut self, message: &'static str, hint: impl fmt::Display) -> Self {
        self.in_logs = Some((message, hint.to_string()));
        self
    }

    /// Message and hint without anything that the guest wrote.
    pub(crate) fn for_logs(&self) -> (&str, &str) {
        match &self.in_logs {
            Some((message, hint)) => (message, hint),
            None => (&self.message, &self.hint),
        }
    }

    /// What to do about it; it may name files, and is for operators and workflow authors.
    #[must_use]
    pub(crate) fn hint(mut self, hint: impl fmt::Display) -> Self {
        self.hint = hint.to_string();
        self
    }

    /// The rule.
    pub fn rule(&self) -> Rule {
        self.rule
    }

    /// What to do about it: the line to add, and the file.
    pub fn remedy(&self) -> &str {
        &self.hint
    }

    /// What the guest learns.
    pub fn for_guest(&self) -> Refusal {
        Refusal { rule: self.rule.as_str().to_owned(), message: self.message.clone() }
    }

    /// The refusal as a fault at `place`.
    pub fn fault(&self, place: impl fmt::Display) -> Fault {
        Fault::new(Class::Refused, self.owner, self.rule).at(place).says(&self.message).hint(&self.hint)
    }
}

impl fmt::Debug for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.fault(""))
    }
}
