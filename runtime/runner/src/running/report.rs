//! How a run is shown: one JSON object, or a table and what each step reached.

use super::{
    execute::{Ran, Story},
    heard::{Late, Refused},
    late::{self, LateJson},
    workplace::Isolated,
};
use crate::render::{BAD, DIM, GOOD, Output, STRONG, Table, WARN, bytes, count, duration, styled};
use serde::Serialize;
use serde_json::value::RawValue;
use std::{collections::BTreeSet, path::Path, process::ExitCode};
use stepward::{Outcome, Recorded, StepErrorKind};
use stepward_fault::{Class, Fault, Owner, Rule, shown};
use stepward_seam::{HostCall, HostReply, HttpFailure, LimitName, Limits, Usage};
use stepward_trust::Digest;

/// The rule that a step's own error ends a run.
const STEP_FAILED: Rule = Rule::new("step-failed");
/// The rule that a limit ends a run.
const LIMIT_EXCEEDED: Rule = Rule::new("limit-exceeded");
/// Lines of the output document that people are shown.
const OUTPUT_LINES: usize = 40;

/// A run that ended, or was refused before it began.
pub(crate) struct Report<'a> {
    /// The workflow or step.
    pub(crate) name: &'a str,
    /// What came of it.
    pub(crate) story: &'a Story,
    /// Effects that ended when their step was gone.
    pub(crate) late: &'a [Late],
    /// Where they ran; none where no worker was started.
    pub(crate) isolated: Option<&'a Isolated>,
    /// Why no further step ran, where it was not the last step's outcome.
    pub(crate) fault: Option<&'a Fault>,
    /// Why the log was not left in order. The end of the run is durable all the same.
    pub(crate) unkept: Option<&'a Fault>,
}

#[derive(Serialize)]
struct Json<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    run: Option<&'a str>,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    output: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Error>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    taken: Vec<&'a str>,
    steps: Vec<StepJson<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    late: Vec<LateJson<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    isolation: Option<&'a Isolated>,
    #[serde(skip_serializing_if = "Option::is_none")]
    log_error: Option<&'a Fault>,
}

/// Why a run did not succeed: a fault, and for a step's own error its code and kind.
#[derive(Serialize)]
pub(crate) struct Error {
    #[serde(flatten)]
    fault: Fault,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<StepErrorKind>,
}

/// One step of a run, as JSON.
#[derive(Serialize)]
pub(crate) struct StepJson<'a> {
    name: &'a str,
    component: Digest,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<LimitName>,
    usage: Usage,
    reached: Vec<String>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    refusals: &'a [Refused],
    #[serde(skip_serializing_if = "Option::is_none")]
    trace: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace_error: Option<&'a Fault>,
    #[serde(skip_serializing_if = "Option::is_none")]
    case_error: Option<&'a Fault>,
}

impl<'a> StepJson<'a> {
    /// What a step left.
    pub(crate) fn of(ran: &'a Ran) -> Self {
        Self {
            name: &ran.name,
            component: ran.component,
            status: status(&ran.outcome),
            limit: match ran.outcome {
                Outcome::LimitExceeded(limit) => Some(limit),
                Outcome::Succeeded(_) | Outcome::Failed(_) | Outcome::Refused(_) => None,
            },
            usage: ran.usage,
            reached: ran.calls.iter().filter_map(reached).collect(),
            refusals: &ran.refusals,
            trace: ran.trace.as_deref().map(crate::files::from_here),
            trace_error: ran.lost.trace.as_ref(),
            case_error: ran.lost.case.as_ref(),
        }
    }
}

/// The word for an outcome, as `--json` writes it.
pub(crate) fn status(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Succeeded(_) => "succeeded",
        Outcome::Failed(_) => "failed",
        Outcome::LimitExceeded(_) => "limit-exceeded",
        Outcome::Refused(_) => "refused",
    }
}

/// Why a step did not succeed; nothing when it did.
pub(crate) fn error(step: &str, outcome: &Outcome, limits: &Limits) -> Option<Error> {
    match outcome {
        Outcome::Succeeded(_) => None,
        Outcome::Failed(error) => {
            let fault = Fault::new(Class::StepFailed, Owner::StepAuthor, STEP_FAILED)
                .at(format_args!("step {step}"))
                .says(format_args!("{}: {}", error.code, error.message))
                .hint(match error.kind {
                    StepErrorKind::Retryable => "the step says that trying again can help",
                    StepErrorKind::Permanent => "the step says that the same input will fail again",
                });
            Some(Error { fault, code: Some(error.code.clone()), kind: Some(error.kind) })
        }
        Outcome::LimitExceeded(name) => {
            let fault = Fault::new(Class::LimitExceeded, Owner::WorkflowAuthor, LIMIT_EXCEEDED)
                .limit(name.as_str())
                .at(format_args!("step {step}"))
                .says(format_args!("the limit {name} = {} {} ran out", count(limits.get(*name)), name.unit()))
                .hint(format_args!(
                    "if the step needs more, raise it in its entry in the workflow file:\n[steps.limits]\n{name} = …\n\
                     `stepward measure` suggests a value"
                ));
            Some(Error { fault, code: None, kind: None })
        }
        Outcome::Refused(fault) => {
            let fault = if fault.place().is_empty() {
                fault.clone().at(format_args!("step {step}"))
            } else {
                fault.clone()
            };
            Some(Error { fault, code: None, kind: None })
        }
    }
}

impl Report<'_> {
    fn error(&self) -> Option<Error> {
        match (self.fault, self.story.ran.last()) {
            (Some(fault), _) => Some(Error { fault: fault.clone(), code: None, kind: None }),
            (None, Some(last)) => error(&last.name, &last.outcome, &last.limits),
            (None, None) => None,
        }
    }

    fn status(&self) -> &'static str {
        match (self.fault, self.story.ran.last()) {
            (Some(fault), _) => match fault.class() {
                Class::StepFailed | Class::Internal | Class::Unavailable => "failed",
                Class::Waiting => "waiting",
                Class::Cancelled => "cancelled",
                Class::LimitExceeded => "limit-exceeded",
                Class::Refused | Class::Usage | Class::BadInput | Class::EvidenceInvalid => "refused",
            },
            (None, Some(last)) => status(&last.outcome),
            (None, None) => "succeeded",
        }
    }

    /// The exit code of a run without an error: a trace or case that is not there is one thing to look at.
    /// How the log was left is another, and says nothing of this run, whose end is durable: whoever takes
    /// it for a failure starts the run again.
    fn done(&self) -> u8 {
        let lost = self.story.ran.iter().any(|ran| ran.lost.any());
        if lost { Class::Unavailable.exit_code() } else { 0 }
    }

    /// Shows the run and gives the exit code.
    pub(crate) fn show(&self, output: &Output) -> ExitCode {
        let error = self.error();
        let code = ExitCode::from(
            error.as_ref().map_or_else(|| self.done(), |error| error.fault.class().exit_code()),
        );
        if output.is_json() {
            self.json(output, error);
            return code;
        }
        for taken in &self.story.taken {
            output.line(styled(
                DIM,
                format_args!("{}: had ended before; its output is taken from the log", shown(&taken.name)),
            ));
        }
        if !self.story.ran.is_empty() {
            output.line(self.table());
            self.reached(output);
        }
        if let Some(run) = &self.story.run {
            output.line(styled(DIM, format_args!("run: {run}")));
        }
        self.late(output);
        match (&error, self.document()) {
            (Some(error), _) => output.fault(&error.fault),
            (None, Some(document)) => {
                show_document(output, document);
                code
            }
            (None, None) => code,
        }
    }

    /// What the last step returned, now or before the run was interrupted.
    fn document(&self) -> Option<&str> {
        match (self.story.ran.last().map(|last| &last.outcome), self.story.taken.last()) {
            (Some(Outcome::Succeeded(document)), _) => Some(document),
            (Some(Outcome::Failed(_) | Outcome::LimitExceeded(_) | Outcome::Refused(_)), _) => None,
            (None, taken) => taken.and_then(|taken| taken.output.as_deref()),
        }
    }

    fn json(&self, output: &Output, error: Option<Error>) {
        let document = match self.fault {
            None => self.document().and_then(|document| RawValue::from_string(document.to_owned()).ok()),
            Some(_) => None,
        };
        let steps = self.story.ran.iter().map(StepJson::of);
        let json = Json {
            name: self.name,
            run: self.story.run.as_deref(),
            taken: self.story.taken.iter().map(|taken| taken.name.as_str()).collect(),
            log_error: self.unkept,
            status: self.status(),
            output: document,
            error,
            steps: steps.collect(),
            late: self.late.iter().map(LateJson::of).collect(),
            isolation: self.isolated,
        };
        output.json("stepward.run/1", &json);
    }

    fn table(&self) -> Table {
        let mut table = Table::new(&["step", "fuel", "memory", "calls", "time", "status"]);
        for ran in &self.story.ran {
            let style = if matches!(ran.outcome, Outcome::Succeeded(_)) { GOOD } else { BAD };
            table.row([
                styled(STRONG, shown(&ran.name)),
                count(ran.usage.fuel),
                bytes(ran.usage.peak_memory_bytes),
                count(ran.usage.host_calls),
                duration(ran.usage.wall_us),
                styled(style, status(&ran.outcome)),
            ]);
        }
        table
    }

    fn reached(&self, output: &Output) {
        let lines = self.story.ran.iter().flat_map(reached_by).collect::<Vec<_>>();
        output.line(if lines.is_empty() {
            "\nreached: nothing".to_owned()
        } else {
            format!("\nreached:\n{}", lines.join("\n"))
        });
        if let Some(last) = self.story.ran.last()
            && let Some(folder) = last.trace.as_deref().and_then(Path::parent)
        {
            output.line(styled(DIM, format_args!("traces: {}", crate::files::place(folder))));
        }
        if let Some(isolated) = self.isolated {
            output.line(isolated.line());
        }
    }

    fn late(&self, output: &Output) {
        if !self.late.is_empty() {
            output.line(styled(WARN, "\nlate: what came of effects whose step had ended"));
        }
        for late in self.late {
            output.line(format_args!("  {}", late::line(late)));
        }
    }
}

/// The calls of a step, each with what would allow it where it was refused; the same remedy once.
fn reached_by(ran: &Ran) -> Vec<String> {
    let mut told = BTreeSet::new();
    let mut lines = Vec::new();
    for (call, recorded) in ran.calls.iter().enumerate() {
        let Some(line) = reached(recorded) else { continue };
        lines.push(format!("  {} {line}", shown(&ran.name)));
        let refused = ran.refusals.iter().find(|refused| usize::try_from(refused.call) == Ok(call));
        for hint in refused.iter().flat_map(|refused| refused.hint.lines()).filter(|hint| told.insert(*hint))
        {
            lines.push(format!("      {}", styled(DIM, hint)));
        }
    }
    lines
}

/// What a call asks for, in words that are not escaped; nothing for a log line.
pub(crate) fn asked(call: &HostCall) -> Option<String> {
    Some(match call {
        HostCall::Log { .. } => return None,
        HostCall::Http { endpoint, request } => {
            format!("{endpoint} {} /{}", request.method.as_str(), request.path.join("/"))
        }
        HostCall::Sign { signer, message } => format!("{signer} signed {} bytes", message.len()),
        HostCall::Reveal { secret } => format!("{secret} REVEALED to the step"),
        HostCall::Now { clock } => format!("{clock} told the time"),
        HostCall::Random { random, count } => format!("{random} gave {count} bytes"),
    })
}

/// One call, as a person wants to see it; log lines are not among them.
pub(crate) fn reached(recorded: &Recorded) -> Option<String> {
    let text = asked(&recorded.call)?;
    let answer = match &recorded.reply {
        None => " → the run ended here".to_owned(),
        Some(HostReply::Http(Ok(response))) => format!(" → {}", response.status),
        Some(HostReply::Http(Err(HttpFailure::NotApplied(cause)))) => format!(" → not applied ({cause:?})"),
        Some(HostReply::Http(Err(HttpFailure::Unknown(cause)))) => format!(" → in doubt ({cause:?})"),
        Some(
            HostReply::Http(Err(HttpFailure::Refused(refusal)))
            | HostReply::Sign(Err(refusal))
            | HostReply::Reveal(Err(refusal)),
        ) => {
            format!(" → refused by {}", refusal.rule)
        }
        Some(
            HostReply::Sign(Ok(_))
            | HostReply::Reveal(Ok(_))
            | HostReply::Now(_)
            | HostReply::Random(_)
            | HostReply::Log,
        ) => String::new(),
    };
    Some(shown(&format!("{text}{answer}")).to_string())
}

fn show_document(output: &Output, document: &str) {
    let value: serde_json::Value = serde_json::from_str(document).unwrap_or_default();
    let pretty = serde_json::to_string_pretty(&value).unwrap_or_default();
    output.line("\noutput:");
    let lines = pretty.lines().count();
    for line in pretty.lines().take(OUTPUT_LINES) {
        output.line(format_args!("  {}", shown(line)));
    }
    if lines > OUTPUT_LINES {
        output.line(styled(DIM, format_args!("  … {} more lines; --json prints all", lines - OUTPUT_LINES)));
    }
}
