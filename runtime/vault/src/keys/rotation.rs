//! Rotation: the step that completes erasures.
//!
//! 1. wrapping.db: the new wrapping key.
//! 2. keys.db: run keys that are alive under a wrapping key with erasures come under the newest, in
//!    commits of [`BATCH`] each.
//! 3. wrapping.db: wrapping keys that nothing alive is under are destroyed.
//! 4. wrapping.db is rewritten where a key was destroyed, and the log files of both, which hold what was
//!    overwritten, are emptied.
//!
//! Each commit is durable before the next. A run key is only ever under a wrapping key that was
//! durable before, and a wrapping key goes only after no run key is under it: no crash loses a run
//! key, and the next rotation finds what is left to do.

use super::{
    Made, Store,
    pair::Pair,
    runs, week_key, wrapping,
    wrapping::{Wrapping, WrappingKey},
};
use crate::aead;
use stepward_fault::Fault;

/// How many run keys one commit re-wraps: its sync is a small part of the work, and its log stays
/// under a megabyte.
const BATCH: u32 = 1000;

/// What a rotation did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rotated {
    /// The number of the wrapping key that it made, when a new week had begun or the clock had been far
    /// ahead.
    pub created: Option<u64>,
    /// How many run keys came under the newest wrapping key.
    pub rewrapped: u64,
    /// The numbers of the wrapping keys that it destroyed. The erasures under them are complete.
    pub destroyed: Vec<u64>,
    /// Wrapping keys that could not be destroyed.
    pub held: Vec<Held>,
}

/// A wrapping key with erasures that stays, since run keys under it do not open and cannot be moved.
/// It is kept for the case that they can be restored; erasing those runs lets it go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// Its number.
    pub wrapping_key: u64,
    /// How many run keys hold it.
    pub runs: u64,
    /// The run that comes first by name.
    pub first: String,
}

/// Rotates. `told` hears which wrapping keys go before any of them does, and keeps them by refusing.
/// `committed` is called after each commit: the tests look at the files there.
pub(super) fn rotate(
    store: &mut Store,
    root: &aead::Key,
    now_ms: u64,
    told: &mut dyn FnMut(&[u64]) -> Result<(), Fault>,
    committed: &mut dyn FnMut() -> Result<(), Fault>,
) -> Result<Rotated, Fault> {
    let Store { pair, current } = store;
    let mut rotated = Rotated::default();
    let (newest, made) = week_key(pair, current, root, now_ms)?;
    if made == Made::Now {
        rotated.created = Some(newest.id);
        committed()?;
        pair.keys.change(|transaction| runs::note_newest(transaction, newest.id))?;
        committed()?;
    }
    for id in wrapping::alive(&pair.wrapping)? {
        if id == newest.id || !pair.keys.read(|connection| runs::has_erased(connection, id))? {
            continue;
        }
        rotated.rewrapped += empty(pair, root, id, newest, committed)?;
        match pair.keys.read(|connection| runs::live(connection, id, "", 1))?.into_iter().next() {
            None => rotated.destroyed.push(id),
            Some((first, _)) => {
                let runs = pair.keys.read(|connection| runs::count_live(connection, id))?;
                rotated.held.push(Held { wrapping_key: id, runs, first });
            }
        }
    }
    if !rotated.destroyed.is_empty() {
        told(&rotated.destroyed)?;
        pair.wrapping.change(|transaction| wrapping::destroy(transaction, &rotated.destroyed, now_ms))?;
        check_destroyed(pair, &rotated.destroyed)?;
        committed()?;
        pair.wrapping.scrub()?;
    }
    pair.keys.checkpoint()?;
    pair.wrapping.checkpoint()?;
    Ok(rotated)
}

/// Refuses to say that keys are gone which the database still has.
fn check_destroyed(pair: &Pair, ids: &[u64]) -> Result<(), Fault> {
    let alive = wrapping::alive(&pair.wrapping)?;
    match ids.iter().find(|id| alive.contains(id)) {
        None => Ok(()),
        Some(id) => Err(super::stayed(&pair.wrapping, format_args!("wrapping key {id} was destroyed"))),
    }
}

/// Brings the run keys under one wrapping key under another, and says how many. Those that do not
/// open stay where they are.
fn empty(
    pair: &mut Pair,
    root: &aead::Key,
    from: u64,
    to: &WrappingKey,
    committed: &mut dyn FnMut() -> Result<(), Fault>,
) -> Result<u64, Fault> {
    let Wrapping::Open(from) = wrapping::open(&pair.wrapping, root, from)? else {
        return Ok(0);
    };
    let (mut count, mut after) = (0, String::new());
    loop {
        let batch = pair.keys.read(|connection| runs::live(connection, from.id, &after, BATCH))?;
        let Some((last, _)) = batch.last() else { return Ok(count) };
        after.clone_from(last);
        let mut moved = Vec::with_capacity(batch.len());
        for (run, wrapped) in batch {
            if let Ok(bytes) = from.unwrap(&run, &wrapped) {
                let wrapped = to.wrap(&run, &bytes)?;
                moved.push((run, wrapped));
            }
        }
        pair.keys.change(|transaction| {
            moved.iter().try_for_each(|(run, wrapped)| runs::rewrap(transaction, run, to.id, wrapped))
        })?;
        count += u64::try_from(moved.len()).unwrap_or(u64::MAX);
        committed()?;
    }
}
