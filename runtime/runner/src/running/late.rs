//! Effects that ended when their step was gone: kept in the trace, and told.

use super::{
    execute::Ran,
    heard::{Heard, Late},
    state::State,
};
use crate::{
    files::{self, Purpose, Readers},
    render::{Output, duration},
};
use serde::Serialize;
use std::path::Path;
use stepward::{LateAnswer, Trace};
use stepward_fault::{Class, Fault, Owner, Rule, shown};
use stepward_seam::{Cause, HostReply, HttpFailure, HttpResponse};

/// The rule that a late answer belongs to a call of its trace.
const PLACE: Rule = Rule::new("late-place");
/// The format of a file of late answers.
const SCHEMA: &str = "stepward.late/1";

/// A late effect, as JSON.
#[derive(Serialize)]
pub(crate) struct LateJson<'a> {
    step: &'a str,
    call: u64,
    asked: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    operation: Option<&'a str>,
    after_ms: u64,
    effect: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<Cause>,
}

/// What a late answer says about the effect.
enum Effect<'a> {
    /// The endpoint answered that it succeeded.
    Applied(&'a HttpResponse),
    /// The endpoint answered something else; what that means is its own to say.
    Answered(&'a HttpResponse),
    /// The endpoint answered with a secret in it.
    Withheld,
    /// The endpoint cannot have acted on it.
    NotApplied(Option<Cause>),
    /// The endpoint may have acted on it.
    Unknown(Option<Cause>),
}

impl<'a> Effect<'a> {
    fn of(answer: &'a LateAnswer) -> Self {
        match answer {
            LateAnswer::Reply(HostReply::Http(Ok(response))) if (200..300).contains(&response.status) => {
                Self::Applied(response)
            }
            LateAnswer::Reply(HostReply::Http(Ok(response))) => Self::Answered(response),
            LateAnswer::Reply(HostReply::Http(Err(HttpFailure::NotApplied(cause)))) => {
                Self::NotApplied(Some(*cause))
            }
            LateAnswer::Reply(HostReply::Http(Err(HttpFailure::Refused(_)))) => Self::NotApplied(None),
            LateAnswer::Reply(HostReply::Http(Err(HttpFailure::Unknown(cause)))) => {
                Self::Unknown(Some(*cause))
            }
            LateAnswer::Withheld(_) => Self::Withheld,
            LateAnswer::Unknown
            | LateAnswer::Reply(
                HostReply::Sign(_)
                | HostReply::Reveal(_)
                | HostReply::Now(_)
                | HostReply::Random(_)
                | HostReply::Log,
            ) => Self::Unknown(None),
        }
    }

    const fn word(&self) -> &'static str {
        match self {
            Self::Applied(_) => "applied",
            Self::Answered(_) => "answered",
            Self::Withheld => "withheld",
            Self::NotApplied(_) => "not-applied",
            Self::Unknown(_) => "unknown",
        }
    }

    fn status(&self) -> Option<u16> {
        match self {
            Self::Applied(response) | Self::Answered(response) => Some(response.status),
            Self::Withheld | Self::NotApplied(_) | Self::Unknown(_) => None,
        }
    }

    const fn cause(&self) -> Option<Cause> {
        match self {
            Self::NotApplied(cause) | Self::Unknown(cause) => *cause,
            Self::Applied(_) | Self::Answered(_) | Self::Withheld => None,
        }
    }
}

impl<'a> LateJson<'a> {
    /// What came of an effect.
    pub(crate) fn of(late: &'a Late) -> Self {
        let effect = Effect::of(&late.answer);
        Self {
            step: &late.step,
            call: late.call,
            asked: &late.asked,
            operation: late.operation.as_deref(),
            after_ms: late.after_ms,
            effect: effect.word(),
            status: effect.status(),
            cause: effect.cause(),
        }
    }
}

/// A late effect in one line, as a person wants to see it.
pub(crate) fn line(late: &Late) -> String {
    let name = late.operation.as_ref().map(|name| format!(" ({name})")).unwrap_or_default();
    let after = duration(late.after_ms.saturating_mul(1000));
    let came = match Effect::of(&late.answer) {
        Effect::Applied(response) => format!("{} after {after}: it was applied", response.status),
        Effect::Answered(response) => {
            format!("{} after {after}: look at the service for what that means", response.status)
        }
        Effect::Withheld => {
            format!("answered after {after}, with a secret in the answer, which is withheld: it was acted on")
        }
        Effect::NotApplied(cause) => {
            let why = cause.map(|cause| format!(" ({cause:?})")).unwrap_or_default();
            format!("failed{why} after {after}: it was not applied")
        }
        Effect::Unknown(Some(cause)) => format!(
            "no answer ({cause:?}) after {after}: it is unknown whether it was applied; look at the service"
        ),
        Effect::Unknown(None) => format!(
            "no answer when nobody waited any more, after {after}: it is unknown whether it was or will be \
             applied; look at the service"
        ),
    };
    shown(&format!("{} {}{name} → {came}", late.step, late.asked)).to_string()
}

/// Takes up what came late, once no step runs any more, and keeps it beside what the steps did: in
/// the trace of the step, or in a file of its own where a cancelled step left no trace.
pub(crate) fn keep(heard: &Heard, state: &State, ran: &mut [Ran], output: &Output) -> Vec<Late> {
    let all = heard.late();
    // A step waits for each answer, so it leaves at most one effect behind.
    for late in &all {
        let step = ran.iter_mut().find(|ran| *ran.name == *late.step);
        let trace = step.as_ref().and_then(|ran| ran.trace.as_deref());
        let kept = match trace {
            Some(trace) => into_trace(trace, late),
            None => into_file(state, late),
        };
        if let Err(fault) = kept {
            output.warning(format_args!("step {}: what came late is not kept: {fault}", late.step));
            if let Some(ran) = step {
                ran.lost.trace = Some(fault);
            }
        }
    }
    all
}

fn into_trace(path: &Path, late: &Late) -> Result<(), Fault> {
    let mut trace = Trace::from_json(&files::read_text(path, Purpose::Trace)?, &files::place(path))?;
    let call = usize::try_from(late.call).ok().filter(|call| *call < trace.calls.len()).ok_or_else(|| {
        Fault::new(Class::Internal, Owner::Stepward, PLACE)
            .at(files::place(path))
            .says(format_args!("the trace has no call {}", late.call))
            .hint("please report this with the trace")
    })?;
    let answer = copy(&late.answer);
    trace.late.push(stepward::Late { call, after_ms: late.after_ms, answer });
    files::write(path, trace.to_json()?.as_bytes(), Readers::Owner)
}

/// A late answer where there is no trace to keep it in.
#[derive(Serialize)]
struct Alone<'a> {
    schema: &'static str,
    run: &'a str,
    step: &'a str,
    call: u64,
    asked: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    operation: Option<&'a str>,
    after_ms: u64,
    answer: &'a LateAnswer,
}

fn into_file(state: &State, late: &Late) -> Result<(), Fault> {
    let alone = Alone {
        schema: SCHEMA,
        run: &late.run,
        step: &late.step,
        call: late.call,
        asked: &late.asked,
        operation: late.operation.as_deref(),
        after_ms: late.after_ms,
        answer: &late.answer,
    };
    let text = serde_json::to_string_pretty(&alone).unwrap_or_default();
    let path = state.run(&late.run)?.join(format!("{}.late.json", late.step));
    files::write(&path, text.as_bytes(), Readers::Owner)
}

fn copy(answer: &LateAnswer) -> LateAnswer {
    match answer {
        LateAnswer::Reply(reply) => LateAnswer::Reply(reply.recorded()),
        LateAnswer::Withheld(secret) => LateAnswer::Withheld(secret.clone()),
        LateAnswer::Unknown => LateAnswer::Unknown,
    }
}
