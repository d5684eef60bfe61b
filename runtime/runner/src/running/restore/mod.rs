//! Putting a log back from a backup, so that a crash at any moment leaves the old state, the restored
//! one, or one that is finished by doing it again.
//!
//! ```text
//!  backup ─► .restoring-…/   copied, checked, restore recorded, checkpoint signed, synced
//!         ─► restore.json    from here on it will be finished
//!         ─► replaced-…/     what was there is moved aside
//!         ─► ledger.db keys.db wrapping.db tiles/   and the new files take its place
//! ```
//!
//! While `restore.json` lies there, nothing else opens the environment.

pub(crate) mod disk;
pub(crate) mod manifest;
pub(crate) mod prepare;

use crate::{
    files::{self, Purpose, Readers},
    render::utc,
};
use disk::{fallible, sync_folder};
use manifest::Manifest;
use serde::{Deserialize, Serialize};
use std::{fs, path::Path};
use stepward_fault::{Class, Fault, Owner, Rule};

/// The rule that a restore is finished before anything else happens.
const HALF: Rule = Rule::new("restore-unfinished");
/// The rule that one restore is finished before another one begins.
const OTHER: Rule = Rule::new("restore-other");
/// The rule that the note of a restore is one.
const NOTE: Rule = Rule::new("restore-note");

/// The three databases.
pub(crate) const LEDGER: &str = "ledger.db";
/// The wrapped keys of runs.
pub(crate) const KEYS: &str = "keys.db";
/// The keys that wrap them.
pub(crate) const WRAPPING: &str = "wrapping.db";
/// The files that only the environment's key makes sense of.
pub(crate) const KEPT: [&str; 3] = [LEDGER, KEYS, WRAPPING];
/// The published log.
pub(crate) const TILES: &str = "tiles";
/// What SQLite puts beside a database. It must never lie beside another one.
const BESIDE: [&str; 2] = ["-wal", "-shm"];

/// The note of a restore that is under way.
const PENDING: &str = "restore.json";
/// The schema of that note.
const SCHEMA: &str = "stepward.restore-pending/1";
/// How the folder of a restore in preparation begins; one that nobody works on any more is worthless.
const STAGED: &str = ".restoring-";
/// How the folders begin in which logs lie that were replaced.
const REPLACED: &str = "replaced-";

/// A restore that is prepared, and will be finished.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Pending {
    schema: String,
    /// The folder with the new files.
    staged: String,
    /// The folder for the old ones.
    aside: String,
    phase: Phase,
    /// What is told at the end, by whichever process comes to it.
    told: Told,
}

/// What a restore came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Told {
    /// What the backup says of itself.
    pub(crate) manifest: Manifest,
    /// The log's name from then on.
    pub(crate) origin: String,
    /// Its generation.
    pub(crate) generation: u32,
    /// The folder of the log that was there before, where one was.
    pub(crate) replaced: Option<String>,
    /// The runs that had not ended when the backup was made.
    pub(crate) unfinished: Vec<Doubted>,
    /// The runs that were erased since: with the backup's keys they can be opened again.
    pub(crate) erased: Vec<String>,
}

/// A run that had not ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Doubted {
    /// Its name.
    pub(crate) run: String,
    /// Where it stands, in one word; none where its record cannot be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) standing: Option<String>,
    /// The same in words, with what to type.
    pub(crate) words: String,
}

/// What is called after each step.
type Moved<'a> = &'a mut dyn FnMut() -> Result<(), Fault>;

/// How far it is. In each of the two, what lies at its place is either all old or all new.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Phase {
    /// Files at their places are old ones: they are moved aside.
    MovingAside,
    /// Files at their places are new ones: the rest follows.
    MovingIn,
}

/// Everything that belongs to the log of a state.
fn belongings() -> impl Iterator<Item = String> {
    let databases = KEPT.into_iter().flat_map(|name| {
        std::iter::once(name.to_owned()).chain(BESIDE.into_iter().map(move |end| format!("{name}{end}")))
    });
    databases.chain([TILES.to_owned()])
}

/// What of a log lies in a state.
pub(crate) fn present(root: &Path) -> Vec<String> {
    belongings().filter(|name| root.join(name).symlink_metadata().is_ok()).collect()
}

/// Refuses while a restore is half done.
pub(crate) fn check_settled(root: &Path) -> Result<(), Fault> {
    let note = root.join(PENDING);
    if note.symlink_metadata().is_err() {
        return Ok(());
    }
    Err(Fault::new(Class::Unavailable, Owner::Operator, HALF)
        .at(files::place(&note))
        .says("a restore of this environment was interrupted, and its files are not all in their places")
        .hint("`stepward restore` with the same arguments finishes it; everything that it needs is here"))
}

/// Notes that a prepared restore will be finished, and finishes it. The caller owns the log.
pub(crate) fn commit(root: &Path, staged: &Path, aside: &str, told: Told) -> Result<Told, Fault> {
    let name = staged.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let pending = Pending {
        schema: SCHEMA.to_owned(),
        staged: name,
        aside: aside.to_owned(),
        phase: Phase::MovingAside,
        told,
    };
    write(root, &pending)?;
    finish(root, pending, &mut || Ok(()))
}

/// Finishes a restore that was interrupted, and says what it came to; nothing where there is none. The
/// caller owns the log. `wanted` is the manifest of the backup that is meant: the restore of another one
/// is not finished in its name.
pub(crate) fn settle(
    root: &Path,
    wanted: impl FnOnce() -> Result<Manifest, Fault>,
) -> Result<Option<Told>, Fault> {
    if check_settled(root).is_ok() {
        return Ok(None);
    }
    let note = root.join(PENDING);
    // It names runs, of which there may be many.
    let pending: Pending = serde_json::from_str(&files::read_text(&note, Purpose::Evidence)?)
        .map_err(|error| foreign(&note, &error.to_string()))?;
    // A name that leads out of the state was not written here.
    let plain = |name: &str| !name.is_empty() && name != ".." && !name.contains('/');
    if pending.schema != SCHEMA || !plain(&pending.staged) || !plain(&pending.aside) {
        return Err(foreign(&note, "it is of another version, or names folders elsewhere"));
    }
    if wanted()? != pending.told.manifest {
        return Err(other(&note, &pending.told.manifest));
    }
    finish(root, pending, &mut || Ok(())).map(Some)
}

/// A name for the folder of the log that is replaced now. `moment` is in seconds since 1970.
pub(crate) fn aside(root: &Path, moment: u64) -> String {
    let text = utc(moment).replace(['-', ':'], "");
    let names =
        std::iter::once(format!("{REPLACED}{text}")).chain((2..).map(|n| format!("{REPLACED}{text}-{n}")));
    names.into_iter().find(|name| root.join(name).symlink_metadata().is_err()).unwrap_or_default()
}

/// Removes what restores left that were interrupted before they were noted.
pub(crate) fn clean(root: &Path) -> Result<(), Fault> {
    for name in files::folders(root)?.into_iter().filter(|name| name.starts_with(STAGED)) {
        files::remove_folder(&root.join(name))?;
    }
    Ok(())
}

/// Finishes what a note says. `moved` is called after each step: the tests stop there.
fn finish(root: &Path, mut pending: Pending, moved: Moved<'_>) -> Result<Told, Fault> {
    let (staged, aside) = (root.join(&pending.staged), root.join(&pending.aside));
    moved()?;
    if pending.phase == Phase::MovingAside {
        // Otherwise nothing was there, or all of it is aside already.
        if !present(root).is_empty() {
            files::make_private_folder(&aside)?;
            move_all(root, &aside, moved)?;
        }
        pending.phase = Phase::MovingIn;
        write(root, &pending)?;
        moved()?;
    }
    move_all(&staged, root, moved)?;
    files::remove_folder(&staged)?;
    moved()?;
    let note = root.join(PENDING);
    fallible(&note, fs::remove_file(&note))?;
    sync_folder(root)?;
    Ok(pending.told)
}

/// Moves what belongs to a log from one folder to another, durably.
fn move_all(from: &Path, to: &Path, moved: Moved<'_>) -> Result<(), Fault> {
    for name in present(from) {
        fallible(&to.join(&name), fs::rename(from.join(&name), to.join(&name)))?;
        moved()?;
    }
    sync_folder(to)?;
    if from.is_dir() { sync_folder(from) } else { Ok(()) }
}

fn write(root: &Path, pending: &Pending) -> Result<(), Fault> {
    let text = serde_json::to_string(pending).unwrap_or_default();
    files::write(&root.join(PENDING), text.as_bytes(), Readers::Owner)?;
    sync_folder(root)
}

fn other(note: &Path, of: &Manifest) -> Fault {
    Fault::new(Class::Refused, Owner::Caller, OTHER)
        .at(files::place(note))
        .says(format_args!(
            "a restore of another backup was interrupted here: that of {} events, made at {}",
            of.size,
            utc(of.time_ms / 1000)
        ))
        .hint("`stepward restore` with that backup's folders finishes it; after that this one can be restored with --replace")
}

fn foreign(note: &Path, why: &str) -> Fault {
    Fault::new(Class::EvidenceInvalid, Owner::Operator, NOTE)
        .at(files::place(note))
        .says(format_args!("this is not the note of a restore: {why}"))
        .hint("keep the folder; look which of its files are the log's, and restore into another state")
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests make the files that they look at")]
mod tests;
