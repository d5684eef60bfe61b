//! What is sent to a witness.

use crate::merkle::{Consistency, Hashes, NodeHash, ProveError, TreeSize};
use crate::note::{KeyName, SignedCheckpoint, base64_encode};
use sha2::{Digest as _, Sha256};
use std::fmt;

/// Where a checkpoint is posted, below the witness's submission prefix (C2SP tlog-witness,
/// "add-checkpoint").
pub const ADD_CHECKPOINT: &str = "add-checkpoint";

/// Most lines of a proof that a client may send (C2SP tlog-witness, "add-checkpoint").
pub const MAX_PROOF_LINES: usize = 63;

/// Where a witness may serve the newest checkpoint of a log that it cosigned, below its monitoring prefix
/// (C2SP tlog-witness, "Monitor Retrieval Mechanism"). It may be an hour old.
pub fn checkpoint_path(origin: &KeyName) -> String {
    format!("{}/checkpoint", hex::encode(Sha256::digest(origin.as_str())))
}

/// Why a checkpoint cannot be submitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError<E> {
    /// The proof cannot be made.
    #[error("the proof that the log only grew cannot be made")]
    Prove(#[from] ProveError<E>),
    /// The proof is longer than may be sent; only trees of more than 2^62 leaves have such proofs.
    #[error("the proof has {hashes} hashes, and a witness takes {MAX_PROOF_LINES}")]
    ProofTooLong {
        /// How many.
        hashes: usize,
    },
}

/// The submission of a checkpoint to a witness that cosigned an older one. Printing it gives the body of the
/// request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddCheckpoint<'a> {
    old: TreeSize,
    proof: Vec<NodeHash>,
    checkpoint: &'a SignedCheckpoint,
}

impl<'a> AddCheckpoint<'a> {
    /// Proves that the checkpoint extends the tree of `old` leaves, which the witness knows. A witness that
    /// knows nothing has the tree without leaves, which every tree extends: it takes no proof.
    ///
    /// # Errors
    /// When `old` is larger than the checkpoint's tree, a node cannot be read, or the proof is longer than
    /// may be sent.
    pub fn prove<H: Hashes>(
        hashes: &H,
        old: TreeSize,
        checkpoint: &'a SignedCheckpoint,
    ) -> Result<Self, RequestError<H::Error>> {
        let proof = if old == TreeSize::EMPTY {
            Vec::new()
        } else {
            Consistency::prove(hashes, old, checkpoint.head().size)?.path().to_vec()
        };
        if proof.len() > MAX_PROOF_LINES {
            return Err(RequestError::ProofTooLong { hashes: proof.len() });
        }
        Ok(Self { old, proof, checkpoint })
    }

    /// The size that the witness is taken to know.
    pub fn old(&self) -> TreeSize {
        self.old
    }
}

/// The body of the request: the old size, the proof, an empty line, the checkpoint (C2SP tlog-witness,
/// "add-checkpoint").
impl fmt::Display for AddCheckpoint<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "old {}", self.old)?;
        self.proof.iter().try_for_each(|hash| writeln!(f, "{}", base64_encode(hash.as_bytes())))?;
        write!(f, "\n{}", self.checkpoint)
    }
}
