//! Another implementation reads our folders.

use crate::{Memory, cosigned, index, log, open, size};
use std::path::{Path, PathBuf};
use stepward_ledger::merkle::Inclusion;
use tlog_tiles::{HashReader as _, Tile, TileHashReader, TileReader};

/// Gives the other implementation the files it asks for.
struct Folder(PathBuf);

impl Folder {
    fn read(&self, tile: &Tile) -> std::io::Result<Vec<u8>> {
        std::fs::read(self.0.join(tile.path().replacen("tile/8/", "tile/", 1)))
    }
}

impl TileReader for Folder {
    fn height(&self) -> u8 {
        8
    }

    fn read_tiles(&self, tiles: &[Tile]) -> Result<Vec<Vec<u8>>, tlog_tiles::Error> {
        Ok(tiles.iter().map(|tile| self.read(tile).unwrap()).collect())
    }

    fn save_tiles(&self, _: &[Tile], _: &[Vec<u8>]) {}
}

fn published(folder: &Path, memory: &Memory) {
    open(folder).publish(memory, &log().verifier(), &cosigned(memory.head())).unwrap();
}

#[test]
fn its_reader_authenticates_our_tiles_and_proves_as_we_do() {
    for leaves in [1, 2, 255, 256, 257, 600, 70_000] {
        let folder = tempfile::tempdir().unwrap();
        let memory = Memory::numbered(leaves);
        published(folder.path(), &memory);
        let root = tlog_tiles::Hash(*memory.head().root.as_bytes());
        let reader = Folder(folder.path().to_owned());
        let hashes = TileHashReader::new(leaves, root, &reader);
        let tiles = open(folder.path());
        for place in [0, 1, leaves / 2, leaves - 1].into_iter().filter(|place| *place < leaves) {
            let theirs = tlog_tiles::prove_record(leaves, place, &hashes).unwrap();
            let ours = Inclusion::prove(&tiles.tree(size(leaves)), index(place), size(leaves)).unwrap();
            let path: Vec<_> = ours.path().iter().map(|hash| tlog_tiles::Hash(*hash.as_bytes())).collect();
            assert_eq!(path, theirs);
            let leaf = tlog_tiles::record_hash(&place.to_be_bytes());
            tlog_tiles::check_record(&path, leaves, root, place, leaf).unwrap();
        }
    }
}

#[test]
fn its_reader_refuses_a_tile_that_was_changed() {
    // A size with one bit set: for others this reader leaves some tiles unchecked.
    let leaves = 512;
    let folder = tempfile::tempdir().unwrap();
    let memory = Memory::numbered(leaves);
    published(folder.path(), &memory);
    let tile = folder.path().join("tile/0/001");
    let mut bytes = std::fs::read(&tile).unwrap();
    let root = tlog_tiles::Hash(*memory.head().root.as_bytes());
    let reader = Folder(folder.path().to_owned());
    let leaf = tlog_tiles::stored_hash_index(0, 300);
    assert!(TileHashReader::new(leaves, root, &reader).read_hashes(&[leaf]).is_ok());
    bytes[4000] ^= 1;
    std::fs::write(tile, bytes).unwrap();
    assert!(TileHashReader::new(leaves, root, &reader).read_hashes(&[leaf]).is_err());
}

#[test]
fn it_reads_our_checkpoint() {
    let folder = tempfile::tempdir().unwrap();
    let memory = Memory::numbered(600);
    published(folder.path(), &memory);
    let note = std::fs::read(folder.path().join("checkpoint")).unwrap();
    let note = signed_note::Note::from_bytes(&note).unwrap();
    let checkpoint = tlog_tiles::Checkpoint::from_bytes(note.text()).unwrap();
    assert_eq!(checkpoint.origin(), log().origin().as_str());
    assert_eq!((checkpoint.size(), checkpoint.hash().0), (600, *memory.head().root.as_bytes()));
}
