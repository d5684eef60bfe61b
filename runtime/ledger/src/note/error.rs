//! Why a note or a checkpoint was refused.

use super::{KeyName, key::KeyId, signed::MAX_SIGNATURES};
use crate::merkle::MAX_TREE_SIZE;
use std::fmt;
use stepward_fault::{Class, Fault, Owner, Rule, shown};

const FORM: Rule = Rule::new("note-malformed");
const SIGNATURE: Rule = Rule::new("note-signature-wrong");
const UNKNOWN_KEY: Rule = Rule::new("note-not-signed-by-a-known-key");
const CHECKPOINT: Rule = Rule::new("checkpoint-malformed");
const ORIGIN: Rule = Rule::new("checkpoint-of-another-log");

/// What is wrong with a note.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// More bytes than are read.
    #[error("it has {bytes} bytes, and at most {most} are read")]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The most that are read.
        most: usize,
    },
    /// Not text.
    #[error("it is not UTF-8 from byte {offset} on")]
    NotUtf8 {
        /// Where the text ends, in bytes from 0.
        offset: usize,
    },
    /// A character that could deceive whoever reads the note.
    #[error("there is a control character at byte {offset}")]
    ControlCharacter {
        /// Where, in bytes from 0.
        offset: usize,
    },
    /// No empty line that separates a text from signatures.
    #[error("no empty line separates a text from its signatures")]
    NoSignatures,
    /// The last line is cut.
    #[error("the last line does not end in a newline")]
    NoFinalNewline,
    /// A line that is no signature.
    #[error("signature line {line} is not `— NAME BASE64`")]
    SignatureLine {
        /// Which of the signature lines, from 1.
        line: usize,
    },
    /// More signatures than are read.
    #[error("there are more than {MAX_SIGNATURES} signatures")]
    TooManySignatures,
    /// A signature claims to be by a known key and is not.
    #[error("the signature by the key `{key}` ({id}) does not verify")]
    BadSignature {
        /// The key's name.
        key: KeyName,
        /// The key's ID.
        id: KeyId,
    },
    /// No known key signed.
    #[error("none of the known keys signed it: {}", named(.keys))]
    NoKnownKey {
        /// The keys that are known.
        keys: Vec<KeyName>,
    },
    /// The text is not the three lines of a checkpoint, or an extension line is empty.
    #[error("a checkpoint has a line each for origin, size and root, and no empty line")]
    Lines,
    /// The second line is no size.
    #[error("the size is not a decimal number up to {MAX_TREE_SIZE} without leading zeros")]
    Size,
    /// The third line is no root.
    #[error("the root is not the base64 of 32 bytes")]
    Root,
    /// A tree without leaves has one root only.
    #[error("the tree has no leaves, but not the root of such a tree")]
    RootOfEmpty,
    /// The key's name is not that of the log.
    #[error("it is a checkpoint of `{}`, not of `{expected}`", shown(.found))]
    OtherOrigin {
        /// The first line.
        found: String,
        /// The name of the key that signed it.
        expected: KeyName,
    },
}

fn named(keys: &[KeyName]) -> String {
    keys.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", ")
}

impl NoteError {
    /// The refusal as it is shown, with the place of the note: a file, a service.
    pub fn fault(&self, place: impl fmt::Display) -> Fault {
        let (rule, hint) = match self {
            Self::TooLarge { .. }
            | Self::NotUtf8 { .. }
            | Self::ControlCharacter { .. }
            | Self::NoSignatures
            | Self::NoFinalNewline
            | Self::SignatureLine { .. }
            | Self::TooManySignatures => (
                FORM,
                "fetch the note again: it is a C2SP signed note, byte for byte, without a mark or a carriage return",
            ),
            Self::BadSignature { .. } => (
                SIGNATURE,
                "keep this note: it was changed after it was signed, or the key is not the one that signed it",
            ),
            Self::NoKnownKey { .. } => (
                UNKNOWN_KEY,
                "give the public key of the log that signed it; a log that was restored signs under a new name",
            ),
            Self::Lines | Self::Size | Self::Root | Self::RootOfEmpty => (
                CHECKPOINT,
                "the log signed a text that is no checkpoint of C2SP tlog-checkpoint: ask its operator",
            ),
            Self::OtherOrigin { .. } => (ORIGIN, "give the checkpoint and the public key of the same log"),
        };
        Fault::new(Class::EvidenceInvalid, Owner::Operator, rule).at(place).says(self).hint(hint)
    }
}
