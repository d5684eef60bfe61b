//! Which files a growing log needs.

use super::path::{Content, TilePath};
use super::source::{Source, missing};
use super::{WIDTH, bundle};
use crate::merkle::TreeSize;
use stepward_fault::{Class, Fault, Owner, Rule};

const ENTRY_TOO_LONG: Rule = Rule::new("tiles-entry-too-long");

/// A tile with its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TileFile {
    /// Where it belongs.
    pub path: TilePath,
    /// The whole file.
    pub bytes: Vec<u8>,
}

/// The tiles that the tree over `newer` leaves has and the tree over `older` leaves has not, one at a
/// time: the entries first, then the hashes from the leaves up. None when the tree did not grow.
///
/// A checkpoint over `newer` leaves may be published when all of them are in their places. Partial
/// tiles of sizes in between are not among them: only sizes with a checkpoint need theirs.
///
/// # Errors
/// Each item fails when the source cannot be read, or an entry is longer than
/// [`MAX_ENTRY_BYTES`](super::MAX_ENTRY_BYTES).
pub fn grown<S: Source + ?Sized>(
    source: &S,
    older: TreeSize,
    newer: TreeSize,
) -> impl Iterator<Item = Result<TileFile, Fault>> {
    paths(older, newer).map(move |path| Ok(TileFile { path, bytes: bytes(source, path)? }))
}

/// The names of those tiles.
pub(super) fn paths(older: TreeSize, newer: TreeSize) -> impl Iterator<Item = TilePath> {
    Content::all().flat_map(move |content| {
        let (before, after) = (content.count(older), content.count(newer));
        let tiles = if before < after { before / WIDTH..after.div_ceil(WIDTH) } else { 0..0 };
        tiles.filter_map(move |index| TilePath::in_tree(content, index, newer))
    })
}

/// The tiles that became full between two sizes, so that their partial forms are no longer needed.
pub(super) fn filled(older: TreeSize, newer: TreeSize) -> impl Iterator<Item = TilePath> {
    paths(older, newer).filter(|path| path.is_full())
}

fn bytes<S: Source + ?Sized>(source: &S, path: TilePath) -> Result<Vec<u8>, Fault> {
    match path.content() {
        Content::Entries => entries(source, path),
        Content::Hashes(level) => {
            let hashes = source.hashes(u32::from(level), path.first(), usize::from(path.width()))?;
            if hashes.len() == usize::from(path.width()) {
                Ok(hashes.iter().flat_map(|hash| *hash.as_bytes()).collect())
            } else {
                Err(missing(path))
            }
        }
    }
}

fn entries<S: Source + ?Sized>(source: &S, path: TilePath) -> Result<Vec<u8>, Fault> {
    let mut bytes = Vec::new();
    let range = path.first()..path.first().saturating_add(u64::from(path.width()));
    source.entries(range, &mut |entry| {
        bundle::push(&mut bytes, entry).ok_or_else(|| {
            Fault::new(Class::Internal, Owner::Stepward, ENTRY_TOO_LONG)
                .at(path)
                .says(format_args!("an entry of {} bytes does not fit into a bundle", entry.len()))
                .hint("report it: no event is longer than 4096 bytes")
        })
    })?;
    Ok(bytes)
}
