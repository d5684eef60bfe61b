//! Every kind of change, made in the file by somebody who can write it.

use crate::{
    findings, keys,
    support::{RUN, World, world},
    verified, verified_with,
};
use proptest::prelude::*;
use rusqlite::{Connection, OptionalExtension as _};
use std::path::Path;
use std::sync::{Mutex, OnceLock, PoisonError};
use stepward_ledger::export::TakeLeaf;
use stepward_ledger::merkle::{Frontier, LeafHash};
use stepward_ledger::store::Records as _;
use stepward_ledger::verify::{self, Beside, Copy, KnownNote, Open, Verdict};

/// A log of 2 + 100 runs: 802 events, three tiles and a part.
fn made() -> (tempfile::TempDir, World) {
    let folder = tempfile::tempdir().unwrap();
    let world = world(folder.path(), 100);
    (folder, world)
}

fn change(world: &World, sql: &str) {
    Connection::open(world.path()).unwrap().execute_batch(sql).unwrap();
}

/// Changes a log, verifies it, and says what was found.
fn after(sql: &str) -> Vec<(String, String)> {
    let (_folder, world) = made();
    change(&world, sql);
    let report = verified(&world);
    let found = findings(&report);
    found.into_iter().map(|(rule, place)| (rule.to_owned(), place.to_owned())).collect()
}

fn only(rule: &str, place: &str) -> Vec<(String, String)> {
    vec![(rule.to_owned(), place.to_owned())]
}

/// Edits a leaf and takes its hash again, and with it the hashes over it up to a level.
fn forge(world: &World, place: u64, up_to: u32) {
    let connection = Connection::open(world.path()).unwrap();
    let text: Vec<u8> = connection
        .query_row("SELECT bytes FROM leaf WHERE sequence = ?1", [place], |row| row.get(0))
        .unwrap();
    let forged = String::from_utf8(text).unwrap().replacen("\"time_us\":1", "\"time_us\":2", 1);
    let hash = LeafHash::of(forged.as_bytes());
    let sql = "UPDATE leaf SET bytes = ?2, hash = ?3 WHERE sequence = ?1";
    connection.execute(sql, (place, forged.as_bytes(), hash.as_bytes().as_slice())).unwrap();
    let size: u64 = connection.query_row("SELECT size FROM head", [], |row| row.get(0)).unwrap();
    let mut frontier = Frontier::default();
    for sequence in 0..size {
        let hash: [u8; 32] = connection
            .query_row("SELECT hash FROM leaf WHERE sequence = ?1", [sequence], |row| row.get(0))
            .unwrap();
        frontier
            .append_with(LeafHash::from_bytes(hash), |node, hash| {
                let level = node.level() / 8;
                if node.level() % 8 == 0 && (1..=up_to).contains(&level) {
                    let sql = "UPDATE subtree SET hash = ?3 WHERE level = ?1 AND number = ?2";
                    connection.execute(sql, (level, node.index(), hash.as_bytes().as_slice())).unwrap();
                }
            })
            .unwrap();
    }
    if up_to > 0 {
        connection
            .execute("UPDATE head SET root = ?1", [frontier.head().root.as_bytes().as_slice()])
            .unwrap();
    }
}

#[test]
fn an_edited_event_is_named() {
    let sql = "UPDATE leaf SET bytes = CAST(replace(CAST(bytes AS TEXT), 'run-12', 'run-13') AS BLOB) WHERE sequence = 100";
    assert_eq!(after(sql), only("log-leaf-edited", "event 100"));
}

#[test]
fn an_edited_hash_is_told_from_an_edited_event() {
    let (_folder, world) = made();
    change(&world, "UPDATE leaf SET hash = zeroblob(32) WHERE sequence = 300");
    let report = verified(&world);
    assert_eq!(findings(&report), [("log-leaf-edited", "event 300")]);
    assert!(report.findings()[0].message().contains("the event is the one that the log signed"));
}

#[test]
fn an_edited_hash_over_events_is_told() {
    let (_folder, world) = made();
    change(&world, "UPDATE subtree SET hash = zeroblob(32) WHERE level = 1 AND number = 1");
    let report = verified(&world);
    assert_eq!(findings(&report), [("log-hashes", "events 256 to 511")]);
    assert!(report.findings()[0].message().contains("the events are those that the log signed"));
}

#[test]
fn an_event_edited_together_with_its_hash_is_in_its_tile() {
    let (_folder, world) = made();
    forge(&world, 300, 0);
    let report = verified(&world);
    assert_eq!(findings(&report), [("log-hashes", "events 256 to 511")]);
    assert!(report.findings()[0].message().contains("changed together with its own hash"));
}

/// All hashes were taken again: only the checkpoints know. They narrow it down.
#[test]
fn an_event_edited_with_every_hash_over_it_is_between_two_checkpoints_and_a_copy_names_it() {
    let (_folder, world) = made();
    let (_other, good) = made();
    forge(&world, 300, 8);
    let report = verified(&world);
    // Checkpoints lie after every tenth run: 242, 322.
    assert_eq!(findings(&report), [("log-forked", "events 242 to 321")]);
    let reader = good.reader();
    let leaves = |take: TakeLeaf<'_>| {
        let size = reader.head().unwrap().size.get();
        reader.leaves(0..size, &mut |leaf| take(leaf.sequence, leaf.bytes))
    };
    let copy = Some(Copy { name: "backup.db".to_owned(), leaves: &leaves });
    let report = verified_with(&world.reader(), &world, &Beside { copy, ..Beside::default() });
    assert_eq!(findings(&report), [("log-forked", "events 242 to 321"), ("log-differs", "event 300")]);
    assert!(report.findings()[1].message().contains("the one that the log signed: it was changed here"));
    assert_eq!(report.established.compared, 801);
}

#[test]
fn removed_events_are_named() {
    assert_eq!(after("DELETE FROM leaf WHERE sequence = 300"), only("log-events-missing", "event 300"));
    assert_eq!(
        after("DELETE FROM leaf WHERE sequence BETWEEN 250 AND 270; DELETE FROM leaf WHERE sequence = 600"),
        [only("log-events-missing", "events 250 to 270"), only("log-events-missing", "event 600")].concat()
    );
    // Whoever removes one and moves the others up shows it with the first that moved.
    let moved = after(
        "DELETE FROM leaf WHERE sequence = 800; UPDATE leaf SET sequence = 800 WHERE sequence = 801; UPDATE head SET size = 801",
    );
    assert_eq!(moved[0].0, "log-event-misplaced");
    assert!(moved.contains(&("log-shorter".to_owned(), "event 801".to_owned())), "{moved:?}");
}

#[test]
fn a_gap_does_not_hide_what_comes_after_it() {
    let found = after(
        "DELETE FROM leaf WHERE sequence = 10; UPDATE leaf SET bytes = CAST('x' AS BLOB) WHERE sequence = 700; \
         UPDATE subtree SET hash = zeroblob(32) WHERE number = 1 AND level = 1",
    );
    let found: Vec<_> = found.iter().map(|(rule, place)| (rule.as_str(), place.as_str())).collect();
    assert_eq!(
        found,
        [
            ("log-events-missing", "event 10"),
            ("log-leaf-edited", "event 700"),
            ("log-hashes", "events 256 to 511")
        ]
    );
}

const SWAP: &str = "
UPDATE leaf SET sequence = -1 WHERE sequence = 20; UPDATE leaf SET sequence = 20 WHERE sequence = 400;
UPDATE leaf SET sequence = 400 WHERE sequence = -1";

#[test]
fn two_events_that_changed_places_name_each_other() {
    assert_eq!(after(SWAP), only("log-events-swapped", "events 20 and 400"));
    let bytes = "
        CREATE TABLE t AS SELECT sequence, bytes FROM leaf WHERE sequence IN (20, 400);
        UPDATE leaf SET bytes = (SELECT bytes FROM t WHERE t.sequence = 420 - leaf.sequence) WHERE sequence IN (20, 400);
        DROP TABLE t";
    assert_eq!(after(bytes), only("log-events-swapped", "events 20 and 400"));
}

#[test]
fn a_tail_that_was_cut_off_is_told() {
    let cut = "DELETE FROM leaf WHERE sequence >= 700; ";
    assert_eq!(after(cut), only("log-events-missing", "events 700 to 801"));
    let (_folder, world) = made();
    // The head too, as an administrator would who knows the tables.
    let mut frontier = Frontier::default();
    for event in &world.events[..700] {
        frontier.append(LeafHash::of(&event.encode())).unwrap();
    }
    let root = frontier.head().root;
    change(&world, &format!("{cut} UPDATE head SET size = 700, root = x'{root}'"));
    let report = verified(&world);
    assert_eq!(findings(&report)[0], ("log-shorter", "events 700 to 801"));
    assert!(
        report.findings()[0].message().contains("its own checkpoint covers 802 events, and there are 700")
    );
}

/// A copy from yesterday is whole: only who kept something newer can tell.
#[test]
fn an_older_copy_is_told_by_a_checkpoint_that_somebody_kept() {
    let folder = tempfile::tempdir().unwrap();
    let mut world = World::new(folder.path(), [7; 32]);
    world.start();
    world.run("a");
    let _ = world.checkpoint(&[]);
    let older = folder.path().join("older.db");
    world.reader().backup_to(&older).unwrap();
    world.run("b");
    let newest = world.checkpoint(&[]);
    let older = stepward_ledger::store::sqlite::Reader::open(&older).unwrap();
    let alone = verified_with(&older, &world, &Beside::default());
    assert_eq!(alone.verdict(), Verdict::Holds);
    assert!(alone.open.contains(&Open::NoWitness));
    let kept = vec![KnownNote {
        note: newest.to_string().into_bytes(),
        source: "the auditor's checkpoint".to_owned(),
    }];
    let report = verified_with(&older, &world, &Beside { kept, ..Beside::default() });
    assert_eq!(findings(&report), [("log-shorter", "events 10 to 17")]);
    let said = report.findings()[0].message();
    assert!(
        said.contains("the auditor's checkpoint covers 18 events") && said.contains("older copy"),
        "{said}"
    );
}

#[test]
fn a_forked_log_is_told_by_a_checkpoint_that_somebody_kept() {
    let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let fork = |folder: &Path, run| {
        let mut world = World::new(folder, [7; 32]);
        world.start();
        let _ = world.checkpoint(&[]);
        world.run(run);
        let _ = world.checkpoint(&[]);
        world
    };
    let (ours, theirs) = (fork(folder.path(), "a"), fork(other.path(), "b"));
    let note = theirs.checkpoints[1].to_string().into_bytes();
    let kept = vec![KnownNote { note, source: "the witness's checkpoint".to_owned() }];
    let report = verified_with(&ours.reader(), &ours, &Beside { kept, ..Beside::default() });
    assert_eq!(findings(&report), [("log-forked", "events 2 to 9")]);
    assert!(report.findings()[0].message().contains("the witness's checkpoint signs over 10 events"));
}

#[test]
fn checkpoints_are_checked_each_by_itself() {
    let note = "UPDATE checkpoint SET note = replace(note, char(10) || '82' || char(10), char(10) || '83' || char(10)) WHERE size = 82";
    assert_eq!(after(note), only("note-signature-wrong", "the checkpoint over 82 events"));
    let moved = "DELETE FROM checkpoint WHERE size = 242; UPDATE checkpoint SET size = 242 WHERE size = 322";
    assert_eq!(after(moved), only("log-checkpoint-size", "the checkpoint over 242 events"));
    assert_eq!(
        after("UPDATE checkpoint SET note = 'x' WHERE size = 2"),
        only("note-malformed", "the checkpoint over 2 events")
    );
}

#[test]
fn what_is_no_event_is_told_and_a_newer_version_blames_nobody() {
    let (_folder, world) = made();
    let leaf = |text: &str| {
        let hash = LeafHash::of(text.as_bytes());
        change(
            &world,
            &format!("UPDATE leaf SET bytes = CAST('{text}' AS BLOB), hash = x'{hash}' WHERE sequence = 801"),
        );
        verified(&world)
    };
    let report = leaf(r#"{"v":1,"seq":801,"certificate":"x"}"#);
    let found = findings(&report);
    assert!(found.contains(&("event-format", "event 801")), "{found:?}");
    let report = leaf(r#"{"v":9,"seq":801}"#);
    assert!(report.open.contains(&Open::NewerEvents { events: 1, first: 801 }), "{:?}", report.open);
    assert_eq!(findings(&report), [("log-forked", "events 722 to 801")]);
}

#[test]
fn what_lies_beside_the_tree_follows_from_the_events() {
    let body = "event 5";
    for (sql, rule, place) in [
        ("DELETE FROM body WHERE sequence = 5", "log-body-missing", body),
        ("UPDATE body SET sequence = 3 WHERE sequence = 4", "log-body-stray", "the body of event 3"),
        ("INSERT INTO body VALUES (3, x'00')", "log-body-stray", "the body of event 3"),
        ("UPDATE run SET open = 1 WHERE name = 'run-7'", "log-run-index", "the index of run run-7"),
        ("UPDATE run SET last = last - 1 WHERE name = 'run-7'", "log-run-index", "the index of run run-7"),
        ("UPDATE run SET name = 'run-x' WHERE name = 'run-7'", "log-run-index", "the index of run run-7"),
        ("DELETE FROM run WHERE name = 'run-7'", "log-run-index", "the index of run run-7"),
        (
            "UPDATE run SET chain = zeroblob(32) WHERE name = 'run-3'",
            "log-run-index",
            "the index of run run-3",
        ),
        ("UPDATE run SET events = 7 WHERE name = 'run-3'", "log-run-index", "the index of run run-3"),
        (
            "INSERT INTO run VALUES (0, 'run-x', 0, 1, 1, zeroblob(32))",
            "log-run-index",
            "the index of run run-x",
        ),
        (
            "UPDATE leaf SET previous = previous - 1 WHERE sequence = 61",
            "log-run-index",
            "the index of run run-7",
        ),
        ("UPDATE leaf SET previous = 65 WHERE sequence = 61", "store-corrupt", "the index of run run-7"),
        (
            "UPDATE fact SET value = x'00' WHERE name = 'policy'",
            "log-remembered",
            "the remembered value `policy`",
        ),
        (
            "INSERT INTO fact VALUES ('restored', zeroblob(8))",
            "log-remembered",
            "the remembered value `restored`",
        ),
        ("UPDATE head SET root = zeroblob(32)", "log-root", "the head of the log"),
        ("UPDATE head SET size = 801", "log-shorter", "event 801"),
        ("INSERT INTO leaf VALUES (802, zeroblob(32), NULL, x'00')", "log-tail", "event 802"),
    ] {
        let found = after(sql);
        assert_eq!(found.first(), Some(&(rule.to_owned(), place.to_owned())), "{sql}: {found:?}");
    }
}

/// An intent that is gone is seen at its answer also where every hash and checkpoint was made anew.
#[test]
fn an_answer_without_its_intent_is_told_whoever_signed() {
    let folder = tempfile::tempdir().unwrap();
    let mut world = World::new(folder.path(), [7; 32]);
    world.start();
    world.run("a");
    world.close();
    let answer = world.events[6].clone();
    let other = tempfile::tempdir().unwrap();
    let mut forged = World::new(other.path(), [7; 32]);
    forged.start();
    let draft = stepward_ledger::event::Draft {
        actor: answer.actor,
        run: answer.run,
        step: answer.step,
        call: answer.call,
        body: None,
        what: answer.what,
    };
    forged.append(vec![(draft, None, Vec::new())]);
    let _ = forged.checkpoint(&[]);
    let report = verified(&forged);
    assert_eq!(findings(&report), [("log-answer-without-intent", "event 2")]);
}

/// Every byte that the tables hold: text and numbers of leaves, hashes, heads, notes.
struct Cells {
    _folder: tempfile::TempDir,
    world: World,
    each: Vec<(String, usize)>,
}

/// One log for all cases: each puts back what it changed.
fn cells() -> &'static Mutex<Cells> {
    static MADE: OnceLock<Mutex<Cells>> = OnceLock::new();
    MADE.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let world = world(folder.path(), 40);
        let connection = Connection::open(world.path()).unwrap();
        let mut cells = Vec::new();
        for (table, key, column) in [
            ("leaf", "sequence", "bytes"),
            ("leaf", "sequence", "hash"),
            ("subtree", "number", "hash"),
            ("checkpoint", "size", "note"),
            ("head", "only", "root"),
            ("fact", "name", "value"),
            ("run", "opened", "name"),
        ] {
            let sql = format!("SELECT quote({key}), length(CAST({column} AS BLOB)) FROM {table}");
            let mut statement = connection.prepare(&sql).unwrap();
            let rows = statement
                .query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, usize>(1)?)))
                .unwrap();
            for row in rows {
                let (id, length) = row.unwrap();
                cells.push((format!("{table} {column} {key} = {id}"), length));
            }
        }
        Mutex::new(Cells { _folder: folder, world, each: cells })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// One flipped bit anywhere in what the tables hold does not verify; in a leaf it is located.
    #[test]
    fn a_flipped_bit_is_found(cell in any::<prop::sample::Index>(), at in any::<prop::sample::Index>(), bit in 0..8_u32) {
        let made = cells().lock().unwrap_or_else(PoisonError::into_inner);
        let Cells { world, each: cells, .. } = &*made;
        let (cell, length) = cell.get(cells);
        let mut words = cell.splitn(3, ' ');
        let (table, column, row) = (words.next().unwrap(), words.next().unwrap(), words.next().unwrap());
        let (at, mut connection) = (at.index(*length), Connection::open(world.path()).unwrap());
        let transaction = connection.transaction().unwrap();
        let sql = format!("SELECT CAST({column} AS BLOB) FROM {table} WHERE {row}");
        let mut bytes: Vec<u8> = transaction.query_row(&sql, [], |row| row.get(0)).unwrap();
        let before = bytes.clone();
        bytes[at] ^= 1 << bit;
        let kind = if matches!(column, "note" | "name") { "TEXT" } else { "BLOB" };
        let sql = format!("UPDATE {table} SET {column} = CAST(?1 AS {kind}) WHERE {row}");
        let changed = transaction.execute(&sql, [&bytes]);
        prop_assume!(changed.is_ok(), "a name that is there already");
        transaction.commit().unwrap();
        let report = verify::store(&world.reader(), &keys(world), &Beside::default());
        connection.execute(&sql, [&before]).unwrap();
        let report = report.unwrap();
        prop_assert_eq!(report.verdict(), Verdict::Fails, "{} byte {}", cell, at);
        if let ("leaf", Some(place)) = (table, row.strip_prefix("sequence = ")) {
            let place = format!("event {place}");
            prop_assert_eq!(findings(&report), vec![("log-leaf-edited", place.as_str())]);
        }
    }

    /// One flipped bit in the file itself: it is found, or it lay where nothing is kept.
    #[test]
    fn a_flipped_bit_of_the_file_is_found_or_changes_nothing(at in any::<prop::sample::Index>(), bit in 0..8_u32) {
        let made = cells().lock().unwrap_or_else(PoisonError::into_inner);
        let world = &made.world;
        let mut bytes = std::fs::read(world.path()).unwrap();
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        let folder = tempfile::tempdir().unwrap();
        let copy = folder.path().join("ledger.db");
        std::fs::write(&copy, &bytes).unwrap();
        let found = match stepward_ledger::store::sqlite::Reader::open(&copy) {
            Err(_) => true,
            Ok(reader) => verify::store(&reader, &keys(world), &Beside::default())
                .map_or(true, |report| report.verdict() == Verdict::Fails),
        };
        prop_assert!(found || dump(&copy) == dump(&world.path()), "byte {at}");
    }
}

/// Everything that the tables hold, as text; nothing where they cannot be read.
fn dump(path: &Path) -> Option<String> {
    let connection = Connection::open(path).ok()?;
    let mut all = String::new();
    for (table, columns) in [
        ("leaf", "quote(sequence) || quote(hash) || quote(bytes) || quote(previous)"),
        ("subtree", "quote(level) || quote(number) || quote(hash)"),
        ("checkpoint", "quote(size) || quote(note)"),
        ("head", "quote(size) || quote(root)"),
        ("fact", "quote(name) || quote(value)"),
        ("run", "quote(opened) || quote(name) || quote(last) || quote(open)"),
    ] {
        let sql = format!(
            "SELECT group_concat({columns}, x'0a') FROM (SELECT * FROM {table} NOT INDEXED ORDER BY 1, 2)"
        );
        all.extend(
            connection.query_row(&sql, [], |row| row.get::<_, Option<String>>(0)).optional().ok()?.flatten(),
        );
    }
    Some(all)
}

#[test]
fn the_tree_alone_finds_what_was_changed_in_it() {
    let (_folder, world) = made();
    change(&world, "UPDATE leaf SET bytes = x'00' WHERE sequence = 801");
    let report = verify::tree(&world.reader(), &keys(&world)).unwrap();
    assert_eq!(findings(&report), [("log-leaf-edited", "event 801")]);
    assert_eq!(2 + 100 * RUN, 802);
}
