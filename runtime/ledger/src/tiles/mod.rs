//! The log as files that others can read, after C2SP tlog-tiles.
//!
//! | file | what is in it |
//! | --- | --- |
//! | `checkpoint` | the newest signed checkpoint; the only file that is ever replaced |
//! | `tile/<L>/<N>` | 256 hashes, each over 256^L events, from number N * 256 on |
//! | `tile/entries/<N>` | 256 events, each behind its length in two bytes, most significant first |
//! | `….p/<W>` | the first W of a tile that is not full yet |
//!
//! [`grown`] says which files a log needs when it grows from one size to another, and
//! [`TileDir::publish`] writes them: every tile is on the disk before the checkpoint that needs it. A
//! tile with a name is the same for ever, so one that is there with other bytes is evidence of a fork
//! and stops the publication. [`TileDir::tree`] reads a published tree back as a source of
//! [`Hashes`](crate::merkle::Hashes) and of events.
//!
//! ```
//! use stepward_ledger::merkle::TreeSize;
//! use stepward_ledger::tiles::{Content, TilePath};
//!
//! let size = TreeSize::new(70_000)?;
//! let last = TilePath::in_tree(Content::Hashes(0), 273, size).map(|tile| tile.to_string());
//! assert_eq!(last.as_deref(), Some("tile/0/273.p/112"));
//! assert_eq!(TilePath::new(Content::Entries, 1_234_067, 256)?.to_string(), "tile/entries/x001/x234/067");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod bundle;
mod dir;
mod grow;
mod path;
mod publish;
mod source;

pub use bundle::MAX_ENTRY_BYTES;
pub(crate) use dir::MISSING;
pub use dir::{TileDir, TileTree};
pub use grow::{TileFile, grown};
pub use path::{Content, MAX_LEVEL, NotATile, TilePath};
pub use source::{Source, Subtrees};

/// Hashes or events in a full tile (C2SP tlog-tiles, "Merkle Tree").
const WIDTH: u64 = 256;

/// Levels of the tree in one level of tiles: 2^8 is the width.
const HEIGHT: u32 = 8;

/// The name of the checkpoint's file (C2SP tlog-tiles, "Checkpoints").
const CHECKPOINT: &str = "checkpoint";
