//! A consistent copy of a log in use.

use super::fault::{Place, refused};
use super::rows::Rows;
use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};
use std::fs::File;
use std::io;
use std::path::Path;
use stepward_fault::{Class, Fault, Rule};

const FILE: Rule = Rule::new("store-backup-file");
const INCOMPLETE: Rule = Rule::new("store-backup-incomplete");

/// Copies in one step, which reads one state of the log however much is written meanwhile.
pub(super) fn copy(rows: &Rows, path: &Path) -> Result<(), Fault> {
    let place = Place::of(path);
    create(path).map_err(|error| {
        refused(Class::Unavailable, FILE, &place)
            .says(format_args!("the file cannot be made: {error}"))
            .hint("name a file that is not there yet, in a folder that can be written")
    })?;
    let mut target = Connection::open(path).map_err(|error| place.fault(&error))?;
    let step = Backup::new(&rows.connection, &mut target)
        .and_then(|backup| backup.step(-1))
        .map_err(|error| place.fault(&error))?;
    if step != StepResult::Done {
        return Err(refused(Class::Unavailable, INCOMPLETE, &place)
            .says(format_args!("the copy was not finished: {step:?}"))
            .hint("remove the file and try again"));
    }
    target.close().map_err(|(_, error)| place.fault(&error))
}

/// Makes an empty file that only its owner can read; SQLite gives the files beside it the same
/// rights. Never opens one that is there: closing it would give back the locks that SQLite holds
/// for this process (POSIX, fcntl).
pub(super) fn create(path: &Path) -> io::Result<()> {
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}
