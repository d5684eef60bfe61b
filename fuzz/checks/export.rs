//! What holds of all bytes that are offered as the export of a log.
#![allow(clippy::unwrap_used, reason = "bytes in memory can be read")]

use super::log::KNOWN;
use super::report::sound;
use stepward_ledger::merkle::{LeafHash, TreeSize};
use stepward_ledger::note::VerifierKey;
use stepward_ledger::verify::{self, Keys, Open, Report, Trust, Verdict};

/// Verifies the bytes with the known log's key, where only what that log exported holds, and with none but
/// the keys that they bring along, which is never passed over in silence.
pub(crate) fn check(bytes: &[u8]) -> [Report; 2] {
    let known = Keys::new([VerifierKey::Log(KNOWN.signer.verifier())]);
    [known, Keys::default()].map(|keys| {
        let given = keys.has_log();
        let report = verify::export(&mut &bytes[..], "export", &keys).unwrap();
        sound(&report);
        if report.verdict() == Verdict::Holds {
            let signed = report.established.signed.as_ref().unwrap();
            assert_eq!(report.established.tree, Some(signed.head));
            assert_eq!(signed.trust, if given { Trust::Given } else { Trust::Found });
            if given {
                only_what_was_signed(bytes, signed.head.size);
            } else {
                let found = |open: &Open| matches!(open, Open::KeyFound { key } if *key == signed.key);
                assert!(report.open.iter().any(found));
            }
        }
        report
    })
}

/// The events are those that the known log had when it signed.
fn only_what_was_signed(bytes: &[u8], size: TreeSize) {
    let size = usize::try_from(size.get()).unwrap();
    let first = bytes.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    let line = |leaf: &&[u8]| [format!("{} ", LeafHash::of(leaf)).as_bytes(), leaf, b"\n"].concat();
    let events: Vec<u8> = KNOWN.leaves[..size].iter().flat_map(line).collect();
    assert_eq!(bytes[first..], events);
}
