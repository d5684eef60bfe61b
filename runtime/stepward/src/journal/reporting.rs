//! Which runs report to a journal, what of theirs is under way, and what of them could not be recorded.

use super::{Journal, lock};
use std::{collections::HashMap, fmt, sync::Arc};
use stepward_fault::{Class, Fault, Owner, Rule};
use stepward_ledger::event::Name;
use stepward_seam::CallSite;
use stepward_vault::RunKey;

/// The rule that a run is known to the journal that it reports to.
pub(super) const STRANGER: Rule = Rule::new("journal-run");
/// The rule that a run is left alone while it is under way.
const UNDER_WAY: Rule = Rule::new("run-under-way");

/// A run that reports to this journal.
pub(super) struct Running {
    pub(super) name: Name,
    pub(super) key: RunKey,
}

/// Attempts by step and operation.
pub(super) type Attempts = HashMap<(Arc<str>, Option<String>), u64>;

/// How long a run is taken: until whoever claimed it is done, and every effect that was left behind has
/// ended.
pub(super) struct Reporting {
    /// None while an operator decides about it: then nothing of it runs.
    running: Option<Arc<Running>>,
    held: bool,
    under_way: Vec<EffectId>,
    /// How often each operation was attempted through a [`Logged`](super::Logged) broker.
    attempts: Attempts,
    /// The first thing of this run that could not be recorded.
    broken: Option<Fault>,
}

/// One attempt at one effect of a run.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct EffectId {
    step: Arc<str>,
    item: Option<Box<str>>,
    call: u64,
    attempt: u64,
}

impl EffectId {
    pub(super) fn new(site: &CallSite, item: Option<&str>, attempt: u64) -> Self {
        let item = item.map(Box::from);
        Self { step: Arc::clone(&site.step), item, call: site.sequence, attempt }
    }
}

/// A run that is claimed, so that nobody else goes on with it or decides about it. Given back when
/// dropped.
pub(super) struct Claim {
    pub(super) journal: Journal,
    run: Name,
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.journal.change(self.run.as_str(), |reporting| reporting.held = false);
    }
}

/// An effect that is under way. Its run stays claimed until this is dropped or kept.
pub(super) struct UnderWay<'a> {
    journal: &'a Journal,
    run: &'a str,
    effect: Option<EffectId>,
}

impl UnderWay<'_> {
    /// Leaves the effect under way until [`Journal::under_way`] finds it again.
    pub(super) fn keep(mut self) {
        self.effect = None;
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        let Some(effect) = self.effect.take() else { return };
        self.journal.change(self.run, |reporting| {
            if let Some(at) = reporting.under_way.iter().position(|one| *one == effect) {
                drop(reporting.under_way.swap_remove(at));
            }
        });
    }
}

impl Journal {
    /// Claims a run, with what it needs to report, or with nothing to decide about it.
    pub(super) fn claim(
        &self,
        run: &Name,
        running: Option<Arc<Running>>,
        attempts: Attempts,
    ) -> Result<Claim, Fault> {
        let mut all = lock(&self.0.running);
        if all.contains_key(run.as_str()) {
            return Err(Fault::new(Class::Refused, Owner::Operator, UNDER_WAY)
                .says(format_args!("run {run} is under way"))
                .hint("wait until it has ended, or interrupt it"));
        }
        let reporting = Reporting { running, held: true, under_way: Vec::new(), attempts, broken: None };
        all.insert(run.as_str().to_owned(), reporting);
        Ok(Claim { journal: self.clone(), run: run.clone() })
    }

    pub(super) fn running(&self, run: &str) -> Result<Arc<Running>, Fault> {
        let all = lock(&self.0.running);
        all.get(run).and_then(|reporting| reporting.running.clone()).ok_or_else(|| stranger(run))
    }

    /// Counts one more attempt at an operation, from 1.
    pub(super) fn attempt(&self, site: &CallSite, operation: Option<String>) -> Result<u64, Fault> {
        let mut all = lock(&self.0.running);
        let reporting = all.get_mut(&*site.run).ok_or_else(|| stranger(&site.run))?;
        let made = reporting.attempts.entry((Arc::clone(&site.step), operation)).or_default();
        *made += 1;
        Ok(*made)
    }

    /// Begins an effect. Refused where its run is over, or something of it could not be recorded: nothing
    /// is sent after that.
    pub(super) fn begin<'a>(&'a self, run: &'a str, effect: EffectId) -> Result<UnderWay<'a>, Fault> {
        let mut all = lock(&self.0.running);
        let reporting = all.get_mut(run).filter(|reporting| reporting.held).ok_or_else(|| stranger(run))?;
        if let Some(fault) = &reporting.broken {
            return Err(fault.clone());
        }
        reporting.under_way.push(effect.clone());
        Ok(UnderWay { journal: self, run, effect: Some(effect) })
    }

    /// An effect that was begun and kept, to be ended; none where it was not.
    pub(super) fn under_way<'a>(&'a self, run: &'a str, effect: EffectId) -> Option<UnderWay<'a>> {
        let all = lock(&self.0.running);
        let begun = all.get(run).is_some_and(|reporting| reporting.under_way.contains(&effect));
        drop(all);
        begun.then_some(UnderWay { journal: self, run, effect: Some(effect) })
    }

    /// Remembers that something of a run could not be recorded.
    pub(super) fn break_run(&self, run: &str, fault: Fault) {
        if let Some(reporting) = lock(&self.0.running).get_mut(run) {
            reporting.broken.get_or_insert(fault);
        }
    }

    /// Refuses after something of a run could not be recorded.
    pub(super) fn check_whole(&self, run: &str) -> Result<(), Fault> {
        match lock(&self.0.running).get(run).and_then(|reporting| reporting.broken.as_ref()) {
            None => Ok(()),
            Some(fault) => Err(fault.clone()),
        }
    }

    /// Changes how long a run is taken.
    fn change(&self, run: &str, change: impl FnOnce(&mut Reporting)) {
        let mut all = lock(&self.0.running);
        if let Some(reporting) = all.get_mut(run) {
            change(reporting);
            if !reporting.held && reporting.under_way.is_empty() {
                all.remove(run);
            }
        }
    }
}

impl fmt::Debug for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Claim").field(&self.run).finish()
    }
}

fn stranger(run: &str) -> Fault {
    Fault::new(Class::Internal, Owner::Embedder, STRANGER)
        .says(format_args!("run {run} does not run in the journal that it reports to"))
        .hint(
            "start each run with `Journal::start` or `Journal::go_on` before its first broker is made, and keep \
             its `RunLog` until it has ended",
        )
}
