//! The two databases as one store: made together, and checked to belong to one moment.
//!
//! Each carries the same random number. keys.db also notes the newest wrapping key that it knows.
//! A wrapping key is committed in wrapping.db first, so between two crashes keys.db is behind by
//! one at most, and never ahead: every other difference means that one of the files is an older
//! copy.

use super::{
    database::{Database, State},
    runs, wrapping,
};
use crate::aead::random;
use rusqlite::Connection;
use std::path::Path;
use stepward_fault::{Class, Fault, Owner, Rule};

/// One of the two files is not there, or empty.
const INCOMPLETE: Rule = Rule::new("key-store-incomplete");
/// The two files were made apart.
const DIFFERENT: Rule = Rule::new("key-store-mismatch");
/// keys.db is older than wrapping.db.
pub(super) const KEYS_OLDER: Rule = Rule::new("run-keys-older");
/// wrapping.db is older than keys.db.
const WRAPPING_OLDER: Rule = Rule::new("wrapping-keys-older");
/// Rows of wrapping.db were removed.
const REMOVED: Rule = Rule::new("wrapping-keys-removed");

/// keys.db and wrapping.db, of one moment.
pub(super) struct Pair {
    pub(super) keys: Database,
    pub(super) wrapping: Database,
}

impl Pair {
    /// Opens both, or makes both.
    pub(super) fn open(keys: &Path, wrapping: &Path) -> Result<Self, Fault> {
        let (keys, keys_state) = Database::open(keys, &runs::KIND)?;
        let (wrapping, wrapping_state) = Database::open(wrapping, &wrapping::KIND)?;
        let mut pair = Self { keys, wrapping };
        match (keys_state, wrapping_state) {
            (State::Ready, State::Ready) => pair.check()?,
            (State::Empty, State::Empty) => {
                let id = *random::<16>()?;
                pair.wrapping.set_up(&wrapping::KIND, |transaction| {
                    let sql = "INSERT INTO pair (one, id) VALUES (1, ?1)";
                    transaction.execute(sql, [id]).map(drop)
                })?;
                pair.set_up_keys(id)?;
            }
            // The first start ended between the two: nothing was ever wrapped.
            (State::Empty, State::Ready) if wrapping::newest(&pair.wrapping)? == 0 => {
                let id = pair.wrapping.read(id)?;
                pair.set_up_keys(id)?;
            }
            (State::Empty, State::Ready) => return Err(incomplete(&pair.keys, &pair.wrapping)),
            (State::Ready, State::Empty) => return Err(incomplete(&pair.wrapping, &pair.keys)),
        }
        Ok(pair)
    }

    fn set_up_keys(&mut self, id: [u8; 16]) -> Result<(), Fault> {
        self.keys.set_up(&runs::KIND, |transaction| {
            let sql = "INSERT INTO pair (one, id, newest_wrapping) VALUES (1, ?1, 0)";
            transaction.execute(sql, [id]).map(drop)
        })
    }

    fn check(&mut self) -> Result<(), Fault> {
        if self.keys.read(id)? != self.wrapping.read(id)? {
            return Err(mismatch(&self.keys, DIFFERENT)
                .says("keys.db and wrapping.db were not made together")
                .hint("look whether the files of two environments were confused"));
        }
        let known = self.keys.read(|connection| {
            let sql = "SELECT newest_wrapping FROM pair";
            connection.query_row(sql, [], |row| wrapping::unsigned(row, 0))
        })?;
        let newest = wrapping::newest(&self.wrapping)?;
        if known > newest {
            return Err(mismatch(&self.wrapping, WRAPPING_OLDER)
                .says(format_args!(
                    "wrapping.db is older than keys.db: it ends with wrapping key {newest}, and keys.db knows {known}"
                ))
                .hint("restore both from one backup: run keys under the newer wrapping keys are lost without it"));
        }
        if wrapping::count(&self.wrapping)? != newest {
            return Err(mismatch(&self.wrapping, REMOVED)
                .says(format_args!(
                    "wrapping.db ends with wrapping key {newest}, and rows before it are missing"
                ))
                .hint("somebody edited the file: restore keys.db and wrapping.db from one backup"));
        }
        let older = |why: std::fmt::Arguments<'_>| {
            mismatch(&self.keys, KEYS_OLDER)
                .says(format_args!("keys.db is older than wrapping.db: {why}"))
                .hint("restore both from one backup; the copy of wrapping.db holds keys that were destroyed since")
        };
        if known.saturating_add(1) < newest {
            return Err(older(format_args!("it knows wrapping key {known}, and the newest is {newest}")));
        }
        for id in wrapping::destroyed(&self.wrapping)? {
            if self.keys.read(|connection| runs::has_live(connection, id))? {
                return Err(older(format_args!(
                    "it has run keys under wrapping key {id}, which is destroyed"
                )));
            }
        }
        if known < newest {
            self.keys.change(|transaction| runs::note_newest(transaction, newest))?;
        }
        Ok(())
    }
}

fn mismatch(of: &Database, rule: Rule) -> Fault {
    Fault::new(Class::EvidenceInvalid, Owner::Operator, rule).at(of.place())
}

fn incomplete(missing: &Database, present: &Database) -> Fault {
    mismatch(missing, INCOMPLETE)
        .says(format_args!("this key store is missing or empty, and {} is not", present.place()))
        .hint("restore keys.db and wrapping.db from one backup")
}

fn id(connection: &Connection) -> rusqlite::Result<[u8; 16]> {
    connection.query_row("SELECT id FROM pair", [], |row| row.get(0))
}
