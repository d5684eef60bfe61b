//! What is checked before a log is written again.

use super::seal::{Sealer, Vouched};
use crate::merkle::{Frontier, Hashes as _, LeafHash, TreeHead, TreeSize};
use crate::store::{LeafRef, Nodes, Records, Subtree, TILE_HEIGHT};
use stepward_fault::{Class, Fault, Owner, Rule, shown};

/// A head that nobody can have made up: its signature was verified by the caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trusted {
    /// Size and root.
    pub head: TreeHead,
    /// Who knows it, for the person who reads the refusal: `the last checkpoint`, a witness's name.
    pub source: String,
}

/// Reads the sequence number inside a leaf.
pub type SequenceOf<'a> = &'a dyn Fn(&[u8]) -> Result<u64, Fault>;

/// A log that was found to extend everything that is trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opened {
    /// The tree after the last event.
    pub head: TreeHead,
    /// The leaves before the largest trusted head, which the check did not hash again.
    pub trusted: u64,
    /// The leaves after it, which it did.
    pub checked: u64,
}

const SHORTER: Rule = Rule::new("log-shorter");
const FORKED: Rule = Rule::new("log-forked");
const TAIL: Rule = Rule::new("log-tail");
const MISPLACED: Rule = Rule::new("log-leaf-misplaced");
const HASHES: Rule = Rule::new("log-hashes");
const ROOT: Rule = Rule::new("log-root");

/// Checks a log against the heads that are trusted, everything after the largest of them against
/// itself, and the whole against its seal. Also says where to append.
pub(super) fn since(
    records: &dyn Records,
    trusted: &[Trusted],
    sequence_of: SequenceOf<'_>,
    sealer: &Sealer,
) -> Result<(Frontier, Vouched, Opened), Fault> {
    let head = records.head()?;
    check_tail(records, head)?;
    for known in trusted {
        check_extends(records, head, known)?;
    }
    let base = trusted.iter().map(|known| known.head.size).max().unwrap_or(TreeSize::EMPTY);
    let frontier = replay(records, base, head.size, sequence_of)?;
    let computed = frontier.head();
    if computed != head {
        return Err(invalid(ROOT, format_args!("events {base} to {}", last(head.size)))
            .says(format_args!(
                "the events lead to the root {}, not to the root {} that was stored with the last of them",
                computed.root, head.root
            ))
            .hint(RESTORE));
    }
    let opened = Opened { head, trusted: base.get(), checked: head.size.get() - base.get() };
    // Last, since all others say more of what is wrong.
    let vouched = sealer.check(records.index()?)?;
    Ok((frontier, vouched, opened))
}

/// The store's last leaf is where its head says.
fn check_tail(records: &dyn Records, head: TreeHead) -> Result<(), Fault> {
    let size = head.size.get();
    if let Some(last) = size.checked_sub(1)
        && records.leaf(last)?.is_none()
    {
        return Err(invalid(TAIL, format_args!("event {last}"))
            .says(format_args!("the log should hold {size} events and the last of them is missing"))
            .hint(RESTORE));
    }
    if records.leaf(size)?.is_some() {
        return Err(invalid(TAIL, format_args!("event {size}"))
            .says(format_args!("the log should hold {size} events and there are more"))
            .hint(RESTORE));
    }
    Ok(())
}

fn check_extends(records: &dyn Records, head: TreeHead, known: &Trusted) -> Result<(), Fault> {
    let (size, source) = (known.head.size, shown(&known.source));
    if size > head.size {
        return Err(invalid(SHORTER, format_args!("events {} to {}", head.size, last(size)))
            .says(format_args!("the log has {} events; {source} has seen {size}", head.size))
            .hint(
                "an older copy of the log was put in place, or its end was lost: put the newer copy back; \
                 if there is none, `stepward restore` starts a new generation and says so in the log",
            ));
    }
    let root = Nodes::of(records).head(size)?.root;
    if root != known.head.root {
        return Err(invalid(FORKED, format_args!("events 0 to {}", last(size)))
            .says(format_args!(
                "at {size} events the log has the root {root}; {source} has seen {}",
                known.head.root
            ))
            .hint(
                "keep this copy and the checkpoint: together they show that the log was changed; \
                 `stepward verify` finds the event; then put the right copy back",
            ));
    }
    Ok(())
}

/// Hashes the leaves from `base` on into the tree over those before, and compares each hash on the
/// way with the one that is stored.
fn replay(
    records: &dyn Records,
    base: TreeSize,
    size: TreeSize,
    sequence_of: SequenceOf<'_>,
) -> Result<Frontier, Fault> {
    let mut frontier = Frontier::resume(&Nodes::of(records), base)?;
    let mut completed = Vec::new();
    records.leaves(base.get()..size.get(), &mut |leaf| {
        let hash = checked(leaf, sequence_of)?;
        frontier
            .append_with(hash, |node, hash| completed.extend(Subtree::kept(node, hash)))
            .map_err(|error| invalid(TAIL, "the log's end").says(error).hint(RESTORE))?;
        Ok(())
    })?;
    completed.into_iter().try_for_each(|subtree| check_stored(records, subtree))?;
    Ok(frontier)
}

/// The hash of a leaf that is the one that was stored, at the place that it names.
fn checked(leaf: LeafRef<'_>, sequence_of: SequenceOf<'_>) -> Result<LeafHash, Fault> {
    let inside = sequence_of(leaf.checked()?)?;
    if inside != leaf.sequence {
        return Err(invalid(MISPLACED, format_args!("event {}", leaf.sequence))
            .says(format_args!("the event that stands here says that it is number {inside}"))
            .hint(RESTORE));
    }
    Ok(leaf.hash)
}

fn check_stored(records: &dyn Records, subtree: Subtree) -> Result<(), Fault> {
    let Subtree { level, index, hash } = subtree;
    let stored = records.hashes(level, index, 1)?;
    if stored.first() == Some(&hash) {
        return Ok(());
    }
    let first = index << (level * TILE_HEIGHT);
    let last = ((index + 1) << (level * TILE_HEIGHT)) - 1;
    Err(invalid(HASHES, format_args!("events {first} to {last}"))
        .says("the hash over these events that proofs are made from is not that of the events")
        .hint(RESTORE))
}

/// The last event of a log of this size; 0 where there is none.
fn last(size: TreeSize) -> u64 {
    size.get().saturating_sub(1)
}

const RESTORE: &str =
    "keep this copy, it shows what happened; put the last good copy back, or `stepward restore` a backup";

fn invalid(rule: Rule, place: impl std::fmt::Display) -> Fault {
    Fault::new(Class::EvidenceInvalid, Owner::Operator, rule).at(place)
}
