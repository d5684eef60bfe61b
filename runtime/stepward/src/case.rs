//! An author's case: an input, the calls that must come with the replies they get, and the end.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use stepward_fault::{Class, Fault, Owner, Rule};
use stepward_sandbox::{Outcome, Recorded, StepErrorKind};
use stepward_seam::{Broker, BrokerFuture, CallSite, HostCall, HostReply, LimitName, Stop};

/// A case that cannot be read.
const CASE: Rule = Rule::new("case-format");
/// The step asked for something else than the case foresees.
const CASE_CALL: Rule = Rule::new("case-call");

/// A scripted run of one step. Log lines are not part of it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// The input document.
    pub input: Value,
    /// The calls in order, each with its reply.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub calls: Vec<Recorded>,
    /// How the run must end.
    pub expect: Expected,
}

/// How a case must end.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Expected {
    /// With this output document.
    Output(Value),
    /// With an error of this code.
    Error {
        /// The code.
        code: String,
        /// Whether trying again can help; any when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        kind: Option<StepErrorKind>,
        /// A part of the message; any when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message: Option<String>,
    },
    /// With this limit.
    Limit(LimitName),
    /// With a refusal by this rule.
    Refused(String),
}

/// Proof that a run was as its case foresees.
#[derive(Debug)]
pub struct CaseMatched(());

/// How a run differed from its case.
#[derive(Debug, PartialEq)]
pub enum CaseDifference {
    /// A call differed, or came when none was foreseen.
    Call(String),
    /// Calls of the case that never came.
    CallsMissing(usize),
    /// It ended differently: what was expected, and what came.
    End(String, String),
}

impl fmt::Display for CaseDifference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Call(text) => f.write_str(text),
            Self::CallsMissing(n) => write!(f, "{n} of the case's calls never came"),
            Self::End(expected, got) => write!(f, "expected {expected}\n     got {got}"),
        }
    }
}

impl Case {
    /// Reads a case; `place` names the file in refusals.
    ///
    /// # Errors
    /// When the text is not a case.
    pub fn from_json(text: &str, place: &str) -> Result<Self, Fault> {
        serde_json::from_str(text).map_err(|error| {
            Fault::new(Class::BadInput, Owner::StepAuthor, CASE)
                .at(place)
                .says(format_args!("not a case: {error}"))
                .hint(
                    "a case is {\"input\": …, \"calls\": [{\"call\": …, \"reply\": …}], \"expect\": {\"output\": …}}; \
                     `stepward run --record CASE` writes one from a real run",
                )
        })
    }

    /// The case that a finished run would be: its input, its calls without log lines, its end.
    pub fn of(input: Value, calls: &[Recorded], outcome: &Outcome) -> Self {
        let calls = calls
            .iter()
            .filter(|recorded| !matches!(recorded.call, HostCall::Log { .. }))
            .map(|r| Recorded { call: r.call.clone(), reply: r.reply.as_ref().map(HostReply::recorded) })
            .collect();
        let expect = match outcome {
            Outcome::Succeeded(text) => Expected::Output(serde_json::from_str(text).unwrap_or(Value::Null)),
            Outcome::Failed(error) => {
                Expected::Error { code: error.code.clone(), kind: Some(error.kind), message: None }
            }
            Outcome::LimitExceeded(limit) => Expected::Limit(*limit),
            Outcome::Refused(fault) => Expected::Refused(fault.rule().as_str().to_owned()),
        };
        Self { input, calls, expect }
    }

    /// A broker that answers from the case.
    pub fn broker(&self) -> ScriptedBroker {
        let calls = self.calls.iter().map(|r| (r.call.clone(), r.reply.as_ref().map(HostReply::recorded)));
        ScriptedBroker { state: Mutex::new(State { rest: calls.rev().collect(), difference: None }) }
    }

    /// Compares a run with its case.
    ///
    /// # Errors
    /// The first difference.
    pub fn judge(&self, broker: &ScriptedBroker, outcome: &Outcome) -> Result<CaseMatched, CaseDifference> {
        let mut state = broker.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(text) = state.difference.take() {
            return Err(CaseDifference::Call(text));
        }
        if let Err((expected, got)) = self.expect.matches(outcome) {
            return Err(CaseDifference::End(expected, got));
        }
        match state.rest.len() {
            0 => Ok(CaseMatched(())),
            n => Err(CaseDifference::CallsMissing(n)),
        }
    }
}

impl Expected {
    fn matches(&self, outcome: &Outcome) -> Result<(), (String, String)> {
        match (self, outcome) {
            (Self::Output(expected), Outcome::Succeeded(text))
                if serde_json::from_str::<Value>(text).is_ok_and(|got| got == *expected) =>
            {
                Ok(())
            }
            (Self::Error { code, kind, message }, Outcome::Failed(error))
                if error.code == *code
                    && kind.is_none_or(|kind| kind == error.kind)
                    && message.as_ref().is_none_or(|part| error.message.contains(part)) =>
            {
                Ok(())
            }
            (Self::Limit(expected), Outcome::LimitExceeded(limit)) if expected == limit => Ok(()),
            (Self::Refused(rule), Outcome::Refused(fault)) if fault.rule().as_str() == rule => Ok(()),
            _ => Err((described(self), ended(outcome))),
        }
    }
}

fn described(expected: &Expected) -> String {
    serde_json::to_string(expected).unwrap_or_else(|error| error.to_string())
}

fn ended(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Succeeded(text) => format!("{{\"output\":{text}}}"),
        Outcome::Failed(error) => format!("the {:?} error `{}`: {}", error.kind, error.code, error.message),
        Outcome::LimitExceeded(limit) => format!("the limit {limit}"),
        Outcome::Refused(fault) => format!("a refusal: {fault}"),
    }
}

/// Answers from a case, in order, and remembers the first call that differed.
#[derive(Debug)]
pub struct ScriptedBroker {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// What is still to come, last first.
    rest: Vec<(HostCall, Option<HostReply>)>,
    difference: Option<String>,
}

impl ScriptedBroker {
    fn answer(&self, call: &HostCall) -> Result<HostReply, Stop> {
        if matches!(call, HostCall::Log { .. }) {
            return Ok(HostReply::Log);
        }
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let text = match state.rest.pop() {
            Some((expected, Some(reply))) if expected == *call => return Ok(reply),
            Some((expected, None)) if expected == *call => "the case has no reply to this call".to_owned(),
            Some((expected, _)) => {
                format!("expected the call {}\n                 got {}", json(&expected), json(call))
            }
            None => format!("no further call was expected, but the step asked {}", json(call)),
        };
        state.difference.get_or_insert(text.clone());
        Err(Stop(Fault::new(Class::StepFailed, Owner::StepAuthor, CASE_CALL).says(text).hint(
            "correct the step or the case; `stepward run --record CASE` writes a case from a real run",
        )))
    }
}

fn json(call: &HostCall) -> String {
    serde_json::to_string(call).unwrap_or_else(|error| error.to_string())
}

impl Broker for ScriptedBroker {
    fn call<'a>(&'a self, _site: CallSite, call: HostCall) -> BrokerFuture<'a> {
        let reply = self.answer(&call);
        Box::pin(async move { reply })
    }
}
