//! The same event for whoever watches: a `tracing` event with the names of the encoding.

use super::{Event, What};
use stepward_trust::Digest;

/// What only some events have. Every text in an event is a [`Name`](super::Name), an escaped
/// [`Text`](super::Text) or a word of a closed set: none can forge a line or move a cursor.
#[derive(Default)]
struct Fields<'a> {
    rule: Option<&'a str>,
    policy: Option<Digest>,
    status: Option<u16>,
    attempt: Option<u64>,
    method: Option<&'a str>,
    component: Option<Digest>,
    fuel: Option<u64>,
    version: Option<&'a str>,
    now: Option<Digest>,
}

impl<'a> Fields<'a> {
    fn of(what: &'a What) -> Self {
        let none = Self::default();
        match what {
            What::ServiceStarted { version } | What::SecretUsed { version, .. } => {
                Self { version: Some(version.as_str()), ..none }
            }
            What::ConfigurationChanged { now, .. } | What::BundleChanged { now, .. } => {
                Self { now: Some(*now), ..none }
            }
            What::LogRestored { root, .. } => Self { now: Some(*root), ..none },
            What::RunStarted { policy, .. } | What::RunContinued { policy } => {
                Self { policy: Some(*policy), ..none }
            }
            What::StepStarted { component, .. } => Self { component: Some(*component), ..none },
            What::StepEnded { fuel, .. } => Self { fuel: Some(*fuel), ..none },
            What::GrantDecided { rule, policy, .. } => {
                Self { rule: Some(rule.as_str()), policy: Some(*policy), ..none }
            }
            What::CallIntended { method, attempt, workflow_rule, policy, .. } => Self {
                method: Some(method.as_str()),
                attempt: Some(*attempt),
                rule: Some(workflow_rule.as_str()),
                policy: Some(*policy),
                ..none
            },
            What::CallAnswered { attempt, status, rule, .. } => Self {
                attempt: Some(*attempt),
                status: *status,
                rule: rule.as_ref().map(super::Name::as_str),
                ..none
            },
            What::CallRecorded { status, .. } => Self { status: *status, ..none },
            What::ServiceStopped
            | What::ServiceRecovered { .. }
            | What::OperatorActed { .. }
            | What::RunEnded { .. }
            | What::CallResolved { .. }
            | What::LimitReached { .. }
            | What::BodyErased { .. }
            | What::GapFound { .. } => none,
        }
    }
}

impl Event {
    /// Emits the event to `tracing`, under the target `stepward::event` and with the names that it has
    /// in the log. What was refused, reached a limit or is missing is a warning.
    pub fn tell(&self) {
        let Fields { rule, policy, status, attempt, method, component, fuel, version, now } =
            Fields::of(&self.what);
        let digest = |digest: Option<Digest>| digest.map(tracing::field::display);
        macro_rules! tell {
            ($level:ident) => {
                tracing::$level!(
                    target: "stepward::event",
                    seq = self.sequence,
                    env = self.environment.as_str(),
                    time_us = self.stamp.unix_us,
                    mono_us = self.stamp.mono_us,
                    actor = self.actor.kind(),
                    actor_name = self.actor.name().map(super::Name::as_str),
                    run = self.run.as_ref().map(super::Name::as_str),
                    step = self.step.as_ref().map(super::Name::as_str),
                    call = self.call,
                    body = self.body.map(tracing::field::display),
                    action = self.what.action(),
                    object = self.what.object().map(super::Name::as_str),
                    verdict = self.what.verdict(),
                    rule, status, attempt, method, fuel, version,
                    policy = digest(policy), component = digest(component), now = digest(now),
                )
            };
        }
        if self.what.wants_a_look() { tell!(warn) } else { tell!(info) }
    }
}
