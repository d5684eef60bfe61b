//! Signed notes, keys, checkpoints and cosignatures.
//!
//! A checkpoint is the log's signed word about itself: its name, how many events it has, and the root
//! over them. Whoever holds one can show later that the log was changed. The formats are public, so
//! that any tool that knows them can check what Stepward writes:
//!
//! | what | specification | here |
//! | --- | --- | --- |
//! | signed note | C2SP signed-note v1 | [`SignedNote`] |
//! | verifier key, Ed25519 (`0x01`) | C2SP signed-note, "Verifier keys" | [`LogVerifier`] |
//! | checkpoint | C2SP tlog-checkpoint v1 | [`Checkpoint`], [`SignedCheckpoint`] |
//! | cosignature/v1 (`0x04`) | C2SP tlog-cosignature, "Ed25519 signed message" | [`Cosigned`], [`WitnessVerifier`] |
//!
//! Only the two kinds of signature that are needed are known here; lines by other keys and of other
//! kinds are carried and ignored, as the specification asks.
//!
//! ```
//! use std::num::NonZeroU32;
//! use stepward_ledger::merkle::{LeafHash, MemoryTree};
//! use stepward_ledger::note::{LogSigner, SignedCheckpoint};
//!
//! let mut tree = MemoryTree::default();
//! tree.append(LeafHash::of(b"run started"))?;
//! let signer = LogSigner::of_environment("dev", NonZeroU32::MIN, &[7; 32])?;
//! let note = signer.sign(tree.head()).to_string();
//!
//! let opened = SignedCheckpoint::open(note.as_bytes(), &signer.verifier())?;
//! assert_eq!(opened.head(), tree.head());
//! assert!(SignedCheckpoint::open(note.replace("\n1\n", "\n2\n").as_bytes(), &signer.verifier()).is_err());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod checkpoint;
mod cosignature;
mod error;
mod key;
mod name;
mod signed;
mod signer;

pub use checkpoint::{Checkpoint, SignedCheckpoint};
pub use cosignature::{Cosigned, MAX_UNIX_SECONDS, TimeTooLarge, UnixSeconds};
pub use error::NoteError;
pub use key::{KeyId, LogVerifier, PUBLIC_KEY_BYTES, VerifierKey, VerifierKeyError, WitnessVerifier};
pub use name::{KeyName, MAX_NAME_BYTES, NameError};
pub(crate) use signed::plain_text;
pub use signed::{MAX_NOTE_BYTES, MAX_SIGNATURES, Signature, SignedNote, Verified};
pub use signer::{LogSigner, SEED_BYTES, SignerError, WitnessSigner};

use base64::{Engine as _, engine::general_purpose::STANDARD};

/// Decodes the one spelling that RFC 4648, section 4, gives some bytes: padded, with no stray bits.
fn base64_decode(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

/// Base 64 as in RFC 4648, section 4, with padding.
pub(crate) fn base64_encode(bytes: impl AsRef<[u8]>) -> String {
    STANDARD.encode(bytes)
}

/// Reads a decimal number that has one spelling: ASCII digits, and no zero before another digit.
pub(crate) fn decimal(text: &str) -> Option<u64> {
    let one_spelling = text == "0" || !text.starts_with('0');
    (one_spelling && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok()).flatten()
}
