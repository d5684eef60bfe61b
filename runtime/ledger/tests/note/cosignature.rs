//! Cosignatures: what they cover, and when they count.

use crate::{ORIGIN, foreign_key, head, log, seconds, with_lines, witness};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use signed_note::{Signer as _, Verifier as _};
use stepward_ledger::note::{LogVerifier, MAX_UNIX_SECONDS, NoteError, SignedCheckpoint, UnixSeconds};

const WITNESS: &str = "witness.example/w1";
const TIME: u64 = 1_679_315_147;

fn open(note: &str) -> SignedCheckpoint {
    SignedCheckpoint::open(note.as_bytes(), &log().verifier()).unwrap()
}

#[test]
fn a_cosignature_says_who_and_when() {
    let signed = log().sign(head(5));
    let line = witness(WITNESS, 2).cosign(&signed, seconds(TIME)).to_string();
    let opened = open(&with_lines(&signed, &[line]));
    let cosigned = opened.cosigned_by(&witness(WITNESS, 2).verifier()).unwrap().unwrap();
    assert_eq!((cosigned.witness().as_str(), cosigned.time().get()), (WITNESS, TIME));
}

#[test]
fn others_did_not_cosign() {
    let signed = log().sign(head(5));
    let line = witness(WITNESS, 2).cosign(&signed, seconds(TIME)).to_string();
    let opened = open(&with_lines(&signed, &[line]));
    for other in [witness("witness.example/w2", 2), witness(WITNESS, 3)] {
        assert_eq!(opened.cosigned_by(&other.verifier()).unwrap(), None);
    }
}

#[test]
fn the_newest_counts() {
    let signed = log().sign(head(5));
    let times = [TIME, TIME + 60, TIME - 60];
    let lines = times.map(|time| witness(WITNESS, 2).cosign(&signed, seconds(time)).to_string());
    let opened = open(&with_lines(&signed, &lines));
    let cosigned = opened.cosigned_by(&witness(WITNESS, 2).verifier()).unwrap().unwrap();
    assert_eq!(cosigned.time().get(), TIME + 60);
}

#[test]
fn a_cosignature_of_another_tree_log_or_time_is_refused() {
    let signed = log().sign(head(5));
    let other = witness(WITNESS, 2).cosign(&log().sign(head(6)), seconds(TIME));
    let good = witness(WITNESS, 2).cosign(&signed, seconds(TIME));
    let later = {
        let mut bytes = good.bytes().to_vec();
        bytes[7] ^= 1;
        format!("— {WITNESS} {}\n", STANDARD.encode([good.id().as_bytes().as_slice(), &bytes].concat()))
    };
    let short =
        format!("— {WITNESS} {}\n", STANDARD.encode([good.id().as_bytes().as_slice(), &[0; 7]].concat()));
    let endless = {
        let bytes = [&[0xff; 8], &good.bytes()[8..]].concat();
        format!("— {WITNESS} {}\n", STANDARD.encode([good.id().as_bytes().as_slice(), &bytes].concat()))
    };
    for line in [other.to_string(), later, short, endless] {
        // A bad one beside a good one too.
        for lines in
            [vec![line.clone()], vec![good.to_string(), line.clone()], vec![line.clone(), good.to_string()]]
        {
            let refused = open(&with_lines(&signed, &lines)).cosigned_by(&witness(WITNESS, 2).verifier());
            assert!(matches!(refused, Err(NoteError::BadSignature { .. })), "{line:?}");
        }
    }
}

#[test]
fn a_logs_signature_is_no_cosignature() {
    // The same key under the same name, but another kind: the message differs and so does the ID.
    let same = witness(ORIGIN, 1).verifier();
    assert_eq!(log().sign(head(5)).cosigned_by(&same).unwrap(), None);
    assert_eq!(same.public_key(), log().verifier().public_key());
}

#[test]
fn another_implementation_of_ed25519_agrees_on_the_message() {
    let signed = log().sign(head(5));
    let own = witness(WITNESS, 2);
    let public = *own.verifier().public_key();
    let message = format!("cosignature/v1\ntime {TIME}\n{}", signed.checkpoint());
    // Theirs, ours to check.
    let signer = signed_note::StandardSigner::new(&foreign_key(WITNESS, [2; 32], &public)).unwrap();
    let signature = signer.sign(message.as_bytes()).unwrap();
    let id = signed_note::key_id(WITNESS, &[&[4], public.as_slice()].concat()).to_be_bytes();
    let bytes = [id.as_slice(), &TIME.to_be_bytes(), &signature].concat();
    let line = format!("— {WITNESS} {}\n", STANDARD.encode(bytes));
    assert_eq!(line, own.cosign(&signed, seconds(TIME)).to_string());
    let opened = open(&with_lines(&signed, &[line]));
    assert_eq!(opened.cosigned_by(&own.verifier()).unwrap().unwrap().time().get(), TIME);
    // Ours, theirs to check.
    let vkey = LogVerifier::new(own.verifier().name().clone(), public).to_string();
    let verifier = signed_note::StandardVerifier::new(&vkey).unwrap();
    assert!(verifier.verify(message.as_bytes(), &own.cosign(&signed, seconds(TIME)).bytes()[8..]));
}

#[test]
fn extension_lines_are_covered() {
    let text = format!("{}extension\n", log().sign(head(5)).checkpoint());
    let signed = open(&crate::foreign_note(&log(), [1; 32], &text));
    let bare = witness(WITNESS, 2).cosign(&log().sign(head(5)), seconds(TIME)).to_string();
    let whole = witness(WITNESS, 2).cosign(&signed, seconds(TIME)).to_string();
    let by = witness(WITNESS, 2).verifier();
    assert!(open(&with_lines(&signed, &[bare])).cosigned_by(&by).is_err());
    assert!(open(&with_lines(&signed, &[whole])).cosigned_by(&by).unwrap().is_some());
}

#[test]
fn times_end_where_the_specification_says() {
    assert_eq!(seconds(MAX_UNIX_SECONDS).get(), i64::MAX.unsigned_abs());
    assert!(UnixSeconds::new(MAX_UNIX_SECONDS + 1).is_err());
    assert_eq!(seconds(7).since(seconds(5)), Some(2));
    assert_eq!(seconds(5).since(seconds(7)), None);
}
