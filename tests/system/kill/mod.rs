//! The program is killed, at every moment that can be told from outside, and again while it recovers.
//!
//! After each kill the log alone says where the run stands; the run goes on or asks; and in the end each
//! invoice is paid once, by an effect that was intended before.
#![allow(
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "the tests start programs, wait for them, look into their files, and say what they killed"
)]

mod book;
mod damage;
mod disk;
mod first;
mod http;
mod program;
mod round;
mod seed;
mod wire;
mod world;

use round::{CALLS, POST, Round, Tally};
use seed::Seed;
use std::{fs, path::PathBuf, time::Duration};
use wire::Stop;
use world::{Moment, World};

/// Kills of each kind are chosen by this where they are chosen by chance. A failure names it.
const SEED: u64 = 0x5eed_0f00_d15e_a5e5;
/// Events that `stepward runs resolve` writes.
const WORD: u64 = 4;
/// How often each event is awaited: several can come at once.
const TIMES: usize = 5;
/// Invoices of each test that chooses by chance.
const ORDINARY: usize = 16;
/// The same in the long version.
const NIGHTLY: usize = 400;
/// Longest time after which a process is killed by chance: a little more than a run takes.
const LONGEST: Duration = Duration::from_millis(400);

/// What one kind of kills is made of.
struct Series {
    world: World,
    tally: Tally,
    name: String,
    invoices: usize,
}

impl Series {
    /// With a first run that nobody disturbs. It says how many events a run has.
    fn new(name: &str, idempotent: bool) -> (Self, u64) {
        let name = format!("{name}, idempotent = {idempotent}");
        let mut series = Self { world: World::new(idempotent), tally: Tally::default(), name, invoices: 0 };
        series.round(|_| {});
        let published = series.world.stage.state().join("dev/tiles/checkpoint");
        fs::copy(published, series.kept()).unwrap();
        let before = series.world.book.events().len();
        series.round(|_| {});
        let again = series.world.book.events().len() - before;
        (series, again as u64)
    }

    /// The checkpoint after the first run, kept elsewhere.
    fn kept(&self) -> PathBuf {
        self.world.stage.beside("kept-checkpoint")
    }

    fn round(&mut self, kills: impl FnOnce(&mut Round<'_>)) {
        self.invoices += 1;
        let mut round = Round::new(&mut self.world, &mut self.tally, &self.name, self.invoices);
        kills(&mut round);
        round.finish();
        if self.invoices == 1 {
            round.stays_finished();
        }
    }

    /// Looks at the whole log again, after a last run that nobody disturbs.
    fn end(mut self, least: usize) {
        self.round(|_| {});
        self.world.book.read_again();
        self.world.book.is_published();
        let (state, kept) = (self.world.stage.state().join("dev"), self.kept());
        let (state, kept) = (state.to_str().unwrap(), kept.to_str().unwrap());
        let (verified, _) = self.world.ask(&["verify", state, "--bodies", "--checkpoint", kept, "--json"]);
        verified.expect(0);
        assert!(self.tally.kills >= least, "{:?}", self.tally);
        let (events, Self { tally, name, invoices, .. }) = (self.world.book.events().len(), &self);
        eprintln!("{name}: {invoices} invoices, {events} events, {tally:?}");
    }
}

/// Each call is killed at each point of its way; the payment again at each point while it goes on.
fn on_the_wire(idempotent: bool) {
    let (mut series, _) = Series::new("on the wire", idempotent);
    for call in 1..=CALLS {
        for stop in Stop::ALL {
            series.round(|round| round.kill(Moment::Wire(call, stop)));
        }
    }
    for first in Stop::ALL {
        for second in Stop::ALL {
            series.round(|round| {
                round.kill(Moment::Wire(POST, first));
                round.kill(Moment::Wire(1, second));
            });
        }
    }
    // The word of an operator as it is written down; one who is not needed is not killed.
    for stop in [Stop::Received, Stop::Handled] {
        for more in 1..=WORD {
            series.round(|round| {
                round.kill(Moment::Wire(POST, stop));
                round.kill(Moment::Events(more));
            });
        }
    }
    series.end(CALLS * Stop::ALL.len() + Stop::ALL.len() * (Stop::ALL.len() + 1));
}

#[test]
fn a_call_that_is_killed_on_the_wire_goes_on() {
    on_the_wire(true);
}

#[test]
fn a_call_that_is_killed_on_the_wire_goes_on_or_asks() {
    on_the_wire(false);
}

/// A run is killed when the log has each number of its events.
fn at_every_event(idempotent: bool) {
    let (mut series, events) = Series::new("at every event", idempotent);
    for _ in 0..TIMES {
        for more in 1..=events {
            series.round(|round| round.kill(Moment::Events(more)));
        }
    }
    // The last events of a run come when nothing but its end is left.
    series.end(TIMES * usize::try_from(events).unwrap() / 2);
}

#[test]
fn a_run_that_is_killed_at_any_event_goes_on() {
    at_every_event(true);
}

#[test]
fn a_run_that_is_killed_at_any_event_goes_on_or_asks() {
    at_every_event(false);
}

/// Whatever runs is killed up to three times in a row, at moments that chance decides: also while it
/// starts, recovers, or writes down what an operator says.
fn by_chance(idempotent: bool, invoices: usize) {
    let (mut series, events) = Series::new("by chance", idempotent);
    for number in 0..invoices as u64 {
        let start = SEED ^ number ^ u64::from(idempotent) << 32;
        let mut seed = Seed(start);
        let name = format!("by chance, idempotent = {idempotent}, seed {start:#x}");
        series.name = name;
        series.round(|round| {
            for _ in 0..=seed.below(3) {
                round.kill(chosen(&mut seed, events));
            }
        });
    }
    // A process may end before the moment that chance gave it.
    series.end(invoices / 2);
}

fn chosen(seed: &mut Seed, events: u64) -> Moment {
    match seed.below(3) {
        0 => {
            let call = 1 + usize::try_from(seed.below(CALLS as u64)).unwrap();
            Moment::Wire(call, Stop::ALL[usize::try_from(seed.below(Stop::ALL.len() as u64)).unwrap()])
        }
        1 => Moment::Events(1 + seed.below(events)),
        _ => Moment::After(Duration::from_micros(seed.below(u64::try_from(LONGEST.as_micros()).unwrap()))),
    }
}

#[test]
fn a_run_that_is_killed_again_and_again_goes_on() {
    by_chance(true, ORDINARY);
}

#[test]
fn a_run_that_is_killed_again_and_again_goes_on_or_asks() {
    by_chance(false, ORDINARY);
}

#[test]
#[ignore = "takes half an hour: cargo test --workspace --test system -- --ignored nightly"]
fn nightly_kills() {
    by_chance(true, NIGHTLY);
    by_chance(false, NIGHTLY);
}
