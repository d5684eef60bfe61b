//! A wall clock that is set back while nobody writes.

use super::{events, open_by};
use std::sync::Arc;
use stepward::ledger::{
    event::{Event, Gap, What},
    log::{Clock, Stamp},
};

const NOON: u64 = 1_763_719_200_000_000;

/// A clock that stands still.
fn at(unix_us: u64, error_us: Option<u64>) -> Arc<dyn Clock> {
    Arc::new(move || Stamp { unix_us, error_us, mono_us: 0 })
}

#[tokio::test]
async fn a_clock_that_was_set_back_leaves_a_gap_and_stops_nothing() {
    let folder = tempfile::tempdir().unwrap();
    for (unix_us, error_us) in [(NOON, None), (NOON - 1, Some(40)), (NOON - 1, None), (NOON + 1, None)] {
        let journal = open_by(folder.path(), at(unix_us, error_us)).await.unwrap().journal;
        let _durable = journal.stop().await.unwrap();
        journal.log().close().await.unwrap();
    }
    let events = events(folder.path());
    let gaps = events.iter().filter_map(|event| match event.what {
        What::GapFound { gap, from } => Some((event.sequence, gap, from)),
        _ => None,
    });
    let gaps = gaps.collect::<Vec<_>>();
    // Once, by the service that found it, and it names the last event from before.
    let [(found, gap, from)] = gaps[..] else { panic!("{gaps:?}") };
    assert_eq!(
        (gap, events[usize::try_from(from).unwrap()].what.clone()),
        (Gap::ClockBack, What::ServiceStopped)
    );
    let started = events.iter().filter(|event| matches!(event.what, What::ServiceStarted { .. }));
    assert_eq!(started.map(|event| event.sequence).nth(1).unwrap() + 1, found);
    // What the clock knows of its error is told with each event, and nothing is made up.
    let told = |event: &Event| (event.stamp.unix_us, event.stamp.error_us);
    assert_eq!(told(&events[usize::try_from(from).unwrap()]), (NOON, None));
    assert_eq!(told(&events[usize::try_from(found).unwrap()]), (NOON - 1, Some(40)));
}
