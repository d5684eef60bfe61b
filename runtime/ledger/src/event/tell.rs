//! The same event for whoever watches: a `tracing` event with the names of the encoding.
//!
//! Each kind of event has callsites of its own, since the names of a callsite are fixed. A field has the
//! name and the value of the encoding, the actor's with `actor.` before it; what the encoding leaves out is
//! left out. Every text in an event is a [`Name`], an escaped [`Text`] or a word of a closed set: none can
//! forge a line or move a cursor.

use super::{Act, Decision, Effect, Event, Gap, Name, Outcome, Purpose, Resolution, Text, VERSION, What};
use stepward_trust::Digest;
use tracing::{Level, Value, field::display};

/// A field of an event, as `tracing` takes it.
trait Told {
    fn told(&self) -> impl Value;
}

macro_rules! told {
    ($($kind:ty: $field:ident => $told:expr;)+) => {
        $(impl Told for $kind {
            fn told(&self) -> impl Value {
                let $field = self;
                $told
            }
        })+
    };
}

told! {
    bool: flag => *flag;
    u16: number => *number;
    u64: number => *number;
    Name: name => name.as_str();
    Text: text => text.as_str();
    Digest: digest => display(*digest);
    Act: act => act.as_str();
    Decision: decision => decision.as_str();
    Effect: effect => effect.as_str();
    Gap: gap => gap.as_str();
    Outcome: outcome => outcome.as_str();
    Purpose: purpose => purpose.as_str();
    Resolution: resolution => resolution.as_str();
}

impl<T: Told> Told for Option<T> {
    fn told(&self) -> impl Value {
        self.as_ref().map(T::told)
    }
}

/// Emits an event: what every event has, and the fields of its kind under the names that they have in
/// [`What`] and in the encoding. A kind or a field that is not listed does not compile.
macro_rules! tell {
    ($event:ident: $($kind:ident { $($field:ident),* })+) => {
        match &$event.what {
            $(What::$kind { $($field),* } if $event.what.wants_a_look() => {
                tell!(WARN, $event, $($field),*);
            })+
            $(What::$kind { $($field),* } => tell!(INFO, $event, $($field),*),)+
        }
    };
    ($level:ident, $event:ident, $($field:ident),*) => {
        tracing::event!(
            target: "stepward::event",
            Level::$level,
            v = VERSION,
            seq = $event.sequence,
            env = $event.environment.as_str(),
            time_us = $event.stamp.unix_us,
            error_us = $event.stamp.error_us,
            mono_us = $event.stamp.mono_us,
            actor.kind = $event.actor.kind(),
            actor.name = $event.actor.name().map(Name::as_str),
            actor.by = $event.actor.by(),
            run = $event.run.as_ref().map(Name::as_str),
            step = $event.step.as_ref().map(Name::as_str),
            call = $event.call,
            body = $event.body.map(display),
            action = $event.what.action(),
            $($field = $field.told(),)*
        )
    };
}

impl Event {
    /// Emits the event to `tracing`, under the target `stepward::event` and with the names and values that
    /// it has in the log. What was refused, reached a limit or is missing is a warning.
    pub fn tell(&self) {
        let event = self;
        tell! { event:
            ServiceStarted { version }
            ServiceStopped {}
            ServiceRecovered { not_started, can_go_on, in_doubt, unreadable }
            LogRestored { size, root, generation }
            ConfigurationChanged { before, now }
            BundleChanged { object, before, now }
            OperatorActed { act }
            RunStarted { object, definition, policy }
            RunContinued { policy }
            RunEnded { outcome }
            StepStarted { component, engine, limits }
            StepEnded { outcome, fuel }
            GrantDecided { object, decision, rule, policy }
            CallIntended {
                object, method, attempt, idempotent, decision, workflow_rule, environment_rule, policy
            }
            CallAnswered { object, attempt, effect, status, rule }
            CallRecorded { object, status }
            CallResolved { effect }
            LimitReached { limit }
            SecretUsed { secret, version, purpose }
            BodyErased { complete_at_ms }
            GapFound { gap, from }
        }
    }
}
