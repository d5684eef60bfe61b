//! `stepward ledger export`

use super::{Whose, covering};
use crate::{
    files,
    render::{GOOD, styled},
    session::{Session, absolute},
};
use clap::Args;
use serde::Serialize;
use std::{
    fs,
    io::{self, BufWriter, Write as _},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::ExitCode,
};
use stepward_fault::{Class, Fault, Owner, Rule};
use stepward_ledger::{event::Act, export, merkle::TreeSize};

/// The rule that JSON and an export do not go to one place.
const BOTH: Rule = Rule::new("export-and-json");

/// Writes every event into one file that others can check.
///
/// The first line holds the newest checkpoint and the log's public key, each further line one event,
/// byte for byte. That the log was exported is written into it first. Events hold names, decisions and
/// pseudonyms; they hold no data of a run.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Where it is written, whole or not at all [default: standard output]
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
    here.record(session, Act::Export)?;
    let view = here.view()?;
    let newest = covering(&view, 0)?;
    let vkeys = here.vkeys(session, &view, newest)?;
    let Some(out) = &arguments.out else {
        let mut out = BufWriter::new(io::stdout().lock());
        let written = export::write(view.records(), newest, &vkeys, &mut out);
        return written.map(|_| ExitCode::SUCCESS);
    };
    let path = absolute(out);
    let events =
        whole(&path, &mut |out| export::write(view.records(), newest, &vkeys, out).map(TreeSize::get))?;
    let after = view.head().size.get() - events;
    let output = session.output();
    output
        .json("stepward.exported/1", &Report { file: files::from_here(&path), events, after, vkeys: &vkeys });
    output.line(format_args!(
        "{}: {events} events, checked with\n  stepward verify {} --key {}",
        styled(GOOD, files::place(&path)),
        files::place(&path),
        vkeys.join(" --key ")
    ));
    Ok(ExitCode::SUCCESS)
}

/// Writes a file as it comes; it takes its name when it is whole.
fn whole<T>(path: &Path, write: &mut dyn FnMut(&mut dyn io::Write) -> Result<T, Fault>) -> Result<T, Fault> {
    let failed = |error: io::Error| {
        Fault::new(Class::Unavailable, Owner::Operator, files::WRITE)
            .at(files::place(path))
            .says(format_args!("cannot be written: {error}"))
            .hint("check the folder's owner, its permissions and the free space")
    };
    let file = tempfile::Builder::new()
        .prefix(".stepward-")
        .permissions(fs::Permissions::from_mode(0o666))
        .tempfile_in(path.parent().unwrap_or(Path::new(".")))
        .map_err(failed)?;
    let mut out = BufWriter::new(file.as_file());
    let written = write(&mut out)?;
    out.flush().map_err(failed)?;
    drop(out);
    file.as_file().sync_all().map_err(failed)?;
    file.persist(path).map_err(|error| failed(error.error))?;
    Ok(written)
}
