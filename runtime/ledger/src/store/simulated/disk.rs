//! Bytes that may not survive.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use stepward_fault::{Class, Fault, Owner, Rule};

const DISK: Rule = Rule::new("simulated-disk");

/// What goes wrong at an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiskFault {
    /// The machine stops in the middle of it: a write is done in part, a sync perhaps, and nothing
    /// after it is done at all.
    PowerLoss,
    /// It fails, once.
    Error,
    /// A write is done in part and fails, and so do all after it.
    Full,
    /// It fails and does nothing, and so does every later change.
    ReadOnly,
}

/// When something goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// At which operation from now on, counted from 0.
    pub at: u64,
    /// What.
    pub fault: DiskFault,
    /// Decides what is left open.
    pub seed: u64,
}

/// A disk with one file. Clones look at the same bytes.
#[derive(Clone, Debug, Default)]
pub struct Disk(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    /// What a reader sees.
    current: Vec<u8>,
    /// What the last sync left.
    durable: Vec<u8>,
    operations: u64,
    plan: Option<Plan>,
}

/// What is done, and whether it succeeds.
struct Verdict {
    bytes: usize,
    outcome: Result<(), Fault>,
}

impl Disk {
    /// An empty disk on which everything succeeds.
    pub fn new() -> Self {
        Self::default()
    }

    /// A disk that holds these bytes, synced.
    pub fn holding(bytes: Vec<u8>) -> Self {
        Self(Arc::new(Mutex::new(State { durable: bytes.clone(), current: bytes, ..State::default() })))
    }

    /// Sets what goes wrong, and counts operations from 0 again.
    pub fn plan(&self, plan: Plan) {
        let mut state = self.state();
        state.operations = 0;
        state.plan = Some(plan);
    }

    /// Operations that were asked for: writes, syncs and truncations.
    pub fn operations(&self) -> u64 {
        self.state().operations
    }

    /// What a reader sees.
    pub fn bytes(&self) -> Vec<u8> {
        self.state().current.clone()
    }

    /// A disk with what is found when only the process died: everything that was written.
    #[must_use]
    pub fn restarted(&self) -> Self {
        Self::holding(self.bytes())
    }

    /// A disk with what may be found after a power failure: everything synced and, as the seed has it,
    /// nothing, a part, all, or a part and then garbage of what was written since.
    #[must_use]
    pub fn crashed(&self, seed: u64) -> Self {
        let state = self.state();
        let mut found = state.durable.clone();
        match state.current.strip_prefix(found.as_slice()) {
            Some(unsynced) => {
                let torn = below(seed, 1, unsynced.len() + 1);
                match mix(seed, 0) % 4 {
                    0 => {}
                    1 => found.extend(unsynced),
                    2 => found.extend(unsynced.iter().take(torn)),
                    _ => found.extend(unsynced.iter().zip(0..).map(|(byte, place)| {
                        if place < torn { *byte } else { mix(seed, 2).to_le_bytes()[0] }
                    })),
                }
            }
            // An unsynced truncation happened or did not.
            None if mix(seed, 0) & 1 == 0 => found.clone_from(&state.current),
            None => {}
        }
        Self::holding(found)
    }

    pub(super) fn write(&self, bytes: &[u8]) -> Result<(), Fault> {
        let mut state = self.state();
        let Verdict { bytes: done, outcome } = state.verdict(bytes.len());
        state.current.extend(bytes.iter().take(done));
        outcome
    }

    pub(super) fn truncate(&self, len: usize) -> Result<(), Fault> {
        let mut state = self.state();
        let Verdict { bytes, outcome } = state.verdict(1);
        if bytes == 1 {
            state.current.truncate(len);
        }
        outcome
    }

    pub(super) fn sync(&self) -> Result<(), Fault> {
        let mut state = self.state();
        let Verdict { bytes, outcome } = state.verdict(1);
        if bytes == 1 {
            let State { current, durable, .. } = &mut *state;
            durable.clone_from(current);
        }
        outcome
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// How much of an operation over so many bytes is done.
    fn verdict(&mut self, bytes: usize) -> Verdict {
        let number = self.operations;
        self.operations += 1;
        let Some(Plan { at, fault, seed }) = self.plan.filter(|plan| number >= plan.at) else {
            return Verdict { bytes, outcome: Ok(()) };
        };
        let now = number == at;
        let (done, says) = match fault {
            DiskFault::PowerLoss if now => (below(seed, 3, bytes + 1), "the power failed"),
            DiskFault::PowerLoss => (0, "the power failed"),
            DiskFault::Error if now => (0, "the disk reports an error"),
            DiskFault::Error => return Verdict { bytes, outcome: Ok(()) },
            DiskFault::Full if now => (below(seed, 3, bytes), "the disk is full"),
            DiskFault::Full => (0, "the disk is full"),
            DiskFault::ReadOnly => (0, "the disk is read-only"),
        };
        let fault = Fault::new(Class::Unavailable, Owner::Operator, DISK)
            .at(format_args!("operation {number}"))
            .says(says)
            .hint("this disk fails on purpose: change the plan of the test");
        Verdict { bytes: done, outcome: Err(fault) }
    }
}

/// A number below `bound`, or 0.
fn below(seed: u64, stream: u64, bound: usize) -> usize {
    let bound = bound.max(1) as u64;
    usize::try_from(mix(seed, stream) % bound).unwrap_or_default()
}

/// `SplitMix64` (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).
fn mix(seed: u64, stream: u64) -> u64 {
    let mut z = seed.wrapping_add((stream + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
