//! Saying what came of it.

use super::{super::ledger::counted, Part};
use crate::render::{BAD, DIM, GOOD, Output, STRONG, WARN, count, styled, utc};
use serde::Serialize;
use stepward_fault::{Fault, shown};
use stepward_ledger::verify::{Cosigner, Established, Signed, Trust, Verdict};

/// Characters of a root that people compare.
const ROOT_SHOWN: usize = 16;

#[derive(Serialize)]
struct All<'a> {
    verdict: &'static str,
    parts: Vec<One<'a>>,
}

#[derive(Serialize)]
struct One<'a> {
    place: &'a str,
    kind: &'static str,
    verdict: &'static str,
    established: Holds<'a>,
    not_established: Vec<Open>,
    findings: &'a [Fault],
    further_findings: u64,
}

#[derive(Serialize)]
struct Holds<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    tree: Option<Tree>,
    #[serde(skip_serializing_if = "Option::is_none")]
    signed: Option<By<'a>>,
    checkpoints: u64,
    events: u64,
    effects_answered: u64,
    effects_unanswered: u64,
    bodies: u64,
    bodies_opened: u64,
    events_compared: u64,
}

#[derive(Serialize)]
struct Tree {
    size: u64,
    root: String,
}

#[derive(Serialize)]
struct By<'a> {
    origin: &'a str,
    size: u64,
    root: String,
    vkey: &'a str,
    key_from: &'static str,
    cosigned: Vec<Witness<'a>>,
}

#[derive(Serialize)]
struct Witness<'a> {
    #[serde(rename = "witness")]
    name: &'a str,
    until: String,
    size: u64,
    vkey: String,
    key_from: &'static str,
}

#[derive(Serialize)]
struct Open {
    what: String,
    remedy: &'static str,
}

/// Shows what was found out, for people or as JSON.
pub(super) fn show(output: &Output, parts: &[Part], holds: bool) {
    let verdict = word(if holds { Verdict::Holds } else { Verdict::Fails });
    output.json("stepward.verify/1", &All { verdict, parts: parts.iter().map(one).collect() });
    for part in parts {
        tell(output, part);
    }
    output.line(if holds {
        format!("{}: everything that could be checked", styled(GOOD, "HOLDS"))
    } else {
        format!("{}: what is said above as an error does not hold", styled(BAD, "FAILS"))
    });
}

const fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Holds => "holds",
        Verdict::Fails => "fails",
    }
}

const fn from(trust: Trust) -> &'static str {
    match trust {
        Trust::Given => "given",
        Trust::Found => "came-with-the-file",
    }
}

fn one(part: &Part) -> One<'_> {
    let report = &part.report;
    One {
        place: &part.place,
        kind: part.kind,
        verdict: word(report.verdict()),
        established: established(&report.established),
        not_established: report
            .open
            .iter()
            .map(|open| Open { what: open.to_string(), remedy: open.remedy() })
            .collect(),
        findings: report.findings(),
        further_findings: report.further_findings(),
    }
}

fn established(done: &Established) -> Holds<'_> {
    Holds {
        tree: done.tree.map(|tree| Tree { size: tree.size.get(), root: tree.root.to_string() }),
        signed: done.signed.as_ref().map(by),
        checkpoints: done.checkpoints,
        events: done.events,
        effects_answered: done.effects,
        effects_unanswered: done.unanswered,
        bodies: done.bodies,
        bodies_opened: done.opened,
        events_compared: done.compared,
    }
}

fn by(signed: &Signed) -> By<'_> {
    By {
        origin: signed.origin.as_str(),
        size: signed.head.size.get(),
        root: signed.head.root.to_string(),
        vkey: &signed.key,
        key_from: from(signed.trust),
        cosigned: signed.cosigned.iter().map(witness).collect(),
    }
}

fn witness(seen: &Cosigner) -> Witness<'_> {
    Witness {
        name: seen.witness.as_str(),
        until: utc(seen.time.get()),
        size: seen.size,
        vkey: seen.key.to_string(),
        key_from: from(seen.trust),
    }
}

fn tell(output: &Output, part: &Part) {
    let report = &part.report;
    output.line(format_args!("{} {}", styled(STRONG, &part.place), styled(DIM, part.kind)));
    for line in holding(&report.established) {
        output.line(format_args!("  {} {line}", styled(GOOD, "seen")));
    }
    for open in &report.open {
        output.line(format_args!("  {} {open}", styled(WARN, "not established:")));
        output.line(format_args!("    {} {}", styled(DIM, "to do:"), open.remedy()));
    }
    for finding in report.findings() {
        output.finding(finding);
    }
    if report.further_findings() > 0 {
        output.line(styled(BAD, format_args!("and {} more", counted(report.further_findings(), "finding"))));
    }
}

/// What people are told of a key that nobody named.
const fn came_along(trust: Trust) -> &'static str {
    match trust {
        Trust::Given => "",
        Trust::Found => ", by a key that came with the file",
    }
}

fn bodies(number: u64) -> String {
    if number == 1 { "1 sealed body".to_owned() } else { format!("{} sealed bodies", count(number)) }
}

/// What holds, a line each.
fn holding(done: &Established) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(tree) = done.tree {
        let root: String = tree.root.to_string().chars().take(ROOT_SHOWN).collect();
        lines.push(format!("the tree of {}, with the root {root}…", counted(tree.size.get(), "event")));
    }
    if let Some(signed) = &done.signed {
        let from = came_along(signed.trust);
        let size = counted(signed.head.size.get(), "event");
        lines.push(format!("a checkpoint over {size}, signed by {}{from}", shown(signed.origin.as_str())));
        lines.extend(signed.cosigned.iter().map(|seen| {
            let size = counted(seen.size, "event");
            let (witness, from) = (shown(seen.witness.as_str()), came_along(seen.trust));
            format!("cosigned over {size} by {witness}, {}{from}", utc(seen.time.get()))
        }));
    }
    if done.checkpoints > 1 {
        lines.push(format!("{} checkpoints, each with its tree", count(done.checkpoints)));
    }
    if done.events > 0 {
        lines.push(format!(
            "{} read; {} answered after their intent, {} not answered",
            counted(done.events, "event"),
            counted(done.effects, "effect"),
            count(done.unanswered)
        ));
    }
    if done.bodies > 0 {
        lines.push(format!("{}, {} of them opened", bodies(done.bodies), count(done.opened)));
    }
    if done.compared > 0 {
        lines.push(format!("{} the same in the other copy", counted(done.compared, "event")));
    }
    lines
}
