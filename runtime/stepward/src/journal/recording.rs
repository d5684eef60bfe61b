//! What a broker tells, as events.

use super::{Journal, Note, name, reporting::EffectId};
use serde::Serialize;
use stepward_broker::{
    Applied, Completion, EffectEnd, End, Exchange, Granted, Intent, Permitted, Recording, SecretUse,
    SecretUseKind, StepIdentity,
};
use stepward_fault::{Class, Fault, Owner, Rule};
use stepward_ledger::event::{Actor, Decision, Draft, Effect, Name, Purpose, Text, What};
use stepward_seam::{CallSite, Grant, HostCall, HostReply, HttpFailure, Label, Refusal};

/// The rule of a label that the workflow grants and the environment binds.
const GRANTED: &str = "granted-and-bound";
/// The rule that a step is one in the log.
const ITEM: Rule = Rule::new("journal-item");

/// The body of a call that was answered without an effect.
#[derive(Serialize)]
pub(super) struct CallAndReply<'a> {
    pub(super) call: &'a HostCall,
    pub(super) reply: &'a HostReply,
}

/// What came of an effect.
pub(super) struct Came {
    pub(super) object: Name,
    pub(super) attempt: u64,
    pub(super) effect: Effect,
    pub(super) status: Option<u16>,
    pub(super) rule: Option<Name>,
}

impl Came {
    fn what(&self) -> What {
        let Self { object, attempt, effect, status, rule } = self;
        What::CallAnswered {
            object: object.clone(),
            attempt: *attempt,
            effect: *effect,
            status: *status,
            rule: rule.clone(),
        }
    }
}

impl stepward_broker::Journal for Journal {
    fn intend<'a>(&'a self, intent: &'a Intent<'a>) -> Recording<'a> {
        Box::pin(async move {
            let note = self.intended(intent)?;
            let (run, effect) = (&*intent.site.run, effect(intent));
            let (under_way, ticket) = self.begin(run, effect.clone(), note)?;
            // It is in the log now, and is ended by what the broker tells of it: also of a task that dies.
            under_way.keep();
            let durable = self.log().durable(ticket).await;
            if durable.is_err() {
                // Not sent, so nothing comes of it.
                drop(self.under_way(run, effect));
            }
            durable.map(drop)
        })
    }

    fn completed(&self, completion: &Completion<'_>) {
        let run = &*completion.site.run;
        match &completion.end {
            // Its intent is not in the log, so there is nothing to answer; the run ends with the fault.
            End::Effect { end: EffectEnd::Unsent(_), .. } | End::Stopped => {}
            End::Effect { intent, end } => {
                // A task may die before its intent is in the log, or after its answer is.
                let Some(_until_answered) = self.under_way(run, effect(intent)) else { return };
                match came(intent, end) {
                    Ok(came) => {
                        let reply = completion.reply.ok().map(json);
                        self.answer_or_break(completion.site, came, reply.as_deref());
                    }
                    Err(fault) => self.append_or_break(run, Err(fault)),
                }
            }
            // The record of the run ended before, and a call after a gap would not fit what stands there.
            _ if self.check_whole(run).is_err() => {}
            End::Refused { endpoint, refused } => {
                let rule = refused.rule().as_str();
                self.append_or_break(run, self.refused(completion, endpoint, rule));
            }
            End::Read { request, exchange } => {
                let note = match denied(exchange) {
                    Some(rule) => self.refused(completion, request.endpoint, rule),
                    None => object("endpoint", request.endpoint)
                        .and_then(|object| self.recorded(completion, object, status(exchange))),
                };
                self.append_or_break(run, note);
            }
            End::Signed { .. } | End::Revealed { .. } | End::Time | End::Random => {
                let object = asked(completion.call);
                self.append_or_break(run, object.and_then(|object| self.recorded(completion, object, None)));
            }
        }
    }

    fn granted(&self, granted: &Granted<'_>) {
        let kind = match granted.grant {
            Grant::Endpoint(_) => "endpoint",
            Grant::Signer => "signer",
            Grant::Secret => "secret",
            Grant::Clock => "clock",
            Grant::Random => "random",
        };
        let note = object(kind, granted.label).and_then(|object| {
            let what = What::GrantDecided {
                object,
                decision: Decision::Permitted,
                rule: name(GRANTED)?,
                policy: self.0.policy,
            };
            self.of_step(granted.step, what)
        });
        self.append_or_break(&granted.step.run, note);
    }

    fn secret_used(&self, used: &SecretUse, step: &StepIdentity) {
        let purpose = match used.kind {
            SecretUseKind::Credential => Purpose::Credential,
            SecretUseKind::Signer => Purpose::Signer,
            SecretUseKind::Revealed => Purpose::Revealed,
        };
        let note = name(used.name.as_str()).and_then(|secret| {
            let what = What::SecretUsed { secret, version: name(&used.version)?, purpose };
            self.of_step(step, what)
        });
        self.append_or_break(&step.run, note);
    }
}

impl Journal {
    fn intended(&self, intent: &Intent<'_>) -> Result<Note, Fault> {
        let Permitted { endpoint, method, workflow_rule, environment_rule } = intent.request;
        let what = What::CallIntended {
            object: object("endpoint", endpoint)?,
            method: name(method.as_str())?,
            attempt: intent.attempt.into(),
            idempotent: intent.idempotent,
            decision: Decision::Permitted,
            workflow_rule: Text::of(workflow_rule),
            environment_rule: Text::of(environment_rule),
            policy: self.0.policy,
        };
        self.of_call(intent.site, what, Some(&json(intent.call)))
    }

    /// Appends what came of an effect. That it came to something is not lost with a reply that cannot be
    /// kept, which may be too large, or find no room: then the rule says why there is none.
    pub(super) fn answer_or_break(&self, site: &CallSite, came: Came, reply: Option<&[u8]>) {
        let whole = self.of_call(site, came.what(), reply);
        let (Err(fault), Some(_)) = (whole.and_then(|note| self.write(note)), reply) else { return };
        tracing::error!(
            target: "stepward::alert", run = &*site.run, step = &*site.step, call = site.sequence,
            rule = %fault.rule(), "the reply of an effect is not kept: {fault}"
        );
        let rule = came.rule.clone().or_else(|| Name::new(fault.rule().as_str()).ok());
        self.append_or_break(&site.run, self.of_call(site, Came { rule, ..came }.what(), None));
    }

    fn refused(&self, completion: &Completion<'_>, endpoint: &Label, rule: &str) -> Result<Note, Fault> {
        let what = What::GrantDecided {
            object: object("endpoint", endpoint)?,
            decision: Decision::Refused,
            rule: name(rule)?,
            policy: self.0.policy,
        };
        self.with_reply(completion, what)
    }

    fn recorded(
        &self,
        completion: &Completion<'_>,
        object: Name,
        status: Option<u16>,
    ) -> Result<Note, Fault> {
        self.with_reply(completion, What::CallRecorded { object, status })
    }

    /// The call and what the step was told, from which it can be told again.
    fn with_reply(&self, completion: &Completion<'_>, what: What) -> Result<Note, Fault> {
        let kept;
        let reply = match completion.reply {
            Ok(reply) => reply,
            Err(_) => {
                kept = withheld();
                &kept
            }
        };
        let body = json(&CallAndReply { call: completion.call, reply });
        self.of_call(completion.site, what, Some(&body))
    }

    pub(super) fn of_call(&self, site: &CallSite, what: What, body: Option<&[u8]>) -> Result<Note, Fault> {
        let running = self.running(&site.run)?;
        let step = name(&site.step)?;
        let note = Note::of(Draft {
            actor: Actor::Step { name: step.clone() },
            run: Some(running.name.clone()),
            step: Some(step),
            call: Some(site.sequence),
            body: None,
            what,
        });
        match body {
            Some(body) => note.with_body(&self.0.environment, &running, body),
            None => Ok(note),
        }
    }

    fn of_step(&self, step: &StepIdentity, what: What) -> Result<Note, Fault> {
        if step.item.is_some() {
            return Err(item(step));
        }
        let running = self.running(&step.run)?;
        Ok(Note::of(Draft {
            actor: Actor::Service,
            run: Some(running.name.clone()),
            step: Some(name(&step.step)?),
            call: None,
            body: None,
            what,
        }))
    }
}

/// What came of an effect of the broker.
fn came(intent: &Intent<'_>, end: &EffectEnd<'_>) -> Result<Came, Fault> {
    let effect = match end.applied() {
        Applied::Yes => Effect::Applied,
        Applied::No => Effect::NotApplied,
        Applied::Unknown => Effect::Unknown,
    };
    let (status, rule) = match end {
        EffectEnd::Attempted(exchange) => (status(exchange), failed(exchange)),
        EffectEnd::Unsent(fault) | EffectEnd::Lost(fault) => (None, Some(fault.rule().as_str())),
    };
    Ok(Came {
        object: object("endpoint", intent.request.endpoint)?,
        attempt: intent.attempt.into(),
        effect,
        status,
        rule: rule.map(name).transpose()?,
    })
}

/// What stands for a reply that held a secret. No gate refuses by this rule, so a step that goes on is not
/// told it: it ends there again.
fn withheld() -> HostReply {
    let (rule, message) = (stepward_broker::SECRET_LEAK.as_str().to_owned(), "withheld".to_owned());
    HostReply::Http(Err(HttpFailure::Refused(Refusal { rule, message })))
}

fn item(step: &StepIdentity) -> Fault {
    Fault::new(Class::Refused, Owner::Embedder, ITEM)
        .at(format_args!("step {}", step.step))
        .says("the step runs for an item, and the log cannot tell the calls of two items of a step apart")
        .hint("leave `StepIdentity::item` out, and give each item a step with a name of its own")
}

fn effect(intent: &Intent<'_>) -> EffectId {
    EffectId::new(intent.site, intent.item, intent.attempt.into())
}

/// What is asked, such as `endpoint:erp`.
pub(super) fn object(kind: &str, label: &Label) -> Result<Name, Fault> {
    name(&format!("{kind}:{label}"))
}

pub(super) fn asked(call: &HostCall) -> Result<Name, Fault> {
    match call {
        HostCall::Http { endpoint, .. } => object("endpoint", endpoint),
        HostCall::Sign { signer, .. } => object("signer", signer),
        HostCall::Reveal { secret } => object("secret", secret),
        HostCall::Now { clock } => object("clock", clock),
        HostCall::Random { random, .. } => object("random", random),
        HostCall::Log { .. } => name("log"),
    }
}

fn status(exchange: &Exchange<'_>) -> Option<u16> {
    match exchange {
        Exchange::Answered { status } => Some(*status),
        Exchange::Failed { .. } | Exchange::Withheld(_) => None,
    }
}

/// The rule by which the host kept a read from its service, or the answer from the step.
fn denied<'a>(exchange: &Exchange<'a>) -> Option<&'a str> {
    match exchange {
        Exchange::Answered { .. } => None,
        Exchange::Withheld(_) => failed(exchange),
        Exchange::Failed { failure, .. } => match failure {
            HttpFailure::Refused(_) => failed(exchange),
            HttpFailure::NotApplied(_) | HttpFailure::Unknown(_) => None,
        },
    }
}

/// The rule by which an exchange brought no answer.
fn failed<'a>(exchange: &Exchange<'a>) -> Option<&'a str> {
    match exchange {
        Exchange::Answered { .. } => None,
        Exchange::Failed { detail, .. } => Some(detail.rule().as_str()),
        Exchange::Withheld(_) => Some(stepward_broker::SECRET_LEAK.as_str()),
    }
}

pub(super) fn json(value: &impl Serialize) -> Vec<u8> {
    // Values of the seam, which a worker's pipe carries as well: nothing that serialising refuses.
    serde_json::to_vec(value).unwrap_or_default()
}
