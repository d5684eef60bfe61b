//! Wrapping keys: one for each week in which a run began, each wrapped under a key of the
//! environment's root. Their numbers grow; their weeks need not, since clocks go back. A destroyed
//! one leaves its number behind, so that no number is used twice and a key store from before can be
//! told.

use super::{
    database::{Database, Kind},
    number,
};
use crate::aead::{Key, Unopened, list, random};
use rusqlite::{Connection, OptionalExtension as _, Transaction};
use stepward_fault::Fault;

pub(super) const KIND: Kind = Kind {
    application: i32::from_be_bytes(*b"SWwk"),
    version: 1,
    schema: "
        CREATE TABLE pair (
            one INTEGER PRIMARY KEY CHECK (one = 1),
            id BLOB NOT NULL CHECK (length(id) = 16)
        ) STRICT;
        CREATE TABLE wrapping_key (
            id INTEGER PRIMARY KEY CHECK (id > 0),
            week INTEGER NOT NULL CHECK (week >= 0),
            wrapped BLOB CHECK (length(wrapped) = 61),
            created_ms INTEGER NOT NULL,
            destroyed_ms INTEGER,
            CHECK ((wrapped IS NULL) = (destroyed_ms IS NOT NULL))
        ) STRICT;",
};

/// A wrapping key that is open.
pub(super) struct WrappingKey {
    pub(super) id: u64,
    pub(super) week: u64,
    key: Key,
}

/// What became of a wrapping key.
pub(super) enum Wrapping {
    Open(WrappingKey),
    /// It is there and does not open.
    Damaged(Unopened),
    Destroyed {
        at_ms: u64,
    },
    /// No key ever had this number, or its row was removed.
    Absent,
}

impl WrappingKey {
    /// Makes the key for a week. It may be used once this returned.
    pub(super) fn create(database: &mut Database, root: &Key, week: u64, now_ms: u64) -> Result<Self, Fault> {
        let id = newest(database)?.saturating_add(1);
        let bytes = random()?;
        let wrapped = root.wrap(&associated(id, week), &bytes)?;
        let key = Key::new(&bytes)?;
        database.change(|transaction| {
            transaction.execute(
                "INSERT INTO wrapping_key (id, week, wrapped, created_ms) VALUES (?1, ?2, ?3, ?4)",
                (number(id), number(week), &wrapped, number(now_ms)),
            )
        })?;
        Ok(Self { id, week, key })
    }

    /// Wraps the key of a run.
    pub(super) fn wrap(&self, run: &str, key: &[u8; 32]) -> Result<Vec<u8>, Fault> {
        self.key.wrap(&run_associated(run, self.id), key)
    }

    /// Opens the key of a run.
    pub(super) fn unwrap(&self, run: &str, wrapped: &[u8]) -> Result<zeroize::Zeroizing<[u8; 32]>, Unopened> {
        self.key.unwrap(&run_associated(run, self.id), wrapped)
    }
}

/// Binds a wrapping key to its row.
fn associated(id: u64, week: u64) -> Vec<u8> {
    list(&[b"stepward/1 wrapping key", &id.to_be_bytes(), &week.to_be_bytes()])
}

/// Binds a run key to its run and to the wrapping key that its row names.
fn run_associated(run: &str, wrapping: u64) -> Vec<u8> {
    list(&[b"stepward/1 run key", run.as_bytes(), &wrapping.to_be_bytes()])
}

/// The highest number that any wrapping key ever had; 0 before the first.
pub(super) fn newest(database: &Database) -> Result<u64, Fault> {
    database.read(|connection| {
        let sql = "SELECT ifnull(max(id), 0) FROM wrapping_key";
        connection.query_row(sql, [], |row| unsigned(row, 0))
    })
}

/// How many numbers are there: as many as the highest says, unless rows were removed.
pub(super) fn count(database: &Database) -> Result<u64, Fault> {
    database.read(|connection| {
        connection.query_row("SELECT count(*) FROM wrapping_key", [], |row| unsigned(row, 0))
    })
}

/// The numbers of the keys that are not destroyed, in order.
pub(super) fn alive(database: &Database) -> Result<Vec<u64>, Fault> {
    numbers(database, "SELECT id FROM wrapping_key WHERE wrapped IS NOT NULL ORDER BY id")
}

/// The numbers of the keys that are destroyed, in order.
pub(super) fn destroyed(database: &Database) -> Result<Vec<u64>, Fault> {
    numbers(database, "SELECT id FROM wrapping_key WHERE wrapped IS NULL ORDER BY id")
}

fn numbers(database: &Database, sql: &str) -> Result<Vec<u64>, Fault> {
    database.read(|connection| {
        let mut rows = connection.prepare_cached(sql)?;
        rows.query_map([], |row| unsigned(row, 0))?.collect()
    })
}

/// Opens one wrapping key.
pub(super) fn open(database: &Database, root: &Key, id: u64) -> Result<Wrapping, Fault> {
    let row = database.read(|connection| row(connection, id))?;
    let Some((week, wrapped, destroyed)) = row else {
        return Ok(Wrapping::Absent);
    };
    let Some(wrapped) = wrapped else {
        return Ok(Wrapping::Destroyed { at_ms: destroyed.unwrap_or_default() });
    };
    match root.unwrap(&associated(id, week), &wrapped) {
        Ok(bytes) => Ok(Wrapping::Open(WrappingKey { id, week, key: Key::new(&bytes)? })),
        Err(unopened) => Ok(Wrapping::Damaged(unopened)),
    }
}

type Row = (u64, Option<Vec<u8>>, Option<u64>);

fn row(connection: &Connection, id: u64) -> rusqlite::Result<Option<Row>> {
    connection
        .prepare_cached("SELECT week, wrapped, destroyed_ms FROM wrapping_key WHERE id = ?1")?
        .query_row([number(id)], |row| {
            let destroyed = row.get::<_, Option<i64>>(2)?.map(|ms| u64::try_from(ms).unwrap_or_default());
            Ok((unsigned(row, 0)?, row.get(1)?, destroyed))
        })
        .optional()
}

/// Destroys wrapping keys.
pub(super) fn destroy(transaction: &Transaction<'_>, ids: &[u64], now_ms: u64) -> rusqlite::Result<()> {
    let mut destroy = transaction.prepare_cached(
        "UPDATE wrapping_key SET wrapped = NULL, destroyed_ms = ?2 WHERE id = ?1 AND wrapped IS NOT NULL",
    )?;
    for id in ids {
        destroy.execute((number(*id), number(now_ms)))?;
    }
    Ok(())
}

/// SQLite's integers are signed; whatever is below zero in these columns was not written here.
pub(super) fn unsigned(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<u64> {
    let value = row.get::<_, i64>(column)?;
    u64::try_from(value).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(column, value))
}
