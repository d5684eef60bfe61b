//! A backup that another process takes while the store is in use.

use super::{
    database::Database,
    pair::{KEYS_OLDER, Pair},
    runs, wrapping,
};
use std::{fs, path::Path};
use stepward_fault::Fault;

/// How often copies are made that a rotation came between. Rotations are a week apart or follow an
/// erasure, so a second try succeeds, unless somebody erases without pause.
const TRIES: u32 = 25;

/// Copies keys.db and wrapping.db, in this order.
pub(super) fn in_use(from: [&Path; 2], to: [&Path; 2]) -> Result<(), Fault> {
    let [keys, wrapping] = from;
    let keys = Database::reader(keys, &runs::KIND)?;
    let wrapping = Database::reader(wrapping, &wrapping::KIND)?;
    let [keys_to, wrapping_to] = to;
    let mut tries = 1;
    loop {
        keys.copy(keys_to)?;
        wrapping.copy(wrapping_to)?;
        match Pair::open(keys_to, wrapping_to) {
            Ok(_) => return Ok(()),
            // Run keys in the copy of keys.db are under a wrapping key that went since.
            Err(fault) if fault.rule() == KEYS_OLDER && tries < TRIES => tries += 1,
            Err(fault) => return Err(fault),
        }
        for copy in to {
            // It was made here a moment ago. If it cannot be removed, the next copy is refused.
            fs::remove_file(copy).ok();
        }
    }
}
