//! Whether leaves make the tree that is stored beside them and the trees that were signed.

use super::events::{COMPARE, MAX_ODD, invalid, invalid_at};
use super::report::Findings;
use crate::merkle::{Frontier, LeafHash, NodeHash, TreeHead, TreeSize};
use crate::store::{EDITED, TILE_HEIGHT, TILE_WIDTH};
use std::collections::BTreeSet;
use std::iter::Peekable;
use std::ops::Range;
use std::slice::Iter;
use stepward_fault::{Class, Fault, Rule, shown};

const HASHES: Rule = Rule::new("log-hashes");
const REMOVED: Rule = Rule::new("log-events-missing");
const SHORTER: Rule = Rule::new("log-shorter");
const FORKED: Rule = Rule::new("log-forked");
const UNREAD: Rule = Rule::new("log-unreadable");

/// Leaves in a tile.
const WIDTH: u64 = TILE_WIDTH as u64;
/// Places that are looked at one by one for the end of a gap: seconds. A longer gap is one to the end.
const MAX_PROBES: u64 = 1 << 20;
/// Gaps and rows that cannot be read; after so many the rest is not looked at.
const MAX_BREAKS: usize = 256;

/// Takes a leaf: its place, its bytes and the hash that is stored beside them.
pub(super) type Visit<'a> = &'a mut dyn FnMut(u64, &[u8], LeafHash) -> Result<(), Fault>;

/// Is told a leaf, and whether it is the one that was hashed when it was stored.
pub(super) type Each<'a> = &'a mut dyn FnMut(u64, &[u8], bool) -> Result<(), Fault>;

/// Leaves that are kept with hashes.
pub(super) trait Kept {
    /// Visits leaves in order; fails at the first that is missing.
    fn visit(&self, range: Range<u64>, visit: Visit<'_>) -> Result<(), Fault>;
    /// Whether there is a leaf at this place.
    fn has(&self, place: u64) -> Result<bool, Fault>;
    /// The end of what cannot be read together with this place.
    fn unread_to(&self, place: u64) -> u64;
    /// The stored hash over 256^`level` leaves.
    fn subtree(&self, level: u32, index: u64) -> Result<NodeHash, Fault>;
    /// The head that the stored hashes make.
    fn head(&self, size: TreeSize) -> Result<TreeHead, Fault>;
}

/// A head that somebody signed, and where that is from.
#[derive(Clone, Debug)]
pub(super) struct Anchor {
    pub(super) head: TreeHead,
    pub(super) source: String,
}

/// A stored hash that is not that of the leaves below it.
struct Mismatch {
    level: u32,
    range: Range<u64>,
}

/// What a walk over the leaves found.
#[derive(Default)]
pub(super) struct Walked {
    /// The tree of the leaves, where none is missing.
    pub(super) head: Option<TreeHead>,
    /// Signed heads that the leaves make.
    pub(super) anchored: u64,
    /// The largest of them, and the largest below that.
    trusted: u64,
    before: u64,
    /// The largest signed head that the stored hashes make.
    stored: u64,
    edited: BTreeSet<u64>,
    mismatches: Vec<Mismatch>,
    gaps: Vec<Range<u64>>,
    /// What is there and cannot be read.
    unread: Vec<Range<u64>>,
    broken: Option<(u64, Anchor)>,
    findings: Findings,
}

/// Hashes leaves as they come.
struct Hasher<'a> {
    kept: &'a dyn Kept,
    anchors: Peekable<Iter<'a, Anchor>>,
    /// The tree so far; nothing once a leaf was missing.
    whole: Option<Frontier>,
    /// Since then, the tile that is being filled, from its first leaf on.
    tile: Option<Frontier>,
    completed: Vec<(u32, u64, NodeHash)>,
    walked: Walked,
}

impl Walked {
    /// Walks over the first `size` leaves. `anchors` are in the order of their sizes. `each` is told every
    /// leaf, and whether it is the one that was hashed.
    pub(super) fn over(
        kept: &dyn Kept,
        size: TreeSize,
        anchors: &[Anchor],
        each: Each<'_>,
    ) -> Result<Self, Fault> {
        let mut hasher = Hasher {
            kept,
            anchors: anchors.iter().peekable(),
            whole: Some(Frontier::default()),
            tile: None,
            completed: Vec::new(),
            walked: Self::default(),
        };
        let (mut next, size, mut breaks) = (0, size.get(), 0);
        while next < size {
            let mut failed = None;
            let visited = kept.visit(next..size, &mut |place, bytes, stored| {
                next = place + 1;
                let same = hasher.leaf(place, bytes, stored);
                same.and_then(|same| each(place, bytes, same))
                    .inspect_err(|fault| failed = Some(fault.clone()))
            });
            if let Some(fault) = failed {
                return Err(fault);
            }
            let Err(fault) = visited else { break };
            if fault.class() != Class::EvidenceInvalid {
                return Err(fault);
            }
            (hasher.whole, hasher.tile) = (None, None);
            breaks += 1;
            next = if breaks < MAX_BREAKS {
                hasher.past(next, size, fault)?
            } else {
                hasher.give_up(next, size)
            };
        }
        Ok(hasher.finish(size))
    }
}

impl Hasher<'_> {
    /// Hashes a leaf, and says whether it is the one that was hashed when it was stored.
    fn leaf(&mut self, place: u64, bytes: &[u8], stored: LeafHash) -> Result<bool, Fault> {
        let hash = LeafHash::of(bytes);
        if hash != stored && self.walked.edited.len() < MAX_ODD {
            self.walked.edited.insert(place);
        }
        self.append(place, hash);
        if !self.completed.is_empty() {
            for (level, index, hash) in std::mem::take(&mut self.completed) {
                self.compare(level, index, hash)?;
            }
        }
        while let Some(anchor) = self.anchors.next_if(|anchor| anchor.head.size.get() <= place + 1) {
            self.anchor(anchor)?;
        }
        Ok(hash == stored)
    }

    fn append(&mut self, place: u64, hash: LeafHash) {
        let completed = &mut self.completed;
        let fresh = place.is_multiple_of(WIDTH).then(Frontier::default);
        let appended = match (&mut self.whole, &mut self.tile) {
            (Some(whole), _) => whole.append_with(hash, |node, hash| {
                if node.level() > 0 && node.level().is_multiple_of(TILE_HEIGHT) {
                    completed.push((node.level() / TILE_HEIGHT, node.index(), hash));
                }
            }),
            (None, tile) => {
                if fresh.is_some() {
                    *tile = fresh;
                }
                let Some(tile) = tile else { return };
                tile.append_with(hash, |node, hash| {
                    if node.level() == TILE_HEIGHT {
                        completed.push((1, place / WIDTH, hash));
                    }
                })
            }
        };
        // A place below a tree's size is never too large for a tree.
        let _ = appended;
    }

    /// Compares the root of a complete subtree with the one that is stored.
    fn compare(&mut self, level: u32, index: u64, computed: NodeHash) -> Result<(), Fault> {
        let leaves = 1 << (level * TILE_HEIGHT);
        let range = index * leaves..(index + 1) * leaves;
        match self.kept.subtree(level, index) {
            Ok(stored) if stored == computed => {}
            Ok(_) => self.walked.mismatches.push(Mismatch { level, range }),
            Err(fault) if fault.class() == Class::EvidenceInvalid => {
                self.walked.findings.push(fault.at(between(&range)));
            }
            Err(fault) => return Err(fault),
        }
        Ok(())
    }

    /// Compares a signed head with the tree of the leaves, or with that of the stored hashes.
    fn anchor(&mut self, anchor: &Anchor) -> Result<(), Fault> {
        let (walked, size) = (&mut self.walked, anchor.head.size);
        if let Some(whole) = &self.whole
            && size <= whole.head().size
        {
            if size == TreeSize::EMPTY || whole.head() == anchor.head {
                walked.anchored += 1;
                if walked.trusted < size.get() {
                    (walked.before, walked.trusted) = (walked.trusted, size.get());
                }
                return Ok(());
            }
            let from = if walked.trusted < size.get() { walked.trusted } else { walked.before };
            walked.broken.get_or_insert_with(|| (from, anchor.clone()));
        }
        match self.kept.head(size) {
            Ok(head) if head == anchor.head => walked.stored = size.get(),
            Err(fault) if fault.class() != Class::EvidenceInvalid => return Err(fault),
            Ok(_) | Err(_) => {}
        }
        Ok(())
    }

    /// Notes what is wrong at a place, and says where to go on.
    fn past(&mut self, place: u64, size: u64, fault: Fault) -> Result<u64, Fault> {
        let there = |place| match self.kept.has(place) {
            // What is there and cannot be read is there.
            Err(fault) if fault.class() == Class::EvidenceInvalid => Ok(true),
            other => other,
        };
        if there(place)? {
            let range = place..self.kept.unread_to(place).min(size);
            // Of several events, where they lie together says more than their numbers.
            let at = if range.end - place == 1 {
                between(&range)
            } else {
                format!("{}, {}", fault.place(), between(&range))
            };
            self.walked.findings.push(fault.at(at));
            self.walked.unread.push(range.clone());
            return Ok(range.end);
        }
        let mut end = place + 1;
        while end < size && !there(end)? {
            end = if end - place < MAX_PROBES { end + 1 } else { size };
        }
        self.walked.gaps.push(place..end);
        Ok(end)
    }

    fn give_up(&mut self, place: u64, size: u64) -> u64 {
        self.walked.findings.push(
            invalid_at(UNREAD, between(&(place..size)))
                .says(format_args!(
                    "after {MAX_BREAKS} gaps and unreadable events the rest was not looked at"
                ))
                .hint(COMPARE),
        );
        size
    }

    fn finish(mut self, size: u64) -> Walked {
        if let Some(beyond) = self.anchors.rfind(|anchor| anchor.head.size.get() > size) {
            let covered = beyond.head.size.get();
            self.walked.findings.push(
                invalid_at(SHORTER, between(&(size..covered)))
                    .says(format_args!(
                        "{} covers {covered} events, and there are {size}: the end was cut off, or this is an older copy",
                        shown(&beyond.source)
                    ))
                    .hint("keep this copy; put the newer one back, or `stepward restore` a backup, which says so in the log"),
            );
        }
        self.walked.head = self.whole.map(|whole| whole.head());
        self.walked
    }
}

impl Walked {
    /// Whether everything that was compared is the same.
    pub(super) fn is_whole(&self) -> bool {
        self.edited.is_empty()
            && self.mismatches.is_empty()
            && self.gaps.is_empty()
            && self.broken.is_none()
            && self.findings.is_empty()
    }

    /// The first place where something is missing or cannot be read.
    pub(super) fn first_gap(&self) -> Option<u64> {
        self.gaps.iter().chain(&self.unread).map(|gap| gap.start).min()
    }

    /// Says what was found. `swapped` are places whose two events changed places, `odd` are all places
    /// that hold another event than they should.
    pub(super) fn tell(
        self,
        size: u64,
        swapped: &BTreeSet<u64>,
        odd: &BTreeSet<u64>,
        findings: &mut Findings,
    ) {
        let known = |range: &Range<u64>| {
            let gap = |gap: &Range<u64>| gap.start < range.end && range.start < gap.end;
            odd.range(range.clone()).chain(self.edited.range(range.clone())).next().is_some()
                || self.gaps.iter().any(gap)
        };
        for gap in &self.gaps {
            findings.push(removed(gap, size));
        }
        for place in self.edited.difference(swapped) {
            findings.push(edited(*place, self.trusted > *place));
        }
        let lower = |mismatch: &Mismatch| {
            let below = |other: &Mismatch| {
                other.level < mismatch.level
                    && mismatch.range.start <= other.range.start
                    && other.range.end <= mismatch.range.end
            };
            self.mismatches.iter().any(below)
        };
        let unexplained = |mismatch: &&Mismatch| !known(&mismatch.range) && !lower(mismatch);
        for mismatch in self.mismatches.iter().filter(unexplained) {
            findings.push(self.mismatch(&mismatch.range));
        }
        if let Some((from, anchor)) = &self.broken {
            let range = *from..anchor.head.size.get();
            let located = known(&(0..range.end))
                || self.mismatches.iter().any(|mismatch| mismatch.range.start < range.end);
            if !located {
                findings.push(forked(&range, anchor));
            }
        }
        findings.append(self.findings);
    }

    fn mismatch(&self, range: &Range<u64>) -> Fault {
        let says = if self.trusted >= range.end {
            "the hash that is stored over these events was changed; the events are those that the log signed"
        } else if self.stored >= range.end {
            "one of these events was changed together with its own hash: the hash over them is the one that the log signed"
        } else {
            "the hash over these events is not theirs: one of them was changed together with its own hash, or the \
             hash over them was changed"
        };
        invalid_at(HASHES, between(range)).says(says).hint(COMPARE)
    }
}

fn removed(gap: &Range<u64>, size: u64) -> Fault {
    let says = if gap.end == size {
        format!(
            "the log should hold {size} events, and its end is missing from {} on: it was cut off",
            gap.start
        )
    } else {
        "missing: removed after it was written".to_owned()
    };
    invalid_at(REMOVED, between(gap)).says(says).hint(COMPARE)
}

fn edited(place: u64, signed: bool) -> Fault {
    let says = if signed {
        "the hash that is stored beside the event was changed; the event is the one that the log signed"
    } else {
        "the event was changed after it was written: it is not the one that was hashed then"
    };
    invalid(EDITED, place).says(says).hint(COMPARE)
}

fn forked(range: &Range<u64>, anchor: &Anchor) -> Fault {
    invalid_at(FORKED, between(range))
        .says(format_args!(
            "these events do not make the tree that {} signs over {} events: one was changed, removed or added \
             together with every hash over it, or this is another log",
            shown(&anchor.source),
            anchor.head.size
        ))
        .hint("keep this copy and the checkpoint: together they show it; `--against` another copy finds the event")
}

/// Events by their places.
pub(super) fn between(range: &Range<u64>) -> String {
    match range.end.saturating_sub(range.start) {
        0 | 1 => format!("event {}", range.start),
        _ => format!("events {} to {}", range.start, range.end - 1),
    }
}
