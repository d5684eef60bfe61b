//! An export: every event of a log in one file.

use super::copy::Copy;
use super::decode::Decoders;
use super::events::{COMPARE, Events, Scope, invalid, invalid_at};
use super::keys::{Checked, Keys};
use super::report::{Findings, Report, Signed};
use super::tree::Anchor;
use crate::export::header as read_header;
use crate::export::lines::{Line, next};
use crate::log::MAX_LEAF;
use crate::merkle::{Frontier, LeafHash};
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
    let mut frontier = Frontier::default();
    let mut signed_root = None;
    thread::scope(|scope| {
        let mut decoders = Decoders::start(scope);
        let mut line = Vec::new();
        let wanted = checked.as_ref().map(|checked| checked.checkpoint.head());
        for number in 0.. {
            match next(source, MAX_LEAF, &mut line).map_err(|fault| fault.at(place))? {
                Line::End => break,
                Line::Whole => {}
                Line::Cut | Line::TooLong => {
                    report.findings.push(
                        invalid_at(LINE, format_args!("{place}, event {number}"))
                            .says(format_args!(
                                "the line is cut, or longer than {MAX_LEAF} bytes, the longest event; the rest was not looked at"
                            ))
                            .hint("ask for the export again: it is cut, or something else was put into it"),
                    );
                    break;
                }
            }
            frontier.append(LeafHash::of(&line)).map_err(|error| invalid(LINE, number).says(error))?;
            if wanted.is_some_and(|head| head.size.get() == number + 1) {
                signed_root = Some(frontier.head());
            }
            decoders.push(number, &line, &mut |(place, decoded)| {
                events.take(place, &decoded);
                Ok(())
            })?;
        }
        decoders.finish(&mut |(place, decoded)| {
            events.take(place, &decoded);
            Ok(())
        })
    })?;
    let head = frontier.head();
    let disturbed = !events.is_whole();
    events.finish(&mut report.established, &mut report.open, &mut report.findings);
    report.established.tree = Some(head);
    if let Some(checked) = &checked {
        let wanted = checked.checkpoint.head();
        if head == wanted {
            report.established.checkpoints = 1;
        } else {
            let same_beginning = signed_root == Some(wanted);
            report.findings.push(other_tree(
                place,
                head.size.get(),
                wanted.size.get(),
                same_beginning,
                disturbed,
            ));
        }
        conclude(checked, &keys, place, &mut report);
    }
    Ok(report)
}

/// Compares an export with another copy of the log, and says in its report which events are others: for
/// one that still reads well nothing in the export itself tells. `again` reads it from its beginning.
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
            match next(again, MAX_LEAF, &mut line)? {
                Line::Whole => {}
                Line::End | Line::Cut | Line::TooLong => return Ok(None),
            }
        }
        Ok(Some(LeafHash::of(&line)))
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
            "its events do not make the tree that was signed: one of them was changed and still reads well; \
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
