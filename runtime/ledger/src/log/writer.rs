//! The thread that owns the store.

use super::handle::Shared;
use super::queue::{Life, Work, closed};
use super::seal::Sealing;
use crate::store::Store;
use std::{thread, time::Duration};
use stepward_fault::{Class, Fault, Owner, Rule};

/// How long an event may wait for one that somebody waits for: no longer than a person who follows the log
/// would notice.
const LINGER: Duration = Duration::from_millis(20);

const WRITER_ENDED: Rule = Rule::new("log-writer-ended");

/// Commits what gathers until the log is closed or a commit fails. The store, and with it the right
/// to write it, is given back when this returns.
pub(super) fn run(shared: &Shared, store: Box<dyn Store>, mut sealing: Sealing) {
    let _last_word = LastWord(shared);
    // Dropped before the last word is said.
    let mut store = store;
    let mut expected = 0;
    while let Some(work) = next(shared, expected) {
        expected = work.events();
        if let Err(fault) = perform(shared, &mut *store, &mut sealing, work) {
            shared.die(fault);
            return;
        }
    }
}

/// Waits for work; nothing when the log is closed and everything is written.
///
/// Those that the last commit has just woken come in one after the other. Without a pause the first
/// of them would have a commit of its own and all others wait for it; so as long as a turn of the
/// scheduler brings more events, up to as many as there were last time, the commit waits. A lone
/// writer never does.
fn next(shared: &Shared, expected: usize) -> Option<Work> {
    let mut queue = shared.lock();
    while queue.is_idle() {
        match queue.life {
            Life::Open => queue = shared.wait(queue),
            Life::Closing | Life::Dead(_) => return None,
        }
    }
    // What nobody waits for goes with the next event that somebody does.
    queue = shared.linger(queue, LINGER);
    loop {
        let before = queue.gathered();
        if before == 0 || before >= expected {
            return Some(queue.take());
        }
        drop(queue);
        thread::yield_now();
        queue = shared.lock();
        if queue.gathered() == before {
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
        shared.lock().written(batch.entries.len(), work.bytes);
        shared.progress.send_modify(|progress| progress.head = batch.head);
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
