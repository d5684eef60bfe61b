//! Writing a log's files.

use super::bundle::MAX_BUNDLE_BYTES;
use super::dir::TileDir;
use super::grow::{TileFile, filled, grown};
use super::source::{Source, Subtrees, joined};
use super::{CHECKPOINT, Content, TilePath};
use crate::merkle::{Hashes as _, TreeHead, TreeSize};
use crate::note::{LogVerifier, SignedCheckpoint};
use cap_std::fs::{File, OpenOptions};
use std::collections::BTreeSet;
use std::io::{self, Write as _};
use stepward_fault::{Class, Fault, Owner, Rule};

const UNWRITABLE: Rule = Rule::new("tiles-unwritable");
const HASHES: Rule = Rule::new("log-hashes");
const FORKED: Rule = Rule::new("tiles-forked");
const OTHER_LOG: Rule = Rule::new("tiles-of-another-log");
const SHRUNK: Rule = Rule::new("tiles-larger-than-the-log");

/// What a folder's own path is called when it is opened.
const SELF: &str = ".";

impl TileDir {
    /// Writes the files that a larger tree needs, and then its checkpoint. `log` is the key that signed
    /// it, and the checkpoint that is there. In a folder without a checkpoint every tile is compared or
    /// written.
    ///
    /// When this returns, everything is on the disk. When it fails or the machine stops, the folder
    /// still holds the checkpoint from before and all that it needs, and doing it again goes on. One
    /// process may do this at a time: the one that owns the log.
    ///
    /// # Errors
    /// When the folder has another log, or a larger tree, or a tile with other bytes than the source
    /// gives; when the source is not the tree of either checkpoint; when it cannot be read or the files
    /// cannot be written. The checkpoint in the folder is then as it was.
    pub fn publish<S: Source + ?Sized>(
        &self,
        source: &S,
        log: &LogVerifier,
        newest: &SignedCheckpoint,
    ) -> Result<(), Fault> {
        if newest.origin() != log.name() {
            return Err(other_log(log, newest));
        }
        let older = match self.checkpoint(log)? {
            Some(published) => extended(source, &published, newest)?,
            None => TreeSize::EMPTY,
        };
        is_tree_of(source, newest.head())?;
        filled(older, newest.head().size).try_for_each(|tile| leads_up(source, tile))?;
        let mut folders = BTreeSet::from([String::new()]);
        for file in grown(source, older, newest.head().size) {
            self.place(&file?, &mut folders)?;
        }
        for folder in &folders {
            self.sync(folder)?;
        }
        self.write(CHECKPOINT, newest.to_string().as_bytes())?;
        self.sync("")
    }

    /// Removes the partial forms of tiles that became full between two published sizes: who asks for
    /// them takes the full ones (C2SP tlog-tiles, "Partial Tiles"). A partial tile whose full one is
    /// not there stays.
    ///
    /// # Errors
    /// When a folder of partial tiles cannot be removed.
    pub fn prune(&self, older: TreeSize, newer: TreeSize) -> Result<(), Fault> {
        for tile in filled(older, newer).filter(|tile| self.dir.is_file(tile.to_string())) {
            match self.dir.remove_dir_all(tile.partials()) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(unwritable(&tile.partials(), &error)),
            }
        }
        Ok(())
    }

    /// Puts a tile in its place unless it is there. `folders` collects what is to be synced.
    fn place(&self, file: &TileFile, folders: &mut BTreeSet<String>) -> Result<(), Fault> {
        let path = file.path.to_string();
        let above = std::iter::successors(path.rsplit_once('/'), |(folder, _)| folder.rsplit_once('/'));
        folders.extend(above.map(|(folder, _)| folder.to_owned()));
        match self.read(&path, MAX_BUNDLE_BYTES)? {
            Some(bytes) if bytes == file.bytes => Ok(()),
            Some(_) => Err(forked(file.path)),
            None => self.write(&path, &file.bytes),
        }
    }

    /// Writes a file whole or not at all: beside its place, synced, then renamed.
    fn write(&self, path: &str, bytes: &[u8]) -> Result<(), Fault> {
        let fail = |error: io::Error| unwritable(path, &error);
        if let Some((folder, _)) = path.rsplit_once('/') {
            self.dir.create_dir_all(folder).map_err(fail)?;
        }
        let beside = format!("{path}.new");
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true);
        let filled = |mut file: File| file.write_all(bytes).and_then(|()| file.sync_all());
        let written = self.dir.open_with(&beside, &options).and_then(filled);
        written.and_then(|()| self.dir.rename(&beside, &self.dir, path)).map_err(|error| {
            // The half-written file is worthless; that it cannot be removed changes nothing.
            drop(self.dir.remove_file(&beside));
            fail(error)
        })
    }

    /// Makes the names in a folder durable.
    fn sync(&self, folder: &str) -> Result<(), Fault> {
        let name = if folder.is_empty() { SELF } else { folder };
        // Opened as a file: a handle to a folder as such cannot be synced.
        let synced = self.dir.open(name).and_then(|folder| folder.sync_all());
        synced.map_err(|error| unwritable(name, &error))
    }
}

/// The size that is published, if the newest checkpoint extends it.
fn extended<S: Source + ?Sized>(
    source: &S,
    published: &SignedCheckpoint,
    newest: &SignedCheckpoint,
) -> Result<TreeSize, Fault> {
    let (older, newer) = (published.head().size, newest.head().size);
    if older > newer {
        return Err(Fault::new(Class::EvidenceInvalid, Owner::Operator, SHRUNK)
            .at(CHECKPOINT)
            .says(format_args!("{older} events are published, and the log has a checkpoint over {newer}"))
            .hint("keep the folder: the log was cut back or replaced by an older copy"));
    }
    is_tree_of(source, published.head())?;
    Ok(older)
}

fn is_tree_of<S: Source + ?Sized>(source: &S, head: TreeHead) -> Result<(), Fault> {
    let root = Subtrees(source).head(head.size)?.root;
    if root == head.root {
        return Ok(());
    }
    Err(Fault::new(Class::EvidenceInvalid, Owner::Operator, FORKED)
        .at(CHECKPOINT)
        .says(format_args!(
            "over {} events the log has the root {root}, and {} was signed",
            head.size, head.root
        ))
        .hint("keep the folder and the log: the log was changed after the checkpoint was made"))
}

/// A full tile of hashes must lead to the hash that is kept over it. The hashes of partial tiles are those
/// that the root was made of; with both, every hash that is published follows from the checkpoint. This
/// comes before the first file: a wrong one could never be replaced.
fn leads_up<S: Source + ?Sized>(source: &S, tile: TilePath) -> Result<(), Fault> {
    let Content::Hashes(level) = tile.content() else { return Ok(()) };
    let mut hashes = source.hashes(u32::from(level), tile.first(), usize::from(tile.width()))?;
    while hashes.len() > 1 {
        hashes = hashes.chunks(2).filter_map(joined).collect();
    }
    if hashes == source.hashes(u32::from(level) + 1, tile.index(), 1)? {
        return Ok(());
    }
    Err(Fault::new(Class::EvidenceInvalid, Owner::Operator, HASHES)
        .at(tile)
        .says("the hashes that the log keeps for this tile do not lead to the one that it keeps over them")
        .hint("the log was changed, and nothing of it was published: `stepward verify` says where"))
}

fn other_log(log: &LogVerifier, newest: &SignedCheckpoint) -> Fault {
    Fault::new(Class::Refused, Owner::Embedder, OTHER_LOG)
        .at(CHECKPOINT)
        .says(format_args!(
            "it is a checkpoint of the log `{}`, and the key is that of `{}`",
            newest.origin(),
            log.name()
        ))
        .hint("publish each log, and a log that was restored, with its own key into a folder of its own")
}

fn forked(path: TilePath) -> Fault {
    Fault::new(Class::EvidenceInvalid, Owner::Operator, FORKED)
        .at(path)
        .says("the file is there with other bytes than the log gives, and tiles never change")
        .hint("keep the file and the log: one of them was changed")
}

fn unwritable(path: &str, error: &io::Error) -> Fault {
    Fault::new(Class::Unavailable, Owner::Operator, UNWRITABLE)
        .at(path)
        .says(format_args!("the log cannot be published here: {error}"))
        .hint("check the folder's permissions and the room on its disk")
}
