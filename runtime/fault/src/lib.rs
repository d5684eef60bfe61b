//! What went wrong, whose fault it was, which rule said so, and what to do.
//!
//! Every refusal of Stepward, whichever room it comes from, ends as one [`Fault`]. It has one shape
//! on a terminal, in JSON and in a service's reply, and its [`Class`] alone decides the exit code.
//!
//! ```
//! use stepward_fault::{Class, Fault, Owner, Rule};
//!
//! const UNKNOWN_STEP: Rule = Rule::new("workflow-unknown-step");
//!
//! let fault = Fault::new(Class::BadInput, Owner::WorkflowAuthor, UNKNOWN_STEP)
//!     .at("workflows/approve.toml:12")
//!     .says("the step `post-paymnet` is not in stepward.toml")
//!     .hint("did you mean `post-payment`?");
//! assert_eq!(fault.class().exit_code(), 9);
//! ```
#![forbid(unsafe_code)]

mod shown;

pub use shown::{Shown, shown};

use serde::Serialize;
use std::fmt;

/// The name of a rule, in kebab case. Stable: people search for it and scripts match on it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct Rule(&'static str);

impl Rule {
    /// Names a rule. Each room keeps its rules as constants beside the check that applies them.
    pub const fn new(name: &'static str) -> Self {
        Self(name)
    }

    /// The name.
    pub const fn as_str(self) -> &'static str {
        self.0
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// Who can put it right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Owner {
    /// Whoever started this command or request, by its arguments or its input.
    Caller,
    /// Whoever wrote or built the step.
    StepAuthor,
    /// Whoever wrote the workflow or the project file.
    WorkflowAuthor,
    /// Whoever runs the environment: bindings, secrets, ceilings, the machine.
    Operator,
    /// The Rust program that embeds the runtime.
    Embedder,
    /// The service behind an endpoint.
    Upstream,
    /// Stepward itself: please report it.
    Stepward,
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Caller => "caller",
            Self::StepAuthor => "step author",
            Self::WorkflowAuthor => "workflow author",
            Self::Operator => "operator",
            Self::Embedder => "embedder",
            Self::Upstream => "upstream",
            Self::Stepward => "Stepward",
        })
    }
}

/// What kind of end this is. The exit codes are part of the command line's contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// The command line itself is wrong.
    Usage,
    /// A rule refused what was asked.
    Refused,
    /// A step answered with an error, panicked or trapped.
    StepFailed,
    /// A limit ran out.
    LimitExceeded,
    /// A person must decide before this can go on.
    Waiting,
    /// Something that is needed cannot be reached now.
    Unavailable,
    /// A signature, digest, trace or log does not hold.
    EvidenceInvalid,
    /// A file or an input is malformed.
    BadInput,
    /// A defect of Stepward.
    Internal,
    /// The caller cancelled.
    Cancelled,
}

impl Class {
    /// The exit code of the `stepward` binary for this class.
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Usage => 2,
            Self::Refused => 3,
            Self::StepFailed => 4,
            Self::LimitExceeded => 5,
            Self::Waiting => 6,
            Self::Unavailable => 7,
            Self::EvidenceInvalid => 8,
            Self::BadInput => 9,
            Self::Internal => 70,
            Self::Cancelled => 130,
        }
    }
}

/// One refusal or failure, whole enough to act on.
///
/// The text may quote what a guest or a file said; [`fmt::Display`] and the JSON form carry it with
/// control characters already escaped by [`shown`].
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct Fault {
    class: Class,
    owner: Owner,
    rule: Rule,
    place: String,
    message: String,
    hint: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<&'static str>,
}

impl Fault {
    /// Starts a fault; [`at`](Self::at), [`says`](Self::says) and [`hint`](Self::hint) complete it.
    pub fn new(class: Class, owner: Owner, rule: Rule) -> Self {
        Self {
            class,
            owner,
            rule,
            place: String::new(),
            message: String::new(),
            hint: String::new(),
            limit: None,
        }
    }

    /// Where: a file and line, a step, an endpoint.
    #[must_use]
    pub fn at(mut self, place: impl fmt::Display) -> Self {
        self.place = shown(&place.to_string()).to_string();
        self
    }

    /// Where in a text: `file:line:column`, both from 1, the column in characters. An offset past
    /// the end is the end.
    #[must_use]
    pub fn at_offset(self, file: &str, text: &str, offset: usize) -> Self {
        let before = text.get(..offset).unwrap_or(text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        self.at(format_args!("{file}:{line}:{column}"))
    }

    /// What, in one or two sentences.
    #[must_use]
    pub fn says(mut self, message: impl fmt::Display) -> Self {
        self.message = shown(&message.to_string()).to_string();
        self
    }

    /// What to do: the line to add, the command to run. Lines are kept.
    #[must_use]
    pub fn hint(mut self, hint: impl fmt::Display) -> Self {
        self.hint =
            hint.to_string().lines().map(|line| shown(line).to_string()).collect::<Vec<_>>().join("\n");
        self
    }

    /// The name of the limit that ran out, for faults of [`Class::LimitExceeded`].
    #[must_use]
    pub fn limit(mut self, name: &'static str) -> Self {
        self.limit = Some(name);
        self
    }

    /// The name of the limit that ran out, if that is what happened.
    pub fn limited(&self) -> Option<&'static str> {
        self.limit
    }

    /// What kind of end this is.
    pub fn class(&self) -> Class {
        self.class
    }

    /// Who can put it right.
    pub fn owner(&self) -> Owner {
        self.owner
    }

    /// The rule that refused.
    pub fn rule(&self) -> Rule {
        self.rule
    }

    /// Where it went wrong; empty when there is no narrower place than the command.
    pub fn place(&self) -> &str {
        &self.place
    }

    /// What went wrong.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What to do about it.
    pub fn remedy(&self) -> &str {
        &self.hint
    }
}

/// One line: place, message and rule. The remedy is for the renderer to set apart.
impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.place.is_empty() {
            write!(f, "{}: ", self.place)?;
        }
        write!(f, "{} [{}]", self.message, self.rule)
    }
}

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self} ({}; {:?}; hint: {})", self.owner, self.class, self.hint)
    }
}

impl std::error::Error for Fault {}
