//! Checking a log in its store, with all that lies around it.

use super::{
    Arguments, NO_KEY, NOT_A_STORE, Part, bodies::Bodies, given::Given, known, needs_key, open, tile_dir,
};
use crate::{
    files::{self, Purpose},
    running::{
        key_source::{Absent, EnvironmentKey, Places, Source},
        live::Found,
        witnesses,
    },
    session::{Session, absolute},
};
use std::{
    io::BufReader,
    num::NonZeroU32,
    path::{Path, PathBuf},
};
use stepward::journal::sealer;
use stepward_fault::{Class, Fault, Owner};
use stepward_ledger::{
    event::Event,
    export::{self, TakeLeaf},
    merkle::TreeSize,
    note::{LogSigner, SignedNote, VerifierKey},
    store::{Records as _, sqlite::Reader},
    tiles::{Source as _, TileDir},
    verify::{self, Beside, Copy, Keys, KnownNote, Opening},
    witness::Policy,
};
use stepward_seam::Label;
use stepward_vault::EnvironmentRoot;

/// Checks a store, and the tiles beside it.
pub(super) fn check(
    session: &Session,
    given: &Given,
    arguments: &Arguments,
    keys: Keys,
) -> Result<Vec<Part>, Fault> {
    let Given::Store { ledger, folder } = given else { return Ok(Vec::new()) };
    let own = match folder {
        Some(folder) if !keys.has_log() || arguments.bodies => Own::of(session, folder)?,
        Some(_) | None => None,
    };
    let keys = match &own {
        Some(own) if !keys.has_log() => keys.with(VerifierKey::Log(own.signer.verifier())),
        Some(_) | None => keys,
    };
    let sealer = own.as_ref().map(|own| sealer(&own.root));
    needs_key(&keys, "a ledger.db without the key of its environment")?;
    let keys = match folder {
        Some(folder) => knowing_witnesses(session, folder, keys),
        None => keys,
    };
    let bodies = match (arguments.bodies, folder, own) {
        (false, _, _) => None,
        (true, Some(folder), Some(own)) => Some(Bodies::of(folder, own.environment, &own.root)?),
        (true, _, _) => return Err(no_bodies()),
    };
    let tiles =
        folder.as_ref().map(|folder| folder.join("tiles")).filter(|tiles| tiles.join("checkpoint").exists());
    let mut kept = known::notes(&arguments.checkpoint)?;
    let copy_path = arguments.against.as_deref().map(absolute).or_else(|| tiles.clone());
    let (copy, newest) = copy_path.as_deref().map(CopyFile::open).transpose()?.unzip();
    kept.extend(newest.flatten());
    let leaves = |take: TakeLeaf<'_>| copy.as_ref().map_or(Ok(()), |copy| copy.leaves(take));
    let open_body = |event: &Event, sealed: &[u8]| match &bodies {
        Some(bodies) => bodies.open(event, sealed),
        None => Ok(Opening::KeyErased),
    };
    let beside = Beside {
        open_body: bodies.is_some().then_some(&open_body),
        kept,
        copy: copy_path.as_deref().map(|path| Copy { name: files::place(path), leaves: &leaves }),
    };
    let (place, reader) = (files::place(ledger), Reader::open(ledger)?);
    let mut report = verify::store(&reader, &keys, &beside)?;
    match reader.check_strays() {
        // No event leads to such rows, so the walk over the events did not meet them.
        Err(fault) if fault.class() == Class::EvidenceInvalid => report.find(fault),
        other => other?,
    }
    if let Some(sealer) = sealer
        && let Err(fault) = sealer.check(reader.index()?)
    {
        report.find(fault);
    }
    let mut parts = vec![Part { report, place, kind: "store" }];
    if let Some(tiles) = tiles {
        let place = files::place(&tiles);
        parts.push(Part { report: super::tiles(&tiles, &place, &keys)?, place, kind: "tiles" });
    }
    Ok(parts)
}

/// The environment that a state folder is named after.
fn environment_of(folder: &Path) -> Option<Label> {
    folder.file_name().and_then(|name| name.to_str()).and_then(|name| Label::new(name).ok())
}

/// Adds the witnesses that the environment's file names, where there is a project. They need not have
/// cosigned each checkpoint, but what claims to be by one of them must be.
fn knowing_witnesses(session: &Session, folder: &Path, keys: Keys) -> Keys {
    let Some(environment) = environment_of(folder) else { return keys };
    let found = Found::at_hand(session.project().ok().as_ref(), &environment);
    let policy = found.and_then(|found| {
        found.as_ref().and_then(|found| found.environment.witnesses()).map(witnesses::policy).transpose()
    });
    match policy {
        Ok(policy) => {
            let known = policy.iter().flat_map(Policy::witnesses).cloned();
            known.fold(keys, Keys::knowing)
        }
        Err(fault) => {
            session.output().warning(format_args!("the environment's witnesses are not known here: {fault}"));
            keys
        }
    }
}

/// The environment's own key.
struct Own {
    environment: Label,
    root: EnvironmentRoot,
    signer: LogSigner,
}

impl Own {
    /// The key of a state folder, where it is there. The folder is named as its environment.
    fn of(session: &Session, folder: &Path) -> Result<Option<Self>, Fault> {
        let Some(environment) = environment_of(folder) else { return Ok(None) };
        if matches!(Places::of(folder).source()?, Source::Nowhere) {
            return Ok(None);
        }
        let key = EnvironmentKey::new(session.unlock()).get(folder, Absent::IsRefused)?;
        let root = EnvironmentRoot::derive(&key)?;
        // The name of another generation is found by that of the first.
        let signer =
            LogSigner::of_environment(environment.as_str(), NonZeroU32::MIN, &root.log_signing_seed());
        let signer = signer.map_err(|error| {
            Fault::new(Class::BadInput, Owner::Operator, NO_KEY)
                .at(files::place(folder))
                .says(format_args!("the environment's key gives no key of a log: {error}"))
                .hint("name the log's public key with --key")
        })?;
        Ok(Some(Self { environment, root, signer }))
    }
}

fn no_bodies() -> Fault {
    Fault::new(Class::Usage, Owner::Caller, NOT_A_STORE)
        .says("bodies are opened with the environment's keys, and these are not here")
        .hint("give the state folder STATE/ENV of the machine that runs the environment")
}

/// Another copy of the log.
pub(super) enum CopyFile {
    Tiles(TileDir, TreeSize),
    Export(PathBuf),
    Store(Reader),
}

impl CopyFile {
    /// Opens a copy, and takes the newest checkpoint that it brings along.
    pub(super) fn open(path: &Path) -> Result<(Self, Option<KnownNote>), Fault> {
        let source = format!("the checkpoint in {}", files::place(path));
        let known = |note: Vec<u8>| Some(KnownNote { note, source: source.clone() });
        Ok(match Given::find(path)? {
            Given::Tiles(folder) => {
                let note = files::read(&folder.join("checkpoint"), Purpose::Proof)?;
                let size = SignedNote::parse(&note).ok().and_then(|note| {
                    let size = note.unverified_text().lines().nth(1)?.parse().ok()?;
                    TreeSize::new(size).ok()
                });
                (Self::Tiles(tile_dir(&folder)?, size.unwrap_or(TreeSize::EMPTY)), known(note))
            }
            Given::Export(file) => {
                let header = export::header(&mut BufReader::new(open(&file)?))?;
                (Self::Export(file), known(header.checkpoint().as_bytes().to_vec()))
            }
            Given::Store { ledger, .. } => {
                let reader = Reader::open(&ledger)?;
                let note = reader.checkpoint(u64::MAX)?.map(|newest| newest.note.into_bytes());
                (Self::Store(reader), note.and_then(known))
            }
            Given::Proof(_) | Given::Evidence(_) => {
                return Err(Fault::new(Class::Usage, Owner::Caller, NOT_A_STORE)
                    .at(files::place(path))
                    .says("this is no copy of a log")
                    .hint("give an export, a folder of tiles, or another ledger.db with --against"));
            }
        })
    }

    pub(super) fn leaves(&self, take: TakeLeaf<'_>) -> Result<(), Fault> {
        match self {
            Self::Tiles(folder, size) => {
                let mut place = 0;
                folder.tree(*size).entries(0..size.get(), &mut |leaf| {
                    place += 1;
                    take(place - 1, leaf)
                })
            }
            Self::Export(file) => {
                let mut source = BufReader::with_capacity(super::BUFFER, open(file)?);
                drop(export::header(&mut source)?);
                export::leaves(&mut source, take)
            }
            Self::Store(reader) => {
                let size = reader.head()?.size.get();
                reader.leaves(0..size, &mut |leaf| take(leaf.sequence, leaf.bytes))
            }
        }
    }
}
