//! The store of run keys: keys.db and wrapping.db.
//!
//! keys.db holds a key for each run, wrapped under the wrapping key of the week in which the run
//! began. wrapping.db holds the wrapping keys, wrapped under a key of the environment's root. They
//! are two files so that backups can keep them apart: a copy of one is of no use without the other.
//!
//! SQLite opens a database by its path, so the embedder hands paths in; nothing else of the file
//! system is touched than these two files and the logs that SQLite keeps beside them.
//!
//! One process uses a store at a time. The lock of the environment's log guarantees that, and this
//! store takes none of its own. Within the process, callers take turns.

mod backup;
mod database;
mod pair;
mod rotation;
mod runs;
mod week;
mod wrapping;

#[cfg(test)]
mod tests;

use crate::{EnvironmentRoot, RunKey, aead, aead::random};
use database::Database;
use pair::Pair;
pub use rotation::{Held, Rotated};
use std::{
    fmt,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use stepward_fault::{Class, Fault, Owner, Rule};
use wrapping::{Wrapping, WrappingKey};

/// A run has a key already, or had one.
const EXISTS: Rule = Rule::new("run-key-exists");
/// No run of that name has or had a key.
const UNKNOWN: Rule = Rule::new("run-key-unknown");
/// A run's key is there and does not open.
const DAMAGED: Rule = Rule::new("run-key-damaged");
/// The run's name is empty or too long.
const NAME: Rule = Rule::new("run-key-name");
/// A key is still there after it was erased.
const STAYED: Rule = Rule::new("key-store-not-erased");
/// No wrapping key opens.
const ENVIRONMENT_KEY: Rule = Rule::new("environment-key-mismatch");

/// Longest name of a run in bytes: any identifier, and no data.
pub const RUN_NAME_BYTES: usize = 256;

/// The run keys of one environment. See the [crate] for what stands where.
pub struct RunKeys {
    root: Arc<aead::Key>,
    store: Mutex<Store>,
}

struct Store {
    pair: Pair,
    /// The newest wrapping key; none before the first run, or when its row is damaged: then the
    /// next run gets a new one.
    current: Option<WrappingKey>,
}

/// What is known of a run's key.
#[derive(Debug)]
pub enum Lookup {
    /// It is there and opens.
    Key(RunKey),
    /// No run of that name ever had one in this store. When the log knows the run, this store is
    /// older than the log.
    Never,
    /// It was erased: the run's bodies cannot be opened any more.
    Erased {
        /// When, in Unix milliseconds.
        at_ms: u64,
    },
    /// It is there and does not open. Other runs are not touched by that.
    Damaged(Fault),
}

/// The key of a run that begins.
#[derive(Debug)]
pub enum Begun {
    /// It was made now.
    New(RunKey),
    /// It was there. Where the log has a run of this name by now, another start was faster: then it is
    /// that run's.
    Left(RunKey),
}

/// A run's key is gone from the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Erased {
    /// The number of the wrapping key that older copies of the run's key are under. Copies of
    /// wrapping.db that hold it must be destroyed, too.
    pub wrapping_key: u64,
    /// Whether those copies can still be opened.
    pub completion: Completion,
}

/// Whether an erasure is complete: no copy of keys.db, however old, can be opened for that run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Completion {
    /// The wrapping key is destroyed.
    Done {
        /// Since when, in Unix milliseconds.
        at_ms: u64,
    },
    /// The wrapping key is still there.
    Due {
        /// The first moment at which [`RunKeys::rotate`] destroys it, in Unix milliseconds. Nothing is
        /// destroyed before somebody rotates at or after it.
        at_ms: u64,
    },
}

impl Erased {
    /// Since when the erasure is complete; where it is not, the moment before which it will not be, and
    /// at or after which [`RunKeys::rotate`] completes it.
    pub const fn complete_at_ms(&self) -> u64 {
        match self.completion {
            Completion::Done { at_ms } | Completion::Due { at_ms } => at_ms,
        }
    }
}

impl RunKeys {
    /// Opens the store, or makes it when neither file exists. Completes what a crash interrupted.
    ///
    /// # Errors
    /// When one file is missing, older than the other, damaged or something else; when the
    /// environment's key is not the one that the store was made with; when the files cannot be
    /// used.
    pub fn open(keys: &Path, wrapping: &Path, root: &EnvironmentRoot) -> Result<Self, Fault> {
        let root = root.wrapping();
        let pair = Pair::open(keys, wrapping)?;
        let current = newest(&pair, &root)?;
        // A crash may have come after something was overwritten and before its log was emptied.
        for database in [&pair.keys, &pair.wrapping] {
            if database.has_log()? { database.scrub()? } else { database.checkpoint()? }
        }
        Ok(Self { root, store: Mutex::new(Store { pair, current }) })
    }

    /// Makes the key of a run that begins. It is durable when this returns.
    ///
    /// The first run of a week also makes the week's wrapping key, in a commit of its own.
    ///
    /// # Errors
    /// When the run has a key, or had one that was erased; when the store cannot be written.
    pub fn create(&self, run: &str, now_ms: u64) -> Result<RunKey, Fault> {
        let Named(run) = Named::check(run)?;
        let mut store = self.store();
        let Store { pair, current } = &mut *store;
        let (wrapping, _) = week_key(pair, current, &self.root, now_ms)?;
        let bytes = random()?;
        let key = RunKey::new(&bytes)?;
        let wrapped = wrapping.wrap(run, &bytes)?;
        let added = pair.keys.change(|transaction| {
            runs::note_newest(transaction, wrapping.id)?;
            runs::insert(transaction, run, wrapping.id, &wrapped, now_ms)
        })?;
        if added == 0 { Err(exists(run)) } else { Ok(key) }
    }

    /// The key of a run that begins under a name which the log has no run of. It is made, as
    /// [`create`](Self::create) does, or is the one that a start left which ended before its run was in
    /// the log. Nothing was ever sealed under that one and kept.
    ///
    /// # Errors
    /// When the run had a key that was erased; when the key that is there does not open; when the store
    /// cannot be written.
    pub fn begin(&self, run: &str, now_ms: u64) -> Result<Begun, Fault> {
        match self.get(run)? {
            Lookup::Never => self.create(run, now_ms).map(Begun::New),
            Lookup::Key(key) => Ok(Begun::Left(key)),
            Lookup::Damaged(fault) => Err(fault),
            Lookup::Erased { .. } => Err(exists(run)),
        }
    }

    /// Looks for the key of a run.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn get(&self, run: &str) -> Result<Lookup, Fault> {
        let store = self.store();
        let Some(row) = store.pair.keys.read(|connection| runs::row(connection, run))? else {
            return Ok(Lookup::Never);
        };
        let wrapped = match row.held {
            runs::Held::Wrapped(wrapped) => wrapped,
            runs::Held::Erased { at_ms } => return Ok(Lookup::Erased { at_ms }),
        };
        let damaged = |why: fmt::Arguments<'_>| {
            let fault = Fault::new(Class::EvidenceInvalid, Owner::Operator, DAMAGED)
                .at(format_args!("run {run}"))
                .says(format_args!("the key of this run does not open: {why}"))
                .hint("restore keys.db and wrapping.db from one backup, or erase the run");
            Ok(Lookup::Damaged(fault))
        };
        let id = row.wrapping;
        match wrapping::open(&store.pair.wrapping, &self.root, id)? {
            Wrapping::Open(key) => match key.unwrap(run, &wrapped) {
                Ok(bytes) => Ok(Lookup::Key(RunKey::new(&bytes)?)),
                Err(unopened) => damaged(format_args!("in keys.db, {unopened}")),
            },
            Wrapping::Damaged(unopened) => damaged(format_args!("wrapping key {id} is damaged: {unopened}")),
            Wrapping::Destroyed { .. } => damaged(format_args!("wrapping key {id} is destroyed")),
            Wrapping::Absent => damaged(format_args!("there is no wrapping key {id}")),
        }
    }

    /// The runs whose erasure is not complete: a wrapping key that theirs was under is still there. They
    /// are those of a week or two, and not all that were ever erased.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn incomplete(&self) -> Result<Vec<String>, Fault> {
        let store = self.store();
        let mut runs = Vec::new();
        for id in wrapping::alive(&store.pair.wrapping)? {
            runs.extend(store.pair.keys.read(|connection| runs::erased(connection, id))?);
        }
        Ok(runs)
    }

    /// How many runs have a key here, or had one that was erased.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn count(&self) -> Result<u64, Fault> {
        self.store().pair.keys.read(runs::count)
    }

    /// Erases the key of a run. Its row goes at once; a tombstone without a key stays. Erasing
    /// again changes nothing and tells how far the erasure is.
    ///
    /// # Errors
    /// When no such run has or had a key; when the store cannot be written, or another program
    /// holds it open: then erase again.
    pub fn erase(&self, run: &str, now_ms: u64) -> Result<Erased, Fault> {
        let mut store = self.store();
        let Store { pair, current } = &mut *store;
        let Some(row) = pair.keys.read(|connection| runs::row(connection, run))? else {
            return Err(Fault::new(Class::Refused, Owner::Caller, UNKNOWN)
                .at(format_args!("run {run}"))
                .says("no run of this name has or had a key")
                .hint("look for the run with `stepward ledger show`"));
        };
        match pair.keys.change(|transaction| runs::erase(transaction, run, now_ms))? {
            Some(runs::Row { held: runs::Held::Erased { .. }, .. }) => {}
            Some(runs::Row { held: runs::Held::Wrapped(_), .. }) | None => {
                return Err(stayed(&pair.keys, format_args!("the key of run {run} was erased")));
            }
        }
        pair.keys.scrub()?;
        let completion = completion(pair, current.as_ref(), &self.root, row.wrapping, now_ms)?;
        Ok(Erased { wrapping_key: row.wrapping, completion })
    }

    /// Makes the wrapping key of a week that began, and destroys older ones under which keys were
    /// erased, after the run keys that are alive under them were wrapped under the newest. Does
    /// nothing when nothing is due. A clock that went back by a week at most makes no new key. One that
    /// went back further does: it was far ahead before, and erasures would wait for that time.
    ///
    /// A crash anywhere loses no run key; calling again completes what was begun.
    ///
    /// # Errors
    /// When the store cannot be written, or another program holds it open: then rotate again.
    pub fn rotate(&self, now_ms: u64) -> Result<Rotated, Fault> {
        self.rotate_told(now_ms, &mut |_| Ok(()))
    }

    /// [Rotates](Self::rotate), and tells which wrapping keys go before any of them does: what `told` wrote by
    /// then stands also after a crash. They stay where it refuses, until the next rotation. No other call of
    /// these keys returns meanwhile, so `told` may wait for nothing that waits for one.
    ///
    /// # Errors
    /// What `told` answers, and those of [`rotate`](Self::rotate).
    pub fn rotate_told(
        &self,
        now_ms: u64,
        told: &mut dyn FnMut(&[u64]) -> Result<(), Fault>,
    ) -> Result<Rotated, Fault> {
        let mut store = self.store();
        rotation::rotate(&mut store, &self.root, now_ms, told, &mut || Ok(()))
    }

    /// Copies both databases, as they are at this moment, into two new files. Keep them apart: who
    /// has both and the environment's key can open every body.
    ///
    /// # Errors
    /// When a file is there already, or cannot be written. What was written by then stays.
    pub fn backup(&self, keys_to: &Path, wrapping_to: &Path) -> Result<(), Fault> {
        let store = self.store();
        store.pair.keys.copy(keys_to)?;
        store.pair.wrapping.copy(wrapping_to)
    }

    /// Copies both databases while another process uses the store. No key is needed for it.
    ///
    /// The two are read one after the other, and the copies are checked to belong together: when a
    /// rotation came between, they are made again.
    ///
    /// # Errors
    /// As [`backup`](Self::backup); and when the store is missing or damaged, or its parts do not
    /// belong together.
    pub fn backup_in_use(
        keys: &Path,
        wrapping: &Path,
        keys_to: &Path,
        wrapping_to: &Path,
    ) -> Result<(), Fault> {
        backup::in_use([keys, wrapping], [keys_to, wrapping_to])
    }

    fn store(&self) -> MutexGuard<'_, Store> {
        // Every change is one transaction, which a panic rolls back: what another thread left
        // behind is whole.
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for RunKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RunKeys(…)")
    }
}

fn exists(run: &str) -> Fault {
    Fault::new(Class::Refused, Owner::Embedder, EXISTS)
        .at(format_args!("run {run}"))
        .says("this run has a key already, or had one that was erased")
        .hint("give each run a name of its own")
}

/// A run's name that can be kept.
struct Named<'a>(&'a str);

impl<'a> Named<'a> {
    fn check(run: &'a str) -> Result<Self, Fault> {
        if (1..=RUN_NAME_BYTES).contains(&run.len()) {
            return Ok(Self(run));
        }
        Err(Fault::new(Class::Refused, Owner::Embedder, NAME)
            .says(format_args!("a run's name of {} bytes cannot be kept", run.len()))
            .hint(format_args!("it has 1 to {RUN_NAME_BYTES} bytes")))
    }
}

/// Opens the newest wrapping key, and refuses a store of which none opens.
fn newest(pair: &Pair, root: &aead::Key) -> Result<Option<WrappingKey>, Fault> {
    let mut ids = wrapping::alive(&pair.wrapping)?.into_iter().rev().peekable();
    let Some(newest) = ids.peek().copied() else { return Ok(None) };
    for id in ids {
        if let Wrapping::Open(key) = wrapping::open(&pair.wrapping, root, id)? {
            return Ok(Some(key).filter(|key| key.id == newest));
        }
    }
    Err(Fault::new(Class::EvidenceInvalid, Owner::Operator, ENVIRONMENT_KEY)
        .at(pair.wrapping.place())
        .says("no wrapping key opens with this environment's key")
        .hint("use the environment's key that this store was made with; if it is that one, wrapping.db is damaged: \
               restore it and keys.db from one backup"))
}

/// Whether a wrapping key was made for this.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Made {
    Now,
    Before,
}

/// The wrapping key of the week: the newest, unless a later week began since, or it is of a week that
/// only a clock far ahead could have meant. Which key is newer is told by its number, never by its week.
fn week_key<'a>(
    pair: &mut Pair,
    current: &'a mut Option<WrappingKey>,
    root: &aead::Key,
    now_ms: u64,
) -> Result<(&'a WrappingKey, Made), Fault> {
    let week = week::of(now_ms);
    let (key, made) = match current.take() {
        Some(key) if week::serves(key.week, week) => (key, Made::Before),
        before => match WrappingKey::create(&mut pair.wrapping, root, week, now_ms) {
            Ok(key) => (key, Made::Now),
            Err(fault) => {
                *current = before;
                return Err(fault);
            }
        },
    };
    Ok((current.insert(key), made))
}

/// How far the erasure of a key is that was under wrapping key `id`.
///
/// Before it came under that one, it may have been under earlier ones: a rotation moves keys only
/// away from wrapping keys that have erasures, so those are waited for, too.
fn completion(
    pair: &Pair,
    current: Option<&WrappingKey>,
    root: &aead::Key,
    id: u64,
    now_ms: u64,
) -> Result<Completion, Fault> {
    for earlier in wrapping::alive(&pair.wrapping)?.into_iter().take_while(|earlier| *earlier <= id) {
        if pair.keys.read(|connection| runs::has_erased(connection, earlier))? {
            // A newest key that the next rotation replaces is like an older one.
            let newest = current.filter(|key| key.id == id && week::serves(key.week, week::of(now_ms)));
            let at_ms = newest.map_or(now_ms, |key| week::end(key.week));
            return Ok(Completion::Due { at_ms });
        }
    }
    match wrapping::open(&pair.wrapping, root, id)? {
        Wrapping::Destroyed { at_ms } => Ok(Completion::Done { at_ms }),
        Wrapping::Open(_) | Wrapping::Damaged(_) | Wrapping::Absent => Ok(Completion::Due { at_ms: now_ms }),
    }
}

/// A change that came back without an error, and left what it should have removed.
fn stayed(database: &Database, what: fmt::Arguments<'_>) -> Fault {
    Fault::new(Class::EvidenceInvalid, Owner::Operator, STAYED)
        .at(database.place())
        .says(format_args!("{what}, and it is still there: something else changes this file"))
        .hint("nothing is erased; look which program opens this file, restore it from a backup, and erase again")
}

/// SQLite's integers are signed: a moment after the year 292,000,000 is that year.
fn number(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
