//! What SQLite's errors mean to an operator.

use rusqlite::{Error, ErrorCode, ffi};
use std::path::Path;
use stepward_fault::{Class, Fault, Owner, Rule};

const FULL: Rule = Rule::new("store-disk-full");
const READ_ONLY: Rule = Rule::new("store-read-only");
const CANNOT_OPEN: Rule = Rule::new("store-cannot-open");
const IO: Rule = Rule::new("store-io");
const BUSY: Rule = Rule::new("store-busy");
const NO_MEMORY: Rule = Rule::new("store-no-memory");
const CORRUPT: Rule = Rule::new("store-corrupt");
const SQL: Rule = Rule::new("store-sql");

/// The file's name as it is shown.
#[derive(Clone, Debug)]
pub(super) struct Place(String);

impl Place {
    pub(super) fn of(path: &Path) -> Self {
        Self(path.display().to_string())
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// The file can be read and not written.
    pub(super) fn read_only(&self) -> Fault {
        refused(Class::Unavailable, READ_ONLY, self)
            .says("the file cannot be written")
            .hint("check the mount options of the disk, and the permissions of the file and its folder")
    }

    /// What an error of SQLite means.
    pub(super) fn fault(&self, error: &Error) -> Fault {
        let (class, rule, hint) = match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => {
                (Class::Unavailable, FULL, "the disk is full: make room, then start again")
            }
            Some(ErrorCode::ReadOnly) => return self.read_only(),
            Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => (
                Class::Unavailable,
                CANNOT_OPEN,
                "check that the file is there and that this account may use it and its folder",
            ),
            // The file of the shared index cannot grow, which is a full disk by another name.
            Some(ErrorCode::SystemIoFailure) if is_short_of_room(error) => {
                (Class::Unavailable, FULL, "the disk is full: make room, then start again")
            }
            Some(ErrorCode::SystemIoFailure) => {
                (Class::Unavailable, IO, "the disk reports errors: look at the kernel's log")
            }
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                (Class::Unavailable, BUSY, "another program holds the file: find it with `fuser`")
            }
            Some(ErrorCode::OutOfMemory) => (Class::Unavailable, NO_MEMORY, "give the process more memory"),
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase | ErrorCode::ConstraintViolation) => {
                (Class::EvidenceInvalid, CORRUPT, DAMAGED)
            }
            _ if is_of_another_kind(error) => (Class::EvidenceInvalid, CORRUPT, DAMAGED),
            _ => return refused(Class::Internal, SQL, self).says(error).hint("please report it"),
        };
        refused(class, rule, self).says(error).hint(hint)
    }
}

/// What to do about damage.
pub(super) const DAMAGED: &str = "the file is damaged: keep a copy, then restore the last backup; `stepward verify` says what can be saved";

fn is_short_of_room(error: &Error) -> bool {
    error.sqlite_error().is_some_and(|error| error.extended_code == ffi::SQLITE_IOERR_SHMSIZE)
}

/// A column that does not hold what was written there.
fn is_of_another_kind(error: &Error) -> bool {
    matches!(
        error,
        Error::InvalidColumnType(..)
            | Error::IntegralValueOutOfRange(..)
            | Error::FromSqlConversionFailure(..)
            | Error::QueryReturnedNoRows
            | Error::Utf8Error(..)
    )
}

/// A refusal about the file.
pub(super) fn refused(class: Class, rule: Rule, place: &Place) -> Fault {
    let owner = match class {
        Class::Internal => Owner::Stepward,
        _ => Owner::Operator,
    };
    Fault::new(class, owner, rule).at(place.as_str())
}

/// Damage that SQLite does not see.
pub(super) fn damaged(place: &Place, what: std::fmt::Arguments<'_>) -> Fault {
    refused(Class::EvidenceInvalid, CORRUPT, place).says(what).hint(DAMAGED)
}
