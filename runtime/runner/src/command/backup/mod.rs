//! `stepward backup`

mod copy;
pub(crate) mod operator;

use super::ledger::counted;
use crate::{
    files::{self, Readers},
    render::{GOOD, Output, STRONG, bytes, styled},
    running::{
        live::{Wanted, now_ms},
        restore::{
            KEYS, LEDGER, WRAPPING,
            disk::{facts, fallible, sync_folder},
            manifest::{self, Files, Manifest},
        },
        state::State,
    },
    session::{Session, absolute},
};
use clap::Args;
use copy::Copied;
use operator::Recorded;
use serde::Serialize;
use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};
use stepward_fault::{Class, Fault, Owner, Rule};
use stepward_ledger::event::Act;
use stepward_seam::Label;
use stepward_trust::Digest;
use stepward_vault::EnvironmentRoot;

/// The rule that the wrapping keys are kept apart.
const APART: Rule = Rule::new("backup-apart");
/// The rule that a backup replaces nothing.
const EXISTS: Rule = Rule::new("backup-exists");

/// Copies the log of an environment and the keys of its runs, while it may be in use.
///
/// The wrapping keys go to a folder of their own, since a run that was erased can be opened by whoever
/// has older copies of keys.db and wrapping.db together. The environment's key is in neither: keep it
/// apart from both, or nothing of this can be opened.
///
/// The copy is one state of the log; it is read back as a whole and compared before this says that it
/// is done.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Where the log, the keys of runs and the manifest go: neither inside the state nor around it
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
    /// Where the wrapping keys go: neither inside that folder or the state, nor around them
    #[arg(long, value_name = "DIR")]
    keys_to: PathBuf,
    /// The environment [default: dev]
    #[arg(long, value_name = "NAME")]
    env: Option<String>,
}

/// Where a backup is made.
struct Target {
    folder: PathBuf,
    wrapping: PathBuf,
}

pub(crate) fn run(session: &Session, arguments: &Arguments) -> Result<ExitCode, Fault> {
    let environment = Wanted::new(arguments.env.as_deref())?.name;
    let state = State::open(session, &environment)?;
    operator::check_log(&state, &environment)?;
    let key = state.environment_key()?;
    let root = EnvironmentRoot::derive(&key)?;
    let target = Target::make(&arguments.to, &arguments.keys_to, &state)?;
    let output = session.output();
    let recorded = operator::record(session, &state, &environment, &key, Act::Backup)?;
    let copied = copy::copy(&state, &environment, &root, &target)?;
    let manifest = complete(&environment, &copied, &target)?;
    show(output, &manifest, &target, recorded);
    Ok(ExitCode::SUCCESS)
}

impl Target {
    /// Makes both folders, or takes those that are there.
    fn make(to: &Path, keys_to: &Path, state: &State) -> Result<Self, Fault> {
        let target = Self { folder: absolute(to), wrapping: absolute(keys_to) };
        for folder in [&target.folder, &target.wrapping] {
            check_outside(folder, state)?;
            files::make_folder(folder.parent().unwrap_or(folder))?;
            files::make_private_folder(folder)?;
        }
        let real = |path: &Path| fallible(path, fs::canonicalize(path));
        let (folder, wrapping) = (real(&target.folder)?, real(&target.wrapping)?);
        for folder in [&folder, &wrapping] {
            check_outside(folder, state)?;
        }
        if folder.starts_with(&wrapping) || wrapping.starts_with(&folder) {
            return Err(Fault::new(Class::Refused, Owner::Caller, APART)
                .at(files::place(&target.wrapping))
                .says("the wrapping keys would lie together with the keys that they open")
                .hint("name another folder with --keys-to, on another medium where possible"));
        }
        for path in [target.ledger(), target.keys(), target.manifest(), target.wrapping()] {
            if path.symlink_metadata().is_ok() {
                return Err(Fault::new(Class::Refused, Owner::Caller, EXISTS)
                    .at(files::place(&path))
                    .says("there is a file of this name, and a backup replaces none")
                    .hint("name new folders, such as one for each day; what has no backup.json was not finished"));
            }
        }
        Ok(target)
    }

    fn ledger(&self) -> PathBuf {
        self.folder.join(LEDGER)
    }

    fn keys(&self) -> PathBuf {
        self.folder.join(KEYS)
    }

    fn manifest(&self) -> PathBuf {
        self.folder.join(manifest::FILE)
    }

    fn wrapping(&self) -> PathBuf {
        self.wrapping.join(WRAPPING)
    }
}

/// Refuses a folder that lies in the state, where it goes with what it is a copy of, or around it.
fn check_outside(folder: &Path, state: &State) -> Result<(), Fault> {
    // The environments lie beside each other: a folder among them would be taken for one.
    let base = state.root().parent().unwrap_or(state.root());
    let base = fallible(base, fs::canonicalize(base))?;
    let known = folder.ancestors().find_map(|above| Some((above, fs::canonicalize(above).ok()?)));
    let (above, real) = known.unwrap_or((folder, folder.to_owned()));
    let real = real.join(folder.strip_prefix(above).unwrap_or(Path::new("")));
    if !real.starts_with(&base) && !base.starts_with(&real) {
        return Ok(());
    }
    Err(Fault::new(Class::Refused, Owner::Caller, APART)
        .at(files::place(folder))
        .says(format_args!("the backup would lie together with the state {}", files::place(&base)))
        .hint("name a folder elsewhere, on another medium where possible"))
}

/// Writes the manifest, and with it the backup is whole.
fn complete(environment: &Label, copied: &Copied, target: &Target) -> Result<Manifest, Fault> {
    let files = Files {
        ledger: facts(&target.ledger())?,
        keys: facts(&target.keys())?,
        wrapping: facts(&target.wrapping())?,
    };
    sync_folder(&target.wrapping)?;
    sync_folder(&target.folder)?;
    let head = copied.signed.head();
    let manifest = Manifest {
        schema: manifest::SCHEMA.to_owned(),
        environment: environment.to_string(),
        origin: copied.signed.origin().to_string(),
        generation: copied.generation,
        size: head.size.get(),
        root: Digest::from_bytes(*head.root.as_bytes()),
        checkpoint: copied.signed.to_string(),
        time_ms: now_ms(),
        files,
    };
    let text = serde_json::to_string_pretty(&manifest).unwrap_or_default();
    files::write(&target.manifest(), format!("{text}\n").as_bytes(), Readers::Owner)?;
    sync_folder(&target.folder)?;
    Ok(manifest)
}

/// What is told of a backup.
#[derive(Serialize)]
struct Made<'a> {
    to: String,
    keys_to: String,
    /// Whether the log says that this backup was made: not where another process owned it.
    recorded: bool,
    manifest: &'a Manifest,
}

fn show(output: &Output, manifest: &Manifest, target: &Target, recorded: Recorded) {
    output.json(
        "stepward.backup-made/1",
        &Made {
            to: files::place(&target.folder),
            keys_to: files::place(&target.wrapping),
            recorded: recorded == Recorded::InLog,
            manifest,
        },
    );
    output.line(format_args!(
        "{} of {} in {}, {}, {}",
        styled(STRONG, counted(manifest.size, "event")),
        manifest.origin,
        files::place(&target.ledger()),
        bytes(manifest.files.ledger.bytes),
        styled(GOOD, "verified"),
    ));
    output.line(format_args!("keys of runs in {}", files::place(&target.keys())));
    output
        .line(format_args!("wrapping keys in {}: keep this folder apart", files::place(&target.wrapping())));
    output.line(
        "The environment's key is in none of them: keep it separately, or nothing of this can be opened.",
    );
}
