//! Random bytes and random changes.

use crate::oracle::{their_head, verdict};
use crate::{head, log, seconds, stranger, with_lines, witness};
use proptest::prelude::*;
use stepward_ledger::note::{SignedCheckpoint, SignedNote, VerifierKey};

/// A checkpoint with an unknown signature and a cosignature.
fn note() -> Vec<u8> {
    let signed = log().sign(head(77));
    let cosigned = witness("witness.example/w1", 2).cosign(&signed, seconds(1_679_315_147)).to_string();
    with_lines(&signed, &[stranger(), cosigned]).into_bytes()
}

/// One change to some bytes.
#[derive(Clone, Debug)]
enum Change {
    Replace(prop::sample::Index, u8),
    Flip(prop::sample::Index, u8),
    Insert(prop::sample::Index, u8),
    Remove(prop::sample::Index),
    Cut(prop::sample::Index),
    SwapLines(prop::sample::Index),
}

fn change() -> impl Strategy<Value = Change> {
    let at = any::<prop::sample::Index>;
    let byte = prop_oneof![any::<u8>(), prop::sample::select(b"\n \r\0+0129=/A".to_vec())];
    prop_oneof![
        (at(), byte.clone()).prop_map(|(at, byte)| Change::Replace(at, byte)),
        (at(), 0..8_u8).prop_map(|(at, bit)| Change::Flip(at, bit)),
        (at(), byte).prop_map(|(at, byte)| Change::Insert(at, byte)),
        at().prop_map(Change::Remove),
        at().prop_map(Change::Cut),
        at().prop_map(Change::SwapLines),
    ]
}

impl Change {
    fn apply(&self, mut bytes: Vec<u8>) -> Vec<u8> {
        if bytes.is_empty() {
            return bytes;
        }
        match self {
            Self::Replace(at, byte) => {
                let at = at.index(bytes.len());
                bytes[at] = *byte;
            }
            Self::Flip(at, bit) => {
                let at = at.index(bytes.len());
                bytes[at] ^= 1 << bit;
            }
            Self::Insert(at, byte) => bytes.insert(at.index(bytes.len() + 1), *byte),
            Self::Remove(at) => drop(bytes.remove(at.index(bytes.len()))),
            Self::Cut(at) => bytes.truncate(at.index(bytes.len())),
            Self::SwapLines(at) => {
                let mut lines: Vec<_> = bytes.split_inclusive(|b| *b == b'\n').collect();
                if lines.len() > 1 {
                    let at = at.index(lines.len() - 1);
                    lines.swap(at, at + 1);
                }
                return lines.concat();
            }
        }
        bytes
    }
}

#[test]
fn every_single_bit_is_refused_or_changes_nothing() {
    let verifier = log().verifier();
    let good = note();
    let signed = log().sign(head(77)).to_string().len();
    for at in 0..good.len() {
        for bit in 0..8 {
            let mut changed = good.clone();
            changed[at] ^= 1 << bit;
            if let Ok(opened) = SignedCheckpoint::open(&changed, &verifier) {
                assert!(at >= signed, "a change at {at} went unnoticed");
                assert_eq!(opened.head(), head(77));
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2_000) })]

    #[test]
    fn a_changed_note_is_refused_or_the_same_checkpoint(changes in prop::collection::vec(change(), 1..4)) {
        let verifier = log().verifier();
        let changed = changes.iter().fold(note(), |bytes, change| change.apply(bytes));
        let opened = SignedCheckpoint::open(&changed, &verifier);
        if let Ok(opened) = &opened {
            prop_assert_eq!(opened.head(), head(77));
            prop_assert_eq!(opened.to_string().into_bytes(), changed.clone());
        }
        // Where there is one signature of the log, the other implementation says the same.
        let theirs = verdict(&changed, &verifier).and_then(|text| their_head(&text));
        let ours = opened.ok().map(|o| (o.origin().to_string(), o.head().size.get(), *o.head().root.as_bytes()));
        prop_assert_eq!(ours, theirs);
    }

    #[test]
    fn what_is_read_is_written_again(text in "([ -~]{0,9}\n){1,4}", lines in prop::collection::vec("[!-*,-~]{1,20}", 1..5)) {
        let lines: String = lines.iter().map(|name| stranger().replace("stranger.example", name)).collect();
        let note = format!("{text}\n{lines}");
        let parsed = SignedNote::parse(note.as_bytes()).unwrap();
        prop_assert_eq!(parsed.to_string(), note);
        prop_assert_eq!(parsed.unverified_text(), text);
    }

    #[test]
    fn no_bytes_make_the_parsers_fall_over(bytes in prop::collection::vec(any::<u8>(), 0..300), text in ".{0,200}") {
        let _ = SignedNote::parse(&bytes);
        let _ = VerifierKey::parse(&text);
        let _ = VerifierKey::parse(&String::from_utf8_lossy(&bytes));
        let note = format!("{text}\n\n— {text}\n");
        if let Ok(parsed) = SignedNote::parse(note.as_bytes()) {
            prop_assert_eq!(parsed.to_string(), note);
        }
    }

    #[test]
    fn a_changed_key_is_refused(change in change()) {
        let good = log().verifier().to_string();
        let changed = change.apply(good.clone().into_bytes());
        let read = String::from_utf8(changed).ok().and_then(|text| VerifierKey::parse(&text).ok().map(|_| text));
        prop_assert!(read.is_none_or(|text| text == good));
    }
}
