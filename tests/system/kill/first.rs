//! The first start of an environment, killed while it makes its files.

use super::{
    round::{Round, Tally},
    world::{Moment, World},
};
use std::time::Duration;

/// The files of a state in the order in which they come.
const FILES: [&str; 9] = [
    "keys/environment.key",
    "ledger.lock",
    "ledger.db",
    "ledger.db-wal",
    "wrapping.db",
    "wrapping.db-wal",
    "keys.db",
    "keys.db-wal",
    "tiles/checkpoint",
];
/// How long the process goes on when the file is there: the first writes come within that.
const LATER: [Duration; 4] =
    [Duration::ZERO, Duration::from_micros(500), Duration::from_millis(2), Duration::from_millis(6)];

#[test]
fn a_first_start_that_is_killed_is_made_good() {
    let (mut world, mut tally) = (World::new(true), Tally::default());
    let all = FILES.into_iter().flat_map(|file| LATER.map(|later| (file, later)));
    for (number, (file, later)) in all.enumerate() {
        world.forget();
        let mut round = Round::new(&mut world, &mut tally, "first start", number);
        round.kill(Moment::File(file, later));
        round.finish();
        drop(round);
        world.book.is_published();
    }
    eprintln!("first start: {tally:?}");
}
