//! What can happen: a closed set.

use super::{Name, Recognised, Text};
use serde::{Deserialize, Serialize};
use stepward_trust::Digest;

/// What happened. Together with who, when and where it makes an [`Event`](super::Event).
///
/// An added variant or field is a new [`VERSION`](super::VERSION) of the encoding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "kebab-case", deny_unknown_fields)]
pub enum What {
    /// A process became the owner of the log.
    ServiceStarted {
        /// Its version.
        version: Name,
    },
    /// The owner ended in order: nothing of it is missing.
    ServiceStopped,
    /// The owner before this one did not end in order. Every run that it left was looked at.
    ServiceRecovered {
        /// Runs of which no step had started.
        not_started: u64,
        /// Runs that can go on.
        can_go_on: u64,
        /// Runs with a call of which nobody knows whether it was carried out.
        in_doubt: u64,
        /// Runs whose record cannot be read.
        unreadable: u64,
    },
    /// The log was restored from a backup: what happened after the backup is not in it. Every run that
    /// had not ended by then is in doubt.
    LogRestored {
        /// Leaves that the backup had.
        size: u64,
        /// The root over them.
        root: Digest,
        /// The origin's generation from here on.
        generation: u64,
    },
    /// The environment's configuration is another one than before.
    ConfigurationChanged {
        /// The digest before; none at the first start.
        #[serde(skip_serializing_if = "Option::is_none")]
        before: Option<Digest>,
        /// The digest now.
        now: Digest,
    },
    /// What is pinned to run under this name is another thing than before.
    BundleChanged {
        /// The workflow or step.
        object: Name,
        /// The digest before; none where it is new.
        #[serde(skip_serializing_if = "Option::is_none")]
        before: Option<Digest>,
        /// The digest now.
        now: Digest,
    },
    /// Somebody did something to the environment that has no event of its own.
    OperatorActed {
        /// What.
        act: Act,
    },
    /// A run started. The body is its input.
    RunStarted {
        /// The workflow or step that runs.
        object: Name,
        /// The digest of its definition: order, grants, limits and components.
        definition: Digest,
        /// The digest of the environment's configuration.
        policy: Digest,
    },
    /// A run that was interrupted goes on.
    RunContinued {
        /// The digest of the environment's configuration now.
        policy: Digest,
    },
    /// A run ended. Where it succeeded, the body is its output.
    RunEnded {
        /// How.
        outcome: Outcome,
    },
    /// A step started.
    StepStarted {
        /// The component.
        component: Digest,
        /// The fingerprint of the engine.
        engine: Digest,
        /// The digest of the limits.
        limits: Digest,
    },
    /// A step ended. Where it succeeded or failed, the body is its output or its error.
    StepEnded {
        /// How.
        outcome: Outcome,
        /// The fuel that it used.
        fuel: u64,
    },
    /// The host decided what a step may reach, when it started or when it asked.
    GrantDecided {
        /// What was asked for, such as `endpoint:erp`.
        object: Name,
        /// The answer.
        decision: Decision,
        /// The rule that gave it.
        rule: Name,
        /// The digest of the environment's configuration.
        policy: Digest,
    },
    /// An effect was permitted and is about to be sent. Durable before anything of it leaves the host.
    /// The body is the call.
    CallIntended {
        /// Where it goes, such as `endpoint:erp`.
        object: Name,
        /// The request's method.
        method: Name,
        /// Which attempt at this operation it is within the step, from 1.
        attempt: u64,
        /// Whether the service acts once for equal keys, so that a lost attempt may be repeated.
        idempotent: bool,
        /// Always `permitted`; what was refused has an event of its own.
        decision: Decision,
        /// What in the workflow permitted it.
        workflow_rule: Text,
        /// What in the environment permitted it.
        environment_rule: Text,
        /// The digest of the environment's configuration.
        policy: Digest,
    },
    /// What came of an effect. The body is the reply; there is none where it was withheld or lost.
    CallAnswered {
        /// Where it went.
        object: Name,
        /// Which attempt.
        attempt: u64,
        /// Whether it was carried out.
        effect: Effect,
        /// The status of the answer, where there was one.
        #[serde(skip_serializing_if = "Option::is_none")]
        status: Option<u16>,
        /// Why there is none, or why it was withheld.
        #[serde(skip_serializing_if = "Option::is_none")]
        rule: Option<Name>,
    },
    /// A call without an effect was answered: a read, a signature, the time, random bytes, a secret that
    /// was revealed. The body is the call and its reply.
    CallRecorded {
        /// What was asked, such as `endpoint:erp` or `signer:payments`.
        object: Name,
        /// The status of a read's answer.
        #[serde(skip_serializing_if = "Option::is_none")]
        status: Option<u16>,
    },
    /// An operator decided what came of a call in doubt, or of everything that a run could have done
    /// since a backup. The body is the reason, and the answer where one was given.
    CallResolved {
        /// Whether it was carried out.
        effect: Resolution,
    },
    /// A limit ended a step.
    LimitReached {
        /// Its name.
        limit: Name,
    },
    /// A secret was fetched for a step.
    SecretUsed {
        /// Its name.
        secret: Name,
        /// Its version.
        version: Name,
        /// What for.
        purpose: Purpose,
    },
    /// The key of a run's bodies was dropped. The body is not.
    BodyErased {
        /// When the erasure is complete, also for copies of the run keys: when the wrapping key is
        /// destroyed. Milliseconds since 1970-01-01T00:00:00Z.
        complete_at_ms: u64,
    },
    /// Something that should have been recorded or checked was not.
    GapFound {
        /// What.
        gap: Gap,
        /// The first sequence that it concerns.
        from: u64,
    },
}

/// How a run or step ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It returned a document.
    Succeeded,
    /// A step returned an error, panicked or trapped.
    Failed,
    /// A limit ran out.
    LimitExceeded,
    /// The host ended it.
    Refused,
    /// An operator ended it.
    Cancelled,
}

/// What the host answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decision {
    /// Yes.
    Permitted,
    /// No.
    Refused,
}

/// Whether an effect was carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// The service answered.
    Applied,
    /// It ended before the service could act.
    NotApplied,
    /// Nobody knows.
    Unknown,
}

/// What an operator found out about a call in doubt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Resolution {
    /// It was carried out.
    Applied,
    /// It was not.
    NotApplied,
}

/// What a secret was fetched for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    /// To be added to requests; the step never sees it.
    Credential,
    /// To sign for the step, which never sees it.
    Signer,
    /// To be shown to the step.
    Revealed,
}

/// What somebody did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Act {
    /// Made a backup.
    Backup,
    /// Exported the log.
    Export,
    /// Took out the evidence of a run.
    Evidence,
    /// Opened the bodies of a run.
    BodiesOpened,
    /// Rotated the keys that wrap the keys of runs.
    KeysRotated,
    /// Sealed the environment's key under a passphrase.
    KeyProtected,
    /// Opened the environment's key for good.
    KeyUnprotected,
}

/// What is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Gap {
    /// Too few witnesses cosigned, and the environment allows to go on.
    Witnesses,
    /// The wall clock is behind what the log has seen.
    ClockBack,
    /// An event cannot be read by this version.
    Unreadable,
}

/// The word of a closed set, as it is written.
macro_rules! words {
    ($($kind:ty { $($variant:ident => $word:literal),+ $(,)? })+) => {$(
        impl $kind {
            /// Every word of the set.
            pub const WORDS: &[&str] = &[$($word),+];

            /// The word, as it is written.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl std::fmt::Display for $kind {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    )+};
}

words! {
    Outcome {
        Succeeded => "succeeded", Failed => "failed", LimitExceeded => "limit-exceeded", Refused => "refused",
        Cancelled => "cancelled",
    }
    Decision { Permitted => "permitted", Refused => "refused" }
    Effect { Applied => "applied", NotApplied => "not-applied", Unknown => "unknown" }
    Resolution { Applied => "applied", NotApplied => "not-applied" }
    Purpose { Credential => "credential", Signer => "signer", Revealed => "revealed" }
    Act {
        Backup => "backup", Export => "export", Evidence => "evidence", BodiesOpened => "bodies-opened",
        KeysRotated => "keys-rotated", KeyProtected => "key-protected", KeyUnprotected => "key-unprotected",
    }
    Gap { Witnesses => "witnesses", ClockBack => "clock-back", Unreadable => "unreadable" }
    Recognised { OsAccount => "os-account", Embedder => "embedder" }
}

impl What {
    /// Every word that [`action`](Self::action) gives.
    pub const ACTIONS: &[&str] = &[
        "service-started",
        "service-stopped",
        "service-recovered",
        "log-restored",
        "configuration-changed",
        "bundle-changed",
        "operator-acted",
        "run-started",
        "run-continued",
        "run-ended",
        "step-started",
        "step-ended",
        "grant-decided",
        "call-intended",
        "call-answered",
        "call-recorded",
        "call-resolved",
        "limit-reached",
        "secret-used",
        "body-erased",
        "gap-found",
    ];

    /// Every word that [`verdict`](Self::verdict) gives, each once.
    pub fn verdicts() -> Vec<&'static str> {
        let sets = [
            Decision::WORDS,
            Effect::WORDS,
            Resolution::WORDS,
            Outcome::WORDS,
            Purpose::WORDS,
            Act::WORDS,
            Gap::WORDS,
        ];
        let mut words = Vec::new();
        for word in sets.into_iter().flatten() {
            if !words.contains(word) {
                words.push(*word);
            }
        }
        words
    }

    /// The action's word, as it is written.
    pub const fn action(&self) -> &'static str {
        match self {
            Self::ServiceStarted { .. } => "service-started",
            Self::ServiceStopped => "service-stopped",
            Self::ServiceRecovered { .. } => "service-recovered",
            Self::LogRestored { .. } => "log-restored",
            Self::ConfigurationChanged { .. } => "configuration-changed",
            Self::BundleChanged { .. } => "bundle-changed",
            Self::OperatorActed { .. } => "operator-acted",
            Self::RunStarted { .. } => "run-started",
            Self::RunContinued { .. } => "run-continued",
            Self::RunEnded { .. } => "run-ended",
            Self::StepStarted { .. } => "step-started",
            Self::StepEnded { .. } => "step-ended",
            Self::GrantDecided { .. } => "grant-decided",
            Self::CallIntended { .. } => "call-intended",
            Self::CallAnswered { .. } => "call-answered",
            Self::CallRecorded { .. } => "call-recorded",
            Self::CallResolved { .. } => "call-resolved",
            Self::LimitReached { .. } => "limit-reached",
            Self::SecretUsed { .. } => "secret-used",
            Self::BodyErased { .. } => "body-erased",
            Self::GapFound { .. } => "gap-found",
        }
    }

    /// What it was done to, where that has a name.
    pub fn object(&self) -> Option<&Name> {
        match self {
            Self::BundleChanged { object, .. }
            | Self::RunStarted { object, .. }
            | Self::GrantDecided { object, .. }
            | Self::CallIntended { object, .. }
            | Self::CallAnswered { object, .. }
            | Self::CallRecorded { object, .. } => Some(object),
            Self::SecretUsed { secret, .. } => Some(secret),
            Self::LimitReached { limit } => Some(limit),
            Self::ServiceStarted { .. }
            | Self::ServiceStopped
            | Self::ServiceRecovered { .. }
            | Self::LogRestored { .. }
            | Self::ConfigurationChanged { .. }
            | Self::OperatorActed { .. }
            | Self::RunContinued { .. }
            | Self::RunEnded { .. }
            | Self::StepStarted { .. }
            | Self::StepEnded { .. }
            | Self::CallResolved { .. }
            | Self::BodyErased { .. }
            | Self::GapFound { .. } => None,
        }
    }

    /// What was decided or came of it, in one word.
    pub const fn verdict(&self) -> Option<&'static str> {
        Some(match self {
            Self::GrantDecided { decision, .. } | Self::CallIntended { decision, .. } => decision.as_str(),
            Self::CallAnswered { effect, .. } => effect.as_str(),
            Self::CallResolved { effect } => effect.as_str(),
            Self::RunEnded { outcome } | Self::StepEnded { outcome, .. } => outcome.as_str(),
            Self::SecretUsed { purpose, .. } => purpose.as_str(),
            Self::OperatorActed { act } => act.as_str(),
            Self::GapFound { gap, .. } => gap.as_str(),
            Self::ServiceStarted { .. }
            | Self::ServiceStopped
            | Self::ServiceRecovered { .. }
            | Self::LogRestored { .. }
            | Self::ConfigurationChanged { .. }
            | Self::BundleChanged { .. }
            | Self::RunStarted { .. }
            | Self::RunContinued { .. }
            | Self::StepStarted { .. }
            | Self::CallRecorded { .. }
            | Self::LimitReached { .. }
            | Self::BodyErased { .. } => return None,
        })
    }
}

impl What {
    /// Whether a person should look at it.
    pub(super) const fn wants_a_look(&self) -> bool {
        match self {
            Self::GrantDecided { decision, .. } => matches!(decision, Decision::Refused),
            Self::CallAnswered { effect, .. } => matches!(effect, Effect::Unknown),
            Self::LimitReached { .. }
            | Self::GapFound { .. }
            | Self::LogRestored { .. }
            | Self::ServiceRecovered { .. } => true,
            Self::ServiceStarted { .. }
            | Self::ServiceStopped
            | Self::ConfigurationChanged { .. }
            | Self::BundleChanged { .. }
            | Self::OperatorActed { .. }
            | Self::RunStarted { .. }
            | Self::RunContinued { .. }
            | Self::RunEnded { .. }
            | Self::StepStarted { .. }
            | Self::StepEnded { .. }
            | Self::CallIntended { .. }
            | Self::CallRecorded { .. }
            | Self::CallResolved { .. }
            | Self::SecretUsed { .. }
            | Self::BodyErased { .. } => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Act, What};
    use serde::Deserialize as _;
    use serde::de::value::{Error, StrDeserializer};

    /// Serde names every variant where it is asked for one that is none.
    #[test]
    fn the_words_of_actions_and_verdicts_are_complete() {
        let unknown = serde_json::from_str::<What>(r#"{"action":"nope"}"#).unwrap_err().to_string();
        let named = unknown.split('`').skip(3).step_by(2).collect::<Vec<_>>();
        assert_eq!(named, What::ACTIONS, "{unknown}");
        let verdicts = What::verdicts();
        let mut once = verdicts.clone();
        once.sort_unstable();
        once.dedup();
        assert_eq!(once.len(), verdicts.len(), "{verdicts:?}");
        let unknown = Act::deserialize(StrDeserializer::<Error>::new("nope")).unwrap_err().to_string();
        let named = unknown.split('`').skip(3).step_by(2).collect::<Vec<_>>();
        assert_eq!(named, Act::WORDS, "{unknown}");
        assert!(named.iter().all(|word| verdicts.contains(word)), "{verdicts:?}");
    }
}
