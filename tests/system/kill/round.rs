//! One invoice, from its first run to its payment, through as many kills as a test likes.

use super::{
    book::Standing,
    program::Fate,
    wire::{Seen, Stop},
    world::{Moment, World},
};
use crate::process::Ended;
use serde_json::{Value, json};
use std::{collections::BTreeMap, fs, path::PathBuf};

/// The requests of a whole run, in order.
pub(super) const CALLS: usize = 3;
/// The one that has an effect.
pub(super) const POST: usize = 3;

/// What was done and seen in a test.
#[derive(Default, Debug)]
pub(super) struct Tally {
    pub(super) kills: usize,
    /// What runs stood at after a kill.
    pub(super) standings: BTreeMap<&'static str, usize>,
    /// The last event of a run that was killed.
    pub(super) last: BTreeMap<String, usize>,
}

/// One invoice.
pub(super) struct Round<'a> {
    world: &'a mut World,
    tally: &'a mut Tally,
    /// What a failure names.
    name: String,
    number: String,
    input: PathBuf,
    run: Option<String>,
    moments: Vec<Moment>,
    /// The keys of all attempts that left the runner.
    keys: Vec<String>,
    /// What the payment's answer says of it.
    outcome: &'static str,
    /// The output, where a process gave it out.
    output: Option<Value>,
}

impl Drop for Round<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let Self { name, number, run, moments, .. } = self;
            eprintln!("in {name}, invoice {number}, run {run:?}, killed at {moments:?}");
        }
    }
}

impl<'a> Round<'a> {
    pub(super) fn new(world: &'a mut World, tally: &'a mut Tally, name: &str, number: usize) -> Self {
        let number = format!("K-{number}");
        let input = world.invoice(&number);
        let (name, moments, keys) = (name.to_owned(), Vec::new(), Vec::new());
        Self { world, tally, name, number, input, run: None, moments, keys, outcome: "", output: None }
    }

    pub(super) fn standing(&self) -> Standing {
        self.run.as_ref().map_or(Standing::Absent, |run| self.world.book.standing(run))
    }

    /// Kills the process that comes next, and looks at what it left.
    pub(super) fn kill(&mut self, moment: Moment) {
        self.moments.push(moment);
        let command = match (self.standing(), moment) {
            (Standing::Finished(_), _) => return,
            (Standing::InDoubt(step, call), Moment::Events(_) | Moment::After(_) | Moment::File(..)) => {
                self.resolving(&step, call)
            }
            (Standing::InDoubt(step, call), Moment::Wire(..)) => {
                self.resolve(&step, call);
                self.going_on()
            }
            (Standing::Absent | Standing::NotStarted | Standing::CanGoOn, _) => self.going_on(),
        };
        let (expected, paid, from) = self.before();
        let (fate, seen) = self.world.killed(&command, moment);
        let list = self.listed(from);
        self.sent(&expected, paid, &seen);
        match fate {
            Fate::Killed => self.left(moment, expected.len(), &list),
            Fate::Ended(ended) => self.ended(&ended.expect(0)),
        }
    }

    /// Holds a request of the next process while something else is done, lets it go on, and gives what
    /// the process says in the end. What the other thing left is dropped before anybody looks.
    pub(super) fn hampered<T>(&mut self, call: usize, stop: Stop, act: impl FnOnce(&Self) -> T) -> Ended {
        self.moments.push(Moment::Wire(call, stop));
        let (expected, paid, from) = self.before();
        let (mut program, told) = self.world.start(&self.going_on(), Some((call, stop)));
        assert!(program.until(|| told.try_recv().is_ok()), "{:?}", program.end());
        let left = act(self);
        self.world.wire.go_on();
        let ended = program.end();
        drop(left);
        let seen = self.world.wire.settle();
        let list = self.listed(from);
        self.sent(&expected, paid, &seen);
        assert_eq!(shown(&list, self.run.as_deref()), word(&self.standing()), "{list}");
        ended
    }

    pub(super) fn world(&self) -> &World {
        self.world
    }

    pub(super) fn keys(&self) -> &[String] {
        &self.keys
    }

    pub(super) fn number(&self) -> &str {
        &self.number
    }

    pub(super) fn input(&self) -> &str {
        self.input.to_str().unwrap()
    }

    /// Leaves it as it is, and gives the name of its run.
    pub(super) fn leave(mut self) -> String {
        self.run.take().unwrap()
    }

    /// Goes on until the invoice is paid, and looks at all that there is.
    pub(super) fn finish(&mut self) {
        loop {
            match self.standing() {
                Standing::Finished(outcome) => {
                    assert_eq!(outcome, "succeeded");
                    break;
                }
                Standing::InDoubt(step, call) => self.resolve(&step, call),
                Standing::Absent | Standing::NotStarted | Standing::CanGoOn => self.go_on(),
            }
        }
        self.is_paid_once();
        self.world.book.every_effect_was_intended();
    }

    /// The command that brings the run further.
    fn going_on(&self) -> Vec<String> {
        match &self.run {
            None => ["run", "approve", "--json", "--input", self.input()].map(str::to_owned).to_vec(),
            Some(run) => ["runs", "resume", run, "--json"].map(str::to_owned).to_vec(),
        }
    }

    fn go_on(&mut self) {
        let (expected, paid, from) = self.before();
        let (ended, seen) = self.world.run(&self.going_on());
        self.named(from);
        self.sent(&expected, paid, &seen);
        assert_eq!(seen.len(), expected.len(), "{seen:?}");
        self.ended(&ended.expect(0));
        assert!(self.output.is_some());
    }

    /// The requests that the process to come will make, whether the payment is booked, and the size of
    /// the log.
    fn before(&self) -> (Vec<&'static str>, bool, usize) {
        let all = ["GET /api/suppliers/", "GET /api/invoices/", "POST /api/payments"];
        let run = self.run.as_deref().unwrap_or_default();
        let (reads, applied) = (self.world.book.reads(run), self.world.book.applied(run));
        assert!(reads < CALLS, "a read that is in the log was made again");
        let expected = all[reads..if applied { CALLS - 1 } else { CALLS }].to_vec();
        (expected, self.world.paid(&self.number).is_some(), self.world.book.events().len())
    }

    /// What a process sent is what it was to send, and the payment always under one key.
    fn sent(&mut self, expected: &[&str], paid: bool, seen: &[Seen]) {
        assert!(seen.len() <= expected.len(), "{seen:?}");
        for (seen, expected) in seen.iter().zip(expected) {
            assert!(format!("{} {}", seen.method, seen.target).starts_with(expected), "{seen:?}");
            if seen.method == "POST" {
                self.keys.push(seen.key.clone().unwrap());
                self.outcome = if paid { "already-posted" } else { "posted" };
            }
        }
    }

    /// What `runs list` says of the runs, and reads the log after it.
    fn listed(&mut self, from: usize) -> Value {
        let (list, seen) = self.world.run(&["runs", "list", "--json", "--limit", "3"]);
        assert!(seen.is_empty());
        self.named(from);
        if self.world.book.events().is_empty() {
            // Nothing was begun, or not more than a file.
            assert!(matches!(list.code, Some(0 | 7 | 9)), "{list:?}");
            return json!({ "runs": [] });
        }
        list.expect(0).json()
    }

    /// Learns the name of the run from the log.
    fn named(&mut self, from: usize) {
        if self.run.is_none() {
            self.run = self.world.book.run_since(from);
        }
    }

    /// What was killed is told apart from the log alone.
    fn left(&mut self, moment: Moment, requests: usize, list: &Value) {
        let standing = self.standing();
        assert_eq!(shown(list, self.run.as_deref()), word(&standing), "{list}");
        if let Moment::Wire(call, stop) = moment {
            self.demanded(CALLS - requests + call, stop, &standing);
        }
        self.tally.kills += 1;
        *self.tally.standings.entry(word(&standing).unwrap_or("absent")).or_default() += 1;
        let run = self.run.as_deref().unwrap_or_default();
        let last =
            self.world.book.of(run).next_back().map_or("none", |event| event["action"].as_str().unwrap());
        *self.tally.last.entry(last.to_owned()).or_default() += 1;
        if self.world.paid(&self.number).is_some() {
            assert!(self.world.book.of(run).any(|event| event["action"] == "call-intended"));
        }
    }

    /// What a moment on the wire demands: `call` is the number within the whole run.
    fn demanded(&self, call: usize, stop: Stop, standing: &Standing) {
        let waits = if self.world.idempotent { "can-go-on" } else { "in-doubt" };
        let may: &[_] = match (call, stop) {
            (POST, Stop::Accepted | Stop::Greeted | Stop::Received | Stop::Handled) => &[Some(waits)],
            // Whether the answer was still written down is open.
            (POST, Stop::Answered) => &[Some(waits), Some("can-go-on"), Some("finished")],
            // Nothing before the first intent is waited for.
            _ => &[Some("can-go-on"), Some("not-started"), None],
        };
        assert!(may.contains(&word(standing)), "{standing:?}");
        let booked = self.world.paid(&self.number).is_some();
        match (call, stop) {
            (POST, Stop::Handled | Stop::Answered) => assert!(booked),
            (POST, Stop::Accepted | Stop::Greeted | Stop::Received) => {
                let run = self.run.as_deref().unwrap();
                assert!(self.world.book.open(run).is_some(), "the intent comes before the wire");
            }
            _ => assert!(!booked),
        }
    }

    /// A run in doubt does not go on, says what to type, and an operator types it.
    fn resolve(&mut self, step: &str, call: u64) {
        let (refused, seen) = self.world.run(&self.going_on());
        assert!(seen.is_empty());
        let error = refused.expect(6).json()["error"].clone();
        let typed = format!("stepward runs resolve {} {call} --as applied", self.run.as_ref().unwrap());
        assert!(error["hint"].as_str().unwrap().contains(&typed), "{error}");
        let command = self.resolving(step, call);
        let (resolved, seen) = self.world.run(&command);
        resolved.expect(0);
        assert!(seen.is_empty());
        assert_ne!(self.standing(), Standing::InDoubt(step.to_owned(), call));
    }

    /// What an operator types who has looked into the ERP.
    fn resolving(&mut self, step: &str, call: u64) -> Vec<String> {
        assert_eq!(step, "post-payment");
        let (run, call) = (self.run.clone().unwrap(), call.to_string());
        let mut command =
            ["runs", "resolve", &run, &call, "--json", "--reason", "looked into the ERP", "--as"]
                .map(str::to_owned)
                .to_vec();
        match self.world.paid(&self.number) {
            Some(paid) => {
                let answer = self.world.stage.beside("answer.json");
                let body = json!({ "payment_id": paid.id, "status": "posted" }).to_string();
                let text = json!({ "status": 201, "headers": [], "body": { "text": body } }).to_string();
                fs::write(&answer, text).unwrap();
                command.extend([
                    "applied".to_owned(),
                    "--answer".to_owned(),
                    answer.to_str().unwrap().to_owned(),
                ]);
                self.outcome = "posted";
            }
            None => command.push("not-applied".to_owned()),
        }
        command
    }

    fn ended(&mut self, ended: &Ended) {
        let report = ended.json();
        if report["status"] != "succeeded" {
            return;
        }
        let paid = self.world.paid(&self.number).unwrap();
        let output = json!({
            "payment_id": paid.id, "outcome": self.outcome, "supplier": "DK12345678", "invoice": self.number,
            "amount": "782179.43", "currency": "DKK", "key_version": "1",
        });
        assert_eq!(report["output"], output);
        self.output = Some(output);
    }

    /// A run that is finished does not go on.
    pub(super) fn stays_finished(&mut self) {
        let (refused, seen) = self.world.run(&self.going_on());
        assert_eq!((refused.expect(3).json()["error"]["rule"].as_str(), seen.len()), (Some("run-ended"), 0));
    }

    fn is_paid_once(&self) {
        let paid = self.world.paid(&self.number).unwrap();
        assert!(!self.keys.is_empty() && self.keys.iter().all(|key| *key == paid.key), "{:?}", self.keys);
        let run = self.run.as_deref().unwrap();
        assert_eq!(self.world.book.open(run), None, "what came of the payment is in the log");
        let mut of = self.world.book.of(run);
        let intent = of.find(|event| event["action"] == "call-intended").unwrap();
        assert!(intent["time_us"].as_u64().unwrap() / 1000 <= paid.at_ms, "{intent} {paid:?}");
    }
}

/// The word that the program has for where a run stands; nothing for a run that it does not know.
fn word(standing: &Standing) -> Option<&'static str> {
    match standing {
        Standing::Absent => None,
        Standing::NotStarted => Some("not-started"),
        Standing::CanGoOn => Some("can-go-on"),
        Standing::InDoubt(..) => Some("in-doubt"),
        Standing::Finished(_) => Some("finished"),
    }
}

/// The word that a list of runs has for one of them.
fn shown<'a>(list: &'a Value, run: Option<&str>) -> Option<&'a str> {
    let runs = list["runs"].as_array().unwrap();
    let run = runs.iter().find(|shown| shown["run"].as_str() == run)?;
    Some(run["standing"].as_str().unwrap())
}
