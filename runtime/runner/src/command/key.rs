//! `stepward key`

use super::backup::operator::{self, Recorded};
use crate::{
    files::{self, Readers},
    render::{DIM, GOOD, Table, WARN, styled},
    running::{
        key_source::{Places, Source, is_there, read_plain, unseal},
        live::Wanted,
        restore::disk::{fallible, sync_folder},
        signals,
        state::State,
    },
    session::Session,
};
use clap::{Args, Subcommand};
use serde::Serialize;
use std::{fs, io::Write as _, path::Path, process::ExitCode};
use stepward_fault::{Class, Fault, Owner, Rule, shown};
use stepward_ledger::{
    event::Act,
    note::LogSigner,
    store::{Records as _, sqlite::Reader},
};
use stepward_seam::{Label, SecretBytes};
use stepward_vault::{EnvironmentRoot, Rotated, passphrase};

/// The rule that there is something to protect, or to unprotect.
const NOTHING: Rule = Rule::new("key-form");
/// The rule that a sealed key opens to the one that was sealed.
const SEALED: Rule = Rule::new("key-sealed");

/// Looks after the key of an environment.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Says where the key comes from and which it is; never shows it
    Show(Arguments),
    /// Seals the key under a new passphrase; from then on every command that needs it asks
    ///
    /// The passphrase is asked for twice, or read from --passphrase-file. The sealed file is written,
    /// synced and opened again before the open one is overwritten and removed. What a file system with
    /// snapshots or a worn flash cell keeps of it is out of reach.
    Protect(Arguments),
    /// Opens the sealed key for good
    Unprotect(Arguments),
    /// Makes the wrapping key of a new week now, and destroys those under which runs were erased
    ///
    /// The same happens by itself whenever the log is opened.
    RotateWrapping(Arguments),
}

/// Which environment is meant.
#[derive(Args)]
pub(crate) struct Arguments {
    /// The environment [default: dev]
    #[arg(long, value_name = "NAME")]
    env: Option<String>,
}

pub(crate) fn run(session: &Session, command: &Command) -> Result<ExitCode, Fault> {
    let (Command::Show(arguments)
    | Command::Protect(arguments)
    | Command::Unprotect(arguments)
    | Command::RotateWrapping(arguments)) = command;
    let environment = Wanted::new(arguments.env.as_deref())?;
    let state = State::open(session, &environment.name)?;
    match command {
        Command::Show(_) => show(session, &state, &environment.name),
        Command::Protect(_) => protect(session, &state, &environment.name),
        Command::Unprotect(_) => unprotect(session, &state, &environment.name),
        Command::RotateWrapping(_) => rotate(session, &state, &environment.name),
    }
}

/// What is shown of a key.
#[derive(Serialize)]
struct Shown<'a> {
    environment: &'a str,
    source: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<String>,
    /// The name of a log under this key.
    #[serde(skip_serializing_if = "Option::is_none")]
    origin: Option<&'a str>,
    /// The name of the log that is here.
    #[serde(skip_serializing_if = "Option::is_none")]
    log: Option<&'a str>,
}

fn show(session: &Session, state: &State, environment: &Label) -> Result<ExitCode, Fault> {
    let places = Places::of(state.root());
    let output = session.output();
    let lies = |path: &Path| if is_there(path) { styled(WARN, "there") } else { styled(DIM, "absent") };
    let mut table = Table::new(&["in this order", "place", "state"]);
    let credential = places.credential.as_deref();
    let place = credential.map_or_else(|| "no CREDENTIALS_DIRECTORY is set".to_owned(), files::place);
    table.row(vec!["credential".to_owned(), place, credential.map_or_else(|| styled(DIM, "absent"), lies)]);
    table.row(vec!["sealed".to_owned(), files::place(&places.sealed), lies(&places.sealed)]);
    table.row(vec!["plain".to_owned(), files::place(&places.plain), lies(&places.plain)]);
    output.line(table);
    let source = places.source()?;
    let origin = match source {
        Source::Nowhere => None,
        Source::Credential(_) | Source::Sealed(_) | Source::Plain(_) => {
            Some(origin(environment, &state.existing_environment_key()?)?)
        }
    };
    let log = log_here(state);
    let fits = |log: &String| {
        origin.as_ref().is_some_and(|origin| log == origin || log.starts_with(&format!("{origin}/g")))
    };
    output.line(match &origin {
        Some(origin) => {
            format!("used: {}; a log under this key is {}", styled(GOOD, source.word()), shown(origin))
        }
        None => "there is no key yet; the first run makes one".to_owned(),
    });
    if let Some(log) = &log {
        output.line(format_args!(
            "the log here is {}: {}",
            shown(log),
            if fits(log) { styled(GOOD, "this key's") } else { styled(WARN, "ANOTHER key's") }
        ));
    }
    output.json(
        "stepward.key/1",
        &Shown {
            environment: environment.as_str(),
            source: source.word(),
            place: source.path().map(files::place),
            origin: origin.as_deref(),
            log: log.as_deref(),
        },
    );
    Ok(ExitCode::SUCCESS)
}

/// The name of the first generation of a log under a key: it shows a hash of the public key that signs.
fn origin(environment: &Label, key: &SecretBytes) -> Result<String, Fault> {
    let seed = EnvironmentRoot::derive(key)?.log_signing_seed();
    let signer = LogSigner::of_environment(environment.as_str(), std::num::NonZeroU32::MIN, &seed);
    signer.map(|signer| signer.origin().to_string()).map_err(|error| {
        Fault::new(Class::Internal, Owner::Stepward, SEALED).says(error).hint("please report this")
    })
}

/// The name in the newest checkpoint of the log here. Nothing of it is checked.
fn log_here(state: &State) -> Option<String> {
    let newest = Reader::open(&state.ledger()).ok()?.checkpoint(u64::MAX).ok()??;
    newest.note.lines().next().map(str::to_owned)
}

/// What became of the key.
#[derive(Serialize)]
struct Changed<'a> {
    environment: &'a str,
    source: &'static str,
    origin: String,
    /// Whether the log says so: not where there is none, or another process owns it.
    recorded: bool,
}

fn protect(session: &Session, state: &State, environment: &Label) -> Result<ExitCode, Fault> {
    let places = Places::of(state.root());
    if !is_there(&places.plain) {
        return Err(nothing(
            &places.plain,
            if is_there(&places.sealed) {
                "the key is sealed already"
            } else {
                "there is no key file to seal"
            },
        ));
    }
    let key = read_plain(&places.plain)?;
    let passphrase = if is_there(&places.sealed) {
        // Interrupted after the sealed file was written: it must open to this very key.
        state.unlock().passphrase(environment.as_str())?
    } else {
        let passphrase = state.unlock().new_passphrase(environment.as_str())?;
        let sealed = passphrase::seal(&passphrase, &key, passphrase::Cost::RECOMMENDED)?;
        files::write_new(&places.sealed, &sealed)?;
        sync_folder(&state.root().join("keys"))?;
        passphrase
    };
    check_same(&places.sealed, &unseal(&places.sealed, &passphrase)?, &key)?;
    wipe(&places.plain)?;
    let recorded = record(session, state, environment, &key, Act::KeyProtected);
    let meaning = "the key is sealed; without its passphrase it is lost: keep that where the machine is not";
    changed(session, environment, ("sealed", meaning), &key, recorded);
    Ok(ExitCode::SUCCESS)
}

fn unprotect(session: &Session, state: &State, environment: &Label) -> Result<ExitCode, Fault> {
    let places = Places::of(state.root());
    if !is_there(&places.sealed) {
        return Err(nothing(&places.sealed, "there is no sealed key"));
    }
    let key = unseal(&places.sealed, &state.unlock().passphrase(environment.as_str())?)?;
    if !is_there(&places.plain) {
        files::write(&places.plain, key.expose(), Readers::Owner)?;
        sync_folder(&state.root().join("keys"))?;
    }
    check_same(&places.plain, &read_plain(&places.plain)?, &key)?;
    wipe(&places.sealed)?;
    let recorded = record(session, state, environment, &key, Act::KeyUnprotected);
    changed(session, environment, ("plain", "the key lies open in its file"), &key, recorded);
    Ok(ExitCode::SUCCESS)
}

/// Writes into the log what became of its key. That is done, whatever comes of this.
fn record(session: &Session, state: &State, environment: &Label, key: &SecretBytes, act: Act) -> Recorded {
    operator::record(session, state, environment, key, act).unwrap_or_else(|fault| {
        session.output().warning(format_args!("that this was done does not stand in the log: {fault}"));
        Recorded::Nowhere
    })
}

fn changed(
    session: &Session,
    environment: &Label,
    (source, meaning): (&'static str, &str),
    key: &SecretBytes,
    recorded: Recorded,
) {
    let origin = origin(environment, key).unwrap_or_default();
    session.output().line(format_args!("{}: {meaning}", styled(GOOD, source)));
    let recorded = recorded == Recorded::InLog;
    session
        .output()
        .json("stepward.key/1", &Changed { environment: environment.as_str(), source, origin, recorded });
}

fn nothing(path: &Path, says: &str) -> Fault {
    Fault::new(Class::Refused, Owner::Caller, NOTHING)
        .at(files::place(path))
        .says(says)
        .hint("`stepward key show` says where the key comes from")
}

fn check_same(path: &Path, found: &SecretBytes, key: &SecretBytes) -> Result<(), Fault> {
    if found.expose() == key.expose() {
        return Ok(());
    }
    Err(Fault::new(Class::Refused, Owner::Operator, SEALED)
        .at(files::place(path))
        .says("this is another key than the one beside it, so neither was removed")
        .hint("`stepward key show` with only one of the two in its place says which is the log's; move the other away"))
}

/// Overwrites a file with zeros and removes it. The overwriting is worth what the disk makes of it; the
/// removal is what must succeed.
fn wipe(path: &Path) -> Result<(), Fault> {
    let overwritten = fs::OpenOptions::new().write(true).open(path).and_then(|mut file| {
        let zeros = vec![0; usize::try_from(file.metadata()?.len()).unwrap_or_default()];
        file.write_all(&zeros)?;
        file.sync_all()
    });
    // A file that may not be written can still be removed.
    drop(overwritten);
    fallible(path, fs::remove_file(path))?;
    sync_folder(path.parent().unwrap_or(path))
}

/// What a rotation did.
#[derive(Serialize)]
struct Turned {
    /// The wrapping key that it made.
    #[serde(skip_serializing_if = "Option::is_none")]
    created: Option<u64>,
    /// How many keys of runs came under the newest.
    rewrapped: u64,
    /// Those that it destroyed: erasures under them are complete.
    destroyed: Vec<u64>,
    /// Those that it could not destroy.
    held: Vec<u64>,
}

fn rotate(session: &Session, state: &State, environment: &Label) -> Result<ExitCode, Fault> {
    operator::check_log(state, environment)?;
    // Opening the log rotates, once the keys are known to be those of the log.
    let rotated = signals::block_on(operator::acted(session, state, environment, Act::KeysRotated))?;
    let output = session.output();
    let Rotated { created, rewrapped, destroyed, held } = rotated;
    output.line(match created {
        Some(id) => format!("a new week began: wrapping key {} is made", styled(GOOD, id)),
        None => "the wrapping key of this week is there already".to_owned(),
    });
    output.line(if destroyed.is_empty() {
        "none was destroyed: no run was erased under an earlier one".to_owned()
    } else {
        let ids = destroyed.iter().map(u64::to_string).collect::<Vec<_>>().join(", ");
        format!(
            "wrapping keys {ids} are destroyed, after {rewrapped} keys of other runs came under the newest: what was \
             erased under them is gone for good once copies of wrapping.db that have them are destroyed, too"
        )
    });
    let held = held.into_iter().map(|held| held.wrapping_key).collect();
    output.json("stepward.rotation/1", &Turned { created, rewrapped, destroyed, held });
    Ok(ExitCode::SUCCESS)
}
