//! What can become of a log and its witnesses.

use crate::network::{Behaviour, Known, Network, known};
use crate::server::Witness;
use crate::{NOW, checkpoint, forked, log, numbered, seconds, size, verifiers, witness};
use proptest::prelude::*;
use stepward_fault::{Class, Owner};
use stepward_ledger::merkle::TreeHead;
use stepward_ledger::note::SignedCheckpoint;
use stepward_ledger::witness::{Outcome, Refusal, Round, RoundError, Transport, round};

fn outcome(round: &Round) -> &Outcome {
    round.findings()[0].outcome()
}

fn cosigners(round: &Round, numbers: impl IntoIterator<Item = u8>) -> Vec<u64> {
    let times = |witness| Some(round.checkpoint().cosigned_by(&witness).unwrap()?.time().get());
    verifiers(numbers).into_iter().filter_map(times).collect()
}

#[tokio::test]
async fn a_fresh_log_is_cosigned_by_all() {
    let (network, tree) = (Network::honest(3), numbered(5));
    let round = network.round(&tree, &checkpoint(&tree, 5), 1..=3, &Known::new()).await;
    assert_eq!(cosigners(&round, 1..=3), [NOW, NOW, NOW]);
    assert!(network.asked(1)[0].starts_with("old 0\n\nexample.com/log42\n5\n"));
    assert_eq!(round.known(), known([(1, 5), (2, 5), (3, 5)]));
    assert_eq!(round.contradictions().count(), 0);
    assert!(round.findings().iter().all(|finding| finding.fault().is_none()));
    // The log's signature, three cosignatures, and none of the lines by keys that nobody named.
    assert_eq!(round.checkpoint().note().signatures().len(), 4);
    let reopened =
        SignedCheckpoint::open(round.checkpoint().to_string().as_bytes(), &log().verifier()).unwrap();
    assert_eq!(&reopened, round.checkpoint());
}

#[tokio::test]
async fn a_grown_log_is_cosigned_with_one_request_each() {
    let (network, tree) = (Network::honest(2), numbered(100));
    let mut knows = Known::new();
    for leaves in [1, 2, 3, 7, 8, 64, 65, 100, 100] {
        let round = network.round(&tree, &checkpoint(&tree, leaves), 1..=2, &knows).await;
        assert_eq!(cosigners(&round, 1..=2).len(), 2, "at {leaves}");
        knows = round.known();
    }
    assert_eq!(network.asked(1).len(), 9);
}

#[tokio::test]
async fn an_empty_log_asks_the_witnesses_too() {
    let (network, tree) = (Network::honest(1), numbered(0));
    let round = network.ask_first(&tree, 0).await;
    assert_eq!(cosigners(&round, [1]), [NOW]);
    assert_eq!(round.known(), known([(1, 0)]));
    let grown = network.ask_first(&numbered(3), 0).await;
    assert_eq!(cosigners(&grown, [1]), [NOW]);
    assert_eq!(outcome(&network.ask_first(&tree, 0).await), &Outcome::Ahead { size: size(3) });
}

#[tokio::test]
async fn a_witness_that_knows_more_than_was_thought_is_asked_again() {
    let (network, tree) = (Network::honest(1), numbered(20));
    network.round(&tree, &checkpoint(&tree, 13), [1], &Known::new()).await.known();
    let round = network.ask_first(&tree, 5).await;
    assert_eq!(cosigners(&round, [1]), [NOW]);
    assert_eq!(round.findings()[0].set_back(), None);
    let asked = network.asked(1);
    assert!(asked[1].starts_with("old 5\n") && asked[2].starts_with("old 13\n"), "{asked:?}");
    assert_eq!(asked.len(), 3);
}

#[tokio::test]
async fn the_same_checkpoint_is_cosigned_again_with_a_newer_time() {
    let (network, tree) = (Network::honest(1), numbered(20));
    let first = network.ask_first(&tree, 0).await;
    network.with(1, |witness| witness.now += 3600);
    let second = network.round(&tree, first.checkpoint(), [1], &first.known()).await;
    assert_eq!(cosigners(&second, [1]), [NOW + 3600]);
    assert_eq!(second.checkpoint().note().signatures().len(), 2, "the older cosignature made room");
}

#[tokio::test]
async fn cosignatures_that_are_there_stay_when_the_witness_is_gone() {
    let (network, tree) = (Network::honest(2), numbered(20));
    let first = network.round(&tree, &checkpoint(&tree, 20), 1..=2, &Known::new()).await;
    network.replace(2, Behaviour::Absent);
    network.with(1, |witness| witness.now += 60);
    let second = network.round(&tree, first.checkpoint(), 1..=2, &first.known()).await;
    assert_eq!(cosigners(&second, 1..=2), [NOW + 60, NOW]);
    assert_eq!(second.known(), known([(1, 20), (2, 20)]));
}

#[tokio::test]
async fn a_log_that_was_rolled_back_is_told_so() {
    let (network, tree) = (Network::honest(3), numbered(50));
    network.round(&tree, &checkpoint(&tree, 50), 1..=2, &Known::new()).await.known();
    let restored = numbered(30);
    let round = network.round(&restored, &checkpoint(&restored, 30), 1..=3, &Known::new()).await;
    let contradictions: Vec<_> = round.contradictions().map(|f| f.witness().to_string()).collect();
    assert_eq!(contradictions, ["witness.example/w1", "witness.example/w2"]);
    assert_eq!(outcome(&round), &Outcome::Ahead { size: size(50) });
    let fault = round.findings()[0].fault().unwrap();
    assert_eq!((fault.class(), fault.owner()), (Class::EvidenceInvalid, Owner::Operator));
    assert_eq!(fault.rule().as_str(), "log-older-than-witness");
    assert!(fault.message().contains("cosigned 50 events") && fault.message().contains("only 30"), "{fault}");
    assert!(fault.remedy().contains("do not append"));
    assert_eq!(round.known(), known([(1, 0), (2, 0), (3, 30)]));
}

#[tokio::test]
async fn a_log_smaller_than_it_remembers_needs_no_asking() {
    let network = Network::honest(1);
    assert_eq!(outcome(&network.ask_first(&numbered(30), 50).await), &Outcome::Ahead { size: size(50) });
    assert_eq!(network.asked(1).len(), 0);
}

#[tokio::test]
async fn a_fork_is_told_so_at_every_size() {
    let network = Network::honest(1);
    network.ask_first(&numbered(20), 0).await.known();
    // Of the same size, and grown; with the right size known, and found out.
    for (leaves, knew) in [(20, 20), (20, 0), (33, 20), (33, 7)] {
        let round = network.ask_first(&forked(10, leaves), knew).await;
        assert_eq!(outcome(&round), &Outcome::Forked { size: size(20) }, "{leaves} leaves, {knew} known");
        assert_eq!(round.contradictions().count(), 1);
        assert_eq!(round.findings()[0].fault().unwrap().rule().as_str(), "log-differs-from-witness");
        assert_eq!(cosigners(&round, [1]), [0_u64; 0]);
        assert_eq!(round.findings()[0].knows(), size(20));
    }
}

#[tokio::test]
async fn a_witness_that_lost_its_memory_cosigns_and_is_named() {
    let (network, tree) = (Network::honest(1), numbered(20));
    network.ask_first(&tree, 0).await.known();
    network.with(1, Witness::forget);
    let round = network.ask_first(&tree, 20).await;
    assert_eq!(cosigners(&round, [1]), [NOW]);
    assert_eq!(round.findings()[0].set_back(), Some(size(0)));
    let fault = round.findings()[0].fault().unwrap();
    assert_eq!((fault.rule().as_str(), fault.owner()), ("witness-set-back", Owner::Upstream));
    assert_eq!(round.contradictions().count(), 0);
}

#[tokio::test]
async fn a_witness_that_cannot_be_reached_is_named_and_holds_nobody_up() {
    let (network, tree) = (Network::honest(3), numbered(20));
    network.replace(2, Behaviour::Absent);
    let round = network.round(&tree, &checkpoint(&tree, 20), 1..=3, &known([(2, 7)])).await;
    assert_eq!(cosigners(&round, 1..=3), [NOW, NOW]);
    let fault = round.findings()[1].fault().unwrap();
    assert_eq!((fault.class(), fault.rule().as_str()), (Class::Unavailable, "witness-unreachable"));
    assert_eq!(fault.place(), "witness.example/w2");
    assert_eq!(round.findings()[1].knows(), size(7));
}

#[tokio::test]
async fn a_witness_of_another_log_refuses() {
    let tree = numbered(20);
    let other_key = stepward_ledger::note::LogSigner::new(crate::name(crate::ORIGIN), &[2; 32]).unwrap();
    let network = Network::new([(1, Behaviour::Honest(Witness::new(1, other_key.verifier(), NOW)))]);
    let round = network.ask_first(&tree, 0).await;
    assert_eq!(outcome(&round), &Outcome::Refused(Refusal::Forbidden));
    let other_name =
        stepward_ledger::note::LogSigner::new(crate::name("example.com/log43"), &[1; 32]).unwrap();
    let network = Network::honest(1);
    let round = network.round(&tree, &other_name.sign(tree.head()), [1], &Known::new()).await;
    assert_eq!(outcome(&round), &Outcome::Refused(Refusal::UnknownLog));
    assert_eq!(round.findings()[0].fault().unwrap().rule().as_str(), "witness-refused");
}

#[tokio::test]
async fn a_checkpoint_of_another_tree_is_never_sent() {
    let network = Network::honest(1);
    let signed = log().sign(TreeHead { size: size(20), ..numbered(19).head() });
    let refused = round(&network, &numbered(20), &signed, &verifiers([1]), &Known::new()).await.unwrap_err();
    assert!(matches!(refused, RoundError::OtherTree { .. }), "{refused}");
    let fault = refused.fault("ledger.db");
    assert_eq!(
        (fault.class(), fault.rule().as_str()),
        (Class::EvidenceInvalid, "log-differs-from-checkpoint")
    );
    let signed = log().sign(numbered(21).head());
    let refused = round(&network, &numbered(20), &signed, &verifiers([1]), &Known::new()).await.unwrap_err();
    assert!(matches!(refused, RoundError::Source(_)), "{refused}");
    assert_eq!(network.asked(1).len(), 0);
}

/// Who cosigned once and whose line was damaged since cosigns again, and what the other lines say stays.
#[tokio::test]
async fn a_damaged_cosignature_is_told_and_taken_anew() {
    let (network, tree) = (Network::honest(2), numbered(20));
    let sound = checkpoint(&tree, 20);
    let damaged = witness(1).cosign(&checkpoint(&tree, 19), seconds(NOW));
    let before = witness(2).cosign(&sound, seconds(NOW - 5));
    let note = format!("{sound}{damaged}{before}");
    let signed = SignedCheckpoint::open(note.as_bytes(), &log().verifier()).unwrap();
    let asked = network.round(&tree, &signed, [1, 2], &Known::new()).await;
    assert_eq!(asked.damaged().len(), 1);
    assert!(asked.damaged()[0].to_string().contains("does not verify"), "{:?}", asked.damaged());
    assert_eq!(cosigners(&asked, [1, 2]), [NOW, NOW]);
    // Where nobody can be asked the damaged line is left out, and no other.
    let away = Network::new([(1, Behaviour::Absent), (2, Behaviour::Absent)]);
    let asked = away.round(&tree, &signed, [1, 2], &Known::new()).await;
    assert_eq!(cosigners(&asked, [1, 2]), [NOW - 5]);
}

#[tokio::test]
async fn no_witness_gives_no_finding() {
    let (network, tree) = (Network::honest(1), numbered(3));
    let round = network.round(&tree, &checkpoint(&tree, 3), [], &Known::new()).await;
    assert!(round.findings().is_empty());
    assert_eq!(round.checkpoint(), &checkpoint(&tree, 3));
}

#[tokio::test]
async fn a_round_may_move_between_threads() {
    let asked = tokio::spawn(async {
        let (network, tree) = (Network::honest(2), numbered(3));
        let transport: &dyn Transport = &network;
        let known = Known::new();
        round(transport, &tree, &checkpoint(&tree, 3), &verifiers(1..=2), &known).await.unwrap()
    });
    assert_eq!(cosigners(&asked.await.unwrap(), 1..=2), [NOW, NOW]);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    /// Whatever was cosigned and whatever is remembered, a log that only grew is cosigned, and one that is smaller or
    /// differs is found out.
    #[test]
    fn growth_is_cosigned_and_all_else_is_found_out(
        seen in 1..80_u64, leaves in 0..80_u64, fork in 0..80_u64, knew in 0..80_u64,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let network = Network::honest(1);
        runtime.block_on(network.ask_first(&numbered(seen), 0)).known();
        let round = runtime.block_on(network.ask_first(&forked(fork, leaves), knew));
        let expected = if knew > leaves {
            Err(Outcome::Ahead { size: size(knew) })
        } else if seen > leaves {
            Err(Outcome::Ahead { size: size(seen) })
        } else if fork < seen {
            Err(Outcome::Forked { size: size(seen) })
        } else {
            Ok(())
        };
        match expected {
            Ok(()) => prop_assert_eq!(cosigners(&round, [1]), [NOW]),
            Err(expected) => prop_assert_eq!(outcome(&round), &expected),
        }
        prop_assert!(network.asked(1).len() <= 3);
    }
}
