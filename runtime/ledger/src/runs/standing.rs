//! Whether a run can go on.

use super::{Made, Run, Step};
use crate::event::{Effect, Name, Outcome, Resolution};

/// Where a run stands. Told from the log alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It ended; nothing is left to do.
    Finished(Outcome),
    /// It was accepted, and no step of it started.
    NotStarted,
    /// It can go on: every effect is answered, or may be sent again.
    CanGoOn,
    /// Nobody knows what came of these: it waits for an operator.
    InDoubt(Vec<Doubt>),
    /// The key of its bodies is gone before it ended: it can never go on.
    Erased,
}

/// Something of which nobody knows whether it was carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// A call was intended, and the host ended before its answer was recorded.
    Call {
        /// The step.
        step: Name,
        /// The call, counted from 0 within the step, log lines too.
        call: u64,
        /// Where it went, such as `endpoint:erp`.
        object: Name,
    },
    /// The log was restored from a backup that was made before the run ended: what the run did since is
    /// not in it.
    Restored {
        /// The event that says so.
        sequence: u64,
    },
}

impl Standing {
    /// The word for it.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Finished(_) => "finished",
            Self::NotStarted => "not-started",
            Self::CanGoOn => "can-go-on",
            Self::InDoubt(_) => "in-doubt",
            Self::Erased => "erased",
        }
    }
}

impl Run {
    /// Where the run stands. `restored` is the sequence of the last event that says that the log was
    /// restored, where there is one.
    pub fn standing(&self, restored: Option<u64>) -> Standing {
        if let Some(outcome) = self.ended {
            return Standing::Finished(outcome);
        }
        if self.erased.is_some() {
            return Standing::Erased;
        }
        let mut doubts = Vec::new();
        if let Some(sequence) = restored.filter(|at| self.first < *at) {
            match self.vouched {
                Some((at, Resolution::NotApplied)) if at > sequence => {}
                Some(_) | None => doubts.push(Doubt::Restored { sequence }),
            }
        }
        doubts.extend(self.steps.iter().filter(|step| step.ended.is_none()).flat_map(Step::doubts));
        if !doubts.is_empty() {
            return Standing::InDoubt(doubts);
        }
        if self.steps.is_empty() { Standing::NotStarted } else { Standing::CanGoOn }
    }

    /// The effects of which nobody knows whether they were carried out, although their step was told so
    /// and went on, or ended. They do not hold the run up.
    pub fn unknown(&self) -> impl Iterator<Item = Doubt> {
        self.steps.iter().flat_map(|step| {
            step.calls.iter().filter_map(|call| match &call.made {
                Made::Effect(attempts) => attempts.last().and_then(|last| {
                    let open = match last.answer {
                        Some(answer) => answer.effect == Effect::Unknown,
                        None => step.ended.is_some(),
                    };
                    (open && last.resolved.is_none()).then(|| Doubt::Call {
                        step: step.name.clone(),
                        call: call.number,
                        object: call.object.clone(),
                    })
                }),
                Made::Recorded(_) => None,
            })
        })
    }
}

impl Step {
    /// Calls that were intended, have no answer, and could be carried out twice.
    fn doubts(&self) -> impl Iterator<Item = Doubt> {
        self.calls.iter().filter_map(|call| match &call.made {
            Made::Effect(attempts) => {
                let last = attempts.last()?;
                last.in_doubt().then(|| Doubt::Call {
                    step: self.name.clone(),
                    call: call.number,
                    object: call.object.clone(),
                })
            }
            Made::Recorded(_) => None,
        })
    }
}
