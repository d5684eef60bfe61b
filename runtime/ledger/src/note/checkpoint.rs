//! A log's signed word about its tree.

use super::cosignature::Cosigned;
use super::key::{LogVerifier, WitnessVerifier};
use super::signed::{Signature, SignedNote};
use super::{KeyName, NoteError, base64_decode, base64_encode, decimal};
use crate::merkle::{HASH_BYTES, RootHash, TreeHead, TreeSize};
use std::fmt;

/// What a checkpoint says (C2SP tlog-checkpoint, "Note text").
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Which log.
    pub origin: KeyName,
    /// How many leaves it has, and the root over them.
    pub head: TreeHead,
}

impl Checkpoint {
    /// Reads the text of a checkpoint that a key of this name signed. Extension lines are carried in the
    /// note and mean nothing here.
    fn parse(text: &str, signer: &KeyName) -> Result<Self, NoteError> {
        let mut lines = text.strip_suffix('\n').ok_or(NoteError::Lines)?.split('\n');
        let (Some(origin), Some(size), Some(root)) = (lines.next(), lines.next(), lines.next()) else {
            return Err(NoteError::Lines);
        };
        if lines.any(str::is_empty) {
            return Err(NoteError::Lines);
        }
        if origin != signer.as_str() {
            return Err(NoteError::OtherOrigin { found: origin.to_owned(), expected: signer.clone() });
        }
        let size = decimal(size).and_then(|size| TreeSize::new(size).ok()).ok_or(NoteError::Size)?;
        let root = base64_decode(root).and_then(|root| <[u8; HASH_BYTES]>::try_from(root).ok());
        let root = RootHash::from_bytes(root.ok_or(NoteError::Root)?);
        if size == TreeSize::EMPTY && root != RootHash::empty() {
            return Err(NoteError::RootOfEmpty);
        }
        Ok(Self { origin: signer.clone(), head: TreeHead { size, root } })
    }
}

/// The three lines, without extension lines.
impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let root = base64_encode(self.head.root.as_bytes());
        writeln!(f, "{}\n{}\n{root}", self.origin, self.head.size)
    }
}

/// A checkpoint that its log signed. Only [`open`](Self::open) and
/// [`LogSigner::sign`](super::LogSigner::sign) make one. It may carry cosignatures, which are checked when
/// they are asked for. Printing it gives the note.
///
/// ```compile_fail,E0451
/// use stepward_ledger::note::{Checkpoint, SignedCheckpoint, SignedNote};
///
/// fn forge(checkpoint: Checkpoint, note: SignedNote) -> SignedCheckpoint {
///     SignedCheckpoint { checkpoint, note }
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "it is the verdict"]
pub struct SignedCheckpoint {
    checkpoint: Checkpoint,
    note: SignedNote,
    log: LogVerifier,
}

impl SignedCheckpoint {
    /// Signs nothing itself: the caller's signature is by the key of `log` over the checkpoint's text.
    pub(super) fn signed(checkpoint: Checkpoint, signature: Signature, log: LogVerifier) -> Self {
        Self { note: SignedNote::new(checkpoint.to_string(), signature), checkpoint, log }
    }

    /// Reads a checkpoint and checks that this log signed it. The log's key must have the name that the
    /// first line says.
    ///
    /// # Errors
    /// When it is no note, the log's signature is missing or wrong, or what was signed is no checkpoint of
    /// this log.
    pub fn open(note: &[u8], log: &LogVerifier) -> Result<Self, NoteError> {
        let note = SignedNote::parse(note)?;
        let verified = note.verify(std::slice::from_ref(log))?;
        let checkpoint = Checkpoint::parse(verified.text(), log.name())?;
        Ok(Self { checkpoint, note, log: log.clone() })
    }

    /// What it says.
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// Which log.
    pub fn origin(&self) -> &KeyName {
        &self.checkpoint.origin
    }

    /// The tree.
    pub fn head(&self) -> TreeHead {
        self.checkpoint.head
    }

    /// The note, with all its signatures.
    pub fn note(&self) -> &SignedNote {
        &self.note
    }

    /// The newest cosignature of a witness; nothing when it has none.
    ///
    /// # Errors
    /// When one that claims to be by this witness is not: such a note must be refused (C2SP signed-note,
    /// "Signatures").
    pub fn cosigned_by(&self, witness: &WitnessVerifier) -> Result<Option<Cosigned>, NoteError> {
        Ok(self.newest(witness, self.note.signatures())?.map(|(cosigned, _)| cosigned))
    }

    /// The newest of the signatures that claim to be by a witness. They need not be in the note.
    pub(crate) fn newest<'s>(
        &self,
        witness: &WitnessVerifier,
        signatures: impl IntoIterator<Item = &'s Signature>,
    ) -> Result<Option<(Cosigned, &'s Signature)>, NoteError> {
        let mut newest: Option<(Cosigned, &Signature)> = None;
        for signature in signatures.into_iter().filter(|signature| witness.0.claims(signature)) {
            let text = self.note.unverified_text();
            let cosigned = Cosigned::check(&witness.0, witness.name(), text, signature)?;
            if newest.as_ref().is_none_or(|(newest, _)| newest.time() < cosigned.time()) {
                newest = Some((cosigned, signature));
            }
        }
        Ok(newest)
    }

    /// The newest good cosignature of a witness, and what is wrong with those that claim to be by it and are
    /// not.
    pub(crate) fn good(&self, witness: &WitnessVerifier) -> (Option<Signature>, Vec<NoteError>) {
        let (mut newest, mut wrong): (Option<(Cosigned, &Signature)>, _) = (None, Vec::new());
        for signature in self.note.signatures() {
            match self.newest(witness, [signature]) {
                Ok(Some(seen)) if newest.as_ref().is_none_or(|(newest, _)| newest.time() < seen.0.time()) => {
                    newest = Some(seen);
                }
                Ok(_) => {}
                Err(error) => wrong.push(error),
            }
        }
        (newest.map(|(_, signature)| signature.clone()), wrong)
    }

    /// The same checkpoint with one signature of the log and no other.
    pub(crate) fn bare(&self) -> Self {
        let mut bare = self.clone();
        let mut first = true;
        bare.note.retain(|signature| self.log.0.claims(signature) && std::mem::take(&mut first));
        bare
    }

    /// Puts a cosignature in the place of those that the note has by the same key.
    pub(crate) fn put(&mut self, signature: Signature) {
        self.note.retain(|other| (other.name(), other.id()) != (signature.name(), signature.id()));
        self.note.push(signature);
    }
}

/// The note.
impl fmt::Display for SignedCheckpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.note.fmt(f)
    }
}
