//! Files that are copied with their hash, and names that are made durable.

use crate::files;
use aws_lc_rs::digest::{Context, SHA256};
use serde::{Deserialize, Serialize};
use std::{
    fs::{self, File},
    io::{self, Read as _, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};
use stepward_fault::{Class, Fault, Owner, Rule};
use stepward_trust::Digest;

/// The rule that a backup's files can be read and written.
const DISK: Rule = Rule::new("backup-file");

/// How much is hashed and copied in one go, in bytes.
const PIECE: usize = 1 << 20;

/// What is known of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Facts {
    /// Its size.
    pub(crate) bytes: u64,
    /// Its SHA-256.
    pub(crate) sha256: Digest,
}

/// What came of something that was done to a file.
pub(crate) fn fallible<T>(path: &Path, result: io::Result<T>) -> Result<T, Fault> {
    result.map_err(|error| {
        Fault::new(Class::Unavailable, Owner::Operator, DISK)
            .at(files::place(path))
            .says(error)
            .hint("check that the folder is there and yours, and that its disk has room")
    })
}

/// Makes the names in a folder durable.
pub(crate) fn sync_folder(path: &Path) -> Result<(), Fault> {
    fallible(path, File::open(path).and_then(|folder| folder.sync_all()))
}

/// Syncs a file and hashes it.
pub(crate) fn facts(path: &Path) -> Result<Facts, Fault> {
    let file = fallible(path, File::open(path))?;
    fallible(path, file.sync_all())?;
    fallible(path, hashed(file, u64::MAX, |_| Ok(())))
}

/// Copies a file of which at most `most` bytes are expected into a new one for its owner alone, synced,
/// and says what was copied. One that is larger is not copied whole.
pub(crate) fn copy(from: &Path, to: &Path, most: u64) -> Result<Facts, Fault> {
    let source = fallible(from, File::open(from))?;
    let mut target = fallible(to, fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(to))?;
    let facts = fallible(to, hashed(source, most.saturating_add(1), |piece| target.write_all(piece)))?;
    fallible(to, target.sync_all())?;
    Ok(facts)
}

fn hashed(source: File, most: u64, mut each: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<Facts> {
    let (mut source, mut hash, mut bytes) = (source.take(most), Context::new(&SHA256), 0);
    let mut piece = vec![0; PIECE];
    loop {
        let read = source.read(&mut piece)?;
        let Some(read @ [_, ..]) = piece.get(..read) else { break };
        hash.update(read);
        each(read)?;
        bytes += read.len() as u64;
    }
    let hash = hash.finish();
    let sha256 = hash.as_ref().try_into().map_err(io::Error::other)?;
    Ok(Facts { bytes, sha256: Digest::from_bytes(sha256) })
}
