//! One commit as bytes that show whether they are whole.

use crate::store::{Batch, Checkpoint, Entry, Fact, RunChange, RunLink, Subtree};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use stepward_fault::{Class, Fault, Owner, Rule};

/// Bytes before the content: its length as little-endian u32 and its SHA-256.
pub(super) const HEADER: usize = 4 + 32;

const ENCODING: Rule = Rule::new("simulated-encoding");

type Hash = [u8; 32];

/// What one frame says.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Frame {
    Batch {
        entries: Vec<FramedEntry>,
        subtrees: Vec<(u32, u64, Hash)>,
        head: (u64, Hash),
        seal: Hash,
        checkpoints: Vec<(u64, String)>,
        facts: Vec<(String, Vec<u8>)>,
    },
    Erase(String),
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) enum Change {
    Opens,
    Stays,
    Closes,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct FramedEntry {
    pub(super) leaf: Vec<u8>,
    pub(super) hash: Hash,
    /// The run, and what the event makes of it.
    pub(super) run: Option<(String, Change)>,
    pub(super) body: Option<Vec<u8>>,
}

impl From<&Entry> for FramedEntry {
    fn from(Entry { leaf, hash, run, body }: &Entry) -> Self {
        let run = run.as_ref().map(|RunLink { run, change }| {
            let change = match change {
                RunChange::Opens => Change::Opens,
                RunChange::Stays => Change::Stays,
                RunChange::Closes => Change::Closes,
            };
            (run.clone(), change)
        });
        Self { leaf: leaf.clone(), hash: *hash.as_bytes(), run, body: body.clone() }
    }
}

impl From<&Batch> for Frame {
    fn from(Batch { first: _, entries, subtrees, head, seal, checkpoints, facts }: &Batch) -> Self {
        let subtree = |made: &Subtree| (made.level, made.index, *made.hash.as_bytes());
        let checkpoint = |signed: &Checkpoint| (signed.size, signed.note.clone());
        let fact = |known: &Fact| (known.name.clone(), known.value.clone());
        Self::Batch {
            entries: entries.iter().map(FramedEntry::from).collect(),
            subtrees: subtrees.iter().map(subtree).collect(),
            head: (head.size.get(), *head.root.as_bytes()),
            seal: *seal.as_bytes(),
            checkpoints: checkpoints.iter().map(checkpoint).collect(),
            facts: facts.iter().map(fact).collect(),
        }
    }
}

pub(super) fn encode(frame: &Frame) -> Result<Vec<u8>, Fault> {
    let failed = |error: &dyn std::fmt::Display| {
        Fault::new(Class::Internal, Owner::Stepward, ENCODING).says(error).hint("please report it")
    };
    let content = postcard::to_stdvec(frame).map_err(|error| failed(&error))?;
    let length = u32::try_from(content.len()).map_err(|error| failed(&error))?;
    let mut bytes = length.to_le_bytes().to_vec();
    bytes.extend(Sha256::digest(&content));
    bytes.extend(content);
    Ok(bytes)
}

/// The first frame and what follows it; nothing where the bytes are no whole frame.
pub(super) fn decode(bytes: &[u8]) -> Option<(Frame, &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    let (digest, rest) = rest.split_first_chunk::<32>()?;
    let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
    let (content, rest) = rest.split_at_checked(length)?;
    if Sha256::digest(content).as_slice() != digest {
        return None;
    }
    Some((postcard::from_bytes(content).ok()?, rest))
}
