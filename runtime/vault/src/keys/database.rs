//! One SQLite database, set up and checked: its own tables and nothing else, WAL, every commit synced,
//! deleted content overwritten.

use rusqlite::{Connection, ErrorCode, OpenFlags, Transaction, TransactionBehavior, ffi, types::Value};
use std::{fs::OpenOptions, io, os::unix::fs::OpenOptionsExt as _, path::Path, time::Duration};
use stepward_fault::{Class, Fault, Owner, Rule, shown};

/// The database cannot be opened, read or written now.
const UNAVAILABLE: Rule = Rule::new("key-store-unavailable");
/// The database is damaged.
const DAMAGED: Rule = Rule::new("key-store-damaged");
/// The file is another database, or one that a later version made.
const FOREIGN: Rule = Rule::new("key-store-foreign");
/// The database has other tables than its own, or a trigger.
const TABLES: Rule = Rule::new("key-store-tables");
/// The name leads to something else than a file.
const FILE_KIND: Rule = Rule::new("key-store-file-kind");
/// Another program reads the database, so that erased content stays in its write-ahead log.
const HELD: Rule = Rule::new("key-store-held");
/// A file is already there.
const EXISTS: Rule = Rule::new("key-store-exists");

/// How long another program's lock is waited for: one process owns the store, so only a tool that
/// somebody runs by hand is ever in the way.
const BUSY: Duration = Duration::from_secs(5);

/// Bytes of the largest database that is rewritten to be rid of stale content: some 130,000 runs, and a
/// tenth of a second.
const SCRUBBED: i64 = 16 << 20;

/// What one of the two databases is.
pub(super) struct Kind {
    /// SQLite's `application_id`: `file` and others show it.
    pub(super) application: i32,
    /// SQLite's `user_version`: the version of the schema.
    pub(super) version: i32,
    pub(super) schema: &'static str,
}

/// An open database.
pub(super) struct Database {
    connection: Connection,
    place: String,
}

/// Whether a database has its tables.
pub(super) enum State {
    Empty,
    Ready,
}

impl Database {
    /// Opens a database, or makes an empty one that only the owner can read.
    pub(super) fn open(path: &Path, kind: &Kind) -> Result<(Self, State), Fault> {
        let place = name(path);
        check_file(path, &place)?;
        match create(path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                return Err(uncreated(&place, &error));
            }
            Ok(()) | Err(_) => {}
        }
        let connection = connect(path, &place, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        let database = Self { connection, place };
        let state = database.state(kind)?;
        database.configure()?;
        Ok((database, state))
    }

    /// Opens a database that another process may be writing, for reading alone.
    pub(super) fn reader(path: &Path, kind: &Kind) -> Result<Self, Fault> {
        let place = name(path);
        check_file(path, &place)?;
        let connection = connect(path, &place, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        let database = Self { connection, place };
        match database.state(kind)? {
            State::Ready => Ok(database),
            State::Empty => Err(Fault::new(Class::Refused, Owner::Operator, FOREIGN)
                .at(&database.place)
                .says("this key store is empty")
                .hint("there is something to read after the environment's first start")),
        }
    }

    fn state(&self, kind: &Kind) -> Result<State, Fault> {
        let failed = || self.failed("cannot be read");
        let number = |name| self.connection.pragma_query_value(None, name, |row| row.get::<_, i32>(0));
        let application = number("application_id").map_err(failed())?;
        let version = number("user_version").map_err(failed())?;
        let objects = self
            .connection
            .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get::<_, i64>(0))
            .map_err(failed())?;
        if (application, version, objects) == (0, 0, 0) {
            return Ok(State::Empty);
        }
        if application == kind.application && version == kind.version {
            return self.check_tables(kind).map(|()| State::Ready);
        }
        let refused = Fault::new(Class::Refused, Owner::Operator, FOREIGN).at(&self.place);
        Err(if application == kind.application {
            refused
                .says(format_args!(
                    "this key store has version {version}, and version {} is known",
                    kind.version
                ))
                .hint("use the version of Stepward that made it, or a later one")
        } else {
            refused
                .says("this is a database, but not this key store")
                .hint("look whether files were confused; keys.db and wrapping.db are two kinds")
        })
    }

    /// The file has its own tables and nothing else: a trigger or a view would make other things of what
    /// is written and read, such as a key that stays while it is said to be gone.
    fn check_tables(&self, kind: &Kind) -> Result<(), Fault> {
        let ours = Connection::open_in_memory().and_then(|ours| {
            ours.execute_batch(kind.schema)?;
            objects(&ours)
        });
        let ours = ours.map_err(self.failed("cannot be compared"))?;
        let found = objects(&self.connection).map_err(self.failed("cannot be read"))?;
        let strange = found.iter().find(|object| !ours.contains(object));
        let gone = ours.iter().find(|object| !found.contains(object));
        let says = match (strange, gone) {
            (None, None) => return Ok(()),
            (Some((kind, name, ..)), _) => {
                format!("the {} `{}` is not one of a key store", shown(kind), shown(name))
            }
            (None, Some((kind, name, ..))) => format!("the {kind} `{name}` of a key store is not there"),
        };
        Err(Fault::new(Class::EvidenceInvalid, Owner::Operator, TABLES).at(&self.place).says(says).hint(
            "something else changed this file: keep it, and restore keys.db and wrapping.db from one backup",
        ))
    }

    fn configure(&self) -> Result<(), Fault> {
        // A temporary file would be another place that holds wrapped keys.
        for (name, value) in [
            ("trusted_schema", "OFF"),
            ("cell_size_check", "ON"),
            ("temp_store", "MEMORY"),
            ("synchronous", "FULL"),
        ] {
            self.connection.pragma_update(None, name, value).map_err(self.failed("cannot be set up"))?;
        }
        for (name, value, answer) in [("journal_mode", "WAL", "wal"), ("secure_delete", "ON", "1")] {
            let got = self
                .connection
                .pragma_update_and_check(None, name, value, |row| row.get::<_, Value>(0))
                .map_err(self.failed("cannot be set up"))?;
            let got = match got {
                Value::Integer(number) => number.to_string(),
                Value::Text(text) => text,
                Value::Null | Value::Real(_) | Value::Blob(_) => String::new(),
            };
            if got != answer {
                return Err(Fault::new(Class::Unavailable, Owner::Operator, UNAVAILABLE)
                    .at(&self.place)
                    .says(format_args!("SQLite does not set {name} to {value} here, but to {got:?}"))
                    .hint("put the key store on a local file system"));
            }
        }
        Ok(())
    }

    /// Makes the tables and whatever `fill` adds, in one commit.
    pub(super) fn set_up(
        &mut self,
        kind: &Kind,
        fill: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<()>,
    ) -> Result<(), Fault> {
        self.change(|transaction| {
            transaction.execute_batch(kind.schema)?;
            transaction.pragma_update(None, "application_id", kind.application)?;
            transaction.pragma_update(None, "user_version", kind.version)?;
            fill(transaction)
        })
    }

    /// One commit: durable when this returns, or nothing happened.
    pub(super) fn change<T>(
        &mut self,
        act: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, Fault> {
        let changed = (|| {
            let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let value = act(&transaction)?;
            transaction.commit()?;
            Ok(value)
        })();
        changed.map_err(self.failed("cannot be written"))
    }

    /// Reads.
    pub(super) fn read<T>(&self, act: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, Fault> {
        act(&self.connection).map_err(self.failed("cannot be read"))
    }

    /// Moves everything from the write-ahead log into the database and empties the log, so that
    /// content which was overwritten is in neither.
    pub(super) fn checkpoint(&self) -> Result<(), Fault> {
        let busy = self
            .connection
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>(0))
            .map_err(self.failed("cannot be written"))?;
        if busy == 0 {
            return Ok(());
        }
        Err(Fault::new(Class::Unavailable, Owner::Operator, HELD)
            .at(&self.place)
            .says("another program holds this key store open, so what was erased is still in its log file")
            .hint("close that program and erase again: nothing is lost by that"))
    }

    /// Whether the log has something that is not moved into the database yet: after a crash it has.
    pub(super) fn has_log(&self) -> Result<bool, Fault> {
        let frames = self
            .connection
            .query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| row.get::<_, i64>(1))
            .map_err(self.failed("cannot be read"))?;
        Ok(frames > 0)
    }

    /// Rewrites the database, and empties its log, so that content which was overwritten is nowhere in
    /// the two. `secure_delete` alone leaves copies of rows that SQLite moved from page to page, one in
    /// some thousands. A database that is too large for that is left as it is.
    pub(super) fn scrub(&self) -> Result<(), Fault> {
        let number = |name| self.connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
        let bytes = number("page_count").and_then(|pages| Ok(pages.saturating_mul(number("page_size")?)));
        if bytes.map_err(self.failed("cannot be read"))? <= SCRUBBED {
            self.connection.execute_batch("VACUUM").map_err(self.failed("cannot be written"))?;
        }
        self.checkpoint()
    }

    /// Copies the database as it is at this moment into a new file.
    pub(super) fn copy(&self, to: &Path) -> Result<(), Fault> {
        let place = name(to);
        create(to).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => Fault::new(Class::Refused, Owner::Operator, EXISTS)
                .at(&place)
                .says("a backup does not overwrite a file")
                .hint("choose another folder"),
            _ => uncreated(&place, &error),
        })?;
        let mut target = connect(to, &place, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        let copied = rusqlite::backup::Backup::new(&self.connection, &mut target)
            .and_then(|backup| backup.run_to_completion(i32::MAX, Duration::ZERO, None));
        copied.map_err(|error| failed(&place, "cannot be written", &error))?;
        target.close().map_err(|(_, error)| failed(&place, "cannot be written", &error))
    }

    /// Where people find the database.
    pub(super) fn place(&self) -> &str {
        &self.place
    }

    fn failed(&self, what: &'static str) -> impl FnOnce(rusqlite::Error) -> Fault + use<> {
        let place = self.place.clone();
        move |error| failed(&place, what, &error)
    }
}

/// One row of `sqlite_schema`: type, name, table, text.
type Object = (String, String, String, Option<String>);

fn objects(connection: &Connection) -> rusqlite::Result<Vec<Object>> {
    let mut rows = connection.prepare("SELECT type, name, tbl_name, sql FROM sqlite_schema")?;
    rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?.collect()
}

/// What is written must land in this file: by a link it would land, or stay, elsewhere.
fn check_file(path: &Path, place: &str) -> Result<(), Fault> {
    match path.symlink_metadata() {
        Ok(found) if !found.is_file() => Err(Fault::new(Class::Refused, Owner::Operator, FILE_KIND)
            .at(place)
            .says("this is no regular file")
            .hint("a key store lies in two files of its own, reached by no link: put the files themselves there")),
        // What is not there is made, or told, where it is opened.
        Ok(_) | Err(_) => Ok(()),
    }
}

/// How a file is known in messages: without its folder, which is no business of a caller who may
/// see them.
fn name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

/// Makes an empty file for its owner alone. SQLite gives the mode of a database to its log, too.
fn create(path: &Path) -> io::Result<()> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map(drop)
}

fn connect(path: &Path, place: &str, access: OpenFlags) -> Result<Connection, Fault> {
    // No URI: a path is taken as it is. No mutex: whoever holds the connection holds it alone.
    let connection = Connection::open_with_flags(path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)
        .and_then(|connection| connection.busy_timeout(BUSY).map(|()| connection));
    connection.map_err(|error| failed(place, "cannot be opened", &error))
}

fn uncreated(place: &str, error: &io::Error) -> Fault {
    Fault::new(Class::Unavailable, Owner::Operator, UNAVAILABLE)
        .at(place)
        .says(format_args!("the key store cannot be created: {error}"))
        .hint("check that the folder exists and belongs to the account of the service")
}

/// What to do where the disk is full.
const DISK_FULL: &str = "free space on the disk; nothing is lost";

/// What SQLite said, sorted by what can be done about it.
fn failed(place: &str, what: &str, error: &rusqlite::Error) -> Fault {
    let code = error.sqlite_error_code();
    let fault = |class, owner, rule| {
        let fault = Fault::new(class, owner, rule).at(place);
        // The longer text of some of SQLite's errors has the whole path.
        match error.sqlite_error() {
            Some(brief) => fault.says(format_args!("the key store {what}: {brief}")),
            None => fault.says(format_args!("the key store {what}: {error}")),
        }
    };
    let unavailable = || fault(Class::Unavailable, Owner::Operator, UNAVAILABLE);
    match code {
        // A value of a type or range that the schema does not allow was written by something else.
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase | ErrorCode::ConstraintViolation)
        | None => fault(Class::EvidenceInvalid, Owner::Operator, DAMAGED)
            .hint("restore keys.db and wrapping.db from one backup"),
        Some(ErrorCode::DiskFull) => unavailable().hint(DISK_FULL),
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::CannotOpen) => unavailable()
            .hint("check that file and folder belong to the account of the service and are writable"),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            unavailable().hint("another program uses the key store: close it")
        }
        // The file of the shared index cannot grow: nothing but a full disk does that.
        Some(ErrorCode::SystemIoFailure)
            if error.sqlite_error().is_some_and(|error| error.extended_code == ffi::SQLITE_IOERR_SHMSIZE) =>
        {
            unavailable().hint(DISK_FULL)
        }
        Some(ErrorCode::SystemIoFailure) => unavailable().hint("look at the disk and the kernel's log"),
        Some(_) => fault(Class::Internal, Owner::Stepward, UNAVAILABLE)
            .hint(format_args!("please report it, with the version of SQLite: {}", rusqlite::version())),
    }
}
