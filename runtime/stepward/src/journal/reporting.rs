//! Which runs report to a journal, what of theirs is under way, and what of them could not be recorded.

use super::{Journal, Note, lock};
use std::{collections::HashMap, fmt, sync::Arc};
use stepward_fault::{Class, Fault, Owner, Rule};
use stepward_ledger::{event::Name, log::Ticket};
use stepward_seam::CallSite;
use stepward_vault::RunKey;

/// The rule that a run is known to the journal that it reports to.
pub(super) const STRANGER: Rule = Rule::new("journal-run");
/// The rule that a run is left alone while it is under way.
const UNDER_WAY: Rule = Rule::new("run-under-way");
/// The rule that nothing of a run is sent after its end.
const OVER: Rule = Rule::new("run-over");

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
    hold: Hold,
    under_way: Vec<EffectId>,
    /// How often each operation was attempted through a [`Logged`](super::Logged) broker.
    attempts: Attempts,
    /// The first thing of this run that could not be recorded.
    broken: Option<Fault>,
}

/// Who has a run.
#[derive(Clone, Copy)]
enum Hold {
    /// Whoever claimed it: effects may begin.
    Claimed,
    /// Whoever claimed it, and its end is on its way into the log: nothing begins any more.
    Ending,
    /// Nobody; effects that were left behind may be under way.
    GivenBack,
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
        self.journal.change(self.run.as_str(), |reporting| reporting.hold = Hold::GivenBack);
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
        let reporting =
            Reporting { running, hold: Hold::Claimed, under_way: Vec::new(), attempts, broken: None };
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

    /// Begins an effect: appends its intent. Refused where its run is over, or something of it could not
    /// be recorded: nothing is sent after that.
    pub(super) fn begin<'a>(
        &'a self,
        run: &'a str,
        effect: EffectId,
        intent: Note,
    ) -> Result<(UnderWay<'a>, Ticket), Fault> {
        let mut all = lock(&self.0.running);
        let reporting = all.get_mut(run).ok_or_else(|| stranger(run))?;
        match reporting.hold {
            Hold::Claimed => reporting.check_whole()?,
            Hold::Ending => return Err(over(run)),
            Hold::GivenBack => return Err(stranger(run)),
        }
        // Under the lock, so that the end of the run stands after every intent or refuses it.
        let ticket = self.append(intent)?;
        reporting.under_way.push(effect.clone());
        drop(all);
        Ok((UnderWay { journal: self, run, effect: Some(effect) }, ticket))
    }

    /// Appends the end of a run. Nothing of it begins after that, also where the end cannot be appended.
    pub(super) fn conclude(&self, run: &str, end: Note) -> Result<Ticket, Fault> {
        let mut all = lock(&self.0.running);
        let reporting = all.get_mut(run).ok_or_else(|| stranger(run))?;
        reporting.check_whole()?;
        reporting.hold = Hold::Ending;
        self.append(end)
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
        lock(&self.0.running).get(run).map_or(Ok(()), Reporting::check_whole)
    }

    /// Changes how long a run is taken.
    fn change(&self, run: &str, change: impl FnOnce(&mut Reporting)) {
        let mut all = lock(&self.0.running);
        if let Some(reporting) = all.get_mut(run) {
            change(reporting);
            match reporting.hold {
                Hold::GivenBack if reporting.under_way.is_empty() => drop(all.remove(run)),
                Hold::GivenBack | Hold::Claimed | Hold::Ending => {}
            }
        }
    }
}

impl Reporting {
    fn check_whole(&self) -> Result<(), Fault> {
        self.broken.clone().map_or(Ok(()), Err)
    }
}

impl fmt::Debug for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Claim").field(&self.run).finish()
    }
}

fn over(run: &str) -> Fault {
    Fault::new(Class::Cancelled, Owner::Embedder, OVER)
        .says(format_args!("run {run} has ended, so this was not sent"))
        .hint("nothing happened; to be sure of an effect, end its run after it was answered")
}

fn stranger(run: &str) -> Fault {
    Fault::new(Class::Internal, Owner::Embedder, STRANGER)
        .says(format_args!("run {run} does not run in the journal that it reports to"))
        .hint(
            "start each run with `Journal::start` or `Journal::go_on` before its first broker is made, and keep \
             its `RunLog` until it has ended",
        )
}
