//! A journal that notes what it hears, in the order in which journal and service meet.

use std::{
    mem,
    sync::{Arc, Mutex},
};
use stepward_broker::{
    Completion, EffectEnd, End, Exchange, Granted, Intent, Journal, Recording, SecretUse, StepIdentity,
};
use stepward_fault::{Class, Fault, Owner, Rule};
use tokio::sync::Notify;

/// What happened, in order: here and at the service.
#[derive(Clone, Default)]
pub(crate) struct Story(Arc<Mutex<Vec<String>>>);

impl Story {
    pub(crate) fn tell(&self, line: impl Into<String>) {
        self.0.lock().unwrap().push(line.into());
    }

    pub(crate) fn take(&self) -> Vec<String> {
        mem::take(&mut self.0.lock().unwrap())
    }
}

/// What the journal says to an intent.
#[derive(Clone, Default)]
pub(crate) enum Says {
    #[default]
    Yes,
    No,
    /// Says that it heard, and waits before it says yes or no.
    Late(Arc<Notify>, Arc<Notify>, bool),
    Dies,
    /// Says that it heard, waits, and dies.
    DiesLate(Arc<Notify>, Arc<Notify>),
}

/// Everything that was heard.
#[derive(Default)]
pub(crate) struct Record {
    /// How requests ended.
    requests: Mutex<Vec<String>>,
    /// Everything that is written down of intents and completions.
    written: Mutex<Vec<String>>,
    /// Calls and replies, as a journal keeps them.
    pub(crate) replies: Mutex<Vec<(String, String)>>,
    pub(crate) says: Mutex<Says>,
    pub(crate) story: Story,
}

impl Record {
    /// How requests ended since the last time.
    pub(crate) fn take(&self) -> Vec<String> {
        mem::take(&mut self.requests.lock().unwrap())
    }

    pub(crate) fn written(&self) -> String {
        self.written.lock().unwrap().join("\n")
    }

    pub(crate) fn says(&self, says: Says) {
        *self.says.lock().unwrap() = says;
    }

    async fn answer(&self, operation: String) -> Result<(), Fault> {
        let says = self.says.lock().unwrap().clone();
        let yes = match says {
            Says::Yes => true,
            Says::No => false,
            Says::Late(heard, go, yes) => {
                heard.notify_one();
                go.notified().await;
                yes
            }
            Says::Dies => panic!("the journal dies"),
            Says::DiesLate(heard, go) => {
                heard.notify_one();
                go.notified().await;
                panic!("the journal dies")
            }
        };
        if !yes {
            return Err(Fault::new(Class::Unavailable, Owner::Operator, Rule::new("journal-full"))
                .says("the journal is full")
                .hint("make room"));
        }
        self.story.tell(format!("recorded {operation}"));
        Ok(())
    }
}

impl Journal for Record {
    fn intend<'a>(&'a self, intent: &'a Intent<'a>) -> Recording<'a> {
        self.story.tell(format!("intends {} #{}", intent.operation, intent.attempt));
        let call = serde_json::to_string(intent.call).unwrap();
        self.written.lock().unwrap().push(format!("{intent:?} {call}"));
        Box::pin(self.answer(intent.operation.to_owned()))
    }

    fn completed(&self, completion: &Completion<'_>) {
        let exchanged = |exchange: &Exchange<'_>| match exchange {
            Exchange::Answered { status } => format!("answered {status}"),
            Exchange::Failed { failure, .. } => format!("failed {failure:?}"),
            Exchange::Withheld(secret) => format!("withheld {secret}"),
        };
        let request = match &completion.end {
            End::Refused { refused, .. } => Some(format!("- refused {}", refused.rule())),
            End::Read { exchange, .. } => Some(format!("- {}", exchanged(exchange))),
            End::Effect { intent, end } => {
                self.story.tell(format!("ended {} {:?}", intent.operation, end.applied()));
                let end = match end {
                    EffectEnd::Attempted(exchange) => exchanged(exchange),
                    EffectEnd::Unsent(fault) => format!("unsent {}", fault.rule()),
                    EffectEnd::Lost(fault) => format!("lost {}", fault.rule()),
                };
                Some(format!("{} {end}", intent.operation))
            }
            End::Signed { secret, version } => {
                self.story.tell(format!("signed with {secret}@{version}"));
                None
            }
            End::Revealed { secret, version } => {
                self.story.tell(format!("revealed {secret}@{version}"));
                None
            }
            End::Time => {
                self.story.tell("told the time");
                None
            }
            End::Random => {
                self.story.tell("gave random bytes");
                None
            }
            End::Stopped => {
                self.story.tell("stopped");
                None
            }
        };
        let call = serde_json::to_string(completion.call).unwrap();
        let reply = match completion.reply {
            Ok(reply) => serde_json::to_string(reply).unwrap(),
            Err(fault) => format!("stop {}", fault.rule()),
        };
        self.written.lock().unwrap().push(format!("{completion:?} {call} {reply}"));
        self.replies.lock().unwrap().push((call, reply));
        self.requests.lock().unwrap().extend(request);
    }

    fn granted(&self, granted: &Granted<'_>) {
        let Granted { step, label, grant, environment, place, binding } = granted;
        let binding = binding.as_deref().unwrap_or("-");
        let kind = grant.interface().grant_key();
        self.story
            .tell(format!("granted {kind} {label} to {}: {binding} of {environment}, {place}", step.step));
    }

    fn secret_used(&self, used: &SecretUse, step: &StepIdentity) {
        let SecretUse { name, version, kind } = used;
        self.story.tell(format!("{} of {} uses {name}@{version} as {kind:?}", step.step, step.run));
    }
}
