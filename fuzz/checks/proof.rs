//! What holds of all bytes that are offered as the proof that an event is in a log.
#![allow(clippy::unwrap_used, reason = "the known log is sound")]

use super::log::KNOWN;
use stepward_ledger::note::VerifierKey;
use stepward_ledger::proof::{LogProof, LogProofError};
use stepward_ledger::verify::{self, Keys, Verdict};

/// Largest proof.
const PROOF_BYTES: usize = 136 * 1024;
/// What the line with opaque data begins with.
const EXTRA: &str = "extra ";

/// Reads the bytes as a proof, and what is before their first empty line as one under the known log's newest
/// checkpoint. A proof has one spelling but for opaque data, and shows one event to be in the log, if any;
/// gives the places of those that were shown.
pub(crate) fn check(bytes: &[u8]) -> [Result<Option<u64>, LogProofError>; 2] {
    let head = bytes.windows(2).position(|pair| pair == b"\n\n").map_or(bytes, |end| &bytes[..end]);
    let known = [head, b"\n\n", KNOWN.newest().to_string().as_bytes()].concat();
    [read(bytes), read(&known)]
}

fn read(bytes: &[u8]) -> Result<Option<u64>, LogProofError> {
    let proof = LogProof::parse(bytes).inspect_err(|_| nothing_holds(bytes))?;
    assert!(bytes.len() <= PROOF_BYTES);
    let printed = proof.to_string();
    let mut lines: Vec<_> = std::str::from_utf8(bytes).unwrap().split_inclusive('\n').collect();
    if lines[1].starts_with(EXTRA) {
        lines.remove(1);
    }
    assert_eq!(lines.concat(), printed);
    assert_eq!(LogProof::parse(printed.as_bytes()).as_ref(), Ok(&proof));
    Ok(shown(&proof, bytes))
}

/// Which event of the known log the proof shows.
fn shown(proof: &LogProof, bytes: &[u8]) -> Option<u64> {
    let key = KNOWN.signer.verifier();
    let mut shown = None;
    for (place, leaf) in (0..).zip(&KNOWN.leaves) {
        let report = verify::proof(bytes, leaf, "proof", &Keys::new([VerifierKey::Log(key.clone())]));
        let Ok(proved) = proof.verify(leaf, &key) else {
            assert_eq!(report.verdict(), Verdict::Fails);
            continue;
        };
        assert_eq!(report.verdict(), Verdict::Holds);
        assert_eq!(report.established.tree, Some(proved.included().head()));
        assert_eq!((proof.index().get(), proved.included().index().get()), (place, place));
        assert_eq!(KNOWN.head(proved.included().head().size), Some(proved.included().head()));
        assert_eq!(proved.checkpoint().head(), proved.included().head());
        assert_eq!(shown, None);
        shown = Some(place);
    }
    let other = [KNOWN.leaves[0], b" "].concat();
    for leaf in [bytes, b"", other.as_slice()] {
        assert!(proof.verify(leaf, &key).is_err());
    }
    shown
}

/// What is no proof shows nothing.
fn nothing_holds(bytes: &[u8]) {
    let keys = Keys::new([VerifierKey::Log(KNOWN.signer.verifier())]);
    let report = verify::proof(bytes, KNOWN.leaves[0], "proof", &keys);
    assert_eq!(report.verdict(), Verdict::Fails);
    assert_eq!(report.established.tree, None);
}
