//! A published log in a folder.

use super::bundle::{self, MAX_BUNDLE_BYTES};
use super::path::{Content, TilePath};
use super::source::{Source, Subtrees};
use super::{CHECKPOINT, WIDTH};
use crate::merkle::{HASH_BYTES, Hashes, Node, NodeHash, TreeSize};
use crate::note::{LogVerifier, MAX_NOTE_BYTES, SignedCheckpoint};
use cap_std::fs::Dir;
use std::io::{self, Read as _};
use std::ops::Range;
use stepward_fault::{Class, Fault, Owner, Rule};

const UNREADABLE: Rule = Rule::new("tiles-unreadable");
/// The rule that a file that a tree needs is there.
pub(crate) const MISSING: Rule = Rule::new("tiles-file-missing");
const MALFORMED: Rule = Rule::new("tiles-file-malformed");

/// Bytes of a full tile of hashes.
const MAX_HASHES_BYTES: usize = 256 * HASH_BYTES;

/// A folder with the files of one log.
#[derive(Debug)]
pub struct TileDir {
    pub(super) dir: Dir,
}

/// The tree of one size in a folder. What it gives has not been verified: compare its
/// [`head`](Hashes::head) with the checkpoint's, and each entry's hash with the leaf's.
#[derive(Clone, Copy, Debug)]
pub struct TileTree<'a> {
    files: &'a TileDir,
    size: TreeSize,
}

impl TileDir {
    /// Takes a folder.
    pub fn new(dir: Dir) -> Self {
        Self { dir }
    }

    /// The checkpoint that is published; nothing in an empty folder.
    ///
    /// # Errors
    /// When it cannot be read, or this log did not sign it.
    pub fn checkpoint(&self, log: &LogVerifier) -> Result<Option<SignedCheckpoint>, Fault> {
        let Some(note) = self.read(CHECKPOINT, MAX_NOTE_BYTES)? else { return Ok(None) };
        SignedCheckpoint::open(&note, log).map(Some).map_err(|error| error.fault(CHECKPOINT))
    }

    /// The tree over the first `size` leaves, which must have been published with a checkpoint.
    pub fn tree(&self, size: TreeSize) -> TileTree<'_> {
        TileTree { files: self, size }
    }

    /// A whole file, or nothing when there is none.
    pub(super) fn read(&self, path: &str, most: usize) -> Result<Option<Vec<u8>>, Fault> {
        let file = match self.dir.open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(unreadable(path, &error)),
        };
        let mut bytes = Vec::new();
        file.take(most as u64 + 1).read_to_end(&mut bytes).map_err(|error| unreadable(path, &error))?;
        if bytes.len() > most {
            return Err(malformed(path, format_args!("it is longer than {most} bytes")));
        }
        Ok(Some(bytes))
    }
}

impl TileTree<'_> {
    /// How many leaves it has.
    pub fn size(&self) -> TreeSize {
        self.size
    }

    /// A tile of the tree and the form of it that was there. Where a partial tile is gone, the full one
    /// begins with it (C2SP tlog-tiles, "Partial Tiles").
    fn tile(
        &self,
        content: Content,
        index: u64,
        most: usize,
    ) -> Result<(TilePath, TilePath, Vec<u8>), Fault> {
        let wanted = TilePath::in_tree(content, index, self.size).ok_or_else(|| self.outside(content))?;
        for form in [Some(wanted), wanted.filled()].into_iter().flatten() {
            if let Some(bytes) = self.files.read(&form.to_string(), most)? {
                return Ok((wanted, form, bytes));
            }
        }
        Err(Fault::new(Class::EvidenceInvalid, Owner::Operator, MISSING)
            .at(wanted)
            .says(format_args!("a tree of {} leaves needs this file, and it is not there", self.size))
            .hint("publish the log into an empty folder; if you only have this copy, ask for a whole one"))
    }

    fn hash_tile(&self, level: u8, index: u64) -> Result<Vec<NodeHash>, Fault> {
        let (wanted, form, bytes) = self.tile(Content::Hashes(level), index, MAX_HASHES_BYTES)?;
        let (hashes, rest) = bytes.as_chunks::<HASH_BYTES>();
        if hashes.len() != usize::from(form.width()) || !rest.is_empty() {
            let expected = usize::from(form.width()) * HASH_BYTES;
            return Err(malformed(form, format_args!("it has {} bytes, not {expected}", bytes.len())));
        }
        Ok(hashes.iter().take(usize::from(wanted.width())).copied().map(NodeHash::from_bytes).collect())
    }

    fn visit_bundle(
        &self,
        index: u64,
        range: &Range<u64>,
        visit: &mut dyn FnMut(&[u8]) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let (wanted, form, bytes) = self.tile(Content::Entries, index, MAX_BUNDLE_BYTES)?;
        let (entries, _) =
            bundle::split(&bytes, u64::from(form.width())).filter(|(_, rest)| rest.is_empty()).ok_or_else(
                || malformed(form, format_args!("it was changed: it is not {} entries long", form.width())),
            )?;
        let numbered = (wanted.first()..).zip(entries).take(usize::from(wanted.width()));
        numbered.filter(|(number, _)| range.contains(number)).try_for_each(|(_, entry)| visit(entry))
    }

    fn outside(&self, content: Content) -> Fault {
        let what = match content {
            Content::Entries => "entry",
            Content::Hashes(_) => "hash",
        };
        Fault::new(Class::EvidenceInvalid, Owner::Operator, MISSING)
            .at(CHECKPOINT)
            .says(format_args!("a tree of {} leaves has no such {what}", self.size))
            .hint("use a checkpoint that was made after the event")
    }
}

impl Source for TileTree<'_> {
    fn hashes(&self, level: u32, from: u64, count: usize) -> Result<Vec<NodeHash>, Fault> {
        let level = u8::try_from(level).unwrap_or(u8::MAX);
        let mut hashes = Vec::new();
        let mut next = from;
        while hashes.len() < count {
            let tile = self.hash_tile(level, next / WIDTH)?;
            let skipped = usize::try_from(next % WIDTH).unwrap_or(usize::MAX);
            let wanted = count - hashes.len();
            let before = hashes.len();
            hashes.extend(tile.into_iter().skip(skipped).take(wanted));
            if hashes.len() == before {
                return Err(self.outside(Content::Hashes(level)));
            }
            next = next.saturating_add((hashes.len() - before) as u64);
        }
        Ok(hashes)
    }

    fn entries(
        &self,
        range: Range<u64>,
        visit: &mut dyn FnMut(&[u8]) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        if range.end > self.size.get() {
            return Err(self.outside(Content::Entries));
        }
        let bundles = if range.is_empty() { 0..0 } else { range.start / WIDTH..range.end.div_ceil(WIDTH) };
        bundles.into_iter().try_for_each(|index| self.visit_bundle(index, &range, visit))
    }
}

impl Hashes for TileTree<'_> {
    type Error = Fault;

    fn node(&self, node: Node) -> Result<NodeHash, Fault> {
        Subtrees(self).node(node)
    }
}

fn unreadable(path: &str, error: &io::Error) -> Fault {
    Fault::new(Class::Unavailable, Owner::Operator, UNREADABLE)
        .at(path)
        .says(format_args!("the file cannot be read: {error}"))
        .hint("check the folder's permissions and its disk")
}

fn malformed(path: impl std::fmt::Display, what: std::fmt::Arguments<'_>) -> Fault {
    Fault::new(Class::EvidenceInvalid, Owner::Operator, MALFORMED)
        .at(path)
        .says(what)
        .hint("the file was changed or cut: keep it, and publish the log into an empty folder to compare")
}
