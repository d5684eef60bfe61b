//! Keeping the index of runs in step with the events.

use crate::merkle::LeafHash;
use crate::store::{Chain, RunChange, RunLink};
use rusqlite::{OptionalExtension as _, Transaction};
use std::collections::HashMap;
use std::collections::hash_map::Entry;

/// Unfinished runs that are remembered; when there are more, all are looked up again once.
const MAX_REMEMBERED: usize = 65_536;

/// Where runs stand in the index, by their names.
pub(super) type Remembered = HashMap<String, Place>;

/// Where a run stands.
#[derive(Debug)]
pub(super) struct Place {
    opened: u64,
    last: u64,
    events: u64,
    chain: Chain,
    /// What the row says of the run once it is written.
    open: bool,
    /// Whether the row has to be written.
    changed: bool,
}

impl Place {
    fn opened(sequence: u64) -> Self {
        Self { opened: sequence, last: sequence, events: 0, chain: Chain::START, open: true, changed: false }
    }
}

/// The index while one batch is written. Each run's row is written once, however many of its events
/// are in the batch.
pub(super) struct Index<'a> {
    transaction: &'a Transaction<'a>,
    remembered: &'a mut Remembered,
    changed: Vec<String>,
}

impl<'a> Index<'a> {
    pub(super) fn of(transaction: &'a Transaction<'a>, remembered: &'a mut Remembered) -> Self {
        if remembered.len() > MAX_REMEMBERED {
            remembered.clear();
        }
        Self { transaction, remembered, changed: Vec::new() }
    }

    /// Puts an event at the end of its run and says which event of the run came before it. A run begins
    /// with the event that opens it, once.
    pub(super) fn link(
        &mut self,
        sequence: u64,
        event: LeafHash,
        link: &RunLink,
    ) -> rusqlite::Result<Option<u64>> {
        if link.change == RunChange::Opens {
            let opened = Place::opened(sequence);
            self.transaction.prepare_cached("INSERT INTO run VALUES (?1, ?2, ?1, 1, 0, ?3)")?.execute((
                sequence,
                &link.run,
                opened.chain.as_bytes().as_slice(),
            ))?;
            self.remembered.insert(link.run.clone(), opened);
        }
        let place = match self.remembered.entry(link.run.clone()) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(unknown) => match found(self.transaction, &link.run)? {
                Some(place) => unknown.insert(place),
                None => return Ok(None),
            },
        };
        let previous = (place.events > 0).then_some(place.last);
        place.last = sequence;
        place.events += 1;
        place.chain = place.chain.after(event);
        match link.change {
            RunChange::Opens | RunChange::Stays => {}
            RunChange::Closes => place.open = false,
        }
        if !std::mem::replace(&mut place.changed, true) {
            self.changed.push(link.run.clone());
        }
        Ok(previous)
    }

    /// Writes the rows of the runs, and forgets those that are finished: they have few events still
    /// to come, if any.
    pub(super) fn finish(self) -> rusqlite::Result<()> {
        let mut update = self.transaction.prepare_cached(
            "UPDATE run SET last = ?2, open = ?3, events = ?4, chain = ?5 WHERE opened = ?1",
        )?;
        for run in self.changed {
            if let Entry::Occupied(mut known) = self.remembered.entry(run) {
                let place = known.get_mut();
                place.changed = false;
                update.execute((
                    place.opened,
                    place.last,
                    place.open,
                    place.events,
                    place.chain.as_bytes().as_slice(),
                ))?;
                if !place.open {
                    known.remove();
                }
            }
        }
        Ok(())
    }
}

fn found(transaction: &Transaction<'_>, run: &str) -> rusqlite::Result<Option<Place>> {
    transaction
        .prepare_cached("SELECT opened, last, open, events, chain FROM run WHERE name = ?1")?
        .query_row([run], |row| {
            Ok(Place {
                opened: row.get(0)?,
                last: row.get(1)?,
                open: row.get(2)?,
                events: row.get(3)?,
                chain: Chain::from_bytes(row.get(4)?),
                changed: false,
            })
        })
        .optional()
}
