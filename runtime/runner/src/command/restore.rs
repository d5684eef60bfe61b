//! `stepward restore`

use super::ledger::counted;
use crate::{
    files,
    render::{GOOD, Output, STRONG, styled, utc},
    running::{
        book::{self, Names, said, what_to_type},
        live::{Wanted, now_ms},
        restore::{
            self, Doubted, Told, WRAPPING,
            manifest::{self, Manifest},
            prepare::{Backup, Prepared, next_generation, prepare},
        },
        signals,
        state::State,
    },
    session::{Session, absolute},
};
use clap::Args;
use serde::Serialize;
use std::{
    num::NonZeroU32,
    path::{Path, PathBuf},
    process::ExitCode,
};
use stepward::journal::Unfinished;
use stepward_fault::{Class, Fault, Owner, Rule, shown};
use stepward_ledger::note::{LogSigner, LogVerifier};
use stepward_seam::Label;
use stepward_vault::EnvironmentRoot;

/// The rule that a log is not replaced unasked.
const PRESENT: Rule = Rule::new("restore-log-present");
/// The rule that a backup is taken from the two folders that it was made in.
const FOLDERS: Rule = Rule::new("restore-folders");
/// The rule that a backup's log has a name.
const ORIGIN: Rule = Rule::new("restore-origin");

/// Puts back the log of an environment and the keys of its runs.
///
/// What happened after the backup was made is not in it. The log says that it was restored, and goes on
/// under a new name, so that nobody who knows the old one is shown a smaller log under it. Every run
/// that had not ended is in doubt: it could have acted since.
///
/// The backup is checked as a whole before anything is touched. When this is interrupted, the old state
/// is there, or doing it again finishes it.
#[derive(Args)]
pub(crate) struct Arguments {
    /// The folder that `backup --to` made
    #[arg(long, value_name = "DIR")]
    from: PathBuf,
    /// The folder that `backup --keys-to` made
    #[arg(long, value_name = "DIR")]
    keys_from: PathBuf,
    /// The environment [default: dev]
    #[arg(long, value_name = "NAME")]
    env: Option<String>,
    /// Moves the log that is here aside, into a folder replaced-TIME of the state; nothing is deleted
    #[arg(long)]
    replace: bool,
}

/// What is told of a restore.
#[derive(Serialize)]
struct Report<'a> {
    environment: &'a str,
    /// Whether it was interrupted before, and finished now.
    finished: bool,
    origin: &'a str,
    /// Events that the backup had.
    size: u64,
    generation: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    replaced: Option<&'a str>,
    /// The runs that had not ended.
    unfinished: Vec<Unended<'a>>,
    /// The runs that a log here says were erased: they can be opened again.
    erased: &'a [String],
}

#[derive(Serialize)]
struct Unended<'a> {
    run: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    standing: Option<&'a str>,
}

/// Whether all of a restore was done at once.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Came {
    Whole,
    Finished,
}

pub(crate) fn run(session: &Session, arguments: &Arguments) -> Result<ExitCode, Fault> {
    let environment = Wanted::new(arguments.env.as_deref())?.name;
    let state = State::open(session, &environment)?;
    let output = session.output();
    let _owned = book::own(&state)?;
    let (from, keys_from) = (absolute(&arguments.from), absolute(&arguments.keys_from));
    if let Some(told) = restore::settle(state.root(), || Manifest::read(&from))? {
        show(output, &environment, &told, Came::Finished);
        return Ok(ExitCode::SUCCESS);
    }
    restore::clean(state.root())?;
    let present = restore::present(state.root());
    if !present.is_empty() && !arguments.replace {
        return Err(is_present(&state, &present));
    }
    let keys = EnvironmentRoot::derive(&state.existing_environment_key()?)?;
    check_folders(&from, &keys_from)?;
    let backup = Backup { folder: &from, wrapping: &keys_from };
    let vouched = Manifest::read(&from)?
        .vouched(&environment, |generation| verifier(&environment, &keys, generation))
        .map_err(|fault| fault.at(files::place(&from)))?;
    let generation =
        next_generation(state.root(), &Names::of(&environment, &keys)?, vouched.manifest().generation)?;
    let prepared =
        signals::block_on(prepare(state.root(), &environment, &keys, backup, &vouched, generation))?;
    let Prepared { staged, origin, unfinished, erased } = prepared;
    let aside = restore::aside(state.root(), now_ms() / 1000);
    let told = Told {
        manifest: vouched.manifest().clone(),
        origin,
        generation: generation.get(),
        replaced: (!present.is_empty()).then(|| files::place(&state.root().join(&aside))),
        unfinished: unfinished.iter().map(|run| doubted(run, &environment)).collect(),
        erased,
    };
    // From here on it is finished, now or by doing it again: the folder is not removed any more.
    let told = restore::commit(state.root(), &staged.keep(), &aside, told)?;
    show(output, &environment, &told, Came::Whole);
    Ok(ExitCode::SUCCESS)
}

fn doubted(Unfinished { name, standing }: &Unfinished, environment: &Label) -> Doubted {
    let (word, words) = match standing {
        Ok(standing) => (
            Some(standing.word().to_owned()),
            format!("{}: {}", said(standing), what_to_type(name, standing, environment)),
        ),
        Err(fault) => (None, format!("cannot be read: {fault}")),
    };
    Doubted { run: name.clone(), standing: word, words }
}

/// Refuses folders that are no two parts of a backup.
fn check_folders(from: &Path, keys_from: &Path) -> Result<(), Fault> {
    let has = |folder: &Path, name: &str| folder.join(name).symlink_metadata().is_ok();
    let refuse = |folder: &Path| Fault::new(Class::BadInput, Owner::Caller, FOLDERS).at(files::place(folder));
    if has(keys_from, manifest::FILE) && has(from, WRAPPING) {
        return Err(refuse(from)
            .says("the wrapping keys lie here, and the log lies in the other folder")
            .hint("exchange the two: --from names the folder that `backup --to` made, --keys-from the one of `backup --keys-to`"));
    }
    if has(keys_from, WRAPPING) {
        return Ok(());
    }
    Err(refuse(keys_from)
        .says(format_args!("there is no {WRAPPING} here: these are not the wrapping keys of a backup"))
        .hint("name the folder that `backup --keys-to` made with --keys-from"))
}

/// The key of the environment's log under the name of a generation.
fn verifier(environment: &Label, keys: &EnvironmentRoot, generation: u32) -> Result<LogVerifier, Fault> {
    let refused = |why: &dyn std::fmt::Display| {
        Fault::new(Class::BadInput, Owner::Operator, ORIGIN)
            .says(format_args!("the manifest's generation {generation} gives the log no name: {why}"))
            .hint("take another copy of this backup, or another backup")
    };
    let generation = NonZeroU32::new(generation).ok_or_else(|| refused(&"they are counted from 1"))?;
    LogSigner::of_environment(environment.as_str(), generation, &keys.log_signing_seed())
        .map(|signer| signer.verifier())
        .map_err(|error| refused(&error))
}

fn is_present(state: &State, present: &[String]) -> Fault {
    Fault::new(Class::Refused, Owner::Caller, PRESENT)
        .at(files::place(state.root()))
        .says(format_args!("a log lies here: {}", present.join(", ")))
        .hint("add --replace to move it aside, or name another state with --state; nothing was changed")
}

fn show(output: &Output, environment: &Label, told: &Told, came: Came) {
    let Told { manifest, origin, generation, replaced, unfinished, erased } = told;
    if came == Came::Finished {
        output.line(format_args!("the restore that was interrupted is {}", styled(GOOD, "finished")));
    }
    output.line(format_args!(
        "{}: {}, as at {}; the log goes on as {}",
        styled(GOOD, "restored"),
        styled(STRONG, counted(manifest.size, "event")),
        utc(manifest.time_ms / 1000),
        styled(STRONG, shown(origin)),
    ));
    if let Some(replaced) = replaced {
        output.line(format_args!("what was there before lies in {}", shown(replaced)));
    }
    output.line("what happened after that moment is not in this log");
    for run in erased {
        let run = shown(run);
        output.warning(format_args!(
            "run {run} was erased since and can be opened again: `stepward runs erase {run}`"
        ));
    }
    if unfinished.is_empty() {
        output.line("no run was under way then");
    }
    for Doubted { run, words, .. } in unfinished {
        output.line(format_args!("run {} {}", shown(run), shown(words)));
    }
    output.json(
        "stepward.restore/1",
        &Report {
            environment: environment.as_str(),
            finished: came == Came::Finished,
            origin,
            size: manifest.size,
            generation: *generation,
            replaced: replaced.as_deref(),
            unfinished: unfinished.iter().map(unended).collect(),
            erased,
        },
    );
}

fn unended(run: &Doubted) -> Unended<'_> {
    Unended { run: &run.run, standing: run.standing.as_deref() }
}
