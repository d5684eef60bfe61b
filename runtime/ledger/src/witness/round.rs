//! Submitting a checkpoint to all witnesses.

use super::submission::{Next, Submission};
use super::{ADD_CHECKPOINT, Answer, Finding, MAX_PROOF_LINES, RequestError};
use crate::merkle::{Hashes, ProofError, ProveError, TreeHead, TreeSize};
use crate::note::{KeyName, NoteError, Signature, SignedCheckpoint, WitnessVerifier};
use std::collections::BTreeMap;
use std::{fmt, future::poll_fn, pin::Pin, task::Poll};
use stepward_fault::{Class, Fault, Owner, Rule, shown};

const UNREADABLE: Rule = Rule::new("log-unreadable");
const OTHER_TREE: Rule = Rule::new("log-differs-from-checkpoint");
const PROOF_TOO_LONG: Rule = Rule::new("witness-proof-too-long");

/// Carries requests to witnesses.
///
/// Whoever implements it knows where each witness is, sets an end to the time that a request may take, follows no
/// redirects, and reads at most [`MAX_ANSWER_BYTES`](super::MAX_ANSWER_BYTES) of a body.
pub trait Transport: Send + Sync {
    /// Sends a POST request with a body to `path` below the submission prefix of a witness.
    fn post<'a>(
        &'a self,
        witness: &'a KeyName,
        path: &'a str,
        body: String,
    ) -> Pin<Box<dyn Future<Output = Result<Answer, TransportFailure>> + Send + 'a>>;
}

/// Why no answer came.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TransportFailure {
    /// No connection, or it broke.
    #[error("the witness cannot be reached: {}", shown(.reason))]
    Unreachable {
        /// What the network said.
        reason: String,
    },
    /// It took too long.
    #[error("the witness did not answer in time")]
    TimedOut,
    /// The body did not end.
    #[error("the witness's answer is larger than is read")]
    TooLarge,
}

/// Why nothing could be submitted. Nothing is known of the witnesses then.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RoundError<E> {
    /// A node of the tree cannot be read.
    #[error("a node of the tree cannot be read")]
    Source(#[source] E),
    /// The checkpoint is not of this tree: one of the two was changed.
    #[error("the checkpoint's {} events have the root {}, but those of the log {}", .signed.size, .signed.root, .stored.root)]
    OtherTree {
        /// The head that was signed.
        signed: TreeHead,
        /// The head of as many leaves of the tree.
        stored: TreeHead,
    },
    /// A request cannot be made.
    #[error(transparent)]
    Request(#[from] RequestError<E>),
}

impl<E: fmt::Display> RoundError<E> {
    /// The refusal as it is shown, with the place of the log.
    pub fn fault(&self, place: impl fmt::Display) -> Fault {
        let unreadable = |reason: &E| {
            Fault::new(Class::Unavailable, Owner::Operator, UNREADABLE)
                .at(&place)
                .says(format_args!("the tree of the log cannot be read: {reason}"))
                .hint("see that the log's database is whole: stepward verify")
        };
        match self {
            Self::Source(reason) | Self::Request(RequestError::Prove(ProveError::Source(reason))) => {
                unreadable(reason)
            }
            Self::OtherTree { signed, stored } => Fault::new(
                Class::EvidenceInvalid,
                Owner::Operator,
                OTHER_TREE,
            )
            .at(&place)
            .says(format_args!(
                "the log signed the root {} over its first {} events, but they lead to {}: an event or a \
                         stored hash was changed",
                signed.root, signed.size, stored.root
            ))
            .hint("do not append to this log: keep it, and find the event with `stepward verify`"),
            // The tree holds the checkpoint's leaves, and a witness that knows more was not asked.
            Self::Request(RequestError::Prove(ProveError::Shape(shape))) => {
                ProofError::Shape(*shape).fault(&place)
            }
            Self::Request(RequestError::ProofTooLong { hashes }) => {
                Fault::new(Class::LimitExceeded, Owner::Stepward, PROOF_TOO_LONG)
                    .at(&place)
                    .says(format_args!(
                        "the proof has {hashes} hashes, and a witness takes {MAX_PROOF_LINES}"
                    ))
                    .hint("begin a new log")
                    .limit("proof lines")
            }
        }
    }
}

/// What came of asking all witnesses.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "a witness may have contradicted the log"]
pub struct Round {
    checkpoint: SignedCheckpoint,
    findings: Vec<Finding>,
    damaged: Vec<NoteError>,
}

impl Round {
    /// The checkpoint with the log's signature and every good cosignature of the witnesses that were asked, one
    /// each, those that it came with included.
    pub fn checkpoint(&self) -> &SignedCheckpoint {
        &self.checkpoint
    }

    /// What came of each witness, in the order in which they were given.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// The cosignatures that the checkpoint came with and that do not verify: they were changed after they
    /// were taken, and are not in it any more. Whose they claim to be was asked again.
    pub fn damaged(&self) -> &[NoteError] {
        &self.damaged
    }

    /// Gives the checkpoint and the findings away.
    pub fn into_parts(self) -> (SignedCheckpoint, Vec<Finding>) {
        (self.checkpoint, self.findings)
    }

    /// The findings that speak against the log. When there is one, this copy must not go on.
    pub fn contradictions(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| finding.contradiction().is_some())
    }

    /// The sizes that the witnesses are known to have now; to be given in the next round.
    pub fn known(&self) -> BTreeMap<KeyName, TreeSize> {
        self.findings.iter().map(|finding| (finding.witness().clone(), finding.knows())).collect()
    }
}

/// Submits a checkpoint to all witnesses at once. `known` has the size that each was last known to have; one that
/// is not in it is taken to know nothing. A witness that knows another size is asked once more with that.
///
/// The sizes belong to one origin: a log that goes on under a new one begins with none.
///
/// Dropping the future abandons the requests that are under way.
///
/// # Errors
/// When the checkpoint is not of this tree, or a node of the tree cannot be read.
pub async fn round<T, H>(
    transport: &T,
    hashes: &H,
    checkpoint: &SignedCheckpoint,
    witnesses: &[WitnessVerifier],
    known: &BTreeMap<KeyName, TreeSize>,
) -> Result<Round, RoundError<H::Error>>
where
    T: Transport + ?Sized,
    H: Hashes,
{
    let signed = checkpoint.head();
    let stored = hashes.head(signed.size).map_err(RoundError::Source)?;
    if stored != signed {
        return Err(RoundError::OtherTree { signed, stored });
    }
    let (bare, mut damaged) = (checkpoint.bare(), Vec::new());
    let mut cosigned = bare.clone();
    for witness in witnesses {
        let (newest, wrong) = checkpoint.good(witness);
        if let Some(signature) = newest {
            cosigned.put(signature);
        }
        damaged.extend(wrong);
    }
    let asked = witnesses.iter().map(|witness| {
        let knew = known.get(witness.name()).copied().unwrap_or_default();
        ask(transport, Submission::new(hashes, &bare, witness, knew))
    });
    let mut findings = Vec::with_capacity(witnesses.len());
    for answer in all(asked).await {
        let (finding, signature) = answer?;
        if let Some(signature) = signature {
            cosigned.put(signature);
        }
        findings.push(finding);
    }
    Ok(Round { checkpoint: cosigned, findings, damaged })
}

async fn ask<T: Transport + ?Sized, H: Hashes>(
    transport: &T,
    mut submission: Submission<'_, H>,
) -> Result<(Finding, Option<Signature>), RequestError<H::Error>> {
    let mut next = submission.begin()?;
    loop {
        match next {
            Next::Post(body) => {
                let answer = transport.post(submission.witness(), ADD_CHECKPOINT, body).await;
                next = submission.answered(answer)?;
            }
            Next::Done(outcome, signature) => return Ok((submission.finding(outcome), signature)),
        }
    }
}

/// Drives futures side by side, in any runtime, and gives their outputs in order. They are few, so each is
/// polled whenever one of them can go on.
async fn all<F: Future>(futures: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut tasks: Vec<_> = futures.map(|future| (Box::pin(future), None)).collect();
    poll_fn(|context| {
        for (future, output) in tasks.iter_mut().filter(|(_, output)| output.is_none()) {
            if let Poll::Ready(value) = future.as_mut().poll(context) {
                *output = Some(value);
            }
        }
        if tasks.iter().all(|(_, output)| output.is_some()) { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    tasks.into_iter().filter_map(|(_, output)| output).collect()
}
