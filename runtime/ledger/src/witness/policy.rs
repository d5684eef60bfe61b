//! How many witnesses must have seen a checkpoint, and how lately.

use crate::merkle::TreeHead;
use crate::note::{Cosigned, KeyName, NoteError, SignedCheckpoint, UnixSeconds, WitnessVerifier};
use std::{fmt, num::NonZeroU64, num::NonZeroUsize};
use stepward_fault::{Class, Fault, Owner, Rule};

/// Most witnesses of a policy. With the log's own signature their cosignatures make the 16 that every
/// verifier must accept (C2SP signed-note, "Format").
pub const MAX_WITNESSES: usize = 15;

/// The longest time for which a cosignature may count as fresh, 31 days in seconds: for that long a
/// rollback could go unnoticed.
pub const MAX_FRESH_SECONDS: u64 = 31 * 24 * 60 * 60;

/// How far a witness's clock may be ahead, in seconds: 5 minutes, what clocks without a time service drift
/// apart in months. A cosignature from further ahead would stay fresh too long.
pub const FUTURE_SECONDS: u64 = 5 * 60;

const TOO_FEW: Rule = Rule::new("witnesses-too-few");

/// What happens to runs while too few witnesses can be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreachable {
    /// They stop until enough witnesses cosign.
    Stop,
    /// They go on, and the log says that nobody outside watched meanwhile.
    MarkGap,
}

/// Why witnesses make no policy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// More must cosign than there are.
    #[error("{quorum} witnesses must cosign, but there are only {witnesses}")]
    QuorumTooLarge {
        /// How many must.
        quorum: usize,
        /// How many there are.
        witnesses: usize,
    },
    /// More than a note has room for.
    #[error("there are {witnesses} witnesses, and at most {MAX_WITNESSES} may be named")]
    TooMany {
        /// How many there are.
        witnesses: usize,
    },
    /// One witness would count twice.
    #[error("the witnesses `{first}` and `{second}` have the same name or the same key")]
    Same {
        /// The one.
        first: KeyName,
        /// The other.
        second: KeyName,
    },
    /// A cosignature would count as fresh for too long.
    #[error("cosignatures may count as fresh for at most {MAX_FRESH_SECONDS} seconds, not {seconds}")]
    FreshTooLong {
        /// How long.
        seconds: u64,
    },
}

/// Who watches a log, and how many of them are enough.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    witnesses: Vec<WitnessVerifier>,
    quorum: NonZeroUsize,
    fresh_for: NonZeroU64,
    unreachable: Unreachable,
}

/// Enough witnesses saw this tree lately. Only [`Policy::judge`] makes one.
///
/// ```compile_fail,E0451
/// use stepward_ledger::{merkle::TreeHead, note::KeyName, witness::Witnessed};
///
/// fn forge(origin: KeyName, head: TreeHead) -> Witnessed {
///     Witnessed { origin, head, by: Vec::new() }
/// }
/// ```
#[derive(Debug, PartialEq, Eq)]
#[must_use = "it is the verdict"]
pub struct Witnessed {
    origin: KeyName,
    head: TreeHead,
    by: Vec<Cosigned>,
}

impl Witnessed {
    /// The log.
    pub fn origin(&self) -> &KeyName {
        &self.origin
    }

    /// The tree that they saw.
    pub fn head(&self) -> TreeHead {
        self.head
    }

    /// Who saw it and when: as many as the policy asks for, or more.
    pub fn by(&self) -> &[Cosigned] {
        &self.by
    }
}

/// What is missing before enough witnesses saw a tree lately.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{have} of the {need} witnesses that are needed have seen it lately{}", self.rest())]
pub struct Lacking {
    /// How many fresh cosignatures there are.
    pub have: usize,
    /// How many there must be.
    pub need: usize,
    /// Cosignatures that are too old.
    pub stale: Vec<Cosigned>,
    /// Cosignatures from further in the future than clocks may differ.
    pub ahead_of_time: Vec<Cosigned>,
    /// The witnesses that did not cosign.
    pub absent: Vec<KeyName>,
}

impl Lacking {
    fn rest(&self) -> String {
        let times = |cosigned: &Vec<Cosigned>| {
            cosigned.iter().map(|c| format!("`{}` at {}", c.witness(), c.time())).collect::<Vec<_>>()
        };
        let absent = self.absent.iter().map(|name| format!("`{name}`")).collect();
        let groups = [
            ("too long ago", times(&self.stale)),
            ("in the future", times(&self.ahead_of_time)),
            ("not", absent),
        ];
        let told = groups.iter().filter(|(_, who)| !who.is_empty());
        told.map(|(when, who)| format!("; {when}: {}", who.join(", "))).collect::<Vec<_>>().concat()
    }
}

/// Why a checkpoint does not count as witnessed.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unwitnessed {
    /// Too few fresh cosignatures.
    #[error(transparent)]
    Lacking(#[from] Lacking),
    /// A cosignature that claims to be by one of the witnesses is not: the note was tampered with.
    #[error(transparent)]
    Note(#[from] NoteError),
}

impl Unwitnessed {
    /// The refusal as it is shown, with the place of the checkpoint.
    pub fn fault(&self, place: impl fmt::Display) -> Fault {
        match self {
            Self::Lacking(lacking) => Fault::new(Class::Unavailable, Owner::Operator, TOO_FEW)
                .at(place)
                .says(lacking)
                .hint("see that the witnesses can be reached and that the clocks here and there are right"),
            Self::Note(note) => note.fault(place),
        }
    }
}

impl Policy {
    /// A policy: `quorum` of the witnesses must have cosigned in the last `fresh_for` seconds.
    ///
    /// # Errors
    /// When the quorum can never be met, there are more than [`MAX_WITNESSES`], two witnesses share a name or
    /// a key, or `fresh_for` is above [`MAX_FRESH_SECONDS`].
    pub fn new(
        witnesses: Vec<WitnessVerifier>,
        quorum: NonZeroUsize,
        fresh_for: NonZeroU64,
        unreachable: Unreachable,
    ) -> Result<Self, PolicyError> {
        if witnesses.len() > MAX_WITNESSES {
            return Err(PolicyError::TooMany { witnesses: witnesses.len() });
        }
        if quorum.get() > witnesses.len() {
            return Err(PolicyError::QuorumTooLarge { quorum: quorum.get(), witnesses: witnesses.len() });
        }
        if fresh_for.get() > MAX_FRESH_SECONDS {
            return Err(PolicyError::FreshTooLong { seconds: fresh_for.get() });
        }
        for (place, second) in witnesses.iter().enumerate() {
            let alike = |first: &&WitnessVerifier| {
                first.name() == second.name() || first.public_key() == second.public_key()
            };
            if let Some(first) = witnesses.iter().take(place).find(alike) {
                return Err(PolicyError::Same { first: first.name().clone(), second: second.name().clone() });
            }
        }
        Ok(Self { witnesses, quorum, fresh_for, unreachable })
    }

    /// The witnesses.
    pub fn witnesses(&self) -> &[WitnessVerifier] {
        &self.witnesses
    }

    /// How many must cosign.
    pub fn quorum(&self) -> NonZeroUsize {
        self.quorum
    }

    /// For how many seconds a cosignature counts as fresh.
    pub fn fresh_for(&self) -> NonZeroU64 {
        self.fresh_for
    }

    /// What happens to runs while too few can be reached.
    pub fn unreachable(&self) -> Unreachable {
        self.unreachable
    }

    /// Judges the cosignatures of a checkpoint at the time `now`, in Unix seconds. One that is exactly
    /// as old as allowed is fresh.
    ///
    /// # Errors
    /// When too few are fresh, or one that claims to be by one of the witnesses is not.
    pub fn judge(&self, checkpoint: &SignedCheckpoint, now: UnixSeconds) -> Result<Witnessed, Unwitnessed> {
        let mut fresh = Vec::new();
        let mut lacking = Lacking {
            have: 0,
            need: self.quorum.get(),
            stale: vec![],
            ahead_of_time: vec![],
            absent: vec![],
        };
        for witness in &self.witnesses {
            match checkpoint.cosigned_by(witness)? {
                None => lacking.absent.push(witness.name().clone()),
                Some(cosigned) => match self.age(&cosigned, now) {
                    Age::Fresh => fresh.push(cosigned),
                    Age::Stale => lacking.stale.push(cosigned),
                    Age::AheadOfTime => lacking.ahead_of_time.push(cosigned),
                },
            }
        }
        lacking.have = fresh.len();
        if lacking.have < lacking.need {
            return Err(lacking.into());
        }
        Ok(Witnessed { origin: checkpoint.origin().clone(), head: checkpoint.head(), by: fresh })
    }

    fn age(&self, cosigned: &Cosigned, now: UnixSeconds) -> Age {
        match now.since(cosigned.time()) {
            Some(seconds) if seconds <= self.fresh_for.get() => Age::Fresh,
            Some(_) => Age::Stale,
            None if cosigned.time().since(now).is_some_and(|seconds| seconds <= FUTURE_SECONDS) => Age::Fresh,
            None => Age::AheadOfTime,
        }
    }
}

/// How a cosignature's time stands to now.
enum Age {
    Fresh,
    Stale,
    AheadOfTime,
}
