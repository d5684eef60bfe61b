//! The thread that owns the store.

use super::handle::Shared;
use super::queue::{Life, Until, Work, closed};
use super::seal::Sealing;
use crate::store::Store;
use std::{thread, time::Duration};
use stepward_fault::{Class, Fault, Owner, Rule};

/// How long an event may wait for one that somebody waits for: no longer than a person who follows the log
/// would notice.
const LINGER: Duration = Duration::from_millis(20);

/// How long a commit waits for the next one of those whom the last one woke: a fraction of a sync, and
/// long beside what a task takes from waking to its next event.
const PATIENCE: Duration = Duration::from_micros(50);

const WRITER_ENDED: Rule = Rule::new("log-writer-ended");

/// Commits what gathers until the log is closed or a commit fails. The store, and with it the right
/// to write it, is given back when this returns.
pub(super) fn run(shared: &Shared, store: Box<dyn Store>, mut sealing: Sealing) {
    let _last_word = LastWord(shared);
    // Dropped before the last word is said.
    let mut store = store;
    while let Some(work) = next(shared) {
        if let Err(fault) = perform(shared, &mut *store, &mut sealing, work) {
            shared.die(fault);
            return;
        }
    }
}

/// Waits for work; nothing when the log is closed and everything is written.
///
/// Those whom the last commit has just woken come in one after the other. Without a pause the first of
/// them would have a commit of its own and all others wait for it; so as long as more of them come, the
/// commit waits for as many as were woken. A lone writer never waits.
fn next(shared: &Shared) -> Option<Work> {
    let mut queue = shared.lock();
    while queue.is_idle() {
        match queue.life {
            Life::Open => queue = shared.sleep(queue, Until::Work, None),
            Life::Closing | Life::Dead(_) => return None,
        }
    }
    // What nobody waits for goes with the next event that somebody does.
    queue = shared.sleep(queue, Until::Wanted, Some(LINGER));
    loop {
        let before = queue.waiters();
        queue = shared.sleep(queue, Until::Gathered, Some(PATIENCE));
        if queue.has_gathered() || queue.waiters() == before {
            return Some(queue.take());
        }
    }
}

fn perform(
    shared: &Shared,
    store: &mut dyn Store,
    sealing: &mut Sealing,
    mut work: Work,
) -> Result<(), Fault> {
    if let Some(batch) = work.batch(sealing) {
        store.commit(&batch)?;
        let (head, events) = (batch.head, batch.entries.len());
        // Before others run again, who would wait for the allocator.
        drop(batch);
        shared.lock().written(events, work.bytes, work.waiters);
        shared.progress.send_modify(|progress| progress.head = head);
    }
    work.requests.into_iter().try_for_each(|request| request(store))
}

/// Tells everyone who waits that nothing more comes, also when the store panicked.
struct LastWord<'a>(&'a Shared);

impl Drop for LastWord<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.die(
                Fault::new(Class::Internal, Owner::Stepward, WRITER_ENDED)
                    .says("the log's writer ended by a panic")
                    .hint("please report it; the log is checked when it is opened again"),
            );
        } else {
            self.0.die(closed());
        }
    }
}
