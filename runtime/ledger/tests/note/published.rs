//! The examples that the specifications print.

use stepward_ledger::note::{
    KeyName, LogVerifier, NoteError, SignedCheckpoint, SignedNote, VerifierKey, WitnessVerifier,
};

/// C2SP signed-note, "Verifier keys", "Example".
const VKEY: &str = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
const NOTE: &str = "This is an example message.\n\n\
    — example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n";

/// C2SP signed-note, "Note": the text has an empty line.
const POEM: &str = "Ognuno sta solo sul cuor della terra\ntrafitto da un raggio di sole:\n\ned è subito sera.\n\n\
    — quasimodo.example/salvatore NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMcXxj99ihAQwaqP3ZekRwNtIc=\n";

/// C2SP tlog-cosignature, the first example, which holds that of tlog-checkpoint.
const COSIGNED: &str = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n\
    — example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n\
    — witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n";

/// Go's package `golang.org/x/mod/sumdb/note`, whose format C2SP signed-note is.
const NEUMANN: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const ENOCH: &str = "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop";
const DOUBLY_SIGNED: &str = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n\
    — PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n\
    — EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n";

fn key(text: &str) -> LogVerifier {
    LogVerifier::parse(text).unwrap()
}

#[test]
fn the_note_of_signed_note_verifies() {
    let known = [key(VKEY)];
    let note = SignedNote::parse(NOTE.as_bytes()).unwrap();
    let verified = note.verify(&known).unwrap();
    assert_eq!(verified.text(), "This is an example message.\n");
    assert_eq!(verified.signers(), [&known[0]]);
    assert_eq!(known[0].to_string(), VKEY);
    assert_eq!(note.to_string(), NOTE);
}

#[test]
fn the_note_of_signed_note_with_another_text_is_refused() {
    let note = SignedNote::parse(NOTE.replace("example message", "exemplary message").as_bytes()).unwrap();
    let refused = note.verify(&[key(VKEY)]).unwrap_err();
    assert!(matches!(refused, NoteError::BadSignature { .. }), "{refused}");
}

#[test]
fn a_known_note_is_none_of_a_checkpoint() {
    let refused = SignedCheckpoint::open(NOTE.as_bytes(), &key(VKEY)).unwrap_err();
    assert_eq!(refused, NoteError::Lines);
}

#[test]
fn empty_lines_belong_to_the_text() {
    let note = SignedNote::parse(POEM.as_bytes()).unwrap();
    assert!(note.unverified_text().ends_with("sole:\n\ned è subito sera.\n"));
    assert_eq!(note.signatures()[0].name(), "quasimodo.example/salvatore");
    assert_eq!(note.signatures()[0].id().to_string(), "367ba04b");
    assert_eq!(note.to_string(), POEM);
}

#[test]
fn the_cosigned_checkpoint_is_read() {
    let note = SignedNote::parse(COSIGNED.as_bytes()).unwrap();
    assert_eq!(note.to_string(), COSIGNED);
    let [log, witness] = note.signatures() else { panic!("two signatures") };
    assert_eq!((log.name(), log.bytes().len()), ("example.com/behind-the-sofa", 64));
    assert_eq!((witness.name(), witness.bytes().len()), ("witness.example.com/w1", 8 + 64));
    // The time of the message in "Ed25519 signed message".
    assert_eq!(witness.bytes()[..8], 1_679_315_147_u64.to_be_bytes());
}

#[test]
fn goes_doubly_signed_note_verifies_under_either_key_and_both() {
    let note = SignedNote::parse(DOUBLY_SIGNED.as_bytes()).unwrap();
    let both = [key(NEUMANN), key(ENOCH)];
    assert_eq!(note.verify(&both).unwrap().signers().len(), 2);
    assert_eq!(note.verify(&both[..1]).unwrap().signers(), [&both[0]]);
    assert_eq!(note.verify(&both[1..]).unwrap().signers(), [&both[1]]);
}

#[test]
fn a_log_with_the_key_of_another_name_is_unknown() {
    let renamed = LogVerifier::new(KeyName::new("example.com/bar").unwrap(), *key(VKEY).public_key());
    let note = SignedNote::parse(NOTE.as_bytes()).unwrap();
    let refused = note.verify(&[renamed]).unwrap_err();
    assert!(matches!(refused, NoteError::NoKnownKey { .. }), "{refused}");
}

#[test]
fn the_kind_of_a_key_decides_what_it_is_for() {
    assert_eq!(VerifierKey::parse(VKEY).unwrap(), VerifierKey::Log(key(VKEY)));
    let refused = WitnessVerifier::parse(VKEY).unwrap_err().to_string();
    assert_eq!(refused, "this key is of kind 0x01, and here belongs one of kind 0x04");
}
