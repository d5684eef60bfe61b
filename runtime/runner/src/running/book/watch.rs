//! Asking the witnesses about the log, at its start, while it is open, and at its end.
//!
//! ```text
//!  newest checkpoint that is known ─► round ─┬─ one knows more, or another log: nothing is written
//!                                            ├─ enough cosigned lately: the note is kept and published
//!                                            └─ too few: `stop`, no run starts; `mark-gap`, the log says so
//! ```
//!
//! At the start nothing new is signed before the witnesses were asked, so a copy of which one of them knows
//! better signs no second story: they are asked about the newest checkpoint that is known, and where there
//! is none about the empty tree. Who does not answer hinders no signature: without any answer a copy that
//! is not the newest goes on, with `stop` as far as no run, until enough of them answer. What a witness was
//! last known to have is told by the checkpoints themselves, which carry its cosignatures. An older copy
//! carries such, too: only who answers now tells that this copy is the newest, so until enough of them have
//! since the start nobody counts as watching.

#[cfg(test)]
mod tests;

use super::publisher::Publisher;
use crate::{
    render::Output,
    running::{live::now_ms, witnesses::Witnesses},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};
use stepward::journal::Journal;
use stepward_fault::{Class, Fault, Owner, Rule};
use stepward_ledger::{
    event::Gap,
    log::Log,
    merkle::{Hashes, Node, NodeHash, TreeSize},
    note::{KeyName, MAX_UNIX_SECONDS, SignedCheckpoint, UnixSeconds},
    store::{Nodes, Records, sqlite::Reader},
    witness::{self, Finding, Outcome, Policy, Unreachable, Witnessed},
};
use tokio::{sync::Mutex as Turn, task, time};

/// The rule that enough witnesses cosigned.
const TOO_FEW: Rule = Rule::new("witnesses-too-few");
/// The rule that enough witnesses cosigned lately.
const LAPSED: Rule = Rule::new("witnesses-lapsed");
/// How often the witnesses are asked while the log is open: for so long may somebody who changes a
/// running system's log do so before they know more than the log.
const EVERY: Duration = Duration::from_mins(1);
/// Checkpoints that are searched for cosignatures, the newest first: those of some minutes.
const SEARCHED: usize = 512;

/// A log that is open, and its witnesses.
pub(crate) struct Watch {
    witnesses: Witnesses,
    /// What the witnesses are given to know the log by.
    log_key: String,
    ledger: PathBuf,
    /// What each witness was last known to have. Held while they are asked: one asks at a time.
    known: Turn<BTreeMap<KeyName, TreeSize>>,
    standing: Mutex<Standing>,
}

/// What the witnesses' answers amount to.
#[derive(Default)]
struct Standing {
    /// The witnesses that spoke against the log, and have not cosigned it since.
    contradictions: BTreeMap<KeyName, Fault>,
    /// Those that cosigned since the log was opened.
    answered: BTreeSet<KeyName>,
    /// How much enough of them had seen before that.
    before: TreeSize,
    /// What enough of them have seen since.
    seen: Option<Seen>,
    /// Why the last round was not enough.
    lacking: Option<Fault>,
    /// Whether none of them answered in the last round.
    silent: bool,
    /// The log says that nobody watches.
    marked: bool,
}

impl Standing {
    /// Whether enough of them have seen it lately.
    fn is_watched(&self) -> bool {
        self.seen.is_some_and(|seen| now().get() <= seen.until)
    }
}

/// A tree that enough witnesses have seen.
#[derive(Clone, Copy)]
struct Seen {
    size: TreeSize,
    /// Until when that is lately enough, in Unix seconds.
    until: u64,
}

impl Seen {
    fn of(witnessed: &Witnessed, policy: &Policy) -> Option<Self> {
        let mut times: Vec<u64> = witnessed.by().iter().map(|cosigned| cosigned.time().get()).collect();
        times.sort_unstable_by(|a, b| b.cmp(a));
        let last = times.get(policy.quorum().get() - 1)?;
        Some(Self { size: witnessed.head().size, until: last.saturating_add(policy.fresh_for().get()) })
    }
}

/// What came of asking.
struct Asked {
    /// The checkpoint with every good cosignature.
    checkpoint: SignedCheckpoint,
    /// Whether there is one more than before.
    gained: bool,
    told: Told,
}

/// What is wrong.
struct Told {
    /// Cosignatures that the log kept and that were changed since. They are dropped and asked for again.
    damaged: Vec<Fault>,
    /// What is wrong with witnesses.
    findings: Vec<Fault>,
}

/// What the log remembers of its witnesses.
struct Remembered {
    newest: Option<SignedCheckpoint>,
    known: BTreeMap<KeyName, TreeSize>,
    /// How much enough of them had seen lately.
    seen: Option<TreeSize>,
}

impl Watch {
    /// Asks the witnesses what they know of a log that was opened and not written to.
    ///
    /// # Errors
    /// When a witness knows more than the log, or another one: this copy must not go on.
    pub(super) async fn begin(
        witnesses: Witnesses,
        publisher: &Publisher,
        log: &Log,
        ledger: PathBuf,
        output: &Output,
    ) -> Result<Arc<Self>, Fault> {
        let signer = publisher.signing().signer();
        let published = publisher.newest().await;
        let (remembered, empty) = {
            let reader = Reader::open(&ledger)?;
            let remembered = remembered(&reader, published, publisher, witnesses.policy())?;
            (remembered, Nodes::of(&reader).head(TreeSize::EMPTY)?)
        };
        // The empty tree is a part of every log, so whoever signs it says nothing. A witness of a log
        // that was ever signed over an event knows more, and says so.
        let newest = remembered.newest.unwrap_or_else(|| signer.sign(empty));
        let watch = Self {
            log_key: signer.verifier().to_string(),
            ledger,
            known: Turn::new(remembered.known),
            standing: Mutex::new(Standing {
                before: remembered.seen.unwrap_or_default(),
                ..Standing::default()
            }),
            witnesses,
        };
        let Told { damaged, findings } = watch.ask_and_keep(newest, publisher, log).await?;
        for damaged in damaged {
            output.warning(damaged);
        }
        // Where they are not enough, that is told with all that was found.
        if watch.standing().is_watched() {
            for finding in findings {
                output.warning(finding);
            }
        }
        Ok(Arc::new(watch))
    }

    /// Refuses where a witness spoke against the log, and where too few have seen it lately and the
    /// environment stops then. Asked before a run starts and before each effect.
    pub(crate) fn check(&self) -> Result<(), Fault> {
        let contradicted = self.standing().contradictions.values().next().cloned();
        if let Some(contradiction) = contradicted {
            return Err(contradiction);
        }
        match (self.unwatched(), self.witnesses.policy().unreachable()) {
            (None, _) | (Some(_), Unreachable::MarkGap) => Ok(()),
            (Some(lacking), Unreachable::Stop) => Err(lacking),
        }
    }

    /// Why nobody watches; nothing where enough of them do.
    pub(super) fn unwatched(&self) -> Option<Fault> {
        let standing = self.standing();
        if standing.is_watched() {
            return None;
        }
        Some(standing.lacking.clone().unwrap_or_else(|| self.lapsed()))
    }

    /// Writes into the log that too few witnesses have seen it lately, once until they have again.
    pub(super) fn mark_gap(&self, journal: &Journal) -> Result<Option<Fault>, Fault> {
        let mut standing = self.standing();
        if standing.is_watched() {
            standing.marked = false;
            return Ok(None);
        }
        match self.witnesses.policy().unreachable() {
            Unreachable::Stop => Ok(None),
            Unreachable::MarkGap if standing.marked => Ok(None),
            Unreachable::MarkGap => {
                let from = standing.seen.map_or(standing.before, |seen| seen.size);
                journal.gap(Gap::Witnesses, from.get())?;
                standing.marked = true;
                Ok(Some(standing.lacking.clone().unwrap_or_else(|| self.lapsed())))
            }
        }
    }

    /// Asks once a minute until the log is closed.
    pub(super) fn keep_up(self: &Arc<Self>, publisher: &Arc<Publisher>, journal: &Journal) {
        let (watch, publisher): (Weak<Self>, Weak<Publisher>) =
            (Arc::downgrade(self), Arc::downgrade(publisher));
        let journal = journal.clone();
        task::spawn(async move {
            loop {
                time::sleep(EVERY).await;
                let (Some(watch), Some(publisher)) = (watch.upgrade(), publisher.upgrade()) else { return };
                let asked = watch.ask_about_all(&publisher, journal.log()).await;
                let marked = watch.mark_gap(&journal);
                if let Err(fault) = asked.and(marked.map(|gap| gap.iter().for_each(alert))) {
                    alert(&fault);
                }
            }
        });
    }

    /// Asks a last time, about everything. Where nobody answered just before, nobody is waited for
    /// again.
    pub(super) async fn end(&self, publisher: &Publisher, log: &Log) -> Result<(), Fault> {
        if self.standing().silent {
            return Ok(());
        }
        self.ask_about_all(publisher, log).await
    }

    async fn ask_about_all(&self, publisher: &Publisher, log: &Log) -> Result<(), Fault> {
        // What is signed is shown, also where it cannot be published.
        publisher.tell(&publisher.publish(log).await);
        let Some(newest) = publisher.newest().await else { return Ok(()) };
        let Told { damaged, findings } = self.ask_and_keep(newest, publisher, log).await?;
        damaged.iter().chain(&findings).for_each(alert);
        Ok(())
    }

    /// Asks, and keeps and publishes what was cosigned. Gives back what is wrong with witnesses.
    async fn ask_and_keep(
        &self,
        checkpoint: SignedCheckpoint,
        publisher: &Publisher,
        log: &Log,
    ) -> Result<Told, Fault> {
        let Asked { checkpoint, gained, told } = self.ask(&checkpoint).await?;
        // Over no event there is nothing to keep.
        if gained && checkpoint.head().size != TreeSize::EMPTY {
            publisher.cosigned(log, checkpoint).await?;
        }
        Ok(told)
    }

    async fn ask(&self, checkpoint: &SignedCheckpoint) -> Result<Asked, Fault> {
        let policy = self.witnesses.policy();
        let mut known = self.known.lock().await;
        // A connection of its own: commits do not wait for it.
        let hashes = Shared(Mutex::new(Reader::open(&self.ledger)?));
        let round = witness::round(&self.witnesses, &hashes, checkpoint, policy.witnesses(), &known).await;
        let round = round.map_err(|error| error.fault("ledger.db"))?;
        *known = round.known();
        let damaged = round.damaged().iter().map(|error| error.fault("the newest checkpoint")).collect();
        self.hear(round.findings())?;
        let (checkpoint, findings) = round.into_parts();
        let mut standing = self.standing();
        standing.silent = findings.iter().all(|finding| matches!(finding.outcome(), Outcome::Unreachable(_)));
        match self.judge(&checkpoint, &standing) {
            Ok(seen) => (standing.seen, standing.lacking) = (Some(seen), None),
            Err(fault) => standing.lacking = Some(self.lacking(&fault, &findings)),
        }
        drop(standing);
        let gained = findings.iter().any(|finding| matches!(finding.outcome(), Outcome::Cosigned(_)));
        let findings = findings.iter().filter_map(Finding::fault).collect();
        Ok(Asked { checkpoint, gained, told: Told { damaged, findings } })
    }

    /// Notes who cosigned and who spoke against the log. Whoever did so without a signature and cosigns
    /// later has taken it back.
    fn hear(&self, findings: &[Finding]) -> Result<(), Fault> {
        let mut standing = self.standing();
        for finding in findings {
            if let Some(contradiction) = finding.contradiction() {
                standing.contradictions.insert(finding.witness().clone(), contradiction);
            } else if matches!(finding.outcome(), Outcome::Cosigned(_)) {
                standing.contradictions.remove(finding.witness());
                standing.answered.insert(finding.witness().clone());
            }
        }
        findings.iter().find_map(Finding::contradiction).map_or(Ok(()), Err)
    }

    /// What enough witnesses have seen lately, of whom enough answered since the log was opened.
    fn judge(&self, checkpoint: &SignedCheckpoint, standing: &Standing) -> Result<Seen, Fault> {
        let policy = self.witnesses.policy();
        let witnessed = policy
            .judge(checkpoint, now())
            .map_err(|unwitnessed| unwitnessed.fault(self.witnesses.place()))?;
        let answered = witnessed.by().iter().filter(|by| standing.answered.contains(by.witness())).count();
        if answered < policy.quorum().get() {
            return Err(Fault::new(Class::Unavailable, Owner::Operator, TOO_FEW)
                .at(self.witnesses.place())
                .says(format_args!(
                    "{answered} of the {} witnesses that are needed answered since the log was opened; what they \
                     cosigned before does not tell that this copy of it is the newest",
                    policy.quorum()
                ))
                .hint("see that the witnesses can be reached"));
        }
        Seen::of(&witnessed, policy).ok_or_else(|| self.lapsed())
    }

    /// Why a round was not enough: who was asked, and what each said.
    fn lacking(&self, fault: &Fault, findings: &[Finding]) -> Fault {
        let mut says = fault.message().to_owned();
        let mut hint = fault.remedy().to_owned();
        for finding in findings {
            let witness = finding.witness();
            let answer = finding.fault();
            let answer = answer.as_ref().map_or("it cosigned", Fault::message);
            let _ = write!(says, "; asked `{witness}` at {}: {answer}", self.witnesses.url(witness));
        }
        let _ = write!(
            hint,
            "\na witness that does not watch this log yet has to be given its key: {}",
            self.log_key
        );
        fault.clone().says(says).hint(hint)
    }

    fn lapsed(&self) -> Fault {
        Fault::new(Class::Unavailable, Owner::Operator, LAPSED)
            .at(self.witnesses.place())
            .says("it is too long ago that enough witnesses cosigned the log")
            .hint("see that the witnesses can be reached and that the clocks here and there are right")
    }

    fn standing(&self) -> MutexGuard<'_, Standing> {
        // Each change leaves it whole.
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The newest checkpoint of the log under its present name, and what those before it tell of the
/// witnesses.
fn remembered(
    records: &dyn Records,
    published: Option<SignedCheckpoint>,
    publisher: &Publisher,
    policy: &Policy,
) -> Result<Remembered, Fault> {
    let log = publisher.signing().signer().verifier();
    let mut remembered = Remembered { newest: None, known: BTreeMap::new(), seen: None };
    let mut below = Some(u64::MAX);
    for _ in 0..SEARCHED {
        let Some(size) = below else { break };
        let Some(kept) = records.checkpoint(size)? else { break };
        below = kept.size.checked_sub(1);
        // Those before a restore have another name, and other witnesses' words.
        let Ok(checkpoint) = SignedCheckpoint::open(kept.note.as_bytes(), &log) else { break };
        for witness in policy.witnesses() {
            if let Ok(Some(_)) = checkpoint.cosigned_by(witness) {
                remembered.known.entry(witness.name().clone()).or_insert(checkpoint.head().size);
            }
        }
        if remembered.seen.is_none() {
            let witnessed = policy.judge(&checkpoint, now()).ok();
            remembered.seen = witnessed.map(|witnessed| witnessed.head().size);
        }
        remembered.newest.get_or_insert(checkpoint);
        if remembered.seen.is_some() && remembered.known.len() == policy.witnesses().len() {
            break;
        }
    }
    // An older copy of the database does not bring this one along.
    let published = published.filter(|published| published.origin() == log.name());
    let size = |checkpoint: &SignedCheckpoint| checkpoint.head().size;
    if published.as_ref().map(size) > remembered.newest.as_ref().map(size) {
        remembered.newest = published;
    }
    Ok(remembered)
}

/// A reader that futures may share. It is asked for some hundred hashes, which are in memory or a page
/// away.
struct Shared(Mutex<Reader>);

impl Hashes for Shared {
    type Error = Fault;

    fn node(&self, node: Node) -> Result<NodeHash, Fault> {
        Nodes::of(&*self.0.lock().unwrap_or_else(PoisonError::into_inner)).node(node)
    }
}

fn now() -> UnixSeconds {
    UnixSeconds::new((now_ms() / 1000).min(MAX_UNIX_SECONDS)).unwrap_or(UnixSeconds::NONE)
}

fn alert(fault: &Fault) {
    tracing::error!(target: "stepward::alert", rule = %fault.rule(), "{fault}");
}
