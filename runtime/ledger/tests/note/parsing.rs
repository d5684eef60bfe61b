//! What is a note and what is none.

use crate::{head, log, stranger, with_lines};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use stepward_fault::Class;
use stepward_ledger::note::{MAX_NOTE_BYTES, MAX_SIGNATURES, NoteError, SignedCheckpoint, SignedNote};

fn refused(note: impl AsRef<[u8]>) -> NoteError {
    SignedNote::parse(note.as_ref()).unwrap_err()
}

#[test]
fn the_last_empty_line_separates() {
    let line = stranger();
    let text_of = |note: String| SignedNote::parse(note.as_bytes()).unwrap().unverified_text().to_owned();
    assert_eq!(text_of(format!("a\n\n{line}")), "a\n");
    assert_eq!(text_of(format!("a\n\n\n{line}")), "a\n\n");
    assert_eq!(text_of(format!("a\n\nb\n\n{line}")), "a\n\nb\n");
    assert_eq!(text_of(format!("\n\n{line}")), "\n");
    assert_eq!(text_of(format!("a\n\n{line}\n{line}")), format!("a\n\n{line}"));
}

#[test]
fn what_has_not_the_form_of_a_note_is_refused() {
    let line = stranger();
    let cut = line.trim_end();
    assert_eq!(refused(""), NoteError::NoSignatures);
    assert_eq!(refused("a\n"), NoteError::NoSignatures);
    assert_eq!(refused(&line), NoteError::NoSignatures);
    assert_eq!(refused(format!("a\n{line}")), NoteError::NoSignatures);
    assert_eq!(refused(format!("\n{line}")), NoteError::NoSignatures);
    assert_eq!(refused(format!("a\n\n{cut}")), NoteError::NoFinalNewline);
    assert_eq!(refused("a\n\n"), NoteError::NoFinalNewline);
    assert_eq!(refused(format!("a\n\n{line}b\n")), NoteError::SignatureLine { line: 2 });
    assert_eq!(refused(format!("a\n\nb\n{line}")), NoteError::SignatureLine { line: 1 });
    assert_eq!(refused(b"a\n\n\xff\n"), NoteError::NotUtf8 { offset: 3 });
    for control in ['\0', '\t', '\r', '\u{1b}', '\u{1f}'] {
        assert_eq!(refused(format!("a{control}\n\n{line}")), NoteError::ControlCharacter { offset: 1 });
        assert!(matches!(refused(format!("a\n\n{cut}{control}\n")), NoteError::ControlCharacter { .. }));
    }
}

#[test]
fn lines_that_are_no_signature_are_refused() {
    let encoded = STANDARD.encode([9; 4 + 64]);
    let lines = [
        format!("- name {encoded}"),
        format!("—name {encoded}"),
        format!("— {encoded}"),
        format!("—  {encoded}"),
        format!("— name  {encoded}"),
        format!("— name {encoded} "),
        format!(" — name {encoded}"),
        format!("— na+me {encoded}"),
        format!("— na\u{a0}me {encoded}"),
        format!("— name {}", &encoded[..encoded.len() - 1]),
        format!("— name {}", encoded.trim_end_matches('=')),
        format!("— name {}", encoded.replace('=', "")),
        format!("— name {}", STANDARD.encode([9; 4])),
        format!("— name {}", STANDARD.encode([9; 3])),
        "— name ".to_owned(),
        "— name".to_owned(),
        "—".to_owned(),
    ];
    for line in lines {
        let note = format!("a\n\n{line}\n");
        assert_eq!(refused(&note), NoteError::SignatureLine { line: 1 }, "{line:?}");
    }
    // The last digit before the padding has bits that encode nothing.
    let stray = STANDARD.encode([0; 4 + 1]).replace("AA=", "AB=");
    assert_eq!(refused(format!("a\n\n— name {stray}\n")), NoteError::SignatureLine { line: 1 });
}

#[test]
fn limits_are_exact() {
    let line = stranger();
    let lines = |count: usize| format!("a\n\n{}", line.repeat(count));
    assert_eq!(
        SignedNote::parse(lines(MAX_SIGNATURES).as_bytes()).unwrap().signatures().len(),
        MAX_SIGNATURES
    );
    assert_eq!(refused(lines(MAX_SIGNATURES + 1)), NoteError::TooManySignatures);
    let of_size = |bytes: usize| format!("{}\n\n{line}", "a".repeat(bytes - 2 - line.len()));
    assert!(SignedNote::parse(of_size(MAX_NOTE_BYTES).as_bytes()).is_ok());
    let most = MAX_NOTE_BYTES;
    assert_eq!(refused(of_size(most + 1)), NoteError::TooLarge { bytes: most + 1, most });
}

#[test]
fn sixteen_large_signatures_are_read() {
    let large = format!("— post-quantum.example {}\n", STANDARD.encode([9; 4 + 4627]));
    let note = format!("a\n\n{}", large.repeat(16));
    assert_eq!(SignedNote::parse(note.as_bytes()).unwrap().signatures().len(), 16);
}

#[test]
fn unknown_keys_are_ignored_even_with_a_known_name_or_id() {
    let log = log();
    let signed = log.sign(head(3));
    let forged =
        |name: &str, id: &[u8]| format!("— {name} {}\n", STANDARD.encode([id, [9; 64].as_slice()].concat()));
    let lines = [
        stranger(),
        forged(log.origin().as_str(), &[9; 4]),
        forged("stranger.example", log.verifier().id().as_bytes()),
        forged(&"x".repeat(300), &[9; 4]),
    ];
    let note = with_lines(&signed, &lines);
    assert_eq!(SignedCheckpoint::open(note.as_bytes(), &log.verifier()).unwrap().head(), head(3));
    let known = forged(log.origin().as_str(), log.verifier().id().as_bytes());
    for note in [with_lines(&signed, std::slice::from_ref(&known)), with_lines(&signed, &[stranger(), known])]
    {
        let refused = SignedCheckpoint::open(note.as_bytes(), &log.verifier()).unwrap_err();
        assert!(matches!(refused, NoteError::BadSignature { .. }), "{refused}");
    }
}

#[test]
fn a_signature_may_stand_twice() {
    let log = log();
    let signed = log.sign(head(3));
    let twice = with_lines(&signed, &[signed.note().signatures()[0].to_string()]);
    assert!(SignedCheckpoint::open(twice.as_bytes(), &log.verifier()).is_ok());
}

#[test]
fn a_refusal_says_what_to_do_and_forges_no_line() {
    let fault = refused("a\r\n").fault("tiles/checkpoint");
    assert_eq!((fault.class(), fault.rule().as_str()), (Class::EvidenceInvalid, "note-malformed"));
    assert_eq!(fault.place(), "tiles/checkpoint");
    let found = "evil\u{1b}[2J\u{202e}".to_owned();
    let refused = NoteError::OtherOrigin { found, expected: crate::name("good") };
    assert!(!refused.to_string().contains(['\u{1b}', '\u{202e}']), "{refused:?}");
    assert!(refused.fault("x").remedy().contains("same log"));
}
