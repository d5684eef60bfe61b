//! What holds of every text that is offered as the path of a tile.
#![allow(clippy::unwrap_used, reason = "what is unwrapped must be there")]

use stepward_ledger::merkle::{MAX_TREE_SIZE, TreeSize};
use stepward_ledger::tiles::{Content, NotATile, TilePath};

/// Reads the text. A path has one spelling, stays in its folder, and names a tile of some tree.
pub(crate) fn check(text: &str) -> Result<TilePath, NotATile> {
    let path = TilePath::parse(text)?;
    assert_eq!(path.to_string(), text);
    assert_eq!(TilePath::new(path.content(), path.index(), path.width()), Ok(path));
    assert!(text.starts_with("tile/"));
    for part in text.split('/') {
        assert!(!part.is_empty() && !part.starts_with('.'), "{text:?}");
        assert!(part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'.'), "{text:?}");
    }
    assert!((1..=256).contains(&path.width()));
    assert_eq!(path.is_full(), path.width() == 256);
    assert_eq!(u128::from(path.first()), u128::from(path.index()) * 256);
    // The smallest tree that has the tile has it so, and a tree with a leaf less has not.
    let each: u128 = match path.content() {
        Content::Entries => 1,
        Content::Hashes(level) => 256_u128.pow(u32::from(level)),
    };
    let leaves = (u128::from(path.first()) + u128::from(path.width())) * each;
    let leaves = u64::try_from(leaves).ok().filter(|leaves| *leaves <= MAX_TREE_SIZE).unwrap();
    let in_tree = |size| TilePath::in_tree(path.content(), path.index(), TreeSize::new(size).unwrap());
    assert_eq!(in_tree(leaves), Some(path));
    assert_ne!(in_tree(leaves - 1), Some(path));
    Ok(path)
}
