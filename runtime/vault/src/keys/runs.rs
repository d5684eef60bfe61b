//! Run keys: one for each run, wrapped under the wrapping key of its week. An erased one leaves its
//! run's name and the number of its wrapping key behind, and no key.

use super::{database::Kind, number, wrapping::unsigned};
use rusqlite::{Connection, OptionalExtension as _, Transaction};

pub(super) const KIND: Kind = Kind {
    application: i32::from_be_bytes(*b"SWrk"),
    version: 1,
    schema: "
        CREATE TABLE pair (
            one INTEGER PRIMARY KEY CHECK (one = 1),
            id BLOB NOT NULL CHECK (length(id) = 16),
            newest_wrapping INTEGER NOT NULL CHECK (newest_wrapping >= 0)
        ) STRICT;
        CREATE TABLE run_key (
            run TEXT PRIMARY KEY NOT NULL,
            wrapping INTEGER NOT NULL CHECK (wrapping > 0),
            wrapped BLOB CHECK (length(wrapped) = 61),
            created_ms INTEGER NOT NULL,
            erased_ms INTEGER,
            CHECK ((wrapped IS NULL) = (erased_ms IS NOT NULL))
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX run_key_live ON run_key (wrapping) WHERE wrapped IS NOT NULL;
        CREATE INDEX run_key_erased ON run_key (wrapping) WHERE wrapped IS NULL;",
};

/// What is known of one run.
pub(super) struct Row {
    pub(super) wrapping: u64,
    pub(super) held: Held,
}

/// A wrapped key, or what is left of it.
pub(super) enum Held {
    Wrapped(Vec<u8>),
    Erased { at_ms: u64 },
}

pub(super) fn row(connection: &Connection, run: &str) -> rusqlite::Result<Option<Row>> {
    connection
        .prepare_cached("SELECT wrapping, wrapped, erased_ms FROM run_key WHERE run = ?1")?
        .query_row([run], |row| {
            let held = match row.get(1)? {
                Some(wrapped) => Held::Wrapped(wrapped),
                None => Held::Erased { at_ms: unsigned(row, 2)? },
            };
            Ok(Row { wrapping: unsigned(row, 0)?, held })
        })
        .optional()
}

/// Adds a run's key. A run that is there already, erased or not, stays as it is: the answer is how
/// many rows were added.
pub(super) fn insert(
    transaction: &Transaction<'_>,
    run: &str,
    wrapping: u64,
    wrapped: &[u8],
    now_ms: u64,
) -> rusqlite::Result<usize> {
    transaction
        .prepare_cached(
            "INSERT INTO run_key (run, wrapping, wrapped, created_ms) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (run) DO NOTHING",
        )?
        .execute((run, number(wrapping), wrapped, number(now_ms)))
}

/// Removes a run's key and leaves its tombstone. One that is there already stays as it is. The answer is
/// the run as it stands then.
pub(super) fn erase(transaction: &Transaction<'_>, run: &str, now_ms: u64) -> rusqlite::Result<Option<Row>> {
    transaction.execute(
        "UPDATE run_key SET wrapped = NULL, erased_ms = ?2 WHERE run = ?1 AND wrapped IS NOT NULL",
        (run, number(now_ms)),
    )?;
    row(transaction, run)
}

/// The runs whose keys were under a wrapping key and are erased, by name.
pub(super) fn erased(connection: &Connection, wrapping: u64) -> rusqlite::Result<Vec<String>> {
    connection
        .prepare_cached(
            "SELECT run FROM run_key INDEXED BY run_key_erased
             WHERE wrapping = ?1 AND wrapped IS NULL ORDER BY run",
        )?
        .query_map([number(wrapping)], |row| row.get(0))?
        .collect()
}

/// Puts a run's key under another wrapping key.
pub(super) fn rewrap(
    transaction: &Transaction<'_>,
    run: &str,
    wrapping: u64,
    wrapped: &[u8],
) -> rusqlite::Result<()> {
    transaction
        .prepare_cached(
            "UPDATE run_key SET wrapping = ?2, wrapped = ?3 WHERE run = ?1 AND wrapped IS NOT NULL",
        )?
        .execute((run, number(wrapping), wrapped))
        .map(drop)
}

/// At most `limit` runs whose keys are under a wrapping key, by name and after a name.
pub(super) fn live(
    connection: &Connection,
    wrapping: u64,
    after: &str,
    limit: u32,
) -> rusqlite::Result<Vec<(String, Vec<u8>)>> {
    connection
        .prepare_cached(
            "SELECT run, wrapped FROM run_key INDEXED BY run_key_live
             WHERE wrapping = ?1 AND wrapped IS NOT NULL AND run > ?2 ORDER BY run LIMIT ?3",
        )?
        .query_map((number(wrapping), after, limit), |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect()
}

/// How many runs have or had a key.
pub(super) fn count(connection: &Connection) -> rusqlite::Result<u64> {
    connection.query_row("SELECT count(*) FROM run_key", [], |row| unsigned(row, 0))
}

/// How many runs have their keys under a wrapping key.
pub(super) fn count_live(connection: &Connection, wrapping: u64) -> rusqlite::Result<u64> {
    connection
        .prepare_cached("SELECT count(*) FROM run_key WHERE wrapping = ?1 AND wrapped IS NOT NULL")?
        .query_row([number(wrapping)], |row| unsigned(row, 0))
}

/// Whether a key that was under this wrapping key is erased.
pub(super) fn has_erased(connection: &Connection, wrapping: u64) -> rusqlite::Result<bool> {
    connection
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM run_key WHERE wrapping = ?1 AND wrapped IS NULL)")?
        .query_row([number(wrapping)], |row| row.get(0))
}

/// Whether a key is under this wrapping key.
pub(super) fn has_live(connection: &Connection, wrapping: u64) -> rusqlite::Result<bool> {
    connection
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM run_key WHERE wrapping = ?1 AND wrapped IS NOT NULL)")?
        .query_row([number(wrapping)], |row| row.get(0))
}

/// Notes the newest wrapping key that this store knows of.
pub(super) fn note_newest(transaction: &Transaction<'_>, wrapping: u64) -> rusqlite::Result<()> {
    transaction
        .prepare_cached("UPDATE pair SET newest_wrapping = ?1 WHERE newest_wrapping < ?1")?
        .execute([number(wrapping)])
        .map(drop)
}
