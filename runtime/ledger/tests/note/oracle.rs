//! The crates `signed_note` and `tlog_tiles` read what is written here, and the other way round.

use crate::{ORIGIN, foreign_note, head, log, seconds, stranger, with_lines, witness};
use signed_note::{Note, StandardVerifier, VerifierList};
use stepward_ledger::merkle::{HASH_BYTES, TreeHead};
use stepward_ledger::note::{LogVerifier, NoteError, SignedCheckpoint, SignedNote};

/// What the other implementation says about a note and a log's key: the text, if it verifies.
pub(crate) fn verdict(note: &[u8], log: &LogVerifier) -> Option<Vec<u8>> {
    let verifier = StandardVerifier::new(&log.to_string()).unwrap();
    let note = Note::from_bytes(note).ok()?;
    note.verify(&VerifierList::new(vec![Box::new(verifier)])).ok()?;
    Some(note.text().to_vec())
}

/// The tree head in a text, as the other implementation reads it.
pub(crate) fn their_head(text: &[u8]) -> Option<(String, u64, [u8; HASH_BYTES])> {
    let checkpoint = tlog_tiles::Checkpoint::from_bytes(text).ok()?;
    Some((checkpoint.origin().to_owned(), checkpoint.size(), checkpoint.hash().0))
}

fn parts(head: TreeHead) -> (String, u64, [u8; HASH_BYTES]) {
    (ORIGIN.to_owned(), head.size.get(), *head.root.as_bytes())
}

#[test]
fn they_read_our_checkpoints() {
    let log = log();
    for leaves in [0, 1, 2, 63, 64, 65, 1000] {
        let signed = log.sign(head(leaves));
        let cosigned = witness("witness.example/w1", 2).cosign(&signed, seconds(1_679_315_147)).to_string();
        let note = with_lines(&signed, &[stranger(), cosigned]);
        let text = verdict(note.as_bytes(), &log.verifier()).unwrap();
        assert_eq!(their_head(&text), Some(parts(head(leaves))));
    }
}

#[test]
fn we_read_their_checkpoints() {
    let log = log();
    for (leaves, extension) in [(1, ""), (2, ""), (1000, "one\ntwo\n")] {
        let hash = tlog_tiles::Hash(*head(leaves).root.as_bytes());
        let theirs = tlog_tiles::Checkpoint::new(ORIGIN, leaves, hash, extension).unwrap();
        let text = String::from_utf8(theirs.to_bytes()).unwrap();
        let note = foreign_note(&log, [1; 32], &text);
        let opened = SignedCheckpoint::open(note.as_bytes(), &log.verifier()).unwrap();
        assert_eq!(opened.head(), head(leaves));
        assert_eq!(opened.to_string(), note);
    }
}

#[test]
fn without_extension_lines_both_write_the_same_bytes() {
    let signed = log().sign(head(77)).to_string();
    let text = signed.split_inclusive('\n').take(3).collect::<String>();
    assert_eq!(foreign_note(&log(), [1; 32], &text), signed);
}

#[test]
fn both_give_a_key_the_same_id() {
    let verifier = log().verifier();
    let material = [&[1], verifier.public_key().as_slice()].concat();
    assert_eq!(signed_note::key_id(ORIGIN, &material).to_be_bytes(), *verifier.id().as_bytes());
}

#[test]
fn only_they_take_the_first_of_two_signatures_for_both() {
    // C2SP signed-note demands that each signature of a known key is verified.
    let log = log();
    let signed = log.sign(head(3));
    let bad = log.sign(head(4)).note().signatures()[0].to_string();
    let note = with_lines(&signed, &[bad]);
    assert!(verdict(note.as_bytes(), &log.verifier()).is_some());
    let refused = SignedNote::parse(note.as_bytes()).unwrap().verify(&[log.verifier()]).unwrap_err();
    assert!(matches!(refused, NoteError::BadSignature { .. }), "{refused}");
}
