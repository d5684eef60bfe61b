//! Timing by turns: floor and product alternate, so that what the machine does meanwhile hits both.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// Rounds of each side; the median of the rounds' means is reported.
const ROUNDS: usize = 31;

pub(crate) struct Pair {
    pub(crate) floor: Duration,
    pub(crate) ours: Duration,
}

/// Times `floor` and `ours` by turns, `each` calls a round, after one round of each that is thrown
/// away.
pub(crate) fn alternate(each: u32, mut floor: impl FnMut(u32), mut ours: impl FnMut(u32)) -> Pair {
    floor(each);
    ours(each);
    let mut times = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        times.0.push(timed(each, &mut floor));
        times.1.push(timed(each, &mut ours));
    }
    Pair { floor: median(times.0), ours: median(times.1) }
}

fn timed(each: u32, work: &mut impl FnMut(u32)) -> Duration {
    let start = Instant::now();
    work(each);
    start.elapsed() / each
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

/// Aims that were missed so far.
static MISSED: AtomicU32 = AtomicU32::new(0);

/// How an aim is spoken of in a row; one that was missed is counted.
pub(crate) fn verdict(met: bool) -> &'static str {
    if met {
        return "met";
    }
    MISSED.fetch_add(1, Ordering::Relaxed);
    "missed"
}

/// How many aims were missed.
pub(crate) fn missed() -> u32 {
    MISSED.load(Ordering::Relaxed)
}

pub(crate) fn row(what: &str, pair: &Pair, aim: f64) {
    let ratio = pair.ours.as_secs_f64() / pair.floor.as_secs_f64();
    let verdict = verdict(ratio <= aim);
    println!(
        "| {what} | {:.1} µs | {:.1} µs | {ratio:.2} | {aim:.2} ({verdict}) |",
        pair.floor.as_secs_f64() * 1e6,
        pair.ours.as_secs_f64() * 1e6
    );
}
