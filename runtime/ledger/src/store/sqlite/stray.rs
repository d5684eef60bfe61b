//! Rows that no event and no head leads to, so that no reading would ever meet them.
//!
//! Only the ends of each key are looked at, which costs a few pages however long the log is. What is
//! missing or changed between them is for [`Log::open`](crate::log::Log::open) and the verifiers, and so
//! is one event more than the head says.

use super::fault::damaged;
use super::rows::Rows;
use crate::merkle::TreeSize;
use crate::store::TILE_HEIGHT;
use stepward_fault::Fault;

/// The highest level of subtrees that a tree can have: 256^7 leaves of at most 2^63.
const MAX_LEVEL: u32 = (u64::BITS - 1) / TILE_HEIGHT;

/// The smallest and the largest key: two searches, where one query for both would read every row.
const LEAF: &str = "SELECT (SELECT min(sequence) FROM leaf), (SELECT max(sequence) FROM leaf)";
const BODY: &str = "SELECT (SELECT min(sequence) FROM body), (SELECT max(sequence) FROM body)";
const RUN: &str = "SELECT (SELECT min(opened) FROM run), (SELECT max(opened) FROM run)";
const CHECKPOINT: &str = "SELECT (SELECT min(size) FROM checkpoint), (SELECT max(size) FROM checkpoint)";
const LEVEL: &str = "SELECT (SELECT min(level) FROM subtree), (SELECT max(level) FROM subtree)";
const SUBTREE: &str = "SELECT (SELECT min(number) FROM subtree WHERE level = ?1), \
                       (SELECT max(number) FROM subtree WHERE level = ?1)";

/// Refuses a log that has rows outside of the tree that its head names.
pub(super) fn check(rows: &Rows, size: TreeSize) -> Result<(), Fault> {
    let size = match rows.leaf(size.get())? {
        // What a head that was set back leaves behind: `Log::open` names it.
        Some(_) => size.get().saturating_add(1),
        None => size.get(),
    };
    within(rows, LEAF, None, 0..size, "the event")?;
    within(rows, BODY, None, 0..size, "the body of event")?;
    within(rows, RUN, None, 0..size, "the run that begins with event")?;
    // A checkpoint over more than there is says that the log was cut, which is told elsewhere.
    within(rows, CHECKPOINT, None, 0..u64::MAX, "the checkpoint of size")?;
    within(rows, LEVEL, None, 1..u64::from(MAX_LEVEL) + 1, "the hash of subtrees of level")?;
    (1..=MAX_LEVEL).try_for_each(|level| {
        let complete = size >> (level * TILE_HEIGHT);
        within(rows, SUBTREE, Some(level), 0..complete, &format!("the hash of level {level} and number"))
    })
}

/// Names the row with the smallest or the largest key where that lies outside.
fn within(
    rows: &Rows,
    ends: &str,
    level: Option<u32>,
    allowed: std::ops::Range<u64>,
    what: &str,
) -> Result<(), Fault> {
    let read = |row: &rusqlite::Row<'_>| Ok([row.get::<_, Option<i64>>(0)?, row.get(1)?]);
    let found = rows.one(ends, rusqlite::params_from_iter(level), read)?;
    let stray = found.into_iter().flatten().flatten().find(|key| {
        let inside = u64::try_from(*key).is_ok_and(|key| allowed.contains(&key));
        !inside
    });
    match stray {
        None => Ok(()),
        Some(key) => Err(damaged(&rows.place, format_args!("{what} {key} is not of this log's tree"))),
    }
}

#[cfg(test)]
mod tests {
    use super::{BODY, CHECKPOINT, LEAF, LEVEL, RUN, SUBTREE};
    use crate::store::sqlite::{fault::Place, schema::prepare_writer};
    use rusqlite::{Connection, StatementStatus, params_from_iter};

    /// Steps of SQLite's machine that one search from each end stays under; a scan takes several a row.
    const STEPS: i32 = 60;

    #[test]
    fn the_rows_between_the_ends_of_a_key_are_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.db");
        let mut connection = Connection::open(&path).unwrap();
        prepare_writer(&mut connection, &Place::of(&path)).unwrap();
        let rows = "
            CREATE TEMP TABLE n AS WITH RECURSIVE n(x) AS (SELECT 0 UNION ALL SELECT x + 1 FROM n WHERE x < 999)
                SELECT x FROM n;
            INSERT INTO leaf SELECT x, zeroblob(32), NULL, x'00' FROM n;
            INSERT INTO body SELECT x, x'00' FROM n;
            INSERT INTO run SELECT x, 'run ' || x, x, 1, 1, zeroblob(32) FROM n;
            INSERT INTO checkpoint SELECT x, '' FROM n;
            INSERT INTO subtree SELECT 1, x, zeroblob(32) FROM n;";
        connection.execute_batch(rows).unwrap();
        for (sql, level, ends) in [
            (LEAF, None, (0, 999)),
            (BODY, None, (0, 999)),
            (RUN, None, (0, 999)),
            (CHECKPOINT, None, (0, 999)),
            (LEVEL, None, (1, 1)),
            (SUBTREE, Some(1), (0, 999)),
        ] {
            let mut statement = connection.prepare(sql).unwrap();
            let found: (i64, i64) =
                statement.query_row(params_from_iter(level), |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
            let steps = statement.get_status(StatementStatus::VmStep);
            assert!(found == ends && steps < STEPS, "{sql}: {found:?} in {steps} steps");
        }
    }
}
