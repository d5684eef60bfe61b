//! Running a step again from its trace: the same calls, the same end, no effects.

use crate::engine::{Deadline, Engine, Job, Step};
use crate::trace::{End, Trace};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use stepward_fault::{Class, Fault, Owner, Rule};
use stepward_sandbox::{ENGINE_ROOM, Outcome, Recorded};
use stepward_seam::{Broker, BrokerFuture, CallSite, HostCall, HostReply, LimitName, Stop, Usage};
use stepward_trust::Digest;

/// The step asked for something else than the trace recorded.
const DIVERGED: Rule = Rule::new("replay-diverged");
/// The trace ends in this call, or before it.
const TRACE_ENDS: Rule = Rule::new("replay-trace-ends");
/// A secret of the trace is needed and cannot be had, or is another.
const SECRET: Rule = Rule::new("replay-secret");
/// The replay ran out of the wall time that the run had.
const LATE: Rule = Rule::new("replay-late");

/// What a replay showed.
#[derive(Debug, PartialEq, Eq)]
pub enum Replay {
    /// The same engine: the same calls, the same end, the same use of everything but time.
    Identical,
    /// Another engine: the same calls and the same end.
    SameBehaviour,
    /// The same calls as far as they were recorded. The host ended the run there, which a replay cannot
    /// repeat: by its wall time, for want of room on its machine, by a refusal in the last call, or by a
    /// refusal to release what the step returned, where the secrets that it would have told are not at
    /// hand. Neither the end nor the use was compared, and a trace that was cut short looks the same.
    AsFarAsRecorded,
    /// The run did not repeat.
    Diverged(Divergence),
}

/// Where a replay left its trace.
#[derive(Debug, PartialEq, Eq)]
pub enum Divergence {
    /// The component is another one.
    Component {
        /// The digest in the trace.
        recorded: Digest,
        /// The digest of the step that was given.
        given: Digest,
    },
    /// The calls differ from this one on.
    Call {
        /// The number of the call, from 0.
        sequence: usize,
        /// What was recorded and what was asked.
        difference: String,
    },
    /// The step made fewer calls.
    FewerCalls {
        /// Calls in the trace.
        recorded: usize,
        /// Calls now.
        made: usize,
    },
    /// It ended differently.
    End {
        /// The end in the trace.
        recorded: End,
        /// The end now.
        now: End,
    },
    /// It used more or less of something that repeats.
    Usage {
        /// The use in the trace.
        recorded: Usage,
        /// The use now.
        now: Usage,
    },
}

impl fmt::Display for Divergence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Component { recorded, given } => {
                write!(f, "the trace is of component {recorded}, not of {given}")
            }
            Self::Call { sequence, difference } => write!(f, "call {sequence} differs: {difference}"),
            Self::FewerCalls { recorded, made } => {
                write!(f, "the step made {made} calls where the trace has {recorded}")
            }
            Self::End { recorded, now } => write!(f, "the run ended as {now:?}, the trace as {recorded:?}"),
            Self::Usage { recorded, now } => write!(f, "the run used {now:?}, the trace {recorded:?}"),
        }
    }
}

/// Runs `step` again from `trace`. Revealed secrets are not in a trace: `secrets` is asked for them,
/// and its answer must have the recorded fingerprint.
///
/// # Errors
/// When a secret that the trace needs cannot be had, or when this machine could not run the step to its
/// end: too slowly for its wall time, or for want of room.
pub async fn replay(
    engine: &Engine,
    step: &Step,
    trace: &Trace,
    secrets: Option<Arc<dyn Broker>>,
) -> Result<Replay, Fault> {
    let (recorded, given) = (trace.component, step.digest());
    if recorded != given {
        return Ok(Replay::Diverged(Divergence::Component { recorded, given }));
    }
    let calls = trace.calls.iter().map(copy).collect();
    let (cut, guarded) = (was_cut(&trace.end), secrets.is_some());
    let broker = Arc::new(Replayer { calls, cut, place: Mutex::new(Place::default()), secrets });
    let job = Job::new(
        &trace.run,
        &trace.step,
        &trace.input,
        trace.limits.clone(),
        Arc::clone(&broker) as Arc<dyn Broker>,
    );
    let finished = engine.run(step, job, Deadline::start(&trace.limits)).await;
    let place = std::mem::take(&mut *broker.place.lock().unwrap_or_else(PoisonError::into_inner));
    if let Some(fault) = place.secret {
        return Err(fault);
    }
    if let Some(divergence) = place.diverged {
        return Ok(Replay::Diverged(divergence));
    }
    let whole = place.next == trace.calls.len();
    let now = finished.trace.end;
    if let Some(fault) = cannot(&finished.outcome)
        && !(whole && (cut || now == trace.end))
    {
        return Err(fault);
    }
    if !whole {
        return Ok(Replay::Diverged(Divergence::FewerCalls {
            recorded: trace.calls.len(),
            made: place.next,
        }));
    }
    let refused = matches!(trace.end, End::Refused { .. });
    let host_ended = cut || refused && (place.ended.is_some() || !guarded && was_released(&now));
    Ok(if host_ended { Replay::AsFarAsRecorded } else { judge(engine, trace, now, finished.usage) })
}

/// Whether the host ended the recorded run wherever it was: by the wall clock, or for want of room.
fn was_cut(end: &End) -> bool {
    match end {
        End::LimitExceeded { limit } => *limit == LimitName::WallTimeMs,
        End::Refused { rule } => rule == ENGINE_ROOM.as_str(),
        End::Succeeded { .. } | End::Failed { .. } => false,
    }
}

/// Whether the guest said something that its broker released. Without secrets a replay releases what a
/// live broker refused to.
fn was_released(end: &End) -> bool {
    match end {
        End::Succeeded { .. } | End::Failed { .. } => true,
        End::LimitExceeded { .. } | End::Refused { .. } => false,
    }
}

/// Why this machine could not run the step to its end.
fn cannot(outcome: &Outcome) -> Option<Fault> {
    match outcome {
        Outcome::LimitExceeded(LimitName::WallTimeMs) => Some(
            Fault::new(Class::Unavailable, Owner::Operator, LATE)
                .says("the replay did not end within the wall time of the recorded run, so it shows nothing")
                .hint("replay on a machine as fast as the one that made the trace, with less to do"),
        ),
        Outcome::Refused(fault) => match fault.class() {
            Class::Unavailable | Class::Internal => Some(fault.clone()),
            Class::Usage
            | Class::Refused
            | Class::StepFailed
            | Class::LimitExceeded
            | Class::Waiting
            | Class::EvidenceInvalid
            | Class::BadInput
            | Class::Cancelled => None,
        },
        Outcome::Succeeded(_) | Outcome::Failed(_) | Outcome::LimitExceeded(_) => None,
    }
}

fn judge(engine: &Engine, trace: &Trace, now: End, used: Usage) -> Replay {
    if now != trace.end {
        return Replay::Diverged(Divergence::End { recorded: trace.end.clone(), now });
    }
    let timeless = |usage: Usage| Usage { wall_us: 0, ..usage };
    match engine.fingerprint() == trace.engine {
        false => Replay::SameBehaviour,
        true if timeless(used) == timeless(trace.usage) => Replay::Identical,
        true => Replay::Diverged(Divergence::Usage { recorded: trace.usage, now: used }),
    }
}

fn copy(recorded: &Recorded) -> Recorded {
    Recorded { call: recorded.call.clone(), reply: recorded.reply.as_ref().map(HostReply::recorded) }
}

#[derive(Default)]
struct Place {
    next: usize,
    diverged: Option<Divergence>,
    ended: Option<usize>,
    secret: Option<Fault>,
}

struct Replayer {
    calls: Vec<Recorded>,
    /// Whether the host ended the recorded run wherever it was. That may have been between two calls,
    /// so one call more is where the trace ends, not where the step differs.
    cut: bool,
    place: Mutex<Place>,
    secrets: Option<Arc<dyn Broker>>,
}

impl Replayer {
    /// The recorded answer to `call`, or the end of the replay.
    fn answer(&self, call: &HostCall) -> Result<HostReply, Stop> {
        let mut place = self.place.lock().unwrap_or_else(PoisonError::into_inner);
        let sequence = place.next;
        let difference = match self.calls.get(sequence) {
            None if self.cut => {
                return Err(stop(TRACE_ENDS, "the recorded run ended before this call"));
            }
            None => format!("the trace ends before it, and the step asked {}", brief(call)),
            Some(recorded) => {
                let asked = self.recorded(call.clone());
                if recorded.call == asked {
                    place.next += 1;
                    return match &recorded.reply {
                        Some(reply) => Ok(reply.recorded()),
                        None => {
                            place.ended = Some(sequence);
                            Err(stop(TRACE_ENDS, "the recorded run ended in this call"))
                        }
                    };
                }
                format!("recorded {}, asked {}", brief(&recorded.call), brief(&asked))
            }
        };
        place.diverged = Some(Divergence::Call { sequence, difference });
        Err(stop(DIVERGED, "the step asked for something else than the trace recorded"))
    }

    async fn reveal(&self, site: CallSite, call: HostCall, recorded: HostReply) -> Result<HostReply, Stop> {
        let HostReply::Reveal(Ok(expected)) = &recorded else { return Ok(recorded) };
        let answer = match &self.secrets {
            None => None,
            Some(secrets) => Some(secrets.call(site, call).await?),
        };
        if let Some(HostReply::Reveal(Ok(revealed))) = answer
            && revealed.fingerprint == expected.fingerprint
            && revealed.version == expected.version
        {
            return Ok(HostReply::Reveal(Ok(revealed)));
        }
        let fault = Fault::new(Class::Refused, Owner::Operator, SECRET)
            .says(format_args!(
                "the trace needs secret `{}` version {}, and the environment does not have that version with that value",
                expected.name, expected.version
            ))
            .hint("replay with the environment that made the trace: `stepward runs replay TRACE --env NAME`");
        self.place.lock().unwrap_or_else(PoisonError::into_inner).secret = Some(fault.clone());
        Err(Stop(fault))
    }
}

fn stop(rule: Rule, text: &str) -> Stop {
    Stop(
        Fault::new(Class::EvidenceInvalid, Owner::Caller, rule)
            .says(text)
            .hint("compare the step with the trace's component"),
    )
}

/// The call without its body: enough to tell two calls apart for a person.
fn brief(call: &HostCall) -> String {
    match call {
        HostCall::Http { endpoint, request } => {
            format!("{} {} at {endpoint}", request.method.as_str(), request.path.join("/"))
        }
        HostCall::Sign { signer, message } => format!("a signature of {} bytes by {signer}", message.len()),
        HostCall::Reveal { secret } => format!("the secret {secret}"),
        HostCall::Now { clock } => format!("the time from {clock}"),
        HostCall::Random { random, count } => format!("{count} bytes from {random}"),
        HostCall::Log { message, .. } => format!("a log line of {} bytes", message.len()),
    }
}

impl Broker for Replayer {
    fn call<'a>(&'a self, site: CallSite, call: HostCall) -> BrokerFuture<'a> {
        Box::pin(async move {
            let reply = self.answer(&call)?;
            self.reveal(site, call, reply).await
        })
    }

    fn recorded(&self, call: HostCall) -> HostCall {
        match &self.secrets {
            Some(secrets) => secrets.recorded(call),
            None => call,
        }
    }

    fn released(&self, text: String) -> Result<String, Stop> {
        match &self.secrets {
            Some(secrets) => secrets.released(text),
            None => Ok(text),
        }
    }
}
