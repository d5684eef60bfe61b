//! Copying a log and its keys while another process writes them, and reading the copy back.

use super::Target;
use crate::{
    files,
    running::{
        book::Signing,
        restore::{
            disk::fallible,
            prepare::{check_head, check_keys},
        },
        state::State,
    },
};
use rusqlite::{
    Connection, OpenFlags,
    backup::{Backup, StepResult},
};
use std::{fs, os::unix::fs::OpenOptionsExt as _, path::Path, time::Duration};
use stepward_fault::{Class, Fault, Owner, Rule};
use stepward_ledger::{
    merkle::{Frontier, LeafHash, TreeHead},
    note::SignedCheckpoint,
    store::{Records, sqlite::Reader},
};
use stepward_seam::Label;
use stepward_vault::{EnvironmentRoot, RunKeys};

/// The rule that the keys can be copied.
const COPY: Rule = Rule::new("backup-copy");
/// The rule that each event of a copy is the one that was written.
const EVENT: Rule = Rule::new("backup-event");

/// How often the keys are copied again where their owner destroyed wrapping keys in between, which
/// happens once a week.
const TRIES: u32 = 3;
/// How long another connection's lock is waited for. Those of a service are short.
const BUSY: Duration = Duration::from_secs(5);
/// What SQLite leaves beside a database that was only read.
const BESIDE: [&str; 2] = ["-wal", "-shm"];

/// A copy that was read back.
pub(super) struct Copied {
    /// Its tree, signed.
    pub(super) signed: SignedCheckpoint,
    /// Which generation of the log it is.
    pub(super) generation: u32,
}

/// Copies the log and then the keys, so that the keys know every run of the log, and reads all of it
/// back.
pub(super) fn copy(
    state: &State,
    environment: &Label,
    root: &EnvironmentRoot,
    target: &Target,
) -> Result<Copied, Fault> {
    Reader::open(&state.ledger())?.backup_to(&target.ledger())?;
    let copied = {
        let reader = Reader::open(&target.ledger())?;
        copy_keys(state, root, &reader, target)?;
        read_back(&reader, environment, root)?
    };
    for end in BESIDE {
        let left = format!("{}{end}", target.ledger().display());
        // A log of changes that is not empty would be part of the copy.
        if fs::metadata(&left).is_ok_and(|left_over| end == "-shm" || left_over.len() == 0) {
            fallible(Path::new(&left), fs::remove_file(&left))?;
        }
    }
    Ok(copied)
}

fn copy_keys(state: &State, root: &EnvironmentRoot, log: &Reader, target: &Target) -> Result<(), Fault> {
    let (keys, wrapping) = (target.keys(), target.wrapping());
    for tried in 1.. {
        copy_database(&state.run_keys(), &keys)?;
        copy_database(&state.wrapping_keys(), &wrapping)?;
        match RunKeys::open(&keys, &wrapping, root) {
            Ok(opened) => return check_keys(log, &opened),
            // The two were copied one after the other, and wrapping keys were destroyed in between.
            Err(fault) if tried < TRIES && fault.class() == Class::EvidenceInvalid => {
                for copy in [&keys, &wrapping] {
                    fallible(copy, fs::remove_file(copy))?;
                }
            }
            Err(fault) => return Err(fault),
        }
    }
    Ok(())
}

/// Copies one state of a database into a new file. Nothing is written to the original.
fn copy_database(from: &Path, to: &Path) -> Result<(), Fault> {
    let failed = |path: &Path, error: &dyn std::fmt::Display| {
        Fault::new(Class::Unavailable, Owner::Operator, COPY)
            .at(files::place(path))
            .says(format_args!("the keys cannot be copied: {error}"))
            .hint("check that both folders are there and yours, and that the disk has room")
    };
    // Empty, for its owner alone, and nobody's before.
    fallible(to, fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(to).map(drop))?;
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let source = Connection::open_with_flags(from, flags).map_err(|error| failed(from, &error))?;
    source.busy_timeout(BUSY).map_err(|error| failed(from, &error))?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut target = Connection::open_with_flags(to, flags).map_err(|error| failed(to, &error))?;
    // In one step, which reads one state of the original however much is written meanwhile.
    let step = Backup::new(&source, &mut target).and_then(|backup| backup.step(-1));
    match step {
        Ok(StepResult::Done) => target.close().map_err(|(_, error)| failed(to, &error)),
        Ok(unfinished) => Err(failed(from, &format_args!("{unfinished:?}"))),
        Err(error) => Err(failed(from, &error)),
    }
}

/// Hashes every event of a copy, compares the tree with the one that it says, and signs it.
fn read_back(records: &Reader, environment: &Label, root: &EnvironmentRoot) -> Result<Copied, Fault> {
    let head = records.head()?;
    check_head(tree(records, head)?, head)?;
    let signing = Signing::of(records, environment, root)?;
    signing.newest(records)?;
    // The copy holds what is durable, so every later tree extends this one.
    Ok(Copied { signed: signing.signer().sign(head), generation: signing.generation().get() })
}

fn tree(records: &Reader, head: TreeHead) -> Result<TreeHead, Fault> {
    let mut frontier = Frontier::default();
    records.leaves(0..head.size.get(), &mut |leaf| {
        let hash = LeafHash::of(leaf.bytes);
        let changed = || {
            Fault::new(Class::EvidenceInvalid, Owner::Operator, EVENT)
                .at(format_args!("event {}", leaf.sequence))
                .says("the event is not the one that was written")
                .hint("the log itself is damaged: `stepward verify` says where; keep the last good backup")
        };
        if hash != leaf.hash {
            return Err(changed());
        }
        frontier.append(hash).map(drop).map_err(|_| changed())
    })?;
    Ok(frontier.head())
}
