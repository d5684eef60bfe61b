//! Reading, the same over a writer's connection and a reader's.

use super::fault::{Place, damaged};
use crate::log::{MAX_FACTS, MAX_UNFINISHED};
use crate::merkle::{HASH_BYTES, LeafHash, NodeHash, RootHash, TreeHead, TreeSize};
use crate::store::{Chain, Checkpoint, Fact, Index, Leaf, LeafRef, MAX_PAGE, Run, Seal, TILE_WIDTH};
use rusqlite::{Connection, OptionalExtension as _, Params, Row};
use std::ops::Range;
use stepward_fault::Fault;

/// A connection that knows its file's name.
#[derive(Debug)]
pub(super) struct Rows {
    pub(super) connection: Connection,
    pub(super) place: Place,
}

impl Rows {
    pub(super) fn head(&self) -> Result<TreeHead, Fault> {
        let (size, root) = self
            .one("SELECT size, root FROM head WHERE only = 0", [], |row| {
                Ok((row.get::<_, u64>(0)?, row.get(1)?))
            })?
            .ok_or_else(|| damaged(&self.place, format_args!("the head of the log is missing")))?;
        let size = TreeSize::new(size)
            .map_err(|error| damaged(&self.place, format_args!("the head of the log: {error}")))?;
        Ok(TreeHead { size, root: RootHash::from_bytes(root) })
    }

    pub(super) fn leaves(
        &self,
        range: Range<u64>,
        visit: &mut dyn FnMut(LeafRef<'_>) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let sql =
            "SELECT sequence, hash, bytes FROM leaf WHERE sequence >= ?1 AND sequence < ?2 ORDER BY sequence";
        let mut statement = self.connection.prepare_cached(sql).map_err(|error| self.place.fault(&error))?;
        let mut rows = statement
            .query((clamped(range.start), clamped(range.end)))
            .map_err(|error| self.place.fault(&error))?;
        let mut expected = range.start;
        while let Some(row) = rows.next().map_err(|error| self.place.fault(&error))? {
            let leaf = leaf_ref(row).map_err(|error| self.place.fault(&error))?;
            if leaf.sequence != expected {
                break;
            }
            visit(leaf)?;
            expected += 1;
        }
        if expected < range.end {
            return Err(damaged(&self.place, format_args!("event {expected} is missing")));
        }
        Ok(())
    }

    pub(super) fn leaf(&self, sequence: u64) -> Result<Option<Leaf>, Fault> {
        self.one("SELECT hash, bytes, previous FROM leaf WHERE sequence = ?1", [clamped(sequence)], |row| {
            Ok(Leaf { hash: LeafHash::from_bytes(row.get(0)?), bytes: row.get(1)?, previous: row.get(2)? })
        })
    }

    pub(super) fn hashes(&self, level: u32, from: u64, count: usize) -> Result<Vec<NodeHash>, Fault> {
        let end = from.saturating_add(count.min(TILE_WIDTH) as u64);
        let found = match level {
            0 => self.all(
                "SELECT sequence, hash FROM leaf WHERE sequence >= ?1 AND sequence < ?2 ORDER BY sequence",
                (clamped(from), clamped(end)),
                numbered_hash,
            ),
            _ => self.all(
                "SELECT number, hash FROM subtree WHERE level = ?3 AND number >= ?1 AND number < ?2 ORDER BY number",
                (clamped(from), clamped(end), level),
                numbered_hash,
            ),
        }?;
        let mut hashes = Vec::with_capacity(found.len());
        for (expected, (number, hash)) in (from..).zip(found) {
            if number != expected {
                break;
            }
            hashes.push(hash);
        }
        if hashes.len() < count {
            let missing = from.saturating_add(hashes.len() as u64);
            return Err(damaged(
                &self.place,
                format_args!("hash {missing} of tile level {level} is missing"),
            ));
        }
        Ok(hashes)
    }

    pub(super) fn body(&self, sequence: u64) -> Result<Option<Vec<u8>>, Fault> {
        self.one("SELECT sealed FROM body WHERE sequence = ?1", [clamped(sequence)], |row| row.get(0))
    }

    pub(super) fn run(&self, name: &str) -> Result<Option<Run>, Fault> {
        self.one("SELECT name, opened, last, open, events, chain FROM run WHERE name = ?1", [name], run)
    }

    pub(super) fn events_of(&self, run: &str, from: u64, limit: usize) -> Result<Vec<u64>, Fault> {
        let Some(found) = self.run(run)? else { return Ok(Vec::new()) };
        let events: Vec<u64> = self.all(
            // A link that leads forward is damage, and would never end.
            "WITH RECURSIVE event(sequence) AS (
                 SELECT ?1 WHERE ?1 >= ?2
                 UNION ALL
                 SELECT previous FROM event JOIN leaf USING (sequence) WHERE previous >= ?2 AND previous < sequence
             )
             SELECT sequence FROM event ORDER BY sequence LIMIT ?3",
            (found.last, clamped(from), page(limit)),
            |row| row.get(0),
        )?;
        match events.first() {
            Some(first) if from <= found.opened && *first != found.opened => {
                Err(damaged(&self.place, format_args!("an event of the run before event {first} is missing")))
            }
            _ => Ok(events),
        }
    }

    pub(super) fn open_runs(&self, from: u64, limit: usize) -> Result<Vec<Run>, Fault> {
        self.all(
            "SELECT name, opened, last, open, events, chain FROM run WHERE open = 1 AND opened >= ?1
             ORDER BY opened LIMIT ?2",
            (clamped(from), page(limit)),
            run,
        )
    }

    pub(super) fn runs(&self, before: u64, limit: usize) -> Result<Vec<Run>, Fault> {
        self.all(
            "SELECT name, opened, last, open, events, chain FROM run WHERE opened < ?1 ORDER BY opened DESC LIMIT ?2",
            (clamped(before), page(limit)),
            run,
        )
    }

    pub(super) fn checkpoint(&self, size: u64) -> Result<Option<Checkpoint>, Fault> {
        self.one(
            "SELECT size, note FROM checkpoint WHERE size <= ?1 ORDER BY size DESC LIMIT 1",
            [clamped(size)],
            checkpoint,
        )
    }

    pub(super) fn checkpoints(&self, from: u64, limit: usize) -> Result<Vec<Checkpoint>, Fault> {
        self.all(
            "SELECT size, note FROM checkpoint WHERE size >= ?1 ORDER BY size LIMIT ?2",
            (clamped(from), page(limit)),
            checkpoint,
        )
    }

    pub(super) fn fact(&self, name: &str) -> Result<Option<Vec<u8>>, Fault> {
        self.one("SELECT value FROM fact WHERE name = ?1", [name], |row| row.get(0))
    }

    pub(super) fn index(&self) -> Result<Index, Fault> {
        // One state for all of it, also where another connection writes.
        let state = self.connection.unchecked_transaction().map_err(|error| self.place.fault(&error))?;
        let seal: Option<[u8; HASH_BYTES]> =
            self.one("SELECT seal FROM head WHERE only = 0", [], |row| row.get(0))?.flatten();
        let open = self.all(
            "SELECT name, opened, last, open, events, chain FROM run WHERE open = 1 ORDER BY opened LIMIT ?1",
            [clamped(MAX_UNFINISHED as u64 + 1)],
            run,
        )?;
        let facts =
            self.all("SELECT name, value FROM fact LIMIT ?1", [clamped(MAX_FACTS as u64 + 1)], |row| {
                Ok(Fact { name: row.get(0)?, value: row.get(1)? })
            })?;
        if open.len() > MAX_UNFINISHED || facts.len() > MAX_FACTS {
            return Err(damaged(
                &self.place,
                format_args!("there are more unfinished runs or values than a log can have"),
            ));
        }
        let index = Index { head: self.head()?, seal: seal.map(Seal::from_bytes), open, facts };
        state.finish().map_err(|error| self.place.fault(&error))?;
        Ok(index)
    }

    pub(super) fn one<T>(
        &self,
        sql: &str,
        parameters: impl Params,
        of: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Option<T>, Fault> {
        let read = || self.connection.prepare_cached(sql)?.query_row(parameters, of).optional();
        read().map_err(|error| self.place.fault(&error))
    }

    fn all<T>(
        &self,
        sql: &str,
        parameters: impl Params,
        of: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, Fault> {
        let read = || {
            self.connection.prepare_cached(sql)?.query_map(parameters, of)?.collect::<rusqlite::Result<_>>()
        };
        read().map_err(|error| self.place.fault(&error))
    }
}

fn leaf_ref<'a>(row: &'a Row<'_>) -> rusqlite::Result<LeafRef<'a>> {
    let hash = LeafHash::from_bytes(row.get(1)?);
    Ok(LeafRef { sequence: row.get(0)?, hash, bytes: row.get_ref(2)?.as_blob()? })
}

fn numbered_hash(row: &Row<'_>) -> rusqlite::Result<(u64, NodeHash)> {
    Ok((row.get(0)?, NodeHash::from_bytes(row.get::<_, [u8; HASH_BYTES]>(1)?)))
}

fn run(row: &Row<'_>) -> rusqlite::Result<Run> {
    Ok(Run {
        name: row.get(0)?,
        opened: row.get(1)?,
        last: row.get(2)?,
        open: row.get(3)?,
        events: row.get(4)?,
        chain: Chain::from_bytes(row.get(5)?),
    })
}

fn checkpoint(row: &Row<'_>) -> rusqlite::Result<Checkpoint> {
    Ok(Checkpoint { size: row.get(0)?, note: row.get(1)? })
}

/// A bound as SQLite counts: nothing lies beyond the largest signed number.
fn clamped(bound: u64) -> i64 {
    i64::try_from(bound).unwrap_or(i64::MAX)
}

fn page(limit: usize) -> i64 {
    clamped(limit.min(MAX_PAGE) as u64)
}

/// Forwards [`Records`](crate::store::Records) to the [`Rows`] that a connection reads.
macro_rules! read_rows {
    ($name:ident) => {
        impl crate::store::Records for $name {
            fn head(&self) -> Result<crate::merkle::TreeHead, Fault> {
                self.rows.head()
            }
            fn leaves(
                &self,
                range: std::ops::Range<u64>,
                visit: &mut dyn FnMut(crate::store::LeafRef<'_>) -> Result<(), Fault>,
            ) -> Result<(), Fault> {
                self.rows.leaves(range, visit)
            }
            fn leaf(&self, sequence: u64) -> Result<Option<crate::store::Leaf>, Fault> {
                self.rows.leaf(sequence)
            }
            fn hashes(
                &self,
                level: u32,
                from: u64,
                count: usize,
            ) -> Result<Vec<crate::merkle::NodeHash>, Fault> {
                self.rows.hashes(level, from, count)
            }
            fn body(&self, sequence: u64) -> Result<Option<Vec<u8>>, Fault> {
                self.rows.body(sequence)
            }
            fn run(&self, name: &str) -> Result<Option<crate::store::Run>, Fault> {
                self.rows.run(name)
            }
            fn events_of(&self, run: &str, from: u64, limit: usize) -> Result<Vec<u64>, Fault> {
                self.rows.events_of(run, from, limit)
            }
            fn open_runs(&self, from: u64, limit: usize) -> Result<Vec<crate::store::Run>, Fault> {
                self.rows.open_runs(from, limit)
            }
            fn runs(&self, before: u64, limit: usize) -> Result<Vec<crate::store::Run>, Fault> {
                self.rows.runs(before, limit)
            }
            fn checkpoint(&self, size: u64) -> Result<Option<crate::store::Checkpoint>, Fault> {
                self.rows.checkpoint(size)
            }
            fn checkpoints(&self, from: u64, limit: usize) -> Result<Vec<crate::store::Checkpoint>, Fault> {
                self.rows.checkpoints(from, limit)
            }
            fn index(&self) -> Result<crate::store::Index, Fault> {
                self.rows.index()
            }
            fn fact(&self, name: &str) -> Result<Option<Vec<u8>>, Fault> {
                self.rows.fact(name)
            }
        }
    };
}
pub(super) use read_rows;
