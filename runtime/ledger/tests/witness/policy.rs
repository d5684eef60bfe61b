//! When enough witnesses have seen a checkpoint lately.

use crate::{NOW, checkpoint, log, name, numbered, seconds, verifiers, witness};
use std::num::{NonZeroU64, NonZeroUsize};
use stepward_fault::Class;
use stepward_ledger::note::{SignedCheckpoint, WitnessSigner};
use stepward_ledger::witness::{
    FUTURE_SECONDS, Lacking, MAX_FRESH_SECONDS, MAX_WITNESSES, Policy, PolicyError, Unreachable, Unwitnessed,
};

const HOUR: u64 = 60 * 60;

fn policy(witnesses: u8, quorum: usize) -> Result<Policy, PolicyError> {
    let fresh_for = NonZeroU64::new(HOUR).unwrap();
    Policy::new(verifiers(1..=witnesses), NonZeroUsize::new(quorum).unwrap(), fresh_for, Unreachable::Stop)
}

/// A checkpoint that these witnesses cosigned at these times.
fn cosigned(times: impl IntoIterator<Item = (u8, u64)>) -> SignedCheckpoint {
    let signed = checkpoint(&numbered(9), 9);
    let lines =
        times.into_iter().map(|(number, time)| witness(number).cosign(&signed, seconds(time)).to_string());
    let note = signed.to_string() + &lines.collect::<String>();
    SignedCheckpoint::open(note.as_bytes(), &log().verifier()).unwrap()
}

fn lacking(times: impl IntoIterator<Item = (u8, u64)>) -> Lacking {
    match policy(3, 2).unwrap().judge(&cosigned(times), seconds(NOW)) {
        Err(Unwitnessed::Lacking(lacking)) => lacking,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_quorum_of_fresh_cosignatures_is_enough() {
    let policy = policy(3, 2).unwrap();
    for times in
        [vec![(1, NOW), (2, NOW)], vec![(3, NOW), (1, NOW - HOUR)], vec![(1, NOW), (2, NOW), (3, NOW)]]
    {
        let witnessed = policy.judge(&cosigned(times.clone()), seconds(NOW)).unwrap();
        assert_eq!(witnessed.by().len(), times.len());
        assert_eq!(witnessed.head(), numbered(9).head());
        assert_eq!(witnessed.origin(), log().origin());
    }
}

#[test]
fn too_few_are_not_enough() {
    let none = lacking([]);
    assert_eq!((none.have, none.need, none.absent.len()), (0, 2, 3));
    let one = lacking([(2, NOW)]);
    assert_eq!((one.have, one.absent), (1, vec![name("witness.example/w1"), name("witness.example/w3")]));
}

#[test]
fn one_witness_counts_once() {
    assert_eq!(lacking([(1, NOW), (1, NOW - 1), (1, NOW - 2)]).have, 1);
}

#[test]
fn strangers_do_not_count() {
    assert_eq!(lacking([(1, NOW), (7, NOW), (8, NOW)]).have, 1);
}

#[test]
fn a_stale_cosignature_does_not_count() {
    assert!(policy(3, 2).unwrap().judge(&cosigned([(1, NOW), (2, NOW - HOUR)]), seconds(NOW)).is_ok());
    let lacking = lacking([(1, NOW), (2, NOW - HOUR - 1)]);
    assert_eq!((lacking.have, lacking.stale.len(), lacking.absent.len()), (1, 1, 1));
    let text = lacking.to_string();
    assert!(text.contains("1 of the 2") && text.contains("`witness.example/w2` at"), "{text}");
}

#[test]
fn a_cosignature_from_the_future_does_not_count() {
    let ahead = NOW + FUTURE_SECONDS;
    assert!(policy(3, 2).unwrap().judge(&cosigned([(1, NOW), (2, ahead)]), seconds(NOW)).is_ok());
    let lacking = lacking([(1, NOW), (2, ahead + 1)]);
    assert_eq!((lacking.have, lacking.ahead_of_time.len()), (1, 1));
}

#[test]
fn a_forged_cosignature_refuses_the_note() {
    let other = witness(3).cosign(&checkpoint(&numbered(9), 8), seconds(NOW));
    let note = format!("{}{other}", cosigned([(1, NOW), (2, NOW)]));
    let signed = SignedCheckpoint::open(note.as_bytes(), &log().verifier()).unwrap();
    let refused = policy(3, 2).unwrap().judge(&signed, seconds(NOW)).unwrap_err();
    assert!(matches!(refused, Unwitnessed::Note(_)), "{refused}");
    assert_eq!(refused.fault("checkpoint").class(), Class::EvidenceInvalid);
    // To a policy that does not know this witness, it is a stranger's line.
    assert!(policy(2, 2).unwrap().judge(&signed, seconds(NOW)).is_ok());
}

#[test]
fn a_refusal_says_who_is_missing() {
    let refused =
        policy(3, 2).unwrap().judge(&cosigned([(1, 5), (2, NOW + HOUR)]), seconds(NOW)).unwrap_err();
    let fault = refused.fault("checkpoint of 9 events");
    assert_eq!((fault.class(), fault.rule().as_str()), (Class::Unavailable, "witnesses-too-few"));
    assert_eq!(
        fault.message(),
        format!(
            "0 of the 2 witnesses that are needed have seen it lately; too long ago: `witness.example/w1` at 5; \
             in the future: `witness.example/w2` at {}; not: `witness.example/w3`",
            NOW + HOUR
        )
    );
}

#[test]
fn a_policy_that_cannot_work_cannot_be_written() {
    assert_eq!(policy(3, 4).unwrap_err(), PolicyError::QuorumTooLarge { quorum: 4, witnesses: 3 });
    assert_eq!(policy(0, 1).unwrap_err(), PolicyError::QuorumTooLarge { quorum: 1, witnesses: 0 });
    assert!(policy(15, 15).is_ok());
    assert_eq!(policy(16, 1).unwrap_err(), PolicyError::TooMany { witnesses: MAX_WITNESSES + 1 });
    let of = |witnesses, fresh_for| {
        Policy::new(witnesses, NonZeroUsize::MIN, NonZeroU64::new(fresh_for).unwrap(), Unreachable::MarkGap)
    };
    assert!(of(verifiers([1]), MAX_FRESH_SECONDS).is_ok());
    let seconds = MAX_FRESH_SECONDS + 1;
    assert_eq!(of(verifiers([1]), seconds).unwrap_err(), PolicyError::FreshTooLong { seconds });
    let renamed =
        WitnessSigner::new(name("witness.example/other"), &crate::witness_seed(1)).unwrap().verifier();
    let rekeyed = WitnessSigner::new(name("witness.example/w1"), &[9; 32]).unwrap().verifier();
    for alike in [verifiers([1]).remove(0), renamed, rekeyed] {
        let refused = of([verifiers([1, 2]), vec![alike.clone()]].concat(), HOUR).unwrap_err();
        let (first, second) = (name("witness.example/w1"), alike.name().clone());
        assert_eq!(refused, PolicyError::Same { first, second });
    }
}

#[test]
fn a_policy_says_what_it_was_given() {
    let policy = policy(3, 2).unwrap();
    assert_eq!(policy.witnesses(), verifiers(1..=3));
    assert_eq!((policy.quorum().get(), policy.fresh_for().get()), (2, HOUR));
    assert_eq!(policy.unreachable(), Unreachable::Stop);
}
