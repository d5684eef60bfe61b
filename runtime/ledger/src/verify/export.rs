//! An export: every event of a log in one file.

use super::copy::Copy;
use super::decode::Decoders;
use super::events::{COMPARE, Events, Scope, invalid, invalid_at};
use super::keys::{Checked, Keys};
use super::report::{Findings, MAX_FINDINGS, Report, Signed};
use super::tree::Anchor;
use crate::export::lines::{Line, next};
use crate::export::{MAX_LINE_BYTES, header as read_header, parts};
use crate::log::MAX_LEAF;
use crate::merkle::{Frontier, LeafHash, TreeHead, TreeSize};
use crate::store::EDITED;
use std::io::BufRead;
use std::thread;
use stepward_fault::{Class, Fault, Rule};

const LINE: Rule = Rule::new("export-line");
const ROOT: Rule = Rule::new("export-root");

/// Verifies an export as it is read; `place` is what it is called. Lines are bounded, and nothing of it is
/// kept.
///
/// # Errors
/// When it cannot be read. What does not hold is a finding.
pub fn export(source: &mut dyn BufRead, place: &str, keys: &Keys) -> Result<Report, Fault> {
    let mut report = Report::default();
    let mut keys = keys.clone();
    let checked = header(source, place, &mut keys, &mut report.findings)?;
    let mut events = Events::new(Scope::Log);
    let mut lines = Lines::new(checked.as_ref().map(|checked| checked.checkpoint.head()));
    thread::scope(|scope| {
        let mut decoders = Decoders::start(scope);
        let mut line = Vec::new();
        for number in 0.. {
            let event = match next(source, MAX_LINE_BYTES, &mut line).map_err(|fault| fault.at(place))? {
                Line::End => break,
                Line::Whole => parts(&line),
                Line::Cut | Line::TooLong => None,
            };
            let Some((stated, event)) = event else {
                report.findings.push(no_line(place, number));
                break;
            };
            lines.take(number, stated, event)?;
            decoders.push(number, event, &mut |(place, decoded)| {
                events.take(place, &decoded);
                Ok(())
            })?;
        }
        decoders.finish(&mut |(place, decoded)| {
            events.take(place, &decoded);
            Ok(())
        })
    })?;
    let disturbed = !events.is_whole();
    // Before all that an event may have been changed into.
    lines.name_edited(&mut report.findings);
    events.finish(&mut report.established, &mut report.open, &mut report.findings);
    report.established.tree = Some(lines.found.head());
    lines.conclude(place, disturbed, &mut report);
    if let Some(checked) = &checked {
        conclude(checked, &keys, place, &mut report);
    }
    Ok(report)
}

/// The trees that the lines make, and what the checkpoint says of them.
struct Lines {
    /// What the checkpoint signs, where it could be read.
    signed: Option<TreeHead>,
    /// Over the events.
    found: Frontier,
    /// Over the hashes that stand before them.
    stated: Frontier,
    /// The events whose hash is another, the first of them.
    edited: Vec<u64>,
    /// Both trees when they were as large as the signed one.
    there: Option<[TreeHead; 2]>,
}

impl Lines {
    fn new(signed: Option<TreeHead>) -> Self {
        let there =
            signed.filter(|head| head.size == TreeSize::EMPTY).map(|_| [Frontier::default().head(); 2]);
        Self { signed, found: Frontier::default(), stated: Frontier::default(), edited: Vec::new(), there }
    }

    fn take(&mut self, number: u64, stated: LeafHash, event: &[u8]) -> Result<(), Fault> {
        let found = LeafHash::of(event);
        if found != stated && self.edited.len() < MAX_FINDINGS {
            self.edited.push(number);
        }
        for (tree, hash) in [(&mut self.found, found), (&mut self.stated, stated)] {
            tree.append(hash).map_err(|error| invalid(LINE, number).says(error))?;
        }
        if self.signed.is_some_and(|head| head.size.get() == number + 1) {
            self.there = Some([self.found.head(), self.stated.head()]);
        }
        Ok(())
    }

    /// Whether the events, and the hashes before them, are those that were signed.
    fn as_signed(&self) -> [bool; 2] {
        self.there.map_or([false; 2], |heads| heads.map(|head| Some(head) == self.signed))
    }

    fn name_edited(&self, findings: &mut Findings) {
        let [found, stated] = self.as_signed();
        for number in &self.edited {
            let covered = self.signed.is_some_and(|signed| *number < signed.size.get());
            let says = match (covered && found, covered && stated) {
                (true, _) => "the event is the one that was signed; the hash before it was changed",
                (false, true) => {
                    "the event was changed: its hash, which was signed with all others, is another"
                }
                (false, false) => {
                    "the event does not have the hash that stands before it: one of them was changed"
                }
            };
            findings.push(invalid(EDITED, *number).says(says).hint(COMPARE));
        }
    }

    fn conclude(&self, place: &str, disturbed: bool, report: &mut Report) {
        let [found, stated] = self.as_signed();
        let Some(signed) = self.signed else { return };
        let size = self.found.head().size;
        if found && size == signed.size {
            report.established.checkpoints = 1;
        } else if !stated || size != signed.size {
            let (size, wanted) = (size.get(), signed.size.get());
            report.findings.push(other_tree(place, size, wanted, found || stated, disturbed));
        }
    }
}

fn no_line(place: &str, number: u64) -> Fault {
    invalid_at(LINE, format_args!("{place}, event {number}"))
        .says(format_args!(
            "the line is cut, does not begin with a hash, or is longer than {MAX_LEAF} bytes, the longest event; \
             the rest was not looked at"
        ))
        .hint("ask for the export again: it is cut, or something else was put into it")
}

/// Compares an export with another copy of the log, and says in its report which events are others: for
/// one that was changed together with its hash nothing in the export itself tells. `again` reads it from
/// its beginning.
///
/// # Errors
/// When either cannot be read. What does not hold is a finding.
pub fn compare(
    again: &mut dyn BufRead,
    keys: &Keys,
    copy: &Copy<'_>,
    report: &mut Report,
) -> Result<(), Fault> {
    let Some(size) = report.established.tree.map(|tree| tree.size.get()) else { return Ok(()) };
    // What is wrong with these was found before.
    let (mut keys, mut known) = (keys.clone(), Findings::default());
    let checked = header(again, "", &mut keys, &mut known)?;
    let anchor = checked.map(|checked| Anchor { head: checked.checkpoint.head(), source: String::new() });
    let (mut line, mut next_place) = (Vec::new(), 0);
    let mut ours = |place| {
        while next_place <= place {
            next_place += 1;
            match next(again, MAX_LINE_BYTES, &mut line)? {
                Line::Whole => {}
                Line::End | Line::Cut | Line::TooLong => return Ok(None),
            }
        }
        Ok(parts(&line).map(|(_, event)| LeafHash::of(event)))
    };
    copy.compare(&mut ours, size, anchor.as_slice(), &mut report.established, &mut report.findings)
}

/// Says who signed a checkpoint, and what that leaves open.
pub(super) fn conclude(checked: &Checked, keys: &Keys, place: &str, report: &mut Report) {
    let cosigned: Vec<_> = checked.cosigners().collect();
    keys.demand_cosignatures(&cosigned, place, &mut report.findings);
    report.open.push(Signed::freshness(&cosigned));
    let signed = checked.signed(cosigned);
    report.open.extend(signed.found());
    report.established.signed = Some(signed);
}

fn other_tree(place: &str, size: u64, signed: u64, same_beginning: bool, disturbed: bool) -> Fault {
    let says = match (size.cmp(&signed), same_beginning) {
        (std::cmp::Ordering::Less, _) => {
            format!(
                "it has {size} events and its checkpoint covers {signed}: events were removed, or its end is cut off"
            )
        }
        (std::cmp::Ordering::Greater, true) => {
            format!(
                "{} events follow after the {signed} that its checkpoint covers: they were added",
                size - signed
            )
        }
        (std::cmp::Ordering::Greater, false) => {
            format!(
                "it has {size} events and its checkpoint covers {signed}, and the first {signed} are others"
            )
        }
        (std::cmp::Ordering::Equal, _) if disturbed => {
            "its events do not make the tree that was signed; the events named above are not what was written"
                .to_owned()
        }
        (std::cmp::Ordering::Equal, _) => {
            "its events do not make the tree that was signed: one of them was changed together with its hash; \
             `--against` another copy of the log says which"
                .to_owned()
        }
    };
    invalid_at(ROOT, format_args!("{place}, all events")).says(says).hint(COMPARE)
}

fn header(
    source: &mut dyn BufRead,
    place: &str,
    keys: &mut Keys,
    findings: &mut Findings,
) -> Result<Option<Checked>, Fault> {
    let place = format!("{place}, header");
    let header = match read_header(source) {
        Err(fault) if fault.class() != Class::EvidenceInvalid => return Err(fault.at(&place)),
        other => other.map_err(|fault| fault.at(&place)),
    };
    let Some(header) = findings.take(header) else { return Ok(None) };
    for vkey in header.vkeys() {
        keys.find_or_tell(vkey, &place, findings);
    }
    Ok(findings.take(keys.open(header.checkpoint().as_bytes(), &place)))
}
