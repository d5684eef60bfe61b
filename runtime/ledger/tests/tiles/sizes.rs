//! Which tiles belong to a size, and what is in them.

use crate::{ENTRIES, Memory, ROOTS, open, root, size};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::ops::Range;
use stepward_fault::Fault;
use stepward_ledger::merkle::{Hashes as _, NodeHash, TreeSize};
use stepward_ledger::tiles::{Content, Source, TileFile, TilePath, grown};
use tlog_tiles::{HashReader, Tile};

/// Around the ends of tiles of the first two levels.
const EDGES: [u64; 10] = [0, 1, 2, 255, 256, 257, 511, 512, 65535, 65537];

/// Hands out names of hashes in the place of hashes, so that sizes can be large.
struct NamesOnly;

impl Source for NamesOnly {
    fn hashes(&self, level: u32, from: u64, count: usize) -> Result<Vec<NodeHash>, Fault> {
        let name = |place: u64| {
            let mut name = [u8::try_from(level).unwrap(); 32];
            name[24..].copy_from_slice(&place.to_be_bytes());
            NodeHash::from_bytes(name)
        };
        Ok((from..).take(count).map(name).collect())
    }

    fn entries(
        &self,
        range: Range<u64>,
        visit: &mut dyn FnMut(&[u8]) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        range.map(u64::to_be_bytes).try_for_each(|entry| visit(&entry))
    }
}

fn files<S: Source>(source: &S, older: u64, newer: u64) -> Vec<TileFile> {
    grown(source, size(older), size(newer)).collect::<Result<_, _>>().unwrap()
}

/// What the other implementation would publish.
fn foreign(older: u64, newer: u64) -> Vec<String> {
    let tiles = Tile::new_tiles(8, older, newer);
    let mut paths: Vec<_> = tiles.iter().map(|tile| tile.path().replacen("tile/8/", "tile/", 1)).collect();
    paths.sort();
    paths
}

fn hash_paths(files: &[TileFile]) -> Vec<String> {
    let hashes = files.iter().filter(|file| file.path.content() != Content::Entries);
    let mut paths: Vec<_> = hashes.map(|file| file.path.to_string()).collect();
    paths.sort();
    paths
}

#[test]
fn the_other_implementation_publishes_the_same_tiles_at_every_edge() {
    for older in EDGES {
        for newer in EDGES.into_iter().filter(|newer| *newer >= older) {
            let files = files(&NamesOnly, older, newer);
            assert_eq!(hash_paths(&files), foreign(older, newer), "{older} to {newer}");
        }
    }
}

#[test]
fn a_log_that_did_not_grow_needs_nothing() {
    for leaves in EDGES {
        assert!(files(&NamesOnly, leaves, leaves).is_empty());
    }
    assert!(files(&NamesOnly, 300, 299).is_empty());
}

/// Every tile of a large tree, compared with the hashes that the other implementation reads from its own
/// storage.
#[test]
fn tiles_hold_what_the_other_implementation_reads_into_them() {
    struct Stored(Vec<tlog_tiles::Hash>);
    impl HashReader for Stored {
        fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<tlog_tiles::Hash>, tlog_tiles::Error> {
            Ok(indexes.iter().map(|index| self.0[usize::try_from(*index).unwrap()]).collect())
        }
    }

    let leaves = 65537;
    let log = Memory::numbered(leaves);
    let mut stored = Stored(Vec::new());
    for leaf in 0..leaves {
        let new = tlog_tiles::stored_hashes(leaf, &leaf.to_be_bytes(), &stored).unwrap();
        stored.0.extend(new);
    }
    assert_eq!(tlog_tiles::tree_hash(leaves, &stored).unwrap().0, *log.head().root.as_bytes());
    for leaves in [1, 255, 256, 257, 65535, 65536, 65537] {
        for file in files(&log, 0, leaves) {
            let Content::Hashes(level) = file.path.content() else { continue };
            let tile = Tile::new(8, level, file.path.index(), u32::from(file.path.width()), false);
            assert_eq!(tile.read_data(&stored).unwrap(), file.bytes, "{}", file.path);
        }
    }
}

#[test]
fn entries_stand_behind_their_lengths() {
    let log = Memory::of([b"ab".to_vec(), vec![], vec![b'c'; 300]]);
    let bundle = files(&log, 0, 3).swap_remove(0);
    assert_eq!(bundle.path.to_string(), "tile/entries/000.p/3");
    assert_eq!(bundle.bytes[..8], *b"\0\x02ab\0\0\x01\x2c");
    assert_eq!(bundle.bytes.len(), 2 + 2 + 2 + 2 + 300);
    let long = Memory::of([vec![0; 65536]]);
    let refused = grown(&long, TreeSize::EMPTY, size(1)).next().unwrap().unwrap_err();
    assert_eq!(refused.rule().as_str(), "tiles-entry-too-long");
}

#[test]
fn published_roots_come_out_of_folders() {
    let log = Memory::of(ENTRIES.map(<[u8]>::to_vec));
    for (leaves, expected) in (0..).zip(ROOTS) {
        let folder = tempfile::tempdir().unwrap();
        let tiles = open(folder.path());
        let checkpoint = crate::log().sign(log.head_at(leaves));
        tiles.publish(&log, &crate::log().verifier(), &checkpoint).unwrap();
        let read = tiles.tree(size(leaves));
        assert_eq!(read.head(size(leaves)).unwrap().root, root(expected));
        let mut entries = Vec::new();
        read.entries(0..leaves, &mut |entry| {
            entries.push(entry.to_vec());
            Ok(())
        })
        .unwrap();
        assert_eq!(entries, log.entries[..entries.len()]);
        assert_eq!(entries.len() as u64, leaves);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Growing step by step leaves the tiles of the last size in place, whatever the steps were.
    #[test]
    fn steps_lead_to_the_same_tiles(mut steps in proptest::collection::vec(0..70_000u64, 1..6)) {
        steps.sort_unstable();
        let last = *steps.last().unwrap();
        let mut written = BTreeMap::new();
        let mut older = 0;
        for newer in steps {
            for file in files(&NamesOnly, older, newer) {
                // A name never gets other bytes.
                let before = written.insert(file.path, file.bytes.clone());
                prop_assert!(before.is_none_or(|bytes| bytes == file.bytes));
            }
            older = newer;
        }
        for file in files(&NamesOnly, 0, last) {
            prop_assert_eq!(written.get(&file.path), Some(&file.bytes), "{}", file.path);
        }
        for (path, _) in written.iter().filter(|(path, _)| path.is_full()) {
            prop_assert_eq!(TilePath::in_tree(path.content(), path.index(), size(last)), Some(*path));
        }
    }
}
