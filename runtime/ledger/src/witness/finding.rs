//! What came of asking one witness.

use super::{ResponseError, TransportFailure};
use crate::merkle::TreeSize;
use crate::note::{Cosigned, KeyName, NoteError};
use stepward_fault::{Class, Fault, Owner, Rule};

const AHEAD: Rule = Rule::new("log-older-than-witness");
const FORKED: Rule = Rule::new("log-differs-from-witness");
const SET_BACK: Rule = Rule::new("witness-set-back");
const REFUSED: Rule = Rule::new("witness-refused");
const UNSETTLED: Rule = Rule::new("witness-unsettled");
const COSIGNATURE: Rule = Rule::new("witness-cosignature-wrong");
const ANSWER: Rule = Rule::new("witness-answer-malformed");
const UNREACHABLE: Rule = Rule::new("witness-unreachable");

/// Why a witness did not take a checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It does not watch this log.
    #[error("does not watch this log")]
    UnknownLog,
    /// It trusts another key for this log, or asks who is calling.
    #[error("does not trust the key that signs this log")]
    Forbidden,
    /// It did not understand the request.
    #[error("did not understand the request")]
    BadRequest,
    /// It asked for nothing that a proof could show, and was not content all the same.
    #[error("says that the log is inconsistent, though it knew nothing of it")]
    Inconsistent,
    /// It answered with a status that has no meaning here.
    #[error("answered with the status {status}, which has no meaning here")]
    Unexpected {
        /// The status.
        status: u16,
    },
}

/// What came of it.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It cosigned, and the cosignature is in the note.
    Cosigned(Cosigned),
    /// It has cosigned a larger tree of this log than the one at hand: this copy is not the newest.
    Ahead {
        /// The size that it cosigned.
        size: TreeSize,
    },
    /// It has cosigned another tree of this size: this log is not the one that it watched.
    Forked {
        /// The size up to which the two should be the same.
        size: TreeSize,
    },
    /// It did not take the checkpoint.
    Refused(Refusal),
    /// It named one size after the other, or the very size that it had been given.
    Unsettled {
        /// The last size that it named.
        size: TreeSize,
    },
    /// It sent a cosignature that is not by its key over this checkpoint.
    BadCosignature(NoteError),
    /// It cosigned with the time 0, which means none.
    WithoutTime,
    /// It sent signatures, and none by its key.
    NoCosignature,
    /// It sent something that has no meaning.
    Malformed(ResponseError),
    /// It could not answer now.
    Failed {
        /// The status.
        status: u16,
    },
    /// It was not reached.
    Unreachable(TransportFailure),
}

/// What came of asking one witness.
#[derive(Debug, PartialEq, Eq)]
pub struct Finding {
    pub(super) witness: KeyName,
    /// Leaves in the checkpoint that was submitted.
    pub(super) had: TreeSize,
    /// What the witness was thought to know.
    pub(super) knew: TreeSize,
    /// What it said that it knew, if that was something else.
    pub(super) found: Option<TreeSize>,
    pub(super) outcome: Outcome,
}

impl Finding {
    /// Which witness.
    pub fn witness(&self) -> &KeyName {
        &self.witness
    }

    /// What came of it.
    pub fn outcome(&self) -> &Outcome {
        &self.outcome
    }

    /// Gives away what came of it.
    pub fn into_outcome(self) -> Outcome {
        self.outcome
    }

    /// The size that the witness is known to have now; to be given in the next round. A size beyond the log's own is
    /// only the witness's word: it is not remembered, so that a witness that was put right is believed again.
    pub fn knows(&self) -> TreeSize {
        match self.outcome {
            Outcome::Cosigned(_) => self.had,
            Outcome::Ahead { .. } => self.knew,
            Outcome::Unsettled { .. }
            | Outcome::Forked { .. }
            | Outcome::Refused(_)
            | Outcome::BadCosignature(_)
            | Outcome::WithoutTime
            | Outcome::NoCosignature
            | Outcome::Malformed(_)
            | Outcome::Failed { .. }
            | Outcome::Unreachable(_) => self.found.unwrap_or(self.knew),
        }
    }

    /// The smaller size that the witness went back to, when it knows less than it did.
    pub fn set_back(&self) -> Option<TreeSize> {
        self.found.filter(|found| *found < self.knew)
    }

    /// The explanation, when this speaks against the log and not only for the witness's absence. Stop then: the
    /// log at hand is not the one that the witness saw.
    pub fn contradiction(&self) -> Option<Fault> {
        let Self { witness, had, .. } = self;
        let invalid = |rule| Fault::new(Class::EvidenceInvalid, Owner::Operator, rule).at(witness);
        match self.outcome {
            Outcome::Ahead { size } => Some(
                invalid(AHEAD)
                    .says(format_args!(
                        "the witness has cosigned {size} events of this log, but this copy has only {had}: an older \
                         copy was put in the place of the newest"
                    ))
                    .hint(
                        "do not append to this copy: find the newest one and start with that\n\
                         if it is lost: `stepward restore` goes on under a new name and asks about each run that could \
                         have acted since\n\
                         the answer is not signed: the checkpoint that the witness serves to monitors is",
                    ),
            ),
            Outcome::Forked { size } => Some(
                invalid(FORKED)
                    .says(format_args!(
                        "the witness has cosigned {size} events that are not the first {size} of this log: one of them was \
                         changed, or two copies of the log went on separately"
                    ))
                    .hint(
                        "do not append to this copy: keep it, and compare its checkpoint of that size with the one that \
                         the witness serves to monitors\n\
                         look for a second copy that ran with the same key",
                    ),
            ),
            Outcome::Cosigned(_)
            | Outcome::Refused(_)
            | Outcome::Unsettled { .. }
            | Outcome::BadCosignature(_)
            | Outcome::WithoutTime
            | Outcome::NoCosignature
            | Outcome::Malformed(_)
            | Outcome::Failed { .. }
            | Outcome::Unreachable(_) => None,
        }
    }

    /// What is wrong with the log or the witness; nothing when it cosigned and knows no less than before.
    pub fn fault(&self) -> Option<Fault> {
        if let Some(fault) = self.contradiction() {
            return Some(fault);
        }
        let fault = |class, rule| Fault::new(class, Owner::Upstream, rule).at(&self.witness);
        Some(match &self.outcome {
            // Both have been explained above.
            Outcome::Ahead { .. } | Outcome::Forked { .. } => return None,
            Outcome::Cosigned(_) => return self.set_back().map(|found| self.says_set_back(found)),
            Outcome::Refused(refusal) => fault(Class::Refused, REFUSED)
                .says(format_args!("the witness {refusal}"))
                .hint("ask its operator to watch this log: give the origin and the public key"),
            Outcome::Unsettled { size } => fault(Class::Unavailable, UNSETTLED)
                .says(format_args!(
                    "the witness names {size} as the size that it knows, and does not keep to it"
                ))
                .hint("look for a second program that submits this log; then ask the witness's operator"),
            Outcome::BadCosignature(error) => fault(Class::EvidenceInvalid, COSIGNATURE)
                .says(error)
                .hint("compare the witness's public key with the one that its operator publishes"),
            Outcome::WithoutTime => fault(Class::EvidenceInvalid, COSIGNATURE)
                .says("the witness cosigned without saying when")
                .hint("ask its operator: C2SP tlog-witness demands a time"),
            Outcome::NoCosignature => fault(Class::EvidenceInvalid, COSIGNATURE)
                .says("the witness sent signatures, but none by its key")
                .hint("compare the witness's name and public key with what its operator publishes"),
            Outcome::Malformed(error) => fault(Class::Unavailable, ANSWER)
                .says(error)
                .hint("check the witness's address: what answers there does not follow C2SP tlog-witness"),
            Outcome::Failed { status } => fault(Class::Unavailable, UNREACHABLE)
                .says(format_args!("the witness answered with the status {status}"))
                .hint("it is tried again in the next round"),
            Outcome::Unreachable(failure) => fault(Class::Unavailable, UNREACHABLE)
                .says(failure)
                .hint("check the network and the witness's address; it is tried again in the next round"),
        })
    }

    fn says_set_back(&self, found: TreeSize) -> Fault {
        let knew = self.knew;
        Fault::new(Class::EvidenceInvalid, Owner::Upstream, SET_BACK)
            .at(&self.witness)
            .says(format_args!(
                "the witness knew {knew} events of this log before, and now only {found}: it has lost its memory"
            ))
            .hint("ask its operator: a witness that forgets cannot show that a log was rolled back")
    }
}
