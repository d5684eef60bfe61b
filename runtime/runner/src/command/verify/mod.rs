//! `stepward verify`

mod bodies;
mod given;
mod known;
mod show;
mod store;

use crate::{
    files::{self, Purpose},
    session::{Session, absolute},
};
use cap_std::fs::Dir;
use clap::Args;
use given::Given;
use std::{
    fs::File,
    io::BufReader,
    path::{Path, PathBuf},
    process::ExitCode,
};
use stepward_fault::{Class, Fault, Owner, Rule};
use stepward_ledger::{
    export::TakeLeaf,
    tiles::TileDir,
    verify::{self, Copy, Evidence, Keys, Report, Verdict},
};
use store::CopyFile;

/// The rule that a key is known to check with.
const NO_KEY: Rule = Rule::new("verify-no-key");
/// The rule that what only a store has is asked of a store.
const NOT_A_STORE: Rule = Rule::new("verify-options");

/// Bytes that are read of a file at a time.
const BUFFER: usize = 1 << 18;

/// Checks a log, or what was taken out of one, without the service that wrote it.
///
/// Takes the state folder of an environment or its ledger.db, a folder of tiles, an export, a proof (with
/// its event in FILE.leaf), or a folder of evidence; it finds out which. Nothing is asked of the network.
/// Says what holds, what could not be established and what would establish it, and what does not hold,
/// each with its place. Exit code 8 when something does not hold.
///
/// Keys decide: --key names those that you got from somewhere else than the file. Without it, keys that
/// came with the file are used, and the answer says so; for a state folder on this machine it is the
/// environment's own key. The cosignatures of the witnesses that the environment's file names are checked
/// where the project is at hand.
#[derive(Args)]
pub(crate) struct Arguments {
    /// What is checked
    #[arg(value_name = "FILE|DIR")]
    target: PathBuf,
    /// The event that a proof is about, byte for byte [default: the proof's name and .leaf]
    #[arg(value_name = "LEAF")]
    leaf: Option<PathBuf>,
    /// A public key of the log or of a witness, or a file with one a line; each must have signed
    #[arg(long, value_name = "VKEY|FILE")]
    key: Vec<String>,
    /// A checkpoint of this log that was kept elsewhere: a store must extend it
    #[arg(long, value_name = "FILE")]
    checkpoint: Vec<PathBuf>,
    /// Another copy of a store or an export: an export, a folder of tiles or a ledger.db; tells which event
    /// is another
    #[arg(long, value_name = "FILE|DIR")]
    against: Option<PathBuf>,
    /// Opens every sealed body of a state folder, with the environment's keys; its log must not be in use
    #[arg(long)]
    bodies: bool,
}

/// One thing that was checked.
struct Part {
    /// What it is called.
    place: String,
    /// What it is.
    kind: &'static str,
    report: Report,
}

pub(crate) fn run(session: &Session, arguments: &Arguments) -> Result<ExitCode, Fault> {
    let path = absolute(&arguments.target);
    let given = Given::find(&path)?;
    let keys = Keys::new(known::keys(&arguments.key)?);
    let parts = match &given {
        Given::Store { .. } => store::check(session, &given, arguments, keys)?,
        Given::Tiles(_) | Given::Export(_) | Given::Proof(_) | Given::Evidence(_) => {
            refuse_options(&given, arguments)?;
            let (place, kind) = (files::place(&path), given.kind());
            vec![Part { report: other(&given, arguments, &keys, &place)?, place, kind }]
        }
    };
    let holds = parts.iter().all(|part| part.report.verdict() == Verdict::Holds);
    show::show(session.output(), &parts, holds);
    let failed = Class::EvidenceInvalid.exit_code();
    Ok(if holds { ExitCode::SUCCESS } else { ExitCode::from(failed) })
}

/// Checks what is no store.
fn other(given: &Given, arguments: &Arguments, keys: &Keys, place: &str) -> Result<Report, Fault> {
    match given {
        Given::Store { .. } => Ok(Report::default()),
        Given::Tiles(folder) => {
            needs_key(keys, "tiles")?;
            tiles(folder, place, keys)
        }
        Given::Export(path) => {
            let source = || open(path).map(|file| BufReader::with_capacity(BUFFER, file));
            let mut report = verify::export(&mut source()?, place, keys)?;
            if let Some(against) = arguments.against.as_deref().map(absolute) {
                let (copy, _) = CopyFile::open(&against)?;
                let leaves = |take: TakeLeaf<'_>| copy.leaves(take);
                let copy = Copy { name: files::place(&against), leaves: &leaves };
                verify::compare(&mut source()?, keys, &copy, &mut report)?;
            }
            Ok(report)
        }
        Given::Proof(path) => {
            needs_key(keys, "a proof")?;
            let leaf =
                arguments.leaf.as_deref().map_or_else(|| super::ledger::prove::leaf_of(path), absolute);
            let (proof, leaf) = (files::read(path, Purpose::Proof)?, files::read(&leaf, Purpose::Proof)?);
            Ok(verify::proof(&proof, &leaf, place, keys))
        }
        Given::Evidence(folder) => {
            let read = |name: &str| files::read(&folder.join(name), Purpose::Evidence);
            let text = files::read_text(&folder.join("keys.txt"), Purpose::Evidence)?;
            let (checkpoint, events) = (read("checkpoint")?, read("events.jsonl")?);
            // A proof that is not there is evidence that fails, not a wrong command.
            let proof = |number: u64| {
                read(&format!("proofs/{number}.tlog-proof")).map_err(|fault| {
                    Fault::new(Class::EvidenceInvalid, Owner::Operator, fault.rule())
                        .at(fault.place())
                        .says(fault.message())
                        .hint("ask for the evidence again: a proof is missing")
                })
            };
            let parts = Evidence { keys: &text, checkpoint: &checkpoint, events: &events, proof: &proof };
            Ok(verify::evidence(&parts, place, keys))
        }
    }
}

/// Checks a folder of tiles.
fn tiles(folder: &Path, place: &str, keys: &Keys) -> Result<Report, Fault> {
    let note = files::read(&folder.join("checkpoint"), Purpose::Proof)?;
    verify::tiles(&tile_dir(folder)?, &note, place, keys)
}

fn tile_dir(folder: &Path) -> Result<TileDir, Fault> {
    let dir: Dir = crate::running::state::folder(folder)?;
    Ok(TileDir::new(dir))
}

fn open(path: &Path) -> Result<File, Fault> {
    File::open(path).map_err(|error| {
        Fault::new(Class::BadInput, Owner::Caller, files::READ)
            .at(files::place(path))
            .says(format_args!("it cannot be read: {error}"))
            .hint("check that the file is yours to read")
    })
}

fn needs_key(keys: &Keys, what: &str) -> Result<(), Fault> {
    if keys.has_log() {
        return Ok(());
    }
    Err(Fault::new(Class::Usage, Owner::Caller, NO_KEY)
        .says(format_args!(
            "{what} brings no key along: without the log's public key nothing can be said about it"
        ))
        .hint("name it with --key; the operator has it from `stepward ledger key`"))
}

fn refuse_options(given: &Given, arguments: &Arguments) -> Result<(), Fault> {
    let copied = matches!(given, Given::Export(_)) || arguments.against.is_none();
    if copied && arguments.checkpoint.is_empty() && !arguments.bodies {
        return Ok(());
    }
    Err(Fault::new(Class::Usage, Owner::Caller, NOT_A_STORE)
        .says("--checkpoint and --bodies are for a state folder or a ledger.db, --against for an export, too")
        .hint("leave them out, or name the store itself"))
}
