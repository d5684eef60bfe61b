//! A whole log in its store.

use super::copy::Copy;
use super::decode::Decoders;
use super::events::{COMPARE, Events, Scope, invalid, invalid_at};
use super::index::{Index, OpenBody};
use super::keys::{Checked, Keys};
use super::report::{Cosigner, Findings, Open, Report, Signed};
use super::tree::{Anchor, Kept, Visit, Walked};
use crate::merkle::{Hashes as _, LeafHash, NodeHash, TreeHead, TreeSize};
use crate::store::{MAX_PAGE, Nodes, Records};
use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;
use std::thread;
use stepward_fault::{Class, Fault, Rule};

const SIZE: Rule = Rule::new("log-checkpoint-size");
const ROOT: Rule = Rule::new("log-root");
const TAIL: Rule = Rule::new("log-tail");

/// What there is beside the store to verify it with.
#[derive(Default)]
pub struct Beside<'a> {
    /// Opens bodies; without it they are not opened.
    pub open_body: Option<OpenBody<'a>>,
    /// Checkpoints that somebody else kept, and who.
    pub kept: Vec<KnownNote>,
    /// Another copy.
    pub copy: Option<Copy<'a>>,
}

impl fmt::Debug for Beside<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Beside").field("kept", &self.kept).field("copy", &self.copy).finish_non_exhaustive()
    }
}

/// A checkpoint from elsewhere.
#[derive(Clone, Debug)]
pub struct KnownNote {
    /// The signed note.
    pub note: Vec<u8>,
    /// Where it is from, in words: `the checkpoint in tiles`.
    pub source: String,
}

impl Kept for &dyn Records {
    fn visit(&self, range: Range<u64>, visit: Visit<'_>) -> Result<(), Fault> {
        self.leaves(range, &mut |leaf| visit(leaf.sequence, leaf.bytes, leaf.hash))
    }

    fn has(&self, place: u64) -> Result<bool, Fault> {
        self.leaf(place).map(|leaf| leaf.is_some())
    }

    fn unread_to(&self, place: u64) -> u64 {
        place + 1
    }

    fn subtree(&self, level: u32, index: u64) -> Result<NodeHash, Fault> {
        Ok(self.hashes(level, index, 1)?.pop().unwrap_or(NodeHash::from_bytes([0; 32])))
    }

    fn head(&self, size: TreeSize) -> Result<TreeHead, Fault> {
        Nodes::of(*self).head(size)
    }
}

/// Verifies a whole store: its leaves against their hashes, the hashes against every checkpoint, the events
/// against each other, and the index against the events. Another process may write meanwhile.
///
/// # Errors
/// When the store cannot be read for a reason that says nothing about the log: the disk, permissions.
/// What is damaged is a finding.
pub fn store(records: &dyn Records, keys: &Keys, beside: &Beside<'_>) -> Result<Report, Fault> {
    let mut report = Report::default();
    // Before the head: a checkpoint that comes later may cover more.
    let anchors = Anchors::read(records, keys, beside, &mut report)?;
    let Some(head) = damage(records.head(), &mut report.findings)? else { return Ok(report) };
    let mut events = Events::new(Scope::Log);
    let mut index = Index::of(records, beside.open_body);
    let walked = thread::scope(|scope| {
        let mut decoders = Decoders::start(scope);
        let ready = |(place, decoded), events: &mut Events, index: &mut Index<'_>| {
            events.take(place, &decoded);
            match decoded {
                Ok(event) if event.sequence == place => index.take(&event),
                Ok(_) | Err(_) => Ok(()),
            }
        };
        let walked = Walked::over(&records, head.size, &anchors.all, &mut |place, leaf, same| {
            if !same {
                events.edited(place);
            }
            decoders.push(place, leaf, &mut |decoded| ready(decoded, &mut events, &mut index))
        })?;
        decoders.finish(&mut |decoded| ready(decoded, &mut events, &mut index))?;
        Ok::<_, Fault>(walked)
    })?;
    if let Some(gap) = walked.first_gap() {
        events.lose(gap);
    }
    let (size, whole, odd) = (head.size.get(), events.is_whole() && walked.is_whole(), events.odd());
    let Report { established, open, findings } = &mut report;
    let swapped = events.finish(established, open, findings);
    index.finish(size, whole, established, open, findings)?;
    anchors.finish(keys, walked, records, head, (&swapped, &odd), &mut report)?;
    if let Some(copy) = &beside.copy {
        let mut ours = |place| Ok(records.leaf(place)?.map(|leaf| LeafHash::of(&leaf.bytes)));
        copy.compare(&mut ours, size, &anchors.all, &mut report.established, &mut report.findings)?;
    }
    Ok(report)
}

/// Verifies the tree alone: that no leaf was changed, removed, added or moved since the newest checkpoint.
/// Events are not read.
///
/// # Errors
/// As for [`store`].
pub fn tree(records: &dyn Records, keys: &Keys) -> Result<Report, Fault> {
    let mut report = Report::default();
    let anchors = Anchors::read(records, keys, &Beside::default(), &mut report)?;
    let Some(head) = damage(records.head(), &mut report.findings)? else { return Ok(report) };
    let walked = Walked::over(&records, head.size, &anchors.all, &mut |_, _, _| Ok(()))?;
    let none = BTreeSet::new();
    anchors.finish(keys, walked, records, head, (&none, &none), &mut report)?;
    Ok(report)
}

/// Every signed head that is known, in the order of their sizes.
struct Anchors {
    all: Vec<Anchor>,
    newest: Option<Checked>,
    cosigned: Vec<Cosigner>,
}

/// The places whose two events changed places, and all that hold another event than they should.
type Places<'a> = (&'a BTreeSet<u64>, &'a BTreeSet<u64>);

impl Anchors {
    fn read(
        records: &dyn Records,
        keys: &Keys,
        beside: &Beside<'_>,
        report: &mut Report,
    ) -> Result<Self, Fault> {
        let mut known = Self { all: Vec::new(), newest: None, cosigned: Vec::new() };
        let mut from = 0;
        loop {
            let page = damage(records.checkpoints(from, MAX_PAGE), &mut report.findings)?.unwrap_or_default();
            let Some(last) = page.last() else { break };
            from = last.size + 1;
            for row in page {
                let place = format!("the checkpoint over {} events", row.size);
                let Some(checked) = report.findings.take(keys.open(row.note.as_bytes(), &place)) else {
                    continue;
                };
                let size = checked.checkpoint.head().size.get();
                if size != row.size {
                    report.findings.push(
                        invalid_at(SIZE, &place)
                            .says(format_args!("it stands there and covers {size} events"))
                            .hint(COMPARE),
                    );
                }
                known.add(checked, "its own checkpoint".to_owned());
            }
        }
        for kept in &beside.kept {
            if let Some(checked) = report.findings.take(keys.open(&kept.note, &kept.source)) {
                known.add(checked, kept.source.clone());
            }
        }
        known.all.sort_by_key(|anchor| anchor.head.size);
        Ok(known)
    }

    fn add(&mut self, checked: Checked, source: String) {
        let head = checked.checkpoint.head();
        for cosigner in checked.cosigners() {
            match self.cosigned.iter_mut().find(|seen| seen.key == cosigner.key) {
                Some(seen) if (seen.size, seen.time) < (cosigner.size, cosigner.time) => *seen = cosigner,
                Some(_) => {}
                None => self.cosigned.push(cosigner),
            }
        }
        if self.newest.as_ref().is_none_or(|newest| newest.checkpoint.head().size <= head.size) {
            self.newest = Some(checked);
        }
        self.all.push(Anchor { head, source });
    }

    /// Says what the walk over the leaves came to.
    fn finish(
        &self,
        keys: &Keys,
        walked: Walked,
        records: &dyn Records,
        head: TreeHead,
        (swapped, odd): Places<'_>,
        report: &mut Report,
    ) -> Result<(), Fault> {
        let Report { established, open, findings } = report;
        let size = head.size.get();
        (established.tree, established.checkpoints) = (walked.head, walked.anchored);
        let computed = walked.head.filter(|_| walked.is_whole());
        walked.tell(size, swapped, odd, findings);
        if let Some(computed) = computed.filter(|computed| *computed != head) {
            let says = format!(
                "the store says that the root is {}, and the events lead to {}",
                head.root, computed.root
            );
            findings.push(invalid_at(ROOT, "the head of the log").says(says).hint(COMPARE));
        }
        if let Some(Some(_)) = damage(records.leaf(size), findings)?
            && records.head()?.size == head.size
        {
            findings.push(
                invalid(TAIL, size)
                    .says(format_args!("the log should hold {size} events, and there are more"))
                    .hint(COMPARE),
            );
        }
        if let Some(newest) = &self.newest {
            keys.demand_cosignatures(&self.cosigned, "the checkpoints", findings);
            established.signed = Some(newest.signed(self.cosigned.clone()));
        }
        let covered = self.newest.as_ref().map(|newest| newest.checkpoint.head().size.get());
        open.extend(unestablished(size, covered, &self.cosigned));
        open.extend(established.signed.iter().flat_map(Signed::found));
        Ok(())
    }
}

/// What signatures and cosignatures leave open about a log of this size.
fn unestablished(size: u64, covered: Option<u64>, cosigned: &[Cosigner]) -> Vec<Open> {
    let mut open = match covered {
        None => vec![Open::Unsigned],
        Some(covered) if covered < size => {
            vec![Open::AfterCheckpoint { from: covered, events: size - covered }]
        }
        Some(_) => Vec::new(),
    };
    open.push(Signed::freshness(cosigned));
    open
}

/// Makes a finding of what says that the log is damaged, and leaves other failures.
fn damage<T>(read: Result<T, Fault>, findings: &mut Findings) -> Result<Option<T>, Fault> {
    match read {
        Err(fault) if fault.class() == Class::EvidenceInvalid => {
            findings.push(fault);
            Ok(None)
        }
        other => other.map(Some),
    }
}
