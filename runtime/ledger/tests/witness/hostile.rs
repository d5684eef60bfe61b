//! Witnesses that do not follow the specification, and wires that change what they say.

use crate::network::Network;
use crate::{NOW, checkpoint, numbered, seconds, size, witness};
use stepward_fault::Class;
use stepward_ledger::note::NoteError;
use stepward_ledger::witness::{Answer, Outcome, Refusal, ResponseError, Round, SIZE_TYPE, TransportFailure};

type Change = fn(usize, Answer) -> Result<Answer, TransportFailure>;

async fn asked(change: Change) -> (Round, usize) {
    let network = Network::changed(change);
    let round = network.ask_first(&numbered(20), 0).await;
    // Nothing that a witness says makes the note other than the log signed it, or adds a wrong line.
    assert_eq!(round.checkpoint(), &checkpoint(&numbered(20), 20));
    (round, network.asked(1).len())
}

fn conflict(named: u64) -> Answer {
    Answer { status: 409, content_type: Some(SIZE_TYPE.to_owned()), body: format!("{named}\n").into_bytes() }
}

fn lines(body: impl Into<Vec<u8>>) -> Answer {
    Answer { status: 200, content_type: None, body: body.into() }
}

fn status(status: u16) -> Answer {
    Answer { status, content_type: None, body: b"<html>\x1b[2J</html>".to_vec() }
}

async fn outcome(change: Change, requests: usize) -> Outcome {
    let (round, count) = asked(change).await;
    assert_eq!(count, requests);
    round.into_parts().1.remove(0).into_outcome()
}

#[tokio::test]
async fn a_conflict_without_end_ends() {
    let unsettled = Outcome::Unsettled { size: size(0) };
    assert_eq!(outcome(|_, _| Ok(conflict(0)), 1).await, unsettled);
    assert_eq!(outcome(|_, _| Ok(conflict(7)), 2).await, Outcome::Unsettled { size: size(7) });
    let climbing: Change = |request, _| Ok(conflict(1 + request as u64));
    assert_eq!(outcome(climbing, 2).await, Outcome::Unsettled { size: size(2) });
    let past_the_end: Change = |request, _| Ok(conflict(20 + request as u64));
    assert_eq!(outcome(past_the_end, 2).await, Outcome::Ahead { size: size(21) });
}

#[tokio::test]
async fn a_cosignature_of_something_else_is_refused_and_named() {
    let of_another_tree: Change =
        |_, _| Ok(lines(witness(1).cosign(&checkpoint(&numbered(20), 19), seconds(NOW)).to_string()));
    let (round, _) = asked(of_another_tree).await;
    let finding = &round.findings()[0];
    assert!(
        matches!(finding.outcome(), Outcome::BadCosignature(NoteError::BadSignature { .. })),
        "{finding:?}"
    );
    let fault = finding.fault().unwrap();
    assert_eq!((fault.class(), fault.rule().as_str()), (Class::EvidenceInvalid, "witness-cosignature-wrong"));
    assert!(fault.message().contains("witness.example/w1"), "{fault}");
}

#[tokio::test]
async fn a_bad_cosignature_beside_a_good_one_is_refused() {
    let change: Change = |_, answer| {
        let bad = witness(1).cosign(&checkpoint(&numbered(20), 19), seconds(NOW)).to_string();
        Ok(lines([answer.body, bad.into_bytes()].concat()))
    };
    assert!(matches!(outcome(change, 1).await, Outcome::BadCosignature(_)));
}

#[tokio::test]
async fn a_cosignature_without_a_time_is_refused() {
    let change: Change =
        |_, _| Ok(lines(witness(1).cosign(&checkpoint(&numbered(20), 20), seconds(0)).to_string()));
    assert_eq!(outcome(change, 1).await, Outcome::WithoutTime);
}

#[tokio::test]
async fn the_cosignature_of_another_witness_is_none() {
    let change: Change =
        |_, _| Ok(lines(witness(2).cosign(&checkpoint(&numbered(20), 20), seconds(NOW)).to_string()));
    assert_eq!(outcome(change, 1).await, Outcome::NoCosignature);
}

#[tokio::test]
async fn what_is_no_answer_is_named() {
    let malformed = |error| Outcome::Malformed(ResponseError::Lines(error));
    assert_eq!(outcome(|_, _| Ok(lines("")), 1).await, malformed(NoteError::NoFinalNewline));
    assert_eq!(
        outcome(|_, _| Ok(lines("<html>\n")), 1).await,
        malformed(NoteError::SignatureLine { line: 1 })
    );
    let untyped: Change = |_, _| Ok(Answer { content_type: None, ..conflict(7) });
    assert!(matches!(outcome(untyped, 1).await, Outcome::Malformed(ResponseError::SizeType { .. })));
    let wordy: Change = |_, _| Ok(Answer { body: b"seven\n".to_vec(), ..conflict(7) });
    assert_eq!(outcome(wordy, 1).await, Outcome::Malformed(ResponseError::Size));
    assert_eq!(
        outcome(|_, _| Err(TransportFailure::TimedOut), 1).await,
        Outcome::Unreachable(TransportFailure::TimedOut)
    );
}

#[tokio::test]
async fn each_status_has_its_meaning() {
    assert_eq!(outcome(|_, _| Ok(status(400)), 1).await, Outcome::Refused(Refusal::BadRequest));
    assert_eq!(outcome(|_, _| Ok(status(401)), 1).await, Outcome::Refused(Refusal::Forbidden));
    assert_eq!(outcome(|_, _| Ok(status(403)), 1).await, Outcome::Refused(Refusal::Forbidden));
    assert_eq!(outcome(|_, _| Ok(status(404)), 1).await, Outcome::Refused(Refusal::UnknownLog));
    // Nothing was claimed of a tree that the witness had, so this shows no fork.
    assert_eq!(outcome(|_, _| Ok(status(422)), 1).await, Outcome::Refused(Refusal::Inconsistent));
    assert_eq!(
        outcome(|_, _| Ok(status(302)), 1).await,
        Outcome::Refused(Refusal::Unexpected { status: 302 })
    );
    assert_eq!(
        outcome(|_, _| Ok(status(204)), 1).await,
        Outcome::Refused(Refusal::Unexpected { status: 204 })
    );
    assert_eq!(outcome(|_, _| Ok(status(429)), 1).await, Outcome::Failed { status: 429 });
    assert_eq!(outcome(|_, _| Ok(status(503)), 1).await, Outcome::Failed { status: 503 });
}

#[tokio::test]
async fn a_failure_after_a_conflict_keeps_the_size_that_was_named() {
    let change: Change =
        |request, _| if request == 0 { Ok(conflict(7)) } else { Err(TransportFailure::TooLarge) };
    let (round, count) = asked(change).await;
    assert_eq!((round.findings()[0].knows(), count), (size(7), 2));
}

#[tokio::test]
async fn a_witness_that_boasted_once_is_believed_again() {
    let change: Change = |request, answer| if request == 0 { Ok(conflict(1 << 62)) } else { Ok(answer) };
    let network = Network::changed(change);
    let tree = numbered(20);
    let boast = network.ask_first(&tree, 0).await;
    assert_eq!(boast.findings()[0].outcome(), &Outcome::Ahead { size: size(1 << 62) });
    // The witness itself cosigned that request; only its answer was changed.
    let again = network.round(&tree, &checkpoint(&tree, 20), [1], &boast.known()).await;
    assert!(matches!(again.findings()[0].outcome(), Outcome::Cosigned(_)), "{again:?}");
}
