//! Every event of a log in one file, for somebody who checks it with tools of their own.
//!
//! The first line is a JSON object: `schema` is `stepward.export/1`, `checkpoint` the signed note, `vkeys`
//! the public keys of the log and of the witnesses that cosigned, as C2SP signed-note writes them. Each
//! further line is the leaf hash of one event (RFC 6962: SHA-256 over a zero byte and the event) as 64
//! lowercase hexadecimal digits, a space, and the event, byte for byte as it was hashed; their number is the
//! checkpoint's size. Every line ends in a newline, and no event has one. The checkpoint says whether all
//! events are those that were signed; the hashes say which one is not.

pub(crate) mod lines;

use crate::log::MAX_LEAF;
use crate::merkle::{Frontier, HASH_BYTES, LeafHash, TreeSize};
use crate::note::SignedCheckpoint;
use crate::store::Records;
use lines::{Line, next};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::io::{BufRead, Write};
use stepward_fault::{Class, Fault, Owner, Rule};

/// The name of the format.
const SCHEMA: &str = "stepward.export/1";

/// Longest header in bytes: the largest note, escaped, and its keys.
pub const MAX_HEADER_BYTES: usize = 4 * crate::note::MAX_NOTE_BYTES;

const HEADER: Rule = Rule::new("export-header");
const LINE: Rule = Rule::new("export-line");
const ROOT: Rule = Rule::new("export-root");
const WRITE: Rule = Rule::new("export-write");

/// Longest line of an event in bytes, without its newline.
pub(crate) const MAX_LINE_BYTES: usize = HASH_DIGITS + 1 + MAX_LEAF;

const HASH_DIGITS: usize = 2 * HASH_BYTES;

/// The first line.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    schema: Schema,
    checkpoint: String,
    vkeys: Vec<String>,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
enum Schema {
    #[serde(rename = "stepward.export/1")]
    V1,
}

impl Header {
    /// The signed note. Nothing has checked it.
    pub fn checkpoint(&self) -> &str {
        &self.checkpoint
    }

    /// The public keys that came with it.
    pub fn vkeys(&self) -> &[String] {
        &self.vkeys
    }
}

/// Writes all events that a checkpoint covers. `vkeys` are the keys that signed and cosigned it.
///
/// # Errors
/// When an event cannot be read or was edited, when the events are not those that the checkpoint signs,
/// or when the file cannot be written. What was written is then worthless.
pub fn write(
    records: &dyn Records,
    checkpoint: &SignedCheckpoint,
    vkeys: &[String],
    out: &mut dyn Write,
) -> Result<TreeSize, Fault> {
    let header = Header { schema: Schema::V1, checkpoint: checkpoint.to_string(), vkeys: vkeys.to_vec() };
    // Texts alone: nothing that serialising could refuse.
    let mut header = serde_json::to_vec(&header).unwrap_or_default();
    header.push(b'\n');
    out.write_all(&header).map_err(|error| unwritten(&error))?;
    let size = checkpoint.head().size;
    let mut tree = Frontier::default();
    records.leaves(0..size.get(), &mut |leaf| {
        let event = leaf.checked()?;
        let hash = LeafHash::of(event);
        tree.append(hash).map_err(|error| other_tree(checkpoint, &error))?;
        let mut line = format!("{hash} ").into_bytes();
        line.extend_from_slice(event);
        line.push(b'\n');
        out.write_all(&line).map_err(|error| unwritten(&error))
    })?;
    let head = tree.head();
    if head != checkpoint.head() {
        return Err(other_tree(checkpoint, &format_args!("their root is {}", head.root)));
    }
    out.flush().map_err(|error| unwritten(&error))?;
    Ok(size)
}

/// Reads the first line.
///
/// # Errors
/// When it cannot be read, or is not that of an export.
pub fn header(source: &mut dyn BufRead) -> Result<Header, Fault> {
    let malformed = |why: &dyn fmt::Display| {
        Fault::new(Class::EvidenceInvalid, Owner::Operator, HEADER)
            .says(format_args!("it is not the header of an export: {why}"))
            .hint("ask for the export again; `stepward ledger export` makes one")
    };
    let mut line = Vec::new();
    match next(source, MAX_HEADER_BYTES, &mut line)? {
        Line::Whole => serde_json::from_slice(&line).map_err(|error| malformed(&error)),
        Line::End | Line::Cut | Line::TooLong => {
            Err(malformed(&"the first line is missing, cut or too long"))
        }
    }
}

/// Takes a line apart: the hash that it states, and the event. Nothing where it has another form.
pub(crate) fn parts(line: &[u8]) -> Option<(LeafHash, &[u8])> {
    let (digits, rest) = line.split_at_checked(HASH_DIGITS)?;
    let event = rest.strip_prefix(b" ")?;
    if digits.iter().any(u8::is_ascii_uppercase) {
        return None;
    }
    let mut hash = [0; HASH_BYTES];
    hex::decode_to_slice(digits, &mut hash).ok()?;
    Some((LeafHash::from_bytes(hash), event))
}

/// Takes a leaf and its place.
pub type TakeLeaf<'a> = &'a mut dyn FnMut(u64, &[u8]) -> Result<(), Fault>;

/// Gives the events that follow after the first line, each with its number. Nothing is checked.
///
/// # Errors
/// When a line cannot be read, is cut, is longer than any event or has another form; or what `take` refuses.
pub fn leaves(source: &mut dyn BufRead, take: TakeLeaf<'_>) -> Result<(), Fault> {
    let mut line = Vec::new();
    for number in 0.. {
        let event = match next(source, MAX_LINE_BYTES, &mut line)? {
            Line::End => break,
            Line::Whole => parts(&line).map(|(_, event)| event),
            Line::Cut | Line::TooLong => None,
        };
        let event = event.ok_or_else(|| {
            Fault::new(Class::EvidenceInvalid, Owner::Operator, LINE)
                .at(format_args!("event {number}"))
                .says("the line is cut, longer than any event, or does not begin with a hash")
                .hint("ask for the export again: it is cut, or something else was put into it")
        })?;
        take(number, event)?;
    }
    Ok(())
}

fn other_tree(checkpoint: &SignedCheckpoint, why: &dyn fmt::Display) -> Fault {
    let head = checkpoint.head();
    Fault::new(Class::EvidenceInvalid, Owner::Operator, ROOT)
        .at(format_args!("the checkpoint over {} events", head.size))
        .says(format_args!("the events are not those that were signed with the root {}: {why}", head.root))
        .hint("the log was changed after the checkpoint was made: `stepward verify` says where")
}

fn unwritten(error: &dyn fmt::Display) -> Fault {
    Fault::new(Class::Unavailable, Owner::Operator, WRITE)
        .says(format_args!("the export cannot be written: {error}"))
        .hint("check the folder's permissions and the free space")
}

/// Whether a first line looks like that of an export.
pub fn is_export(beginning: &[u8]) -> bool {
    let key = format!(r#"{{"schema":"{SCHEMA}""#);
    beginning.starts_with(key.as_bytes())
}
