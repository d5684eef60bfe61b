//! What keeps the head of a log, and what stands beside its tree, from being made up.
//!
//! Everything in a store can be computed by whoever can write its file: hashes need no key. Signed checkpoints
//! say what the tree was a second ago. In between, and for the index of unfinished runs, which no tree covers,
//! each commit carries a [`Seal`]: HMAC-SHA-256, under a key that is derived from the environment's, over
//!
//! ```text
//! 3, size (u64, big-endian), root (32 bytes), sum (32 bytes)
//! ```
//!
//! where `sum` adds up one secret number for each unfinished run and for each remembered value, and each
//! number is the same HMAC over
//!
//! ```text
//! 1, first event, last event, number of events (u64 each), chain (32 bytes), name
//! 2, length of the name (u64), name, value
//! ```
//!
//! as four little-endian u64, added without carry. The numbers are never stored, so nobody without the key can
//! find other runs that give the same sum; and a commit costs one HMAC for each run that it changed, however
//! many runs there are.
//!
//! What a seal cannot tell is that an earlier commit, with its own seal, was put back. The signed checkpoints
//! in the store, beside it and at the witnesses do, for what they cover.

use super::unfinished::{OpenRun, Places};
use crate::merkle::TreeHead;
use crate::store::{Fact, Index, SEAL_BYTES, Seal};
use std::collections::HashMap;
use std::sync::Arc;
use stepward_fault::{Class, Fault, Owner, Rule};

const SEAL: Rule = Rule::new("log-seal");

/// A keyed hash.
type Keyed = dyn Fn(&[u8]) -> [u8; SEAL_BYTES] + Send + Sync;

/// Makes the seals of a log. The key is in the function that it is made from, and nowhere in this crate.
#[derive(Clone)]
pub struct Sealer(Arc<Keyed>);

impl Sealer {
    /// Seals with HMAC-SHA-256, or another keyed hash that is a pseudorandom function, under one key for
    /// this one log.
    pub fn new(keyed: impl Fn(&[u8]) -> [u8; SEAL_BYTES] + Send + Sync + 'static) -> Self {
        Self(Arc::new(keyed))
    }

    /// Checks what a store says of itself in one of its states.
    ///
    /// # Errors
    /// When the head, the unfinished runs or the remembered values are not those that were sealed.
    pub fn check(&self, index: Index) -> Result<Vouched, Fault> {
        let Index { head, seal, open, facts } = index;
        let mut sealing = Sealing::new(self.clone());
        let mut places = Places::default();
        for run in open {
            let run = OpenRun::found(run);
            sealing.run(run.name(), Some(&run));
            places.insert(run).map_err(refused)?;
        }
        for fact in facts {
            sealing.fact(&fact);
            places.remember(fact);
        }
        match seal {
            Some(seal) if seal == sealing.seal(head) => Ok(Vouched { head, places, sealing }),
            // A log that was only made has had no commit that could carry one.
            None if head.size.get() == 0 && places.is_empty() => Ok(Vouched { head, places, sealing }),
            Some(_) => Err(refused("its seal does not fit")),
            None => Err(refused("it has no seal")),
        }
    }
}

impl std::fmt::Debug for Sealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sealer(…)")
    }
}

/// What a store says of itself, as it was sealed. Only [`Sealer::check`] makes one.
pub struct Vouched {
    pub(super) head: TreeHead,
    pub(super) places: Places,
    pub(super) sealing: Sealing,
}

impl Vouched {
    /// The head.
    pub fn head(&self) -> TreeHead {
        self.head
    }

    /// A run, where it is unfinished.
    pub fn open_run(&self, name: &str) -> Option<OpenRun> {
        self.places.get(name).cloned()
    }

    /// The unfinished runs, the oldest first.
    pub fn open_runs(&self) -> Vec<OpenRun> {
        self.places.all()
    }

    /// A remembered value.
    pub fn fact(&self, name: &str) -> Option<&[u8]> {
        self.places.fact(name)
    }
}

impl std::fmt::Debug for Vouched {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Vouched").field("head", &self.head).finish_non_exhaustive()
    }
}

/// Keeps the sum in step with the commits.
pub(super) struct Sealing {
    sealer: Sealer,
    sum: Sum,
    runs: HashMap<String, Sum>,
    facts: HashMap<String, Sum>,
}

impl Sealing {
    fn new(sealer: Sealer) -> Self {
        Self { sealer, sum: Sum::default(), runs: HashMap::new(), facts: HashMap::new() }
    }

    /// A run as it is now; none where it is finished.
    pub(super) fn run(&mut self, name: &str, now: Option<&OpenRun>) {
        if let Some(before) = self.runs.remove(name) {
            self.sum = self.sum.less(before);
        }
        if let Some(run) = now {
            let number = Sum::of((self.sealer.0)(&run.sealed()));
            self.sum = self.sum.and(number);
            self.runs.insert(name.to_owned(), number);
        }
    }

    /// A remembered value as it is now.
    pub(super) fn fact(&mut self, fact: &Fact) {
        let Fact { name, value } = fact;
        let length = (name.len() as u64).to_be_bytes();
        let number = Sum::of((self.sealer.0)(&[&[2], &length[..], name.as_bytes(), value].concat()));
        self.sum = self.sum.and(number);
        if let Some(before) = self.facts.insert(name.clone(), number) {
            self.sum = self.sum.less(before);
        }
    }

    pub(super) fn seal(&self, head: TreeHead) -> Seal {
        let size = head.size.get().to_be_bytes();
        let message = [&[3], &size[..], head.root.as_bytes(), &self.sum.bytes()].concat();
        Seal::from_bytes((self.sealer.0)(&message))
    }
}

/// Four numbers that are added without carry.
#[derive(Clone, Copy, Default)]
struct Sum([u64; 4]);

impl Sum {
    fn of(bytes: [u8; SEAL_BYTES]) -> Self {
        let (words, _) = bytes.as_chunks::<8>();
        let mut sum = Self::default();
        for (lane, word) in sum.0.iter_mut().zip(words) {
            *lane = u64::from_le_bytes(*word);
        }
        sum
    }

    fn bytes(self) -> Vec<u8> {
        self.0.iter().flat_map(|lane| lane.to_le_bytes()).collect()
    }

    fn and(self, other: Self) -> Self {
        self.with(other, u64::wrapping_add)
    }

    fn less(self, other: Self) -> Self {
        self.with(other, u64::wrapping_sub)
    }

    fn with(mut self, other: Self, operation: fn(u64, u64) -> u64) -> Self {
        for (lane, other) in self.0.iter_mut().zip(other.0) {
            *lane = operation(*lane, other);
        }
        self
    }
}

fn refused(why: &str) -> Fault {
    Fault::new(Class::EvidenceInvalid, Owner::Operator, SEAL)
        .at("the head of the log, its unfinished runs and what it remembers")
        .says(format_args!("this is not what was written with the environment's key: {why}"))
        .hint(
            "the log was changed, or another environment's key is used: keep this copy, it shows what happened; put \
             the last good copy back, or `stepward restore` a backup",
        )
}
