//! Files of a state that somebody changed, lost or took from a backup.

use super::{
    round::{POST, Round, Tally},
    wire::Stop,
    world::{Moment, World},
};
use crate::stage::copy;
use rusqlite::Connection;
use serde_json::Value;
use std::{fs, path::Path};

fn change(world: &World, file: &str, sql: &str) {
    let database = Connection::open(world.stage.state().join("dev").join(file)).unwrap();
    assert!(database.execute(sql, []).unwrap() > 0, "{sql}");
}

/// What a command is refused with as evidence that does not hold.
#[track_caller]
fn invalid(world: &mut World, arguments: &[&str]) -> Value {
    let (ended, seen) = world.ask(arguments);
    assert!(seen.is_empty());
    let error = ended.expect(8).json()["error"].clone();
    assert!(!error["hint"].as_str().unwrap().is_empty(), "{error}");
    error
}

/// Two runs are interrupted. The record of one is then damaged: it does not go on, and the other does,
/// and new ones start. `standing` is what the list says of the damaged one, `rule` why it stays.
fn beside(standing: &str, rule: &str, damage: impl FnOnce(&World, &str)) {
    let (mut world, mut tally) = (World::new(true), Tally::default());
    let moment = Moment::Wire(POST, Stop::Received);
    let mut broken = Round::new(&mut world, &mut tally, "a record that cannot be read", 1);
    broken.kill(moment);
    let broken = broken.leave();
    // One that ends in order signs the log so far.
    Round::new(&mut world, &mut tally, "a record between them", 2).finish();
    let mut whole = Round::new(&mut world, &mut tally, "a record beside it", 3);
    whole.kill(moment);
    damage(whole.world(), &broken);
    whole.finish();
    drop(whole);
    let error = invalid(&mut world, &["runs", "resume", &broken, "--json"]);
    assert_eq!(error["rule"], rule);
    let list = world.ask(&["runs", "list", "--json"]).0.expect(0).json();
    let shown = list["runs"].as_array().unwrap().iter().find(|shown| shown["run"] == broken).unwrap();
    assert_eq!(shown["standing"], standing, "{shown}");
    Round::new(&mut world, &mut tally, "after a record that cannot be read", 4).finish();
    assert!(world.paid("K-1").is_none());
}

#[test]
fn an_event_that_was_edited_stops_its_own_run_alone() {
    beside("unreadable", "log-leaf-edited", |world, run| {
        let edited = "CAST(replace(CAST(bytes AS TEXT), 'run-started', 'run-startee') AS BLOB)";
        let first = format!("(SELECT opened FROM run WHERE name = '{run}')");
        change(world, "ledger.db", &format!("UPDATE leaf SET bytes = {edited} WHERE sequence = {first}"));
    });
}

/// An older run goes on although an event after its own was damaged, and is read without it.
#[test]
fn an_event_that_was_edited_stops_no_run_that_began_before_it() {
    let (mut world, mut tally) = (World::new(true), Tally::default());
    let moment = Moment::Wire(POST, Stop::Received);
    let mut older = Round::new(&mut world, &mut tally, "the older run", 1);
    older.kill(moment);
    let older = older.leave();
    let mut newer = Round::new(&mut world, &mut tally, "the damaged run", 2);
    newer.kill(moment);
    let newer = newer.leave();
    // One that ends in order signs the log so far.
    Round::new(&mut world, &mut tally, "a run after them", 3).finish();
    let edited = "CAST(replace(CAST(bytes AS TEXT), 'run-started', 'run-startee') AS BLOB)";
    let first = format!("(SELECT opened FROM run WHERE name = '{newer}')");
    change(&world, "ledger.db", &format!("UPDATE leaf SET bytes = {edited} WHERE sequence = {first}"));
    assert_eq!(world.ask(&["runs", "resume", &older, "--json"]).0.expect(0).json()["status"], "succeeded");
    assert!(world.paid("K-1").is_some() && world.paid("K-2").is_none());
    assert_eq!(invalid(&mut world, &["runs", "resume", &newer, "--json"])["rule"], "log-leaf-edited");
    // What cannot be read can be ended.
    world.ask(&["runs", "cancel", &newer, "--json"]).0.expect(0);
    let ledger = Connection::open(world.stage.state().join("dev/ledger.db")).unwrap();
    let open = ledger.query_row("SELECT count(*) FROM run WHERE open = 1", [], |row| row.get::<_, u32>(0));
    assert_eq!(open, Ok(0), "nothing is unfinished any more");
}

#[test]
fn a_body_that_cannot_be_opened_stops_its_own_run_alone() {
    beside("can-go-on", "body-unreadable", |world, run| {
        let first = format!("(SELECT opened FROM run WHERE name = '{run}')");
        change(
            world,
            "ledger.db",
            &format!("UPDATE body SET sealed = zeroblob(length(sealed)) WHERE sequence = {first}"),
        );
    });
}

#[test]
fn a_key_that_is_damaged_stops_its_own_run_alone() {
    beside("can-go-on", "run-key-damaged", |world, run| {
        change(
            world,
            "keys.db",
            &format!("UPDATE run_key SET wrapped = zeroblob(length(wrapped)) WHERE run = '{run}'"),
        );
    });
}

/// A state with one paid invoice, before and after a second one.
fn before_and_after(name: &str) -> (World, Tally, std::path::PathBuf) {
    let (mut world, mut tally) = (World::new(true), Tally::default());
    Round::new(&mut world, &mut tally, name, 1).finish();
    let older = world.stage.beside("older");
    copy(&world.stage.state().join("dev"), &older, &["cache"]);
    Round::new(&mut world, &mut tally, name, 2).finish();
    (world, tally, older)
}

fn put_back(world: &World, older: &Path, files: &[&str]) {
    for file in files {
        for end in ["", "-wal", "-shm"] {
            let (from, to) = (
                older.join(format!("{file}{end}")),
                world.stage.state().join("dev").join(format!("{file}{end}")),
            );
            if from.exists() {
                fs::copy(from, to).unwrap();
            } else if to.exists() {
                fs::remove_file(to).unwrap();
            }
        }
    }
}

#[test]
fn an_older_copy_of_the_log_is_refused() {
    let (mut world, _, older) = before_and_after("an older copy");
    put_back(&world, &older, &["ledger.db"]);
    let input = world.invoice("K-3");
    for command in
        [&["run", "approve", "--json", "--input", input.to_str().unwrap()][..], &["runs", "list", "--json"]]
    {
        assert_eq!(invalid(&mut world, command)["rule"], "log-shorter");
    }
    assert!(world.paid("K-3").is_none());
}

#[test]
fn keys_that_are_older_than_the_log_are_refused() {
    let (mut world, _, older) = before_and_after("older keys");
    put_back(&world, &older, &["keys.db"]);
    let input = world.invoice("K-3");
    let error = invalid(&mut world, &["run", "approve", "--json", "--input", input.to_str().unwrap()]);
    assert_eq!(error["rule"], "keys-behind-log");
}

#[test]
fn a_log_whose_end_is_cut_off_is_refused() {
    let (mut world, _, _) = before_and_after("a cut log");
    change(&world, "ledger.db", "DELETE FROM leaf WHERE sequence = (SELECT max(sequence) FROM leaf)");
    let input = world.invoice("K-3");
    let error = invalid(&mut world, &["run", "approve", "--json", "--input", input.to_str().unwrap()]);
    assert!(error["rule"].as_str().unwrap().starts_with("log-"), "{error}");
}
