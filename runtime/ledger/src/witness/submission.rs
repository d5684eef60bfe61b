//! The talk with one witness, without the wire.

use super::{
    AddCheckpoint, Answer, CONFLICT, Finding, Outcome, Refusal, RequestError, Response, TransportFailure,
};
use crate::merkle::{Hashes, TreeSize};
use crate::note::{KeyName, Signature, SignedCheckpoint, UnixSeconds, WitnessVerifier};

/// A checkpoint on its way to one witness: at most two requests, the second one with the size that the witness
/// named when it knew another than was thought.
pub(super) struct Submission<'a, H> {
    hashes: &'a H,
    checkpoint: &'a SignedCheckpoint,
    witness: &'a WitnessVerifier,
    /// The size that the witness knew last.
    knew: TreeSize,
    /// The size that the last request named as the witness's.
    old: TreeSize,
    /// The size that the witness named, once it did.
    found: Option<TreeSize>,
}

/// What comes next.
pub(super) enum Next {
    /// To be sent.
    Post(String),
    /// The end, and the cosignature when there is one.
    Done(Outcome, Option<Signature>),
}

impl Next {
    fn done(outcome: Outcome) -> Self {
        Self::Done(outcome, None)
    }
}

impl<'a, H: Hashes> Submission<'a, H> {
    /// Begins with the size that the witness knew last.
    pub(super) fn new(
        hashes: &'a H,
        checkpoint: &'a SignedCheckpoint,
        witness: &'a WitnessVerifier,
        knew: TreeSize,
    ) -> Self {
        Self { hashes, checkpoint, witness, knew, old: knew, found: None }
    }

    /// Which witness.
    pub(super) fn witness(&self) -> &'a KeyName {
        self.witness.name()
    }

    /// What came of it all.
    pub(super) fn finding(self, outcome: Outcome) -> Finding {
        Finding {
            witness: self.witness.name().clone(),
            had: self.checkpoint.head().size,
            knew: self.knew,
            found: self.found,
            outcome,
        }
    }

    /// The first step. A witness that is remembered to know more than there is needs no asking.
    pub(super) fn begin(&self) -> Result<Next, RequestError<H::Error>> {
        if self.old > self.checkpoint.head().size {
            return Ok(Next::done(Outcome::Ahead { size: self.old }));
        }
        self.post()
    }

    fn post(&self) -> Result<Next, RequestError<H::Error>> {
        let request = AddCheckpoint::prove(self.hashes, self.old, self.checkpoint)?;
        Ok(Next::Post(request.to_string()))
    }

    /// The step after an answer.
    pub(super) fn answered(
        &mut self,
        answer: Result<Answer, TransportFailure>,
    ) -> Result<Next, RequestError<H::Error>> {
        let answer = match answer {
            Ok(answer) => answer,
            Err(failure) => return Ok(Next::done(Outcome::Unreachable(failure))),
        };
        let response = match Response::read(&answer) {
            Ok(response) => response,
            Err(_) if answer.status == CONFLICT && self.is_whole() => {
                return Ok(Next::done(Outcome::Forked { size: self.old }));
            }
            Err(error) => return Ok(Next::done(Outcome::Malformed(error))),
        };
        Ok(match response {
            Response::Cosigned(signatures) => self.cosigned(&signatures),
            Response::Conflict { size } => return self.conflict(size),
            // The witness checks the size before the proof, and the proof was made from the tree itself.
            Response::Inconsistent if self.old != TreeSize::EMPTY => {
                Next::done(Outcome::Forked { size: self.old })
            }
            Response::Inconsistent => Next::done(Outcome::Refused(Refusal::Inconsistent)),
            Response::UnknownLog => Next::done(Outcome::Refused(Refusal::UnknownLog)),
            Response::Forbidden => Next::done(Outcome::Refused(Refusal::Forbidden)),
            Response::BadRequest => Next::done(Outcome::Refused(Refusal::BadRequest)),
            Response::Unexpected { status } => Next::done(Outcome::Refused(Refusal::Unexpected { status })),
            Response::Failed { status } => Next::done(Outcome::Failed { status }),
        })
    }

    /// Whether the witness is taken to know a tree as large as the checkpoint's. A conflict then means that
    /// the roots differ, and need not say a size (C2SP tlog-witness, "add-checkpoint"). The tree without
    /// leaves has but one root.
    fn is_whole(&self) -> bool {
        self.old != TreeSize::EMPTY && self.old == self.checkpoint.head().size
    }

    /// Signatures of other keys are ignored (C2SP tlog-witness, "add-checkpoint").
    fn cosigned(&self, signatures: &[Signature]) -> Next {
        match self.checkpoint.newest(self.witness, signatures) {
            Err(error) => Next::done(Outcome::BadCosignature(error)),
            Ok(None) => Next::done(Outcome::NoCosignature),
            Ok(Some((cosigned, _))) if cosigned.time() == UnixSeconds::NONE => {
                Next::done(Outcome::WithoutTime)
            }
            Ok(Some((cosigned, signature))) => {
                Next::Done(Outcome::Cosigned(cosigned), Some(signature.clone()))
            }
        }
    }

    fn conflict(&mut self, size: TreeSize) -> Result<Next, RequestError<H::Error>> {
        let second = self.found.replace(size).is_some();
        if size > self.checkpoint.head().size {
            return Ok(Next::done(Outcome::Ahead { size }));
        }
        if size == self.old && self.is_whole() {
            return Ok(Next::done(Outcome::Forked { size }));
        }
        if second || size == self.old {
            return Ok(Next::done(Outcome::Unsettled { size }));
        }
        self.old = size;
        self.post()
    }
}
