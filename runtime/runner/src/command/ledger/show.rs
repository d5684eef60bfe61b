//! `stepward ledger show`

use super::{Here, Whose, counted, filter};
use crate::{
    render::{BAD, DIM, GOOD, STRONG, WARN, raw, styled, utc},
    running::{book::View, signals},
    session::Session,
};
use clap::Args;
use serde::Serialize;
use serde_json::value::RawValue;
use std::{
    collections::VecDeque, ops::Range, os::unix::fs::MetadataExt as _, path::Path, process::ExitCode,
    time::Duration,
};
use stepward_fault::{Class, Fault, Owner, Rule};
use stepward_ledger::{
    event::{Event, Name},
    merkle::{Hashes as _, TreeHead},
    runs,
    store::{MAX_PAGE, Nodes, Records},
};

/// The rule that a log that is followed only grows.
const REPLACED: Rule = Rule::new("log-replaced");
/// How often a log is asked for new events: a person does not notice a shorter wait.
const PAUSE: Duration = Duration::from_millis(250);
/// Events at the end that are shown before new ones are waited for.
const LAST: usize = 10;

/// Shows events, each checked against the tree; another process may write meanwhile.
///
/// With --json each event is one line, an object with `schema` and the `event` as it was hashed; so is an
/// error. With -f
/// it goes on until ctrl-c, which is exit code 130. An event that cannot be read ends it; `stepward
/// verify` looks through the whole log.
#[derive(Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    filter: filter::Filter,
    /// The last so many of those that fit [default: all; with -f 10]
    #[arg(short = 'n', long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..))]
    lines: Option<u32>,
    /// Goes on with new events as they come
    #[arg(short, long)]
    follow: bool,
    #[command(flatten)]
    whose: Whose,
}

/// One line of JSON.
#[derive(Serialize)]
struct Line<'a> {
    schema: &'static str,
    event: &'a RawValue,
}

pub(super) fn run(session: &Session, arguments: &Arguments) -> Result<ExitCode, Fault> {
    session.output().in_lines();
    let wanted = arguments.filter.read()?;
    let here = arguments.whose.find(session)?;
    let view = here.view()?;
    let most = arguments.lines.map(|lines| lines as usize).or(arguments.follow.then_some(LAST));
    let mut shown = 0_usize;
    let mut show = |event: &Event| {
        if shown == 0 {
            heading(session);
        }
        shown += 1;
        tell(session, event);
    };
    match (most, &arguments.filter.run) {
        (_, Some(run)) => {
            let events = view.events(run)?;
            let fitting: Vec<_> = events.iter().filter(|event| wanted.fits(event)).collect();
            let skipped = most.map_or(0, |most| fitting.len().saturating_sub(most));
            fitting.into_iter().skip(skipped).for_each(&mut show);
        }
        (Some(most), None) => last(&view, &wanted, most)?.iter().for_each(&mut show),
        (None, None) => {
            for page in pages(0..view.head().size.get()) {
                fitting(view.records(), view.head(), page, &wanted)?.iter().for_each(&mut show);
            }
        }
    }
    if arguments.follow {
        return follow(&here, view.head(), &wanted, &mut show);
    }
    if shown == 0 {
        session.output().progress("no event fits");
    }
    Ok(ExitCode::SUCCESS)
}

fn pages(range: Range<u64>) -> impl DoubleEndedIterator<Item = Range<u64>> {
    let page = MAX_PAGE as u64;
    let count = (range.end - range.start).div_ceil(page);
    (0..count).map(move |number| {
        let first = range.start + number * page;
        first..(first + page).min(range.end)
    })
}

/// The events of a page that fit, each checked against the tree.
fn fitting(
    records: &dyn Records,
    head: TreeHead,
    page: Range<u64>,
    wanted: &filter::Wanted<'_>,
) -> Result<Vec<Event>, Fault> {
    let mut places = Vec::new();
    records.leaves(page, &mut |leaf| {
        // What cannot be read might fit: reading it again says why it cannot.
        if Event::decode(leaf.bytes).map_or(true, |event| wanted.fits(&event)) {
            places.push(leaf.sequence);
        }
        Ok(())
    })?;
    places.into_iter().map(|place| runs::event(records, head, place)).collect()
}

/// The last events that fit.
fn last(view: &View, wanted: &filter::Wanted<'_>, most: usize) -> Result<VecDeque<Event>, Fault> {
    let mut found = VecDeque::new();
    for page in pages(0..view.head().size.get()).rev() {
        for event in fitting(view.records(), view.head(), page, wanted)?.into_iter().rev() {
            if found.len() == most {
                return Ok(found);
            }
            found.push_front(event);
        }
    }
    Ok(found)
}

/// Shows what comes, until a signal ends it.
fn follow(
    here: &Here,
    mut head: TreeHead,
    wanted: &filter::Wanted<'_>,
    show: &mut dyn FnMut(&Event),
) -> Result<ExitCode, Fault> {
    let path = here.state.ledger();
    // Before it is opened: what takes the file's place afterwards is another one.
    let file = identity(&path);
    let reader = stepward_ledger::store::sqlite::Reader::open(&path)?;
    let ended: Result<(), Fault> = signals::block_on(async {
        loop {
            tokio::time::sleep(PAUSE).await;
            // The reader would stay with the file that was here before.
            if identity(&path) != file {
                return Err(replaced().says("another file took the place of the log's, or it is gone"));
            }
            let now = reader.head()?;
            if now == head {
                continue;
            }
            check_grown(&reader, head, now)?;
            for page in pages(head.size.get()..now.size.get()) {
                fitting(&reader, now, page, wanted)?.iter().for_each(&mut *show);
            }
            head = now;
        }
    });
    match ended {
        Err(fault) if fault.class() == Class::Cancelled => Ok(ExitCode::from(Class::Cancelled.exit_code())),
        other => other.map(|()| ExitCode::SUCCESS),
    }
}

fn check_grown(records: &dyn Records, before: TreeHead, now: TreeHead) -> Result<(), Fault> {
    let nodes = Nodes::of(records);
    if before.size <= now.size && nodes.head(before.size)? == before && nodes.head(now.size)? == now {
        return Ok(());
    }
    Err(replaced().says(format_args!(
        "the log of {} was replaced by another one, of {}",
        counted(before.size.get(), "event"),
        counted(now.size.get(), "event")
    )))
}

fn replaced() -> Fault {
    Fault::new(Class::EvidenceInvalid, Owner::Operator, REPLACED).hint(
        "if a backup was restored, start again; if nobody restored one, keep a copy and look with `stepward verify`",
    )
}

/// Which file lies at a path, as the file system knows it.
fn identity(path: &Path) -> Option<(u64, u64)> {
    path.metadata().ok().map(|file| (file.dev(), file.ino()))
}

fn heading(session: &Session) {
    session.output().line(styled(
        STRONG,
        format_args!(
            "{:<24} {:>7}  {:<21} {:<13} {:<22} {:<20} {}",
            "time (UTC)", "event", "action", "verdict", "object", "actor", "run / step # call"
        ),
    ));
}

fn tell(session: &Session, event: &Event) {
    let output = session.output();
    if output.is_json() {
        let leaf = String::from_utf8(event.encode()).ok().and_then(|leaf| RawValue::from_string(leaf).ok());
        if let Some(leaf) = leaf {
            let line = Line { schema: "stepward.event/1", event: &leaf };
            raw(&serde_json::to_string(&line).unwrap_or_default());
        }
        return;
    }
    let name = |name: Option<&Name>| name.map_or_else(String::new, Name::to_string);
    let verdict = event.what.verdict().unwrap_or_default();
    let style = match verdict {
        "refused" | "failed" | "limit-exceeded" => BAD,
        "unknown" | "cancelled" => WARN,
        "permitted" | "applied" | "succeeded" => GOOD,
        _ => DIM,
    };
    let actor = match event.actor.name() {
        Some(name) => format!("{} {name}", event.actor.kind()),
        None => event.actor.kind().to_owned(),
    };
    let mut of = name(event.run.as_ref());
    of.extend(event.step.as_ref().map(|step| format!(" / {step}")));
    of.extend(event.call.map(|call| format!(" # {call}")));
    let at = event.stamp.unix_us;
    let time = utc(at / 1_000_000).replace('Z', &format!(".{:03}Z", at / 1000 % 1000));
    output.line(format_args!(
        "{} {:>7}  {:<21} {} {:<22} {:<20} {}",
        styled(DIM, time),
        event.sequence,
        event.what.action(),
        styled(style, format_args!("{verdict:<13}")),
        name(event.what.object()),
        actor,
        of
    ));
}
