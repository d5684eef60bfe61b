//! Every event of a log in one file, for somebody who checks it with tools of their own.
//!
//! The first line is a JSON object: `schema` is `stepward.export/1`, `checkpoint` the signed note, `vkeys`
//! the public keys of the log and of the witnesses that cosigned, as C2SP signed-note writes them. Each
//! further line is one event, byte for byte as it was hashed; their number is the checkpoint's size. Every
//! line ends in a newline, and no event has one.

use crate::merkle::TreeSize;
use crate::note::SignedCheckpoint;
use crate::store::Records;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::io::Write;
use stepward_fault::{Class, Fault, Owner, Rule};

/// The name of the format.
const SCHEMA: &str = "stepward.export/1";

/// Longest header in bytes: the largest note, escaped, and its keys.
pub const MAX_HEADER_BYTES: usize = 4 * crate::note::MAX_NOTE_BYTES;

const WRITE: Rule = Rule::new("export-write");

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
/// When an event cannot be read, or the file not be written.
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
    records.leaves(0..size.get(), &mut |leaf| {
        out.write_all(leaf.bytes).and_then(|()| out.write_all(b"\n")).map_err(|error| unwritten(&error))
    })?;
    out.flush().map_err(|error| unwritten(&error))?;
    Ok(size)
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
