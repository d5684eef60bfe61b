//! Looking at a log while its owner writes.

use super::fault::Place;
use super::rows::{Rows, read_rows};
use super::{backup, schema, stray};
use rusqlite::{Connection, OpenFlags};
use std::path::Path;
use stepward_fault::Fault;

/// A connection that can only read. Its process may be another one than the owner's.
#[derive(Debug)]
pub struct Reader {
    rows: Rows,
}

impl Reader {
    /// Opens the file of a log.
    ///
    /// # Errors
    /// When there is none, it is of another program or a newer version, or it cannot be read. While no
    /// process has the log open, SQLite needs a folder that can be written.
    pub fn open(path: &Path) -> Result<Self, Fault> {
        let place = Place::of(path);
        schema::check_file(path, &place)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags).map_err(|error| place.fault(&error))?;
        schema::prepare_reader(&connection, &place)?;
        Ok(Self { rows: Rows { connection, place } })
    }

    /// Refuses rows that no event and no head leads to, as [`Writer::open`](super::Writer::open) does: no other
    /// reading would ever meet them.
    ///
    /// # Errors
    /// When there is one, with its place, or the file cannot be read.
    pub fn check_strays(&self) -> Result<(), Fault> {
        stray::check(&self.rows, self.rows.head()?.size)
    }

    /// Copies the whole log as it is now into a new file, while its owner goes on writing. The copy
    /// is synced when this returns; the new name in its folder is the caller's to sync.
    ///
    /// # Errors
    /// When there is a file of this name, or it cannot be written.
    pub fn backup_to(&self, path: &Path) -> Result<(), Fault> {
        backup::copy(&self.rows, path)
    }
}

read_rows!(Reader);
