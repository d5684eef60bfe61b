//! Unfinished runs are read along their chains, whatever happened to the rest of the log.

use crate::{Story, in_doubt, name};
use rusqlite::Connection;
use std::{fs::File, path::PathBuf, sync::Arc};
use stepward_ledger::{
    event::{Draft, Event, What},
    log::{Attached, Log, Sealer, Stamp},
    runs::{self, Standing, Unfinished},
    store::{
        RunChange, RunLink,
        owner::{Holder, Ownership},
        sqlite::Writer,
    },
};

struct World {
    folder: tempfile::TempDir,
    log: Log,
}

fn opened(folder: &tempfile::TempDir) -> Log {
    let lock = File::create(folder.path().join("ledger.lock")).unwrap();
    let ownership =
        Ownership::claim(lock, "ledger.lock", &Holder { pid: 1, since: "now", what: "a test" }).unwrap();
    let writer = Writer::open(&folder.path().join("ledger.db"), ownership).unwrap();
    let clock = Arc::new(|| Stamp { unix_us: 1, error_us: None, mono_us: 1 });
    let sequence = |leaf: &[u8]| Event::decode(leaf).map(|event| event.sequence);
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, &[7; 32]);
    let sealer =
        Sealer::new(move |message| aws_lc_rs::hmac::sign(&key, message).as_ref().try_into().unwrap());
    Log::open(Box::new(writer), clock, &[], &sequence, &sealer).unwrap().0
}

fn wait<F: std::future::Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

impl World {
    /// `older`, then a payment in doubt, then `newer`; what belongs to others lies between.
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let world = Self { log: opened(&folder), folder };
        let older = Story::started().step("check");
        let (first, rest) = older.0.split_at(1);
        world.tell("older", first);
        world.tell("paid", &Story::started().step("pay").intended("pay", 0, 1, false).0);
        world.tell("done", &Story::started().step("pay").step_ended("pay").ended().0);
        world.tell("older", rest);
        world.tell("newer", &Story::started().0);
        world
    }

    fn tell(&self, run: &str, story: &[Event]) {
        let mut last = None;
        for event in story {
            let Event { actor, step, call, what, .. } = event.clone();
            let change = match what {
                What::RunStarted { .. } => RunChange::Opens,
                What::RunEnded { .. } => RunChange::Closes,
                _ => RunChange::Stays,
            };
            let draft = Draft { actor, run: Some(name(run)), step, call, body: None, what };
            let run = Some(RunLink { run: run.to_owned(), change });
            let attached = Attached { run, ..Attached::default() };
            let ticket =
                self.log.append(attached, |sequence, stamp| draft.at(sequence, name("dev"), *stamp).encode());
            last = Some(ticket.unwrap());
        }
        wait(self.log.durable(last.unwrap())).unwrap();
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("ledger.db")
    }

    /// Where each unfinished run stands after somebody changed the file.
    fn after(&self, sql: &str) -> Vec<(String, Result<Standing, String>)> {
        let connection = Connection::open(self.path()).unwrap();
        assert!(sql.is_empty() || connection.execute(sql, []).unwrap() > 0, "{sql}");
        let open = self.log.open_runs();
        let all = wait(self.log.read(move |records| Ok(runs::unfinished(records, open, None)))).unwrap();
        let told = |Unfinished { name, standing }| (name, standing.map_err(|fault| fault.rule().to_string()));
        all.into_iter().map(told).collect()
    }
}

fn standings(
    older: Result<Standing, &str>,
    paid: Result<Standing, &str>,
) -> Vec<(String, Result<Standing, String>)> {
    let one = |name: &str, standing: Result<_, &str>| (name.to_owned(), standing.map_err(str::to_owned));
    vec![one("older", older), one("paid", paid), one("newer", Ok(Standing::NotStarted))]
}

#[test]
fn what_is_whole_is_read() {
    assert_eq!(World::new().after(""), standings(Ok(Standing::CanGoOn), Ok(in_doubt("pay", 0))));
}

#[test]
fn an_event_that_was_changed_or_hidden_stops_its_own_run_alone() {
    for (sql, rule) in [
        ("UPDATE leaf SET bytes = CAST(bytes || ' ' AS BLOB) WHERE sequence = 2", "log-leaf-edited"),
        ("UPDATE leaf SET hash = zeroblob(32) WHERE sequence = 2", "log-leaf-edited"),
        // The intent is passed over.
        ("UPDATE leaf SET previous = 0 WHERE sequence = 3", "run-events-changed"),
        ("UPDATE leaf SET previous = NULL WHERE sequence = 3", "run-events-changed"),
        ("UPDATE leaf SET previous = 3 WHERE sequence = 3", "run-events-changed"),
        ("UPDATE leaf SET previous = 0 WHERE sequence = 1", "run-events-changed"),
        ("DELETE FROM leaf WHERE sequence = 2", "run-events-changed"),
    ] {
        assert_eq!(World::new().after(sql), standings(Ok(Standing::CanGoOn), Err(rule)), "{sql}");
    }
    // Also the one that stands between the events of another.
    let sql = "UPDATE leaf SET bytes = CAST(bytes || ' ' AS BLOB) WHERE sequence IN (4, 5, 6, 7)";
    assert_eq!(World::new().after(sql), standings(Ok(Standing::CanGoOn), Ok(in_doubt("pay", 0))));
}

#[test]
fn an_event_with_a_new_hash_does_not_fit_the_chain() {
    let world = World::new();
    let event = wait(world.log.read(|records| records.leaf(3))).unwrap().unwrap();
    let other = String::from_utf8(event.bytes).unwrap().replace("\"call\":0", "\"call\":1");
    let hash = stepward_ledger::merkle::LeafHash::of(other.as_bytes());
    let sql =
        format!("UPDATE leaf SET bytes = x'{}', hash = x'{hash}' WHERE sequence = 3", hex::encode(other));
    assert_eq!(world.after(&sql), standings(Ok(Standing::CanGoOn), Err("run-events-changed")));
}

#[test]
fn a_run_that_ended_is_read_along_the_index() {
    let world = World::new();
    let head = world.log.head();
    let read = |run: &'static str| wait(world.log.read(move |records| runs::ended_run(records, head, run)));
    assert_eq!(read("done").unwrap().standing(None).word(), "finished");
    assert_eq!(read("nobody").unwrap_err().rule().as_str(), "run-unknown");
    let connection = Connection::open(world.path()).unwrap();
    connection.execute("UPDATE leaf SET bytes = CAST(bytes || ' ' AS BLOB) WHERE sequence = 5", []).unwrap();
    assert_eq!(read("done").unwrap_err().rule().as_str(), "event-not-in-tree");
}
