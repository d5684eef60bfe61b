//! A run written down: enough to run it again without effects.

use serde::{Deserialize, Serialize};
use stepward_fault::{Class, Fault, Owner, Rule};
use stepward_sandbox::{Outcome, Recorded, StepError};
use stepward_seam::{HostCall, HostReply, Label, LimitName, LimitTable, Limits, Usage};
use stepward_trust::Digest;

/// A trace that cannot be read.
const TRACE: Rule = Rule::new("trace-format");
/// The format's name, in every file.
const SCHEMA: &str = "stepward.trace/1";

/// What one step was given, asked, was answered and left.
///
/// It holds the input and every reply, so it is as confidential as they are. It holds no revealed
/// secret: name, version and a keyed fingerprint stand in for it.
#[derive(Debug)]
pub struct Trace {
    /// The run.
    pub run: String,
    /// The step in its workflow.
    pub step: String,
    /// The component.
    pub component: Digest,
    /// The fingerprint of the engine that ran it.
    pub engine: Digest,
    /// The limits it ran under.
    pub limits: Limits,
    /// The input, a JSON document.
    pub input: String,
    /// Its host calls in order.
    pub calls: Vec<Recorded>,
    /// How it ended.
    pub end: End,
    /// What it used.
    pub usage: Usage,
    /// What came of effects after the run had ended. Nothing of it reached the step, so a replay
    /// passes over it.
    pub late: Vec<Late>,
}

/// What came of one effect when the step that asked for it was gone: its wall time had run out, or
/// the run was cancelled. The request was sent all the same.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Late {
    /// The call, counted from 0 in [`Trace::calls`]; it has no reply there.
    pub call: usize,
    /// Milliseconds from the request to its end, or until it was no longer waited for.
    pub after_ms: u64,
    /// What came.
    pub answer: LateAnswer,
}

/// The end of a late effect.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LateAnswer {
    /// What the step would have been told.
    Reply(HostReply),
    /// The endpoint answered, so the request was acted on; the answer held this secret and was
    /// withheld.
    Withheld(Label),
    /// Nothing, for as long as it was waited for: the endpoint may have acted on it, or may yet.
    Unknown,
}

/// How a run ended, with the output as its digest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "kebab-case", deny_unknown_fields)]
pub enum End {
    /// The step returned a document.
    Succeeded {
        /// The document's digest.
        output: Digest,
    },
    /// The step returned an error, panicked or trapped.
    Failed {
        /// The error.
        error: StepError,
    },
    /// A limit ran out.
    LimitExceeded {
        /// The limit.
        limit: LimitName,
    },
    /// The host ended the run.
    Refused {
        /// The rule.
        rule: String,
    },
}

impl End {
    /// The end that an outcome is.
    pub fn of(outcome: &Outcome) -> Self {
        match outcome {
            Outcome::Succeeded(output) => Self::Succeeded { output: Digest::of(output.as_bytes()) },
            Outcome::Failed(error) => Self::Failed { error: error.clone() },
            Outcome::LimitExceeded(limit) => Self::LimitExceeded { limit: *limit },
            Outcome::Refused(fault) => Self::Refused { rule: fault.rule().as_str().to_owned() },
        }
    }
}

#[derive(Serialize)]
struct Written<'a> {
    schema: &'static str,
    run: &'a str,
    step: &'a str,
    component: Digest,
    engine: Digest,
    limits: &'a Limits,
    input: &'a str,
    calls: &'a [Recorded],
    end: &'a End,
    usage: Usage,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    late: &'a [Late],
}

/// Read where the whole cannot be, so that another version is called by its name and not by the
/// fields that it lacks.
#[derive(Deserialize)]
struct Head {
    schema: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Read {
    schema: String,
    run: String,
    step: String,
    component: Digest,
    engine: Digest,
    limits: LimitTable,
    input: String,
    calls: Vec<Recorded>,
    end: End,
    usage: Usage,
    #[serde(default)]
    late: Vec<Late>,
}

impl Read {
    /// The first late answer whose call is none of an effect without a reply.
    fn misplaced(&self) -> Option<usize> {
        self.late.iter().map(|late| late.call).find(|call| match self.calls.get(*call) {
            Some(Recorded { call: HostCall::Http { request, .. }, reply: None }) => request.method.is_read(),
            Some(_) | None => true,
        })
    }
}

impl Trace {
    /// The trace as a JSON document.
    ///
    /// # Errors
    /// When it cannot be serialised, which is a defect.
    pub fn to_json(&self) -> Result<String, Fault> {
        let Self { run, step, component, engine, limits, input, calls, end, usage, late } = self;
        let written = Written {
            schema: SCHEMA,
            run,
            step,
            component: *component,
            engine: *engine,
            limits,
            input,
            calls,
            end,
            usage: *usage,
            late,
        };
        serde_json::to_string_pretty(&written).map_err(|error| {
            Fault::new(Class::Internal, Owner::Stepward, TRACE)
                .says(format_args!("the trace cannot be written: {error}"))
                .hint("please report this")
        })
    }

    /// Reads a trace; `place` names the file in refusals.
    ///
    /// # Errors
    /// When the text is not a trace of this version.
    pub fn from_json(text: &str, place: &str) -> Result<Self, Fault> {
        let bad = |what: String| {
            Fault::new(Class::BadInput, Owner::Caller, TRACE)
                .at(place)
                .says(what)
                .hint(format_args!("give a trace as `stepward run` writes it, with \"schema\": \"{SCHEMA}\""))
        };
        let other = |schema: &str| bad(format!("a file of the format `{schema}`, not `{SCHEMA}`"));
        let read: Read = serde_json::from_str(text).map_err(|error| match serde_json::from_str(text) {
            Ok(Head { schema }) if schema != SCHEMA => other(&schema),
            Ok(_) | Err(_) => bad(format!("not a trace: {error}")),
        })?;
        if read.schema != SCHEMA {
            return Err(other(&read.schema));
        }
        if let Some(call) = read.misplaced() {
            return Err(bad(format!("a late answer to call {call}, which is no effect that waits for one")));
        }
        // A trace has every limit, also those that another one of the run made idle.
        let mut limits = Limits::default();
        for (name, value) in read.limits.iter() {
            limits.set(name, value).map_err(|error| bad(error.to_string()))?;
        }
        Ok(Self {
            run: read.run,
            step: read.step,
            component: read.component,
            engine: read.engine,
            limits,
            input: read.input,
            calls: read.calls,
            end: read.end,
            usage: read.usage,
            late: read.late,
        })
    }
}
