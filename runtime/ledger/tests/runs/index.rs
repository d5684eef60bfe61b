//! What somebody who can write the file can do to the index of runs.

use crate::{Story, in_doubt, support::World};
use rusqlite::Connection;
use stepward_fault::Fault;
use stepward_ledger::{
    event::{Draft, Effect, Event, Outcome, What},
    runs::{self, Standing},
    store::RunChange,
};

/// A run that has sent a payment of which nobody knows, and what else is written.
struct Made {
    _folder: tempfile::TempDir,
    world: World,
}

fn draft(run: &str, event: &Event) -> (Draft, Option<RunChange>, Vec<stepward_ledger::store::Fact>) {
    let Event { actor, step, call, body, what, .. } = event.clone();
    let change = match what {
        What::RunStarted { .. } => Some(RunChange::Opens),
        What::RunEnded { .. } | What::BodyErased { .. } => Some(RunChange::Closes),
        _ => None,
    };
    (Draft { actor, run: Some(crate::name(run)), step, call, body, what }, change, Vec::new())
}

impl Made {
    /// Finished runs, a checkpoint, and then `older`, `paid` and `newer`, which are not finished.
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut world = World::new(folder.path(), [7; 32]);
        world.start();
        (0..40).for_each(|run| world.run(&format!("done-{run}")));
        let _ = world.checkpoint(&[]);
        let mut made = Self { _folder: folder, world };
        made.tell("older", &Story::started().step("check"));
        made.tell("paid", &Story::started().step("pay").intended("pay", 0, 1, false));
        made.world.run("done-between");
        made.tell("newer", &Story::started());
        made.world.run("done-last");
        made
    }

    fn tell(&mut self, run: &str, story: &Story) {
        self.world.append(story.0.iter().map(|event| draft(run, event)).collect());
    }

    fn changed(mut self, sql: &str) -> Self {
        self.world.close();
        let changed = Connection::open(self.world.path()).unwrap().execute_batch(sql);
        changed.unwrap();
        self
    }

    fn run(&self, name: &str) -> Result<Standing, Fault> {
        Ok(runs::run(&self.world.reader(), self.world.head(), name)?.standing(None))
    }
}

#[test]
fn an_index_that_agrees_says_nothing() {
    let made = Made::new();
    assert_eq!(made.run("paid").unwrap(), in_doubt("pay", 0));
    assert_eq!(made.run("done-3").unwrap(), Standing::Finished(Outcome::Succeeded));
    assert_eq!(made.run("nobody").unwrap_err().rule().as_str(), "run-unknown");
}

#[test]
fn an_intent_that_the_index_leaves_out_is_missed() {
    let cases = [
        // The last event of the run: without it the payment was never sent.
        "UPDATE run SET last = last - 1 WHERE name = 'paid'",
        // One in the middle.
        "UPDATE leaf SET previous = (SELECT opened FROM run WHERE name = 'paid')
             WHERE sequence = (SELECT last FROM run WHERE name = 'paid')",
        // The first.
        "UPDATE run SET opened = opened + 1 WHERE name = 'paid'",
        "UPDATE run SET last = 9223372036854775807 WHERE name = 'paid'",
    ];
    for sql in cases {
        let made = Made::new().changed(sql);
        let refused = made.run("paid").unwrap_err();
        assert!(["run-index", "store-corrupt"].contains(&refused.rule().as_str()), "{sql}: {refused:?}");
        // Those beside it are not concerned.
        assert_eq!(made.run("older").unwrap(), Standing::CanGoOn, "{sql}");
    }
    let made = Made::new().changed(cases[0]);
    let refused = made.run("paid").unwrap_err();
    assert_eq!(refused.rule().as_str(), "run-index");
    assert!(refused.message().contains("belongs to it and is left out"), "{refused:?}");
}

#[test]
fn a_run_that_the_index_calls_finished_is_noticed() {
    let made = Made::new().changed("UPDATE run SET open = 0 WHERE name = 'paid'");
    assert_eq!(made.run("paid").unwrap_err().rule().as_str(), "run-index");
}

#[test]
fn a_leaf_that_was_changed_concerns_the_runs_that_started_before_it() {
    // The intent, as if another run had made it, with a hash that fits and with one that does not.
    let place = "(SELECT last FROM run WHERE name = 'paid')";
    let bytes = format!(
        "UPDATE leaf SET bytes = CAST(replace(CAST(bytes AS TEXT), '\"paid\"', '\"done\"') AS BLOB) WHERE sequence = {place};"
    );
    let hidden = format!("{bytes} UPDATE run SET last = last - 1 WHERE name = 'paid'");
    for sql in [bytes, hidden] {
        let made = Made::new().changed(&sql);
        assert_eq!(made.run("paid").unwrap_err().rule().as_str(), "event-not-in-tree");
        assert_eq!(made.run("newer").unwrap(), Standing::NotStarted);
    }
    let made = Made::new();
    let forged = made
        .world
        .events
        .iter()
        .rfind(|event| {
            matches!(event.what, What::CallIntended { .. })
                && event.run.as_ref().is_some_and(|run| run.as_str() == "paid")
        })
        .unwrap()
        .clone();
    let forged = Event { run: Some(crate::name("done")), ..forged };
    let hash = stepward_ledger::merkle::LeafHash::of(&forged.encode());
    let sql = "UPDATE leaf SET bytes = ?2, hash = ?3 WHERE sequence = ?1";
    let connection = Connection::open(made.world.path()).unwrap();
    connection.execute(sql, (forged.sequence, forged.encode(), hash.as_bytes().as_slice())).unwrap();
    drop(connection);
    assert_eq!(made.run("paid").unwrap_err().rule().as_str(), "event-not-in-tree");
}

#[test]
fn an_index_that_is_ahead_of_the_head_agrees() {
    let mut made = Made::new();
    let head = made.world.head();
    let whole = Story::started().step("pay").intended("pay", 0, 1, false);
    let whole = whole.answered("pay", 0, 1, Effect::Applied).step_ended("pay").ended();
    made.tell("paid", &Story(whole.0[3..].to_vec()));
    made.tell("latest", &Story::started());
    let reader = made.world.reader();
    assert_eq!(runs::run(&reader, head, "paid").unwrap().standing(None), in_doubt("pay", 0));
    assert_eq!(runs::run(&reader, head, "latest").unwrap_err().rule().as_str(), "run-unknown");
    assert_eq!(made.run("paid").unwrap(), Standing::Finished(Outcome::Succeeded));
}
