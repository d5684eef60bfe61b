//! The names of tiles.

use super::{HEIGHT, WIDTH};
use crate::merkle::{MAX_TREE_SIZE, TreeSize};
use std::fmt;

/// The highest level of tiles of the largest tree: each hash of level 7 is over 2^56 leaves.
pub const MAX_LEVEL: u8 = 7;

/// What a tile holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Content {
    /// The events themselves.
    Entries,
    /// The hashes of subtrees of 256^level leaves; the level is at most [`MAX_LEVEL`].
    Hashes(u8),
}

impl Content {
    /// Every content that a tree can have tiles of: what has to be there first comes first.
    pub(super) fn all() -> impl Iterator<Item = Self> {
        std::iter::once(Self::Entries).chain((0..=MAX_LEVEL).map(Self::Hashes))
    }

    /// The level of the tree of one element, as an exponent of two.
    fn shift(self) -> u32 {
        match self {
            Self::Entries => 0,
            Self::Hashes(level) => HEIGHT * u32::from(level),
        }
    }

    /// How many elements a tree has.
    pub(super) fn count(self, size: TreeSize) -> u64 {
        size.get().checked_shr(self.shift()).unwrap_or(0)
    }
}

/// The place of a tile and how much of it there is. Printing it gives the path, with `/` between its
/// elements (C2SP tlog-tiles, "Merkle Tree").
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TilePath {
    content: Content,
    index: u64,
    width: u16,
}

/// A text or three numbers that name no tile of any tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no tile has this name")]
pub struct NotATile;

impl TilePath {
    /// A tile of `width` elements, 1 to 256.
    ///
    /// # Errors
    /// When no tree has such a tile.
    pub fn new(content: Content, index: u64, width: u16) -> Result<Self, NotATile> {
        let level_exists = match content {
            Content::Entries => true,
            Content::Hashes(level) => level <= MAX_LEVEL,
        };
        let end = u128::from(index) * u128::from(WIDTH) + u128::from(width);
        let fits = level_exists && end <= u128::from(MAX_TREE_SIZE >> content.shift());
        let good = fits && (1..=WIDTH).contains(&u64::from(width));
        good.then_some(Self { content, index, width }).ok_or(NotATile)
    }

    /// The tile at a place in the tree over the first `size` leaves; nothing when that tree has none
    /// there, since empty tiles do not exist.
    pub fn in_tree(content: Content, index: u64, size: TreeSize) -> Option<Self> {
        let elements = content.count(size).checked_sub(index.checked_mul(WIDTH)?)?.min(WIDTH);
        Self::new(content, index, u16::try_from(elements).ok()?).ok()
    }

    /// Reads a path. It has one spelling.
    ///
    /// # Errors
    /// When it is not the path of a tile.
    pub fn parse(text: &str) -> Result<Self, NotATile> {
        let path = Self::read(text).ok_or(NotATile)?;
        if path.to_string() == text { Ok(path) } else { Err(NotATile) }
    }

    /// Reads more than the one spelling.
    fn read(text: &str) -> Option<Self> {
        let (content, place) = text.strip_prefix("tile/")?.split_once('/')?;
        let content = match content {
            "entries" => Content::Entries,
            level => Content::Hashes(level.parse().ok()?),
        };
        let (index, width) = match place.split_once(".p/") {
            Some((index, width)) => (index, width.parse().ok()?),
            None => (place, u16::try_from(WIDTH).ok()?),
        };
        let digits: String = index.split('/').map(|part| part.strip_prefix('x').unwrap_or(part)).collect();
        Self::new(content, digits.parse().ok()?, width).ok()
    }

    /// What it holds.
    pub fn content(self) -> Content {
        self.content
    }

    /// Its place among the tiles of its kind, from 0.
    pub fn index(self) -> u64 {
        self.index
    }

    /// How many elements it holds, 1 to 256.
    pub fn width(self) -> u16 {
        self.width
    }

    /// Whether it will never have more elements.
    pub fn is_full(self) -> bool {
        u64::from(self.width) == WIDTH
    }

    /// The number of its first element among all of its kind and level.
    pub fn first(self) -> u64 {
        self.index.saturating_mul(WIDTH)
    }

    /// The tile that this one becomes; itself when it is full. Nothing when the largest tree ends
    /// before.
    pub(super) fn filled(self) -> Option<Self> {
        Self::new(self.content, self.index, u16::try_from(WIDTH).ok()?).ok()
    }

    /// The folder of its partial forms.
    pub(super) fn partials(self) -> String {
        format!("{}.p", self.stem())
    }

    fn stem(self) -> String {
        let digits = self.index.to_string();
        let digits = format!("{digits:0>width$}", width = digits.len().next_multiple_of(3));
        let mut stem = match self.content {
            Content::Entries => "tile/entries".to_owned(),
            Content::Hashes(level) => format!("tile/{level}"),
        };
        for (place, digit) in digits.chars().enumerate() {
            match place % 3 {
                0 if place + 3 < digits.len() => stem.push_str("/x"),
                0 => stem.push('/'),
                _ => {}
            }
            stem.push(digit);
        }
        stem
    }
}

impl fmt::Display for TilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.stem())?;
        if self.is_full() { Ok(()) } else { write!(f, ".p/{}", self.width) }
    }
}
