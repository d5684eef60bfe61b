//! Why a proof was refused.

use super::{MAX_PATH, VERSION};
use crate::merkle::ProofError;
use crate::note::NoteError;
use std::fmt;
use stepward_fault::{Class, Fault, Owner, Rule};

const FORM: Rule = Rule::new("proof-malformed");

/// What is wrong with the text of a proof, or with what it claims.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LogProofError {
    /// Another format or version.
    #[error("the first line is not `{VERSION}`")]
    Version,
    /// The line with opaque data has none.
    #[error("the line `extra` is not followed by base64")]
    Extra,
    /// No number of an event.
    #[error("the line `index` with the event's number in decimal is missing")]
    Index,
    /// A path with a line that is no hash, or too many.
    #[error("the path is not at most {MAX_PATH} lines, each the base64 of 32 bytes")]
    Path,
    /// The text ends before the checkpoint.
    #[error("no empty line separates the path from the checkpoint")]
    NoCheckpoint,
    /// The checkpoint is malformed or not signed by the log.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// The event is not where the proof says.
    #[error(transparent)]
    Proof(#[from] ProofError),
}

impl LogProofError {
    /// The refusal as it is shown, with the place of the proof: a file.
    pub fn fault(&self, place: impl fmt::Display) -> Fault {
        match self {
            Self::Note(error) => error.fault(place),
            Self::Proof(error) => error.fault(place),
            Self::Version | Self::Extra | Self::Index | Self::Path | Self::NoCheckpoint => {
                Fault::new(Class::EvidenceInvalid, Owner::Operator, FORM)
                    .at(place)
                    .says(self)
                    .hint("ask for the proof again: it is a C2SP tlog-proof, byte for byte")
            }
        }
    }
}
