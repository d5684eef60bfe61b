//! What is a checkpoint and what is none.

use crate::{ORIGIN, foreign_note, head, log, name};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use stepward_ledger::merkle::{MAX_TREE_SIZE, RootHash, TreeHead, TreeSize};
use stepward_ledger::note::{LogSigner, NoteError, SignedCheckpoint};

const ROOT: &str = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=";

/// A text that the log's key did sign.
fn open(text: &str) -> Result<SignedCheckpoint, NoteError> {
    SignedCheckpoint::open(foreign_note(&log(), [1; 32], text).as_bytes(), &log().verifier())
}

#[test]
fn a_signed_checkpoint_reads_back() {
    for leaves in [0, 1, 2, 7, 300] {
        let signed = log().sign(head(leaves));
        let opened = SignedCheckpoint::open(signed.to_string().as_bytes(), &log().verifier()).unwrap();
        assert_eq!(opened, signed);
        assert_eq!(opened.head(), head(leaves));
        assert_eq!(opened.origin().as_str(), ORIGIN);
    }
}

#[test]
fn the_text_is_three_lines() {
    let root = STANDARD.encode(head(2).root.as_bytes());
    let signed = log().sign(head(2));
    assert_eq!(signed.checkpoint().to_string(), format!("{ORIGIN}\n2\n{root}\n"));
    let empty = log().sign(head(0)).checkpoint().to_string();
    assert_eq!(empty, format!("{ORIGIN}\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n"));
}

#[test]
fn extension_lines_are_carried() {
    let opened = open(&format!("{ORIGIN}\n20852163\n{ROOT}\nabc\ndef\n")).unwrap();
    assert_eq!(opened.head().size.get(), 20_852_163);
    assert!(opened.to_string().contains("\nabc\ndef\n\n"));
}

#[test]
fn texts_that_are_no_checkpoint_are_refused() {
    let cases = [
        (format!("{ORIGIN}\n"), NoteError::Lines),
        (format!("{ORIGIN}\n1\n"), NoteError::Lines),
        (format!("{ORIGIN}\n1\n{ROOT}\n\n"), NoteError::Lines),
        (format!("{ORIGIN}\n1\n{ROOT}\nabc\n\ndef\n"), NoteError::Lines),
        (format!("{ORIGIN}\n1\n\n{ROOT}\n"), NoteError::Root),
        (format!("{ORIGIN}\n\n{ROOT}\n"), NoteError::Size),
        (format!("{ORIGIN}\n01\n{ROOT}\n"), NoteError::Size),
        (format!("{ORIGIN}\n00\n{ROOT}\n"), NoteError::Size),
        (format!("{ORIGIN}\n+1\n{ROOT}\n"), NoteError::Size),
        (format!("{ORIGIN}\n-1\n{ROOT}\n"), NoteError::Size),
        (format!("{ORIGIN}\n1 \n{ROOT}\n"), NoteError::Size),
        (format!("{ORIGIN}\n0x1\n{ROOT}\n"), NoteError::Size),
        (format!("{ORIGIN}\n١\n{ROOT}\n"), NoteError::Size),
        (format!("{ORIGIN}\n{}\n{ROOT}\n", MAX_TREE_SIZE + 1), NoteError::Size),
        (format!("{ORIGIN}\n18446744073709551617\n{ROOT}\n"), NoteError::Size),
        (format!("{ORIGIN}\n1\n{}\n", ROOT.trim_end_matches('=')), NoteError::Root),
        (format!("{ORIGIN}\n1\n{}\n", ROOT.replace('/', "_")), NoteError::Root),
        (format!("{ORIGIN}\n1\n{ROOT} \n"), NoteError::Root),
        (format!("{ORIGIN}\n1\n{}\n", STANDARD.encode([0; 31])), NoteError::Root),
        (format!("{ORIGIN}\n1\n{}\n", STANDARD.encode([0; 33])), NoteError::Root),
        (format!("{ORIGIN}\n0\n{ROOT}\n"), NoteError::RootOfEmpty),
    ];
    for (text, expected) in cases {
        assert_eq!(open(&text).unwrap_err(), expected, "{text:?}");
    }
    let other = open(&format!("example.com/log43\n1\n{ROOT}\n")).unwrap_err();
    assert!(
        matches!(&other, NoteError::OtherOrigin { found, .. } if found == "example.com/log43"),
        "{other}"
    );
    let none = open(&format!("\n1\n{ROOT}\n")).unwrap_err();
    assert!(matches!(&none, NoteError::OtherOrigin { found, .. } if found.is_empty()), "{none}");
}

#[test]
fn the_largest_size_is_read() {
    let size = TreeSize::new(MAX_TREE_SIZE).unwrap();
    let signed = log().sign(TreeHead { size, root: RootHash::from_bytes([5; 32]) });
    let opened = SignedCheckpoint::open(signed.to_string().as_bytes(), &log().verifier()).unwrap();
    assert_eq!(opened.head().size, size);
}

#[test]
fn another_log_signs_for_itself_only() {
    let note = log().sign(head(3)).to_string();
    let other_name = LogSigner::new(name("example.com/log43"), &[1; 32]).unwrap();
    let other_key = LogSigner::new(name(ORIGIN), &[2; 32]).unwrap();
    for other in [other_name, other_key] {
        let refused = SignedCheckpoint::open(note.as_bytes(), &other.verifier()).unwrap_err();
        assert!(matches!(refused, NoteError::NoKnownKey { .. }), "{refused}");
    }
}
