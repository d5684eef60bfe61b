//! Names of tiles.

use crate::size;
use proptest::prelude::*;
use stepward_ledger::tiles::{Content, NotATile, TilePath};
use tlog_tiles::Tile;

/// The other implementation writes the height of tiles and calls entries data.
fn foreign(path: TilePath) -> String {
    let (level, data) = match path.content() {
        Content::Entries => (0, true),
        Content::Hashes(level) => (level, false),
    };
    let tile = Tile::new(8, level, path.index(), u32::from(path.width()), data);
    tile.path().replacen("tile/8/", "tile/", 1).replacen("tile/data/", "tile/entries/", 1)
}

#[test]
fn the_examples_of_the_specification() {
    let path = TilePath::new(Content::Hashes(0), 1_234_067, 256).unwrap();
    assert_eq!(path.to_string(), "tile/0/x001/x234/067");
    // A tree of 70,000: 273 full tiles of leaves and so on.
    let size = size(70_000);
    let at =
        |level, index| TilePath::in_tree(Content::Hashes(level), index, size).map(|path| path.to_string());
    assert_eq!(at(0, 272).unwrap(), "tile/0/272");
    assert_eq!(at(0, 273).unwrap(), "tile/0/273.p/112");
    assert_eq!(at(0, 274), None);
    assert_eq!(at(1, 0).unwrap(), "tile/1/000");
    assert_eq!(at(1, 1).unwrap(), "tile/1/001.p/17");
    assert_eq!(at(2, 0).unwrap(), "tile/2/000.p/1");
    assert_eq!(at(3, 0), None);
}

#[test]
fn a_path_has_one_spelling() {
    for text in [
        "",
        "tile/0/0",
        "tile/0/0000",
        "tile/00/000",
        "tile/+1/000",
        "tile/8/000",
        "tile/0/000/",
        "tile/0//000",
        "/tile/0/000",
        "tile/0/x000",
        "tile/0/x000/001",
        "tile/0/001/067",
        "tile/0/x001/x067",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/01",
        "tile/0/000.p/+1",
        "tile/0/000.p/1.new",
        "tile/0/../000",
        "tile/entries/000.p/",
        "tile/data/000",
        "tile/7/x036/x028/x797/x018/x963/968",
    ] {
        assert_eq!(TilePath::parse(text), Err(NotATile), "{text}");
    }
}

proptest! {
    #[test]
    fn the_other_implementation_names_tiles_alike(
        level in 0..=7u8,
        entries: bool,
        bits in 0..40u32,
        index: u64,
        width in 1..=256u16,
    ) {
        let content = if entries { Content::Entries } else { Content::Hashes(level) };
        let index = index >> (63 - bits.min(u32::from(7 - level) * 8 * u32::from(!entries) + 40 * u32::from(entries)));
        if let Ok(path) = TilePath::new(content, index, width) {
            prop_assert_eq!(path.to_string(), foreign(path));
            prop_assert_eq!(TilePath::parse(&path.to_string()), Ok(path));
        }
    }

    #[test]
    fn what_is_read_is_written_alike(text in "tile/([0-9]|entries|data)(/x?[0-9]{1,4}){1,3}(\\.p/[0-9]{1,3})?") {
        if let Ok(path) = TilePath::parse(&text) {
            prop_assert_eq!(path.to_string(), text);
        }
    }

    #[test]
    fn no_tree_has_a_tile_beyond_its_end(leaves in 0..=u64::MAX >> 1, index: u64, level in 0..=7u8) {
        let elements = leaves >> (8 * u32::from(level));
        match TilePath::in_tree(Content::Hashes(level), index, size(leaves)) {
            Some(path) => prop_assert!(path.first() + u64::from(path.width()) <= elements),
            None => prop_assert!(u128::from(index) * 256 >= u128::from(elements)),
        }
    }
}
