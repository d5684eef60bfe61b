//! What holds of all bytes that are offered as the sealed body of an event: nothing opens but what was sealed,
//! for its event and under its run's key.
#![allow(clippy::unwrap_used, reason = "the keys and what was sealed are sound")]

use std::sync::LazyLock;
use stepward_fault::Fault;
use stepward_seam::SecretBytes;
use stepward_vault::{BodyContext, Commitment, EnvironmentRoot, RunKey, RunKeys, Sealed};

/// The keys of two runs, and a body that was really sealed.
struct Kept {
    key: RunKey,
    other: RunKey,
    sealed: Sealed,
}

const BODY: &[u8] = br#"{"amount":1200,"currency":"NOK"}"#;
const CONTEXT: BodyContext<'static> =
    BodyContext { environment: "fuzz", run: "run-1", kind: "call-answered" };
/// Bytes of the form and the nonce, before the ciphertext.
const HEAD_BYTES: usize = 13;

static KEPT: LazyLock<Kept> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let root = EnvironmentRoot::derive(&SecretBytes::new(vec![7; 32])).unwrap();
    let at = |name| folder.path().join(name);
    let keys = RunKeys::open(&at("keys.db"), &at("wrapping.db"), &root).unwrap();
    let [key, other] = ["run-1", "run-2"].map(|run| keys.create(run, 0).unwrap());
    let sealed = key.seal(CONTEXT, BODY).unwrap();
    // What does not open below is refused for what was changed.
    assert_eq!(key.open(CONTEXT, &sealed.commitment, &sealed.bytes).unwrap(), BODY);
    Kept { key, other, sealed }
});

/// Offers the bytes as they stand, which is what the answer is about; behind the head of the true body; and as
/// changes to it, to its commitment, and to where it belongs.
pub(crate) fn check(bytes: &[u8]) -> Fault {
    let Kept { other, sealed, .. } = &*KEPT;
    let number = |at: &[u8]| at.iter().fold(0, |number, byte| number << 8 | usize::from(*byte));
    let cut = number(bytes.get(..2).unwrap_or(bytes)) % sealed.bytes.len();
    let (mut flipped, mut commitment) = (sealed.bytes.clone(), *sealed.commitment.as_bytes());
    for change in bytes.as_chunks::<2>().0 {
        let at = usize::from(change[0]);
        flipped[at % sealed.bytes.len()] ^= change[1];
        commitment[at % 32] ^= change[1];
    }
    for offered in [
        [&sealed.bytes[..1], bytes].concat(),
        [&sealed.bytes[..HEAD_BYTES], bytes].concat(),
        sealed.bytes[..cut].to_vec(),
        [sealed.bytes.as_slice(), bytes].concat(),
        flipped,
    ] {
        if offered != sealed.bytes {
            refused(CONTEXT, sealed.commitment, &offered);
        }
    }
    let commitment = Commitment::from_bytes(commitment);
    if commitment != sealed.commitment {
        refused(CONTEXT, commitment, &sealed.bytes);
    }
    let text = String::from_utf8_lossy(bytes);
    for context in [
        BodyContext { environment: &text, ..CONTEXT },
        BodyContext { run: &text, ..CONTEXT },
        BodyContext { kind: &text, ..CONTEXT },
    ] {
        if context != CONTEXT {
            refused(context, sealed.commitment, &sealed.bytes);
        }
    }
    assert!(other.open(CONTEXT, &sealed.commitment, &sealed.bytes).is_err());
    refused(CONTEXT, sealed.commitment, bytes)
}

fn refused(context: BodyContext<'_>, commitment: Commitment, offered: &[u8]) -> Fault {
    let fault = KEPT.key.open(context, &commitment, offered).unwrap_err();
    assert_eq!(fault.rule().as_str(), "body-unreadable", "{fault}");
    fault
}
