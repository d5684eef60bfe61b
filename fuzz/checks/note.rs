//! What holds of all bytes that are offered as a signed note or as a log's checkpoint.
#![allow(clippy::unwrap_used, reason = "the keys are sound")]

use super::log::{KNOWN, SEED};
use aws_lc_rs::signature::Ed25519KeyPair;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use stepward_ledger::note::{NoteError, Signature, SignedCheckpoint, SignedNote};

/// Largest note, and most signatures of one.
const NOTE_BYTES: usize = 128 * 1024;
const SIGNATURES: usize = 64;

/// Reads the bytes as a note; as a checkpoint of the known log; and as the text of a checkpoint that this log
/// signs, whatever it is. What is read prints as it came, and a checkpoint that opens is one that was signed.
pub(crate) fn check(
    bytes: &[u8],
) -> (Result<SignedNote, NoteError>, [Result<SignedCheckpoint, NoteError>; 2]) {
    let note = SignedNote::parse(bytes).inspect(|note| {
        assert!(bytes.len() <= NOTE_BYTES);
        assert_eq!(note.to_string().as_bytes(), bytes);
        assert!((1..=SIGNATURES).contains(&note.signatures().len()));
        assert!(note.unverified_text().ends_with('\n'));
        assert!(bytes.iter().all(|byte| *byte >= b' ' || *byte == b'\n'));
    });
    let checkpoint = open(bytes);
    if let Ok(opened) = &checkpoint {
        // No other checkpoint was ever signed by this key.
        assert_eq!(KNOWN.head(opened.head().size), Some(opened.head()));
        assert_eq!(opened.note().unverified_text(), opened.checkpoint().to_string());
        assert_eq!(note.as_ref(), Ok(opened.note()));
    }
    let signed = open(&sign(bytes));
    if let Ok(opened) = &signed {
        assert_eq!(opened.note().unverified_text().as_bytes(), bytes);
    }
    (note, [checkpoint, signed])
}

/// Opens a checkpoint of the known log. It says what it is: its origin, its size, its root, and lines that
/// mean nothing here. Of the witness it has no word that the witness did not give.
fn open(bytes: &[u8]) -> Result<SignedCheckpoint, NoteError> {
    let key = KNOWN.signer.verifier();
    let opened = SignedCheckpoint::open(bytes, &key)?;
    assert_eq!(opened.origin(), key.name());
    assert_eq!(opened.to_string().as_bytes(), bytes);
    let text = opened.note().unverified_text();
    let further = text.strip_prefix(&opened.checkpoint().to_string()).unwrap();
    assert!(further.split_terminator('\n').all(|line| !line.is_empty()), "{text:?}");
    let witness = KNOWN.witness.verifier();
    let by_witness = |line: &Signature| (line.name(), line.id()) == (witness.name().as_str(), witness.id());
    match opened.cosigned_by(&witness) {
        Ok(Some(cosigned)) => {
            assert_eq!(cosigned.witness(), witness.name());
            let line = KNOWN.witness.cosign(&opened, cosigned.time());
            assert!(opened.note().signatures().contains(&line));
        }
        Ok(None) => assert!(!opened.note().signatures().iter().any(by_witness)),
        Err(error) => {
            assert!(matches!(error, NoteError::BadSignature { .. }), "{error}");
            assert!(opened.note().signatures().iter().any(by_witness));
        }
    }
    Ok(opened)
}

/// A note of the known log over a text that it should never sign.
fn sign(text: &[u8]) -> Vec<u8> {
    let (key, pair) = (KNOWN.signer.verifier(), Ed25519KeyPair::from_seed_unchecked(&SEED).unwrap());
    let signature = [key.id().as_bytes().as_slice(), pair.sign(text).as_ref()].concat();
    let line = format!("\n— {} {}\n", key.name(), STANDARD.encode(signature));
    [text, line.as_bytes()].concat()
}
