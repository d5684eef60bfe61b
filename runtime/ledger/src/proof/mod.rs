//! A proof that one event is in the log, as one text that can be checked offline (C2SP tlog-proof v1).
//!
//! It has the event's number, the path to the root and the signed checkpoint with the cosignatures of
//! its witnesses. It does not have the event: that is kept beside it, byte for byte.
//!
//! ```
//! use std::num::NonZeroU32;
//! use stepward_ledger::merkle::{Inclusion, LeafHash, LeafIndex, MemoryTree};
//! use stepward_ledger::note::LogSigner;
//! use stepward_ledger::proof::LogProof;
//!
//! let mut tree = MemoryTree::default();
//! for event in ["run started", "run ended"] {
//!     tree.append(LeafHash::of(event.as_bytes()))?;
//! }
//! let log = LogSigner::of_environment("dev", NonZeroU32::MIN, &[7; 32])?;
//! let inclusion = Inclusion::prove(&tree, LeafIndex::new(1)?, tree.head().size)?;
//! let text = LogProof::new(inclusion, &log.sign(tree.head())).to_string();
//!
//! let proof = LogProof::parse(text.as_bytes())?;
//! let proved = proof.verify(b"run ended", &log.verifier())?;
//! assert_eq!(proved.included().head(), tree.head());
//! assert!(proof.verify(b"run failed", &log.verifier()).is_err());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod error;

pub use error::LogProofError;

use crate::merkle::{HASH_BYTES, Included, Inclusion, LeafHash, LeafIndex, MAX_PATH, NodeHash};
use crate::note::{
    LogVerifier, MAX_NOTE_BYTES, SignedCheckpoint, SignedNote, base64_encode, decimal, plain_text,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use std::fmt;

/// The first line.
const VERSION: &str = "c2sp.org/tlog-proof@v1";

/// What the line with opaque data begins with. Stepward writes none.
const EXTRA: &str = "extra ";

/// What the line with the event's number begins with.
const INDEX: &str = "index ";

/// Largest proof in bytes: the largest note, and 8 KiB for what stands before it, of which the longest
/// path takes 2880.
pub const MAX_PROOF_BYTES: usize = MAX_NOTE_BYTES + 8 * 1024;

/// A proof as it was made or received. It says nothing until it is verified. Printing it gives the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogProof {
    inclusion: Inclusion,
    note: SignedNote,
}

/// An event that is in the tree of a checkpoint that its log signed. Only [`LogProof::verify`] makes one.
///
/// ```compile_fail,E0451
/// use stepward_ledger::{merkle::Included, note::SignedCheckpoint, proof::Proved};
///
/// fn forge(included: Included, checkpoint: SignedCheckpoint) -> Proved {
///     Proved { included, checkpoint }
/// }
/// ```
#[derive(Debug, PartialEq, Eq)]
#[must_use = "it is the verdict"]
pub struct Proved {
    included: Included,
    checkpoint: SignedCheckpoint,
}

impl Proved {
    /// Where it stands, and in which tree.
    pub fn included(&self) -> &Included {
        &self.included
    }

    /// The checkpoint. Its cosignatures have not been checked:
    /// [`cosigned_by`](SignedCheckpoint::cosigned_by) does that.
    pub fn checkpoint(&self) -> &SignedCheckpoint {
        &self.checkpoint
    }
}

impl LogProof {
    /// A proof from its parts. The path must have been made for the checkpoint's tree.
    pub fn new(inclusion: Inclusion, checkpoint: &SignedCheckpoint) -> Self {
        Self { inclusion, note: checkpoint.note().clone() }
    }

    /// Reads a proof. Opaque data is allowed and ignored: nothing authenticates it.
    ///
    /// # Errors
    /// When it is larger than [`MAX_PROOF_BYTES`] or not written as the specification says.
    pub fn parse(text: &[u8]) -> Result<Self, LogProofError> {
        let text = plain_text(text, MAX_PROOF_BYTES)?;
        let (head, note) = text.split_once("\n\n").ok_or(LogProofError::NoCheckpoint)?;
        let mut lines = head.split('\n').peekable();
        if lines.next() != Some(VERSION) {
            return Err(LogProofError::Version);
        }
        if let Some(extra) = lines.next_if(|line| line.starts_with(EXTRA)) {
            let data = extra.strip_prefix(EXTRA).filter(|data| !data.is_empty());
            data.and_then(|data| STANDARD.decode(data).ok()).ok_or(LogProofError::Extra)?;
        }
        let index = lines.next().and_then(|line| decimal(line.strip_prefix(INDEX)?));
        let index = index.and_then(|index| LeafIndex::new(index).ok()).ok_or(LogProofError::Index)?;
        let path = lines.take(MAX_PATH + 1).map(hash).collect::<Option<Vec<_>>>();
        let path = path.filter(|path| path.len() <= MAX_PATH).ok_or(LogProofError::Path)?;
        Ok(Self { inclusion: Inclusion::new(index, path), note: SignedNote::parse(note.as_bytes())? })
    }

    /// The event's number that is claimed.
    pub fn index(&self) -> LeafIndex {
        self.inclusion.index()
    }

    /// The checkpoint's note, of which nothing was checked.
    pub fn note(&self) -> &SignedNote {
        &self.note
    }

    /// Checks that the log signed the checkpoint and that the event, given by its exact bytes, is in it.
    ///
    /// # Errors
    /// When the signature is missing or wrong, or the path does not lead from the event to the root.
    pub fn verify(&self, event: &[u8], log: &LogVerifier) -> Result<Proved, LogProofError> {
        let checkpoint = SignedCheckpoint::open(self.note.to_string().as_bytes(), log)?;
        let included = self.inclusion.verify(LeafHash::of(event), checkpoint.head())?;
        Ok(Proved { included, checkpoint })
    }
}

/// Reads a hash of the path.
fn hash(line: &str) -> Option<NodeHash> {
    let bytes: [u8; HASH_BYTES] = STANDARD.decode(line).ok()?.try_into().ok()?;
    Some(NodeHash::from_bytes(bytes))
}

impl fmt::Display for LogProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{VERSION}\n{INDEX}{}", self.inclusion.index())?;
        for hash in self.inclusion.path() {
            writeln!(f, "{}", base64_encode(hash.as_bytes()))?;
        }
        write!(f, "\n{}", self.note)
    }
}
