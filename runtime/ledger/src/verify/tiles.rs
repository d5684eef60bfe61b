//! A log as it is published in tiles.

use super::decode::Decoders;
use super::events::{Events, Scope};
use super::export::conclude;
use super::keys::Keys;
use super::report::Report;
use super::tree::{Anchor, Kept, Visit, Walked};
use crate::merkle::{Hashes as _, LeafHash, NodeHash, TreeHead, TreeSize};
use crate::store::TILE_WIDTH;
use crate::tiles::{MISSING, Source as _, TileDir, TileTree};
use std::ops::Range;
use std::thread;
use stepward_fault::Fault;

/// Leaves of a tile.
const WIDTH: u64 = TILE_WIDTH as u64;

impl Kept for TileTree<'_> {
    fn visit(&self, range: Range<u64>, visit: Visit<'_>) -> Result<(), Fault> {
        let mut first = range.start;
        while first < range.end {
            let end = (first / WIDTH + 1).saturating_mul(WIDTH).min(range.end);
            let count = usize::try_from(end - first).unwrap_or(TILE_WIDTH);
            let mut hashes = self.hashes(0, first, count)?.into_iter();
            let mut place = first;
            self.entries(first..end, &mut |entry| {
                let stored = hashes.next().unwrap_or(NodeHash::from_bytes([0; 32]));
                visit(place, entry, LeafHash::from_bytes(*stored.as_bytes()))?;
                place += 1;
                Ok(())
            })?;
            first = end;
        }
        Ok(())
    }

    fn has(&self, place: u64) -> Result<bool, Fault> {
        let read = self.hashes(0, place, 1).and_then(|_| self.entries(place..place + 1, &mut |_| Ok(())));
        match read {
            Ok(()) => Ok(true),
            Err(fault) if fault.rule() == MISSING => Ok(false),
            Err(fault) => Err(fault),
        }
    }

    fn unread_to(&self, place: u64) -> u64 {
        (place / WIDTH + 1).saturating_mul(WIDTH)
    }

    fn subtree(&self, level: u32, index: u64) -> Result<NodeHash, Fault> {
        Ok(self.hashes(level, index, 1)?.pop().unwrap_or(NodeHash::from_bytes([0; 32])))
    }

    fn head(&self, size: TreeSize) -> Result<TreeHead, Fault> {
        crate::tiles::Subtrees(self).head(size)
    }
}

/// Verifies a folder of tiles: its checkpoint, whose note is given, every entry, and every hash over them.
///
/// # Errors
/// When the folder cannot be read. What does not hold is a finding.
pub fn tiles(folder: &TileDir, note: &[u8], place: &str, keys: &Keys) -> Result<Report, Fault> {
    let mut report = Report::default();
    let at = format!("{place}/checkpoint");
    let Some(checked) = report.findings.take(keys.open(note, &at)) else { return Ok(report) };
    let head = checked.checkpoint.head();
    let tree = folder.tree(head.size);
    let anchor = [Anchor { head, source: at.clone() }];
    let mut events = Events::new(Scope::Log);
    let walked = thread::scope(|scope| {
        let mut decoders = Decoders::start(scope);
        let walked = Walked::over(&tree, head.size, &anchor, &mut |place, leaf, same| {
            if !same {
                events.edited(place);
            }
            decoders.push(place, leaf, &mut |(place, decoded)| {
                events.take(place, &decoded);
                Ok(())
            })
        })?;
        decoders.finish(&mut |(place, decoded)| {
            events.take(place, &decoded);
            Ok(())
        })?;
        Ok::<_, Fault>(walked)
    })?;
    if let Some(gap) = walked.first_gap() {
        events.lose(gap);
    }
    let odd = events.odd();
    let Report { established, open, findings } = &mut report;
    let swapped = events.finish(established, open, findings);
    (established.tree, established.checkpoints) = (walked.head, walked.anchored);
    walked.tell(head.size.get(), &swapped, &odd, findings);
    conclude(&checked, keys, &at, &mut report);
    Ok(report)
}
