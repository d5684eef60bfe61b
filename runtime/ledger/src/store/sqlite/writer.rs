//! The one connection that writes.

use super::fault::{Place, damaged, refused};
use super::index::{Index, Remembered};
use super::rows::{Rows, read_rows};
use super::{backup, schema, stray};
use crate::store::owner::Ownership;
use crate::store::{Batch, Entry, Store};
use rusqlite::{Connection, MAIN_DB, OpenFlags, Transaction, TransactionBehavior};
use std::path::Path;
use std::time::Duration;
use stepward_fault::{Class, Fault, Rule};

/// Bytes of events whose pages stay in memory: half of what SQLite keeps by default.
const CACHED: usize = 1 << 20;

const OUT_OF_STEP: Rule = Rule::new("store-out-of-step");

/// A log that this process owns.
#[derive(Debug)]
pub struct Writer {
    rows: Rows,
    size: u64,
    /// Bytes that were written since the pages in memory were given back.
    cached: usize,
    remembered: Remembered,
    /// Given back last.
    _ownership: Ownership,
}

impl Writer {
    /// Opens the file of a log, or makes it. The ownership is that of the lock that belongs to this
    /// file; it is given back when the writer is dropped.
    ///
    /// # Errors
    /// When it is no regular file, it is of another program or a newer version, it has other tables than
    /// a log or rows outside of the log's tree, or it cannot be read and written.
    pub fn open(path: &Path, ownership: Ownership) -> Result<Self, Fault> {
        let place = Place::of(path);
        schema::check_file(path, &place)?;
        // SQLite says best what is wrong with a file or a folder.
        let _ = backup::create(path);
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(path, flags).map_err(|error| place.fault(&error))?;
        check_writable(&connection, &place)?;
        schema::prepare_writer(&mut connection, &place)?;
        let rows = Rows { connection, place };
        let size = rows.head()?.size;
        stray::check(&rows, size)?;
        Ok(Self {
            rows,
            size: size.get(),
            cached: 0,
            remembered: Remembered::default(),
            _ownership: ownership,
        })
    }

    /// Copies the whole log as it is now into a new file; see [`Reader::backup_to`](super::Reader::backup_to).
    ///
    /// # Errors
    /// When there is a file of this name, or it cannot be written.
    pub fn backup_to(&self, path: &Path) -> Result<(), Fault> {
        backup::copy(&self.rows, path)
    }

    /// Gives pages back that will not be read again: those of events that were written. SQLite keeps them
    /// until its cache is full, and from then on drops pages that it needs in the next statement, since all
    /// connections of a process share one limit (SQLite, `SQLITE_ENABLE_MEMORY_MANAGEMENT`).
    fn give_back(&mut self, batch: &Batch) {
        self.cached += batch.entries.iter().map(Entry::bytes).sum::<usize>();
        if self.cached >= CACHED {
            self.cached = 0;
            // Where it fails it costs memory, and the batch is written.
            let _ = self.rows.connection.execute_batch("PRAGMA shrink_memory");
        }
    }

    fn check_step(&self, batch: &Batch) -> Result<(), Fault> {
        let after = batch.first.checked_add(batch.entries.len() as u64);
        if batch.first == self.size && after == Some(batch.head.size.get()) {
            return Ok(());
        }
        Err(refused(Class::Internal, OUT_OF_STEP, &self.rows.place)
            .says(format_args!(
                "a batch of {} events from {} to make {} was given to a log of {}",
                batch.entries.len(),
                batch.first,
                batch.head.size,
                self.size
            ))
            .hint("please report it"))
    }
}

/// SQLite falls back to reading where it cannot write.
fn check_writable(connection: &Connection, place: &Place) -> Result<(), Fault> {
    match connection.is_readonly(MAIN_DB) {
        Ok(false) => Ok(()),
        Ok(true) => Err(place.read_only()),
        Err(error) => Err(place.fault(&error)),
    }
}

read_rows!(Writer);

impl Store for Writer {
    fn commit(&mut self, batch: &Batch) -> Result<(), Fault> {
        self.check_step(batch)?;
        let place = &self.rows.place;
        if let Err(error) = write(&mut self.rows.connection, &mut self.remembered, batch) {
            self.remembered.clear();
            return Err(place.fault(&error));
        }
        self.size = batch.head.size.get();
        self.give_back(batch);
        Ok(())
    }

    fn erase_bodies(&mut self, run: &str) -> Result<u64, Fault> {
        let sql = "WITH RECURSIVE event(sequence) AS (
                       SELECT last FROM run WHERE name = ?1
                       UNION ALL
                       SELECT previous FROM event JOIN leaf USING (sequence) WHERE previous < sequence
                   )
                   DELETE FROM body WHERE sequence IN (SELECT sequence FROM event)";
        let erase = || {
            let erased = self.rows.connection.prepare_cached(sql)?.execute([run])?;
            // Moves the overwritten pages into the file and empties the WAL, unless a reader needs it
            // still: nobody waits for that one, and a later move does it.
            self.rows.connection.busy_timeout(Duration::ZERO)?;
            self.rows.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
            self.rows.connection.busy_timeout(schema::BUSY)?;
            Ok(erased)
        };
        let erased = erase().map_err(|error: rusqlite::Error| self.rows.place.fault(&error))?;
        u64::try_from(erased).map_err(|error| damaged(&self.rows.place, format_args!("{error}")))
    }
}

/// Writes a batch in one transaction.
fn write(connection: &mut Connection, remembered: &mut Remembered, batch: &Batch) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if !batch.entries.is_empty() {
        write_entries(&transaction, remembered, batch)?;
    }
    write_rest(&transaction, batch)?;
    transaction.commit()
}

fn write_entries(
    transaction: &Transaction<'_>,
    remembered: &mut Remembered,
    batch: &Batch,
) -> rusqlite::Result<()> {
    let mut index = Index::of(transaction, remembered);
    let mut leaf = transaction.prepare_cached("INSERT INTO leaf VALUES (?1, ?2, ?3, ?4)")?;
    let mut body = transaction.prepare_cached("INSERT INTO body VALUES (?1, ?2)")?;
    for (sequence, entry) in (batch.first..).zip(&batch.entries) {
        let previous =
            entry.run.as_ref().map(|link| index.link(sequence, entry.hash, link)).transpose()?.flatten();
        leaf.execute((sequence, entry.hash.as_bytes().as_slice(), previous, entry.leaf.as_slice()))?;
        if let Some(sealed) = &entry.body {
            body.execute((sequence, sealed.as_slice()))?;
        }
    }
    index.finish()?;
    let mut subtree = transaction.prepare_cached("INSERT INTO subtree VALUES (?1, ?2, ?3)")?;
    for made in &batch.subtrees {
        subtree.execute((made.level, made.index, made.hash.as_bytes().as_slice()))?;
    }
    Ok(())
}

fn write_rest(transaction: &Transaction<'_>, batch: &Batch) -> rusqlite::Result<()> {
    transaction.prepare_cached("UPDATE head SET size = ?1, root = ?2, seal = ?3 WHERE only = 0")?.execute(
        (batch.head.size.get(), batch.head.root.as_bytes().as_slice(), batch.seal.as_bytes().as_slice()),
    )?;
    for signed in &batch.checkpoints {
        transaction
            .prepare_cached("INSERT OR REPLACE INTO checkpoint VALUES (?1, ?2)")?
            .execute((signed.size, &signed.note))?;
    }
    for known in &batch.facts {
        transaction
            .prepare_cached("INSERT OR REPLACE INTO fact VALUES (?1, ?2)")?
            .execute((&known.name, known.value.as_slice()))?;
    }
    Ok(())
}
