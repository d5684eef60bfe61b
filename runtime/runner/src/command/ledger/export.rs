//! `stepward ledger export`

use super::{Whose, counted, covering, out::Out, vkeys};
use crate::{
    files,
    render::{GOOD, styled},
    session::{Session, absolute},
};
use clap::Args;
use serde::Serialize;
use std::{
    io::{self, BufWriter},
    path::PathBuf,
    process::ExitCode,
};
use stepward_fault::{Class, Fault, Owner, Rule};
use stepward_ledger::{event::Act, export, merkle::TreeSize};

/// The rule that JSON and an export do not go to one place.
const BOTH: Rule = Rule::new("export-and-json");

/// Writes every event into one file that others can check.
///
/// The first line holds a checkpoint and the public keys of the log and of the witnesses that cosigned it,
/// each further line the hash of one event, a space, and the event, byte for byte. Where the environment has
/// witnesses it is the newest checkpoint that enough of them cosigned within the time that its policy
/// allows, and what came after it is left out; without such a one it is the newest. That the log was exported
/// is written into it first. Events hold names, decisions and pseudonyms; they hold no data of a run.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Where it is written, whole or not at all, and where nothing is yet [default: standard output]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    whose: Whose,
}

#[derive(Serialize)]
struct Report<'a> {
    file: String,
    events: u64,
    /// Events that came after the checkpoint and are not in it.
    after: u64,
    vkeys: &'a [String],
}

pub(super) fn run(session: &Session, arguments: &Arguments) -> Result<ExitCode, Fault> {
    if session.output().is_json() && arguments.out.is_none() {
        return Err(Fault::new(Class::Usage, Owner::Caller, BOTH)
            .says("with --json the export cannot go to standard output")
            .hint("name a file with --out"));
    }
    let here = arguments.whose.find(session)?;
    // Before the log says that it was exported.
    let out = arguments.out.as_deref().map(absolute).map(Out::start).transpose()?;
    here.record(session, Act::Export)?;
    let view = here.view()?;
    let witnesses = here.witnesses(session);
    let newest = covering::of_everything(&view, witnesses.as_ref(), session.output())?;
    let vkeys = vkeys(&view, witnesses.as_ref(), &newest);
    let Some(out) = out else {
        let mut out = BufWriter::new(io::stdout().lock());
        let written = export::write(view.records(), &newest, &vkeys, &mut out);
        return written.map(|_| ExitCode::SUCCESS);
    };
    let path = out.path().to_owned();
    let events = out.write(|out| export::write(view.records(), &newest, &vkeys, out).map(TreeSize::get))?;
    let after = view.head().size.get() - events;
    let output = session.output();
    output
        .json("stepward.exported/1", &Report { file: files::from_here(&path), events, after, vkeys: &vkeys });
    output.line(format_args!(
        "{}: {}, checked with\n  stepward verify {} --key {}",
        styled(GOOD, files::place(&path)),
        counted(events, "event"),
        files::place(&path),
        vkeys.join(" --key ")
    ));
    Ok(ExitCode::SUCCESS)
}
