//! A second copy, which tells exactly which event is another.

use super::events::{COMPARE, invalid};
use super::report::{Established, Findings};
use super::tree::Anchor;
use crate::export::TakeLeaf;
use crate::merkle::{Frontier, LeafHash};
use std::fmt;
use stepward_fault::{Class, Fault, Rule, shown};

const DIFFERS: Rule = Rule::new("log-differs");

/// Another copy of the same log, which may have fewer or more events: an export, tiles, a backup.
pub struct Copy<'a> {
    /// What it is called.
    pub name: String,
    /// Gives its leaves in order, from the first on.
    pub leaves: &'a dyn Fn(TakeLeaf<'_>) -> Result<(), Fault>,
}

impl fmt::Debug for Copy<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Copy").field(&self.name).finish()
    }
}

/// Hashes the event at a place; nothing where there is none.
pub(super) type Ours<'a> = &'a mut dyn FnMut(u64) -> Result<Option<LeafHash>, Fault>;

impl Copy<'_> {
    /// Compares every event that both have: `ours` gives the first `size` of this one, asked for in order.
    /// `anchors` are the signed heads, in the order of their sizes.
    pub(super) fn compare(
        &self,
        ours: Ours<'_>,
        size: u64,
        anchors: &[Anchor],
        established: &mut Established,
        findings: &mut Findings,
    ) -> Result<(), Fault> {
        let mut frontier = Frontier::default();
        let mut anchors = anchors.iter().peekable();
        let (mut signed, mut others) = (0, Vec::new());
        let read = (self.leaves)(&mut |place, theirs| {
            let hash = LeafHash::of(theirs);
            if frontier.append(hash).is_err() || frontier.head().size.get() != place + 1 {
                return Ok(());
            }
            while let Some(anchor) = anchors.next_if(|anchor| anchor.head.size.get() <= place + 1) {
                if frontier.head() == anchor.head {
                    signed = place + 1;
                }
            }
            if place < size {
                match ours(place)? {
                    Some(ours) if ours == hash => established.compared += 1,
                    Some(_) | None if others.len() < super::report::MAX_FINDINGS => others.push(place),
                    Some(_) | None => {}
                }
            }
            Ok(())
        });
        let name = shown(&self.name);
        for place in others {
            let whose = if signed > place {
                "there it is the one that the log signed: it was changed here"
            } else {
                "nothing tells which of the two was changed"
            };
            findings.push(
                invalid(DIFFERS, place)
                    .says(format_args!("{name} has another event here; {whose}"))
                    .hint(COMPARE),
            );
        }
        match read {
            Err(fault) if fault.class() == Class::EvidenceInvalid => {
                let at = format!("{name}, {}", fault.place());
                findings.push(fault.at(at));
                Ok(())
            }
            other => other,
        }
    }
}
