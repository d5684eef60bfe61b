//! What operators decide about runs.

use super::{
    Earlier, History, Journal, Note, RunLog, Running, answer::Reason, blocking, history::key_of, name,
    reporting::Attempts,
};
use std::sync::Arc;
use stepward_fault::{Class, Fault, Owner, Rule};
use stepward_ledger::{
    event::{Act, Actor, Draft, Name, Outcome, Resolution, What},
    log::Durable,
    runs::{Doubt, Standing},
    store::RunChange,
};
use stepward_seam::{HostCall, HttpResponse};

/// The rule that only what is in doubt is decided.
const NOT_IN_DOUBT: Rule = Rule::new("resolve-not-in-doubt");
/// The rule that only a run that can go on goes on.
const CANNOT_GO_ON: Rule = Rule::new("run-cannot-go-on");
/// The rule that what is decided about a run is decided from all that its events say.
const MOVED_ON: Rule = Rule::new("run-moved-on");
/// The rule that a run that ended stays ended.
const ENDED: Rule = Rule::new("run-ended");

/// What is decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// One call of the interrupted step.
    Call(u64),
    /// Everything that the run could have done since the backup that the log was restored from.
    SinceRestore,
}

/// An operator's word on something in doubt.
#[derive(Clone, Debug)]
pub struct Given<'a> {
    /// Whether it was carried out.
    pub effect: Resolution,
    /// Why the operator says so. It is sealed.
    pub reason: &'a str,
    /// What the service would have answered, where that is known; the step is told it.
    pub answer: Option<HttpResponse>,
    /// The operator.
    pub actor: Actor,
}

impl Journal {
    /// Goes on with a run that was interrupted.
    ///
    /// # Errors
    /// When it ended, is in doubt, is under way, got events after `history` was read, or cannot be read.
    pub async fn go_on(&self, history: &History, actor: Actor) -> Result<RunLog, Fault> {
        match &history.standing {
            Standing::CanGoOn | Standing::NotStarted => {}
            Standing::Finished(_) | Standing::Erased => {
                return Err(ended(&history.run.name, &history.standing));
            }
            Standing::InDoubt(doubts) => return Err(in_doubt(history, doubts)),
        }
        let log = self.reporting(self.known(history).await?, attempted(history))?;
        self.check_current(history)?;
        let what = What::RunContinued { policy: self.0.policy };
        self.write(Note::of(log.draft(actor, what)))?;
        Ok(log)
    }

    /// Writes what an operator found out about something in doubt. Durable when it returns.
    ///
    /// # Errors
    /// When it is not in doubt, when the run is under way or got events after `history` was read, or the
    /// log cannot be written.
    pub async fn resolve(&self, history: &History, place: Place, given: Given<'_>) -> Result<Durable, Fault> {
        let doubts: &[Doubt] = match &history.standing {
            Standing::InDoubt(doubts) => doubts,
            Standing::Finished(_) | Standing::NotStarted | Standing::CanGoOn | Standing::Erased => &[],
        };
        let doubt = doubts.iter().find(|doubt| match (doubt, place) {
            (Doubt::Call { call, .. }, Place::Call(wanted)) => *call == wanted,
            (Doubt::Restored { .. }, Place::SinceRestore) => true,
            (Doubt::Call { .. }, Place::SinceRestore) | (Doubt::Restored { .. }, Place::Call(_)) => false,
        });
        let (step, call) = match doubt {
            Some(Doubt::Call { step, call, .. }) => (Some(step.clone()), Some(*call)),
            Some(Doubt::Restored { .. }) => (None, None),
            None => return Err(not_in_doubt(history, doubts)),
        };
        let _claim = self.claim(&history.run.name, None, Attempts::new())?;
        self.check_current(history)?;
        let running = self.known(history).await?;
        let reason = Reason { reason: given.reason.to_owned(), answer: given.answer };
        let body = serde_json::to_vec(&reason).unwrap_or_default();
        let draft = Draft {
            actor: given.actor,
            run: Some(running.name.clone()),
            step,
            call,
            body: None,
            what: What::CallResolved { effect: given.effect },
        };
        let note = Note::of(draft).with_body(&self.0.environment, &running, &body)?;
        self.append_durably(note).await
    }

    /// Ends a run that was interrupted, for good. Neither its bodies nor its events are needed for that:
    /// one that cannot be read can be ended. Durable when it returns.
    ///
    /// # Errors
    /// When there is no such run, it has ended or is under way here, or the log cannot be written.
    pub async fn cancel(&self, run: &str, actor: Actor) -> Result<Durable, Fault> {
        let run = name(run)?;
        let _claim = self.claim(&run, None, Attempts::new())?;
        if self.0.log.open_run(run.as_str()).is_none() {
            let (run, standing) = self.standing(run.as_str()).await?;
            return Err(ended(&run.name, &standing));
        }
        let draft = Draft {
            actor,
            run: Some(run),
            step: None,
            call: None,
            body: None,
            what: What::RunEnded { outcome: Outcome::Cancelled },
        };
        self.append_durably(Note::of(draft).changing(RunChange::Closes)).await
    }

    /// Writes that an operator did something. Durable when it returns.
    ///
    /// # Errors
    /// When the log cannot be written.
    pub async fn acted(&self, act: Act, run: Option<&str>, actor: Actor) -> Result<Durable, Fault> {
        let run = run.map(name).transpose()?;
        let what = What::OperatorActed { act };
        let draft = Draft { actor, run, step: None, call: None, body: None, what };
        self.append_durably(Note::of(draft)).await
    }

    /// Refused where a run, which is claimed, has events that were not read yet.
    fn check_current(&self, history: &History) -> Result<(), Fault> {
        let run = &history.run.name;
        let now = self.0.log.open_run(run.as_str());
        if now.is_some_and(|now| now.last() == history.run.last) {
            return Ok(());
        }
        Err(Fault::new(Class::Refused, Owner::Caller, MOVED_ON)
            .at(format_args!("run {run}"))
            .says(format_args!("the run has events after event {}, the last that was read", history.run.last))
            .hint("read its history again, and decide from that"))
    }

    /// The run with its key.
    async fn known(&self, history: &History) -> Result<Arc<Running>, Fault> {
        let run = history.run.name.clone();
        let (keys, of) = (Arc::clone(&self.0.keys), run.clone());
        let key = blocking(move || key_of(&keys, &of)).await?;
        Ok(Arc::new(Running { name: run, key }))
    }
}

/// How often the interrupted step attempted each of its operations.
fn attempted(history: &History) -> Attempts {
    let mut attempts = Attempts::new();
    let Some(step) = &history.interrupted else { return attempts };
    let name = Arc::<str>::from(&*step.name);
    for Earlier { call, attempts: made, .. } in &step.calls {
        if let HostCall::Http { request, .. } = call {
            let made = u64::try_from(made.len()).unwrap_or(u64::MAX);
            *attempts.entry((Arc::clone(&name), request.operation.clone())).or_default() += made;
        }
    }
    attempts
}

fn ended(run: &Name, standing: &Standing) -> Fault {
    Fault::new(Class::Refused, Owner::Caller, ENDED)
        .says(format_args!("run {run} is {}", standing.word()))
        .hint("start a new run")
}

fn in_doubt(history: &History, doubts: &[Doubt]) -> Fault {
    let run = &history.run.name;
    let (says, hint) = match doubts.first() {
        Some(Doubt::Call { step, call, object }) => (
            format!(
                "call {call} of step {step} to {object} was sent, and nobody knows whether it was carried out"
            ),
            format!(
                "look at the service, then say what you found: `stepward runs resolve {run} {call} --as applied` \
                 or `--as not-applied`, with `--reason`"
            ),
        ),
        Some(Doubt::Restored { .. }) | None => (
            format!("the log was restored from a backup that was made while run {run} was under way"),
            format!(
                "look at the services that it uses, then say what you found: `stepward runs resolve {run} \
                 since-restore --as not-applied --reason …`, or end it with `stepward runs cancel {run}`"
            ),
        ),
    };
    Fault::new(Class::Waiting, Owner::Operator, CANNOT_GO_ON)
        .at(format_args!("run {run}"))
        .says(says)
        .hint(hint)
}

fn not_in_doubt(history: &History, doubts: &[Doubt]) -> Fault {
    let open = doubts.iter().map(|doubt| match doubt {
        Doubt::Call { call, .. } => call.to_string(),
        Doubt::Restored { .. } => "since-restore".to_owned(),
    });
    let open = open.collect::<Vec<_>>().join(", ");
    Fault::new(Class::Refused, Owner::Caller, NOT_IN_DOUBT)
        .says(format_args!(
            "run {} is {}, and this is not in doubt",
            history.run.name,
            history.standing.word()
        ))
        .hint(if open.is_empty() {
            "there is nothing to decide".to_owned()
        } else {
            format!("in doubt is: {open}")
        })
}
