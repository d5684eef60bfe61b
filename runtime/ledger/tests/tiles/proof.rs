//! The text of a proof.

use crate::{Memory, cosigned, index, log, size, witness};
use proptest::prelude::*;
use stepward_ledger::merkle::{Inclusion, LeafIndex, MAX_TREE_SIZE, NodeHash, RootHash, TreeHead};
use stepward_ledger::note::{KeyName, LogSigner, SignedCheckpoint, UnixSeconds, WitnessSigner};
use stepward_ledger::proof::{LogProof, LogProofError, MAX_PROOF_BYTES};
use stepward_ledger::tiles::Subtrees;

fn proof(leaves: u64, place: u64) -> LogProof {
    let memory = Memory::numbered(leaves);
    let inclusion = Inclusion::prove(&Subtrees(&memory), index(place), size(leaves)).unwrap();
    LogProof::new(inclusion, &cosigned(memory.head()))
}

#[test]
fn a_proof_is_written_read_and_verified() {
    for (leaves, place) in [(1, 0), (2, 1), (257, 256), (300, 0), (1000, 999)] {
        let text = proof(leaves, place).to_string();
        let read = LogProof::parse(text.as_bytes()).unwrap();
        assert_eq!(read.to_string(), text);
        let proved = read.verify(&place.to_be_bytes(), &log().verifier()).unwrap();
        assert_eq!((proved.included().index(), proved.included().head().size), (index(place), size(leaves)));
        let cosigned = proved.checkpoint().cosigned_by(&witness().verifier()).unwrap().unwrap();
        assert_eq!(cosigned.time(), UnixSeconds::new(crate::COSIGNED).unwrap());
        assert!(matches!(read.verify(b"another", &log().verifier()), Err(LogProofError::Proof(_))));
    }
}

#[test]
fn the_text_is_that_of_the_specification() {
    let text = proof(3, 1).to_string();
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines[..2], ["c2sp.org/tlog-proof@v1", "index 1"]);
    assert!(lines[2..4].iter().all(|line| line.len() == 44));
    assert_eq!(lines[4], "");
    assert_eq!(lines[5], log().origin().as_str());
    assert_eq!(lines[6], "3");
    assert!(lines[9].starts_with("— stepward/prod/") && lines[10].starts_with("— witness.example/w1 "));
    assert_eq!(lines.len(), 11);
}

/// Opaque data is allowed and not trusted.
#[test]
fn opaque_data_is_skipped() {
    let text = proof(3, 1).to_string();
    let with = text.replacen("\nindex", "\nextra YWI=\nindex", 1);
    let read = LogProof::parse(with.as_bytes()).unwrap();
    assert_eq!(read.to_string(), text);
    for bad in ["extra", "extra ", "extra YWI", "extra YWJ=", "extra YWI=\nextra YWI="] {
        let with = text.replacen("\nindex", &format!("\n{bad}\nindex"), 1);
        assert!(LogProof::parse(with.as_bytes()).is_err(), "{bad}");
    }
}

#[test]
fn other_spellings_are_refused() {
    let text = proof(3, 1).to_string();
    let hash = text.lines().nth(2).unwrap();
    let long = format!("{}\n", text.lines().nth(2).unwrap()).repeat(65);
    let refused = [
        text.replacen("@v1", "@v2", 1),
        text.replacen("@v1\n", "@v1\r\n", 1),
        text.replacen("index 1", "index 01", 1),
        text.replacen("index 1", "index +1", 1),
        text.replacen("index 1", "index 1 ", 1),
        text.replacen("index 1", "Index 1", 1),
        text.replacen("index 1", "index 9223372036854775807", 1),
        text.replacen("index 1\n", "", 1),
        text.replacen(hash, &hash[..40], 1),
        text.replacen(hash, &format!("{hash} "), 1),
        text.replacen(&format!("{hash}\n"), &long, 1),
        text.replacen("\n\n", "\n", 1),
        text.trim_end().to_owned(),
        String::new(),
        format!("{text}\n"),
        "c2sp.org/tlog-proof@v1".repeat(MAX_PROOF_BYTES),
    ];
    for (place, text) in refused.into_iter().enumerate() {
        assert!(LogProof::parse(text.as_bytes()).is_err(), "{place}");
    }
}

#[test]
fn a_path_of_another_length_leads_nowhere() {
    let text = proof(5, 1).to_string();
    let hash = format!("{}\n", text.lines().nth(2).unwrap());
    for changed in
        [text.replacen(&hash, "", 1), text.replacen(&hash, "\n", 1), text.replacen(&hash, &hash.repeat(2), 1)]
    {
        let read = LogProof::parse(changed.as_bytes()).unwrap();
        assert!(read.verify(&1u64.to_be_bytes(), &log().verifier()).is_err());
    }
}

#[test]
fn a_proof_from_ten_million_events_stays_under_two_kilobytes() {
    let leaves = 10_000_000;
    let head = TreeHead { size: size(leaves), root: RootHash::from_bytes([0xfb; 32]) };
    // The longest names that environments and witnesses have in earnest.
    let origin = LogSigner::of_environment(
        "accounts-payable-production-eu-central-1",
        std::num::NonZeroU32::new(1000).unwrap(),
        &[1; 32],
    )
    .unwrap();
    let bare = origin.sign(head);
    let name = KeyName::new("witness.transparency.accounting-authority.example/2026/w1").unwrap();
    let cosigner = WitnessSigner::new(name, &[2; 32]).unwrap();
    let line = cosigner.cosign(&bare, UnixSeconds::new(crate::COSIGNED).unwrap());
    let checkpoint = SignedCheckpoint::open(format!("{bare}{line}").as_bytes(), &origin.verifier()).unwrap();
    // 24 levels: the length of the path is checked against the size, so this is the longest.
    let path = vec![NodeHash::from_bytes([0xfb; 32]); 24];
    let text = LogProof::new(Inclusion::new(index(8_388_607), path), &checkpoint).to_string();
    assert!(text.len() < 2048, "{} bytes", text.len());
    let refused = LogProof::parse(text.as_bytes()).unwrap().verify(b"", &origin.verifier()).unwrap_err();
    assert!(refused.to_string().contains("lead to the root"), "the path has another length: {refused}");
}

#[test]
fn the_longest_path_is_read() {
    let head = TreeHead { size: size(MAX_TREE_SIZE), root: RootHash::from_bytes([1; 32]) };
    let path = vec![NodeHash::from_bytes([2; 32]); 63];
    let place = LeafIndex::new(0).unwrap();
    let text = LogProof::new(Inclusion::new(place, path), &cosigned(head)).to_string();
    assert!(LogProof::parse(text.as_bytes()).is_ok());
}

proptest! {
    #[test]
    fn hostile_bytes_never_verify(at in 0..1000usize, flip in 1..=255u8) {
        let mut text = proof(300, 77).to_string().into_bytes();
        let at = at % text.len();
        text[at] ^= flip;
        let event = 77u64.to_be_bytes();
        let verified = LogProof::parse(&text).ok().and_then(|proof| {
            let proved = proof.verify(&event, &log().verifier()).ok()?;
            proved.checkpoint().cosigned_by(&witness().verifier()).ok()?
        });
        prop_assert!(verified.is_none(), "byte {at}");
    }

    #[test]
    fn anything_is_parsed_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let text = ["c2sp.org/tlog-proof@v1\nindex 0\n".as_bytes(), &bytes].concat();
        drop(LogProof::parse(&text));
    }
}
