//! The tables, and how a file is recognised.

use super::fault::{Place, refused};
use rusqlite::Connection;
use std::{path::Path, time::Duration};
use stepward_fault::{Class, Fault, Rule};

/// Marks the file as a Stepward ledger: `SwLg` in ASCII (SQLite, file format, offset 68).
const APPLICATION_ID: i32 = 0x5377_4c67;

/// The version of the tables (SQLite, file format, offset 60).
const VERSION: i32 = 2;

/// Pages in the WAL, of 4 KiB, after which a commit moves them into the file: 16 MiB. Four times
/// SQLite's own choice, since every move is two more syncs.
const WAL_PAGES: u32 = 4096;

/// Bytes that the WAL is cut to after it was moved.
const WAL_KEPT: i64 = 32 << 20;

/// How long to wait for another connection: only recovery after a crash and the end of the last
/// connection hold the file, and both are short.
pub(super) const BUSY: Duration = Duration::from_secs(5);

/// Statements that a connection keeps prepared: more than there are.
const STATEMENTS: usize = 32;

const OTHER_FILE: Rule = Rule::new("store-other-file");
const NEWER: Rule = Rule::new("store-newer");
const EMPTY: Rule = Rule::new("store-empty");
const TABLES_CHANGED: Rule = Rule::new("store-tables");
const FILE_KIND: Rule = Rule::new("store-file-kind");

/// The events of a run are a chain, from `run.last` through `leaf.previous`: an index of its own would
/// touch a page for every run in a batch, which is most of what a commit would write.
const TABLES: &str = "
CREATE TABLE leaf (
    sequence INTEGER PRIMARY KEY,
    hash BLOB NOT NULL CHECK (length(hash) = 32),
    previous INTEGER,
    bytes BLOB NOT NULL
) STRICT;
CREATE TABLE subtree (
    level INTEGER NOT NULL,
    number INTEGER NOT NULL,
    hash BLOB NOT NULL CHECK (length(hash) = 32),
    PRIMARY KEY (level, number)
) STRICT, WITHOUT ROWID;
CREATE TABLE body (
    sequence INTEGER PRIMARY KEY,
    sealed BLOB NOT NULL
) STRICT;
CREATE TABLE run (
    opened INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    last INTEGER NOT NULL,
    open INTEGER NOT NULL CHECK (open IN (0, 1)),
    events INTEGER NOT NULL,
    chain BLOB NOT NULL CHECK (length(chain) = 32)
) STRICT;
CREATE INDEX run_open ON run (opened) WHERE open = 1;
CREATE TABLE checkpoint (
    size INTEGER PRIMARY KEY,
    note TEXT NOT NULL
) STRICT;
CREATE TABLE fact (
    name TEXT PRIMARY KEY,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE head (
    only INTEGER PRIMARY KEY CHECK (only = 0),
    size INTEGER NOT NULL,
    root BLOB NOT NULL CHECK (length(root) = 32),
    seal BLOB CHECK (length(seal) = 32)
) STRICT;
";

/// What a file turned out to be.
enum Kind {
    New,
    Ours,
}

/// Makes a connection ready to write, and the tables where the file is new.
pub(super) fn prepare_writer(connection: &mut Connection, place: &Place) -> Result<(), Fault> {
    settle(connection, place)?;
    let kind = recognise(connection, place)?;
    let set = |name: &str, value: &str| {
        connection.pragma_update(None, name, value).map_err(|error| place.fault(&error))
    };
    set("journal_mode", "WAL")?;
    set("synchronous", "FULL")?;
    set("secure_delete", "ON")?;
    set("wal_autocheckpoint", &WAL_PAGES.to_string())?;
    set("journal_size_limit", &WAL_KEPT.to_string())?;
    match kind {
        Kind::Ours => Ok(()),
        Kind::New => create(connection).map_err(|error| place.fault(&error)),
    }
}

/// Makes a connection ready to read.
pub(super) fn prepare_reader(connection: &Connection, place: &Place) -> Result<(), Fault> {
    settle(connection, place)?;
    match recognise(connection, place)? {
        Kind::Ours => Ok(()),
        Kind::New => Err(refused(Class::Unavailable, EMPTY, place)
            .says("there is no log in this file yet")
            .hint("start the service once, or name the right environment")),
    }
}

/// A link would let two owners with two locks write one file, and a pipe would never answer.
pub(super) fn check_file(path: &Path, place: &Place) -> Result<(), Fault> {
    match path.symlink_metadata() {
        Ok(found) if !found.is_file() => Err(refused(Class::BadInput, FILE_KIND, place)
            .says("this is no regular file")
            .hint("a log lies in a file of its own, and is reached by no link: put the file itself there")),
        // What is not there is told, or made, where it is opened.
        Ok(_) | Err(_) => Ok(()),
    }
}

fn settle(connection: &Connection, place: &Place) -> Result<(), Fault> {
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.busy_timeout(BUSY).map_err(|error| place.fault(&error))
}

fn recognise(connection: &Connection, place: &Place) -> Result<Kind, Fault> {
    let number = |pragma: &str| {
        connection
            .pragma_query_value(None, pragma, |row| row.get::<_, i32>(0))
            .map_err(|error| place.fault(&error))
    };
    let tables: u32 = connection
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
        .map_err(|error| place.fault(&error))?;
    match (number("application_id")?, number("user_version")?) {
        (0, 0) if tables == 0 => Ok(Kind::New),
        (APPLICATION_ID, VERSION) => check_tables(connection, place).map(|()| Kind::Ours),
        (APPLICATION_ID, version) => Err(refused(Class::Unavailable, NEWER, place)
            .says(format_args!("the log has version {version}; this program knows version {VERSION}"))
            .hint("use the program that wrote it, or a newer one")),
        (_, _) => Err(refused(Class::BadInput, OTHER_FILE, place)
            .says("this is a database of another program")
            .hint("name the right file; nothing was changed in this one")),
    }
}

/// One row of `sqlite_schema`: type, name, table, text.
type Object = (String, String, String, Option<String>);

/// The file has our tables and nothing else: a trigger or a view would make other things of what is
/// written and read.
fn check_tables(connection: &Connection, place: &Place) -> Result<(), Fault> {
    let ours = Connection::open_in_memory().and_then(|ours| {
        ours.execute_batch(TABLES)?;
        objects(&ours)
    });
    let ours = ours.map_err(|error| place.fault(&error))?;
    let found = objects(connection).map_err(|error| place.fault(&error))?;
    let strange = found.iter().find(|object| !ours.contains(object));
    let gone = ours.iter().find(|object| !found.contains(object));
    let says = match (strange, gone) {
        (None, None) => return Ok(()),
        (Some((kind, name, ..)), _) => {
            format!("the {kind} `{}` is not one of a log", stepward_fault::shown(name))
        }
        (None, Some((kind, name, ..))) => format!("the {kind} `{name}` of a log is not there"),
    };
    Err(refused(Class::EvidenceInvalid, TABLES_CHANGED, place)
        .says(says)
        .hint("something else changed this file: keep it, put the last good copy back, or `stepward restore` a backup"))
}

fn objects(connection: &Connection) -> rusqlite::Result<Vec<Object>> {
    let mut rows = connection.prepare("SELECT type, name, tbl_name, sql FROM sqlite_schema")?;
    rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?.collect()
}

/// Version and tables come together or not at all.
fn create(connection: &mut Connection) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    transaction.execute_batch(TABLES)?;
    transaction.execute(
        "INSERT INTO head VALUES (0, 0, ?1, NULL)",
        [crate::merkle::RootHash::empty().as_bytes().as_slice()],
    )?;
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", VERSION)?;
    transaction.commit()
}

#[cfg(test)]
mod tests {
    use super::{Place, WAL_PAGES, prepare_writer};
    use rusqlite::Connection;

    #[test]
    fn every_commit_is_synced_and_what_is_deleted_is_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.db");
        let mut connection = Connection::open(&path).unwrap();
        prepare_writer(&mut connection, &Place::of(&path)).unwrap();
        let number =
            |pragma| connection.pragma_query_value(None, pragma, |row| row.get::<_, u32>(0)).unwrap();
        // 2 is FULL: in WAL mode, a sync of the WAL after each transaction (SQLite, PRAGMA synchronous).
        assert_eq!((number("synchronous"), number("secure_delete")), (2, 1));
        assert_eq!(number("wal_autocheckpoint"), WAL_PAGES);
        let mode: String = connection.pragma_query_value(None, "journal_mode", |row| row.get(0)).unwrap();
        assert_eq!(mode, "wal");
    }
}
