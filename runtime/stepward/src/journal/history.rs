//! A run that was interrupted, read back with its bodies.

use super::{
    Journal,
    answer::{CallAndReply, Reason, read},
    blocking, name,
};
use std::sync::Arc;
use stepward_broker::Applied;
use stepward_fault::{Class, Fault, Owner, Rule};
use stepward_ledger::{
    event::{Effect, Name, Outcome, Resolution},
    facts,
    merkle::TreeHead,
    runs::{self, Answer, Attempt, BodyAt, Made, Run, Standing, Step},
    store::Records,
};
use stepward_seam::{HostCall, HostReply};
use stepward_trust::Digest;
use stepward_vault::{BodyContext, Lookup, RunKey, RunKeys};

/// The rule that a run has what it needs to go on.
const INCOMPLETE: Rule = Rule::new("run-incomplete");

/// The rule that the store of keys knows every run of the log.
const KEYS_BEHIND: Rule = Rule::new("keys-behind-log");
/// The rule that a run's bodies are there.
const ERASED: Rule = Rule::new("run-erased");

/// A run, with what is needed to go on with it.
#[derive(Debug)]
pub struct History {
    /// What its events say.
    pub run: Run,
    /// Where it stands.
    pub standing: Standing,
    /// Its input, a JSON document.
    pub input: String,
    /// The steps that ended, in order.
    pub finished: Vec<FinishedStep>,
    /// The step that was interrupted.
    pub interrupted: Option<EarlierStep>,
}

/// A step that ended.
#[derive(Debug)]
pub struct FinishedStep {
    /// Its name in the workflow.
    pub name: String,
    /// Its component.
    pub component: Digest,
    /// How it ended.
    pub outcome: Outcome,
    /// Its output, where it succeeded.
    pub output: Option<String>,
}

/// A step that was interrupted, and what it was answered.
#[derive(Debug)]
pub struct EarlierStep {
    /// Its name in the workflow.
    pub name: String,
    /// Its component.
    pub component: Digest,
    /// Its calls in order; log lines are not among them.
    pub calls: Vec<Earlier>,
}

/// A call that was made before the run was interrupted.
#[derive(Debug)]
pub struct Earlier {
    /// Its number within the step, log lines counted.
    pub number: u64,
    /// The call as it was written down.
    pub call: HostCall,
    /// The attempts at it that were intended, in order; none where it has no effect.
    pub attempts: Vec<Applied>,
    /// What the step is told.
    pub known: Known,
}

/// What is known of an earlier call.
#[derive(Debug)]
pub enum Known {
    /// Its answer.
    Answered(HostReply),
    /// It was carried out, and its answer was withheld from the step or could not be kept: the run ends there.
    Withheld,
    /// It has to be made again, which is safe.
    Again,
}

impl Journal {
    /// What the events of a run say, each checked, and where it stands. No body is opened.
    ///
    /// # Errors
    /// When there is no such run, or its record cannot be read.
    pub async fn standing(&self, run: &str) -> Result<(Run, Standing), Fault> {
        let (head, wanted) = (self.written().await?, name(run)?);
        let (open, restored) = (self.0.log.open_run(run), self.0.log.fact(facts::RESTORED));
        let read = move |records: &dyn Records| {
            let run = match open {
                Some(open) => runs::open_run(records, &open)?,
                // It has ended, so nothing of it is done any more: what is there is read.
                None => runs::ended_run(records, head, wanted.as_str())?,
            };
            let standing = run.standing(runs::restored(records, head, restored)?);
            Ok((run, standing))
        };
        self.0.log.read(read).await
    }

    /// Reads a run back: its events, each checked against the tree, and its bodies, each checked
    /// against its event.
    ///
    /// # Errors
    /// When there is no such run, when its record cannot be read, or when its bodies were erased.
    pub async fn history(&self, run: &str) -> Result<History, Fault> {
        let (wanted, (run, standing)) = (name(run)?, self.standing(run).await?);
        let at = places(&run);
        let bodies = self
            .0
            .log
            .read(move |records| at.into_iter().map(|at| Ok((at, records.body(at.sequence)?))).collect())
            .await?;
        let keys = Arc::clone(&self.0.keys);
        let key = blocking(move || key_of(&keys, &wanted)).await?;
        let environment = self.0.environment.as_str();
        let opener = Opener { environment, run: &run, key: &key, bodies };
        Ok(History {
            input: opener.text(run.input)?.ok_or_else(|| incomplete(&run, "its input"))?,
            finished: run
                .steps
                .iter()
                .filter_map(|step| opener.finished(step).transpose())
                .collect::<Result<_, _>>()?,
            interrupted: match run.steps.last() {
                Some(step) if step.ended.is_none() => Some(opener.interrupted(step)?),
                Some(_) | None => None,
            },
            standing,
            run,
        })
    }

    /// The tree over everything that was appended until now.
    async fn written(&self) -> Result<TreeHead, Fault> {
        // A read comes after everything that waits for the disk.
        self.0.log.read(|_| Ok(())).await?;
        Ok(self.0.log.head())
    }
}

/// The key of a run that the log knows.
pub(super) fn key_of(keys: &RunKeys, run: &Name) -> Result<RunKey, Fault> {
    match keys.get(run.as_str())? {
        Lookup::Key(key) => Ok(key),
        Lookup::Damaged(fault) => Err(fault),
        Lookup::Never => Err(keys_behind(run)),
        Lookup::Erased { at_ms } => Err(Fault::new(Class::Refused, Owner::Operator, ERASED)
            .says(format_args!("the bodies of run {run} were erased at {at_ms} ms after 1970"))
            .hint("its events stay readable: `stepward runs show`")),
    }
}

/// A store of keys that does not know a run of the log.
pub(super) fn keys_behind(run: &Name) -> Fault {
    Fault::new(Class::EvidenceInvalid, Owner::Operator, KEYS_BEHIND)
        .says(format_args!("the log has run {run}, and the store of keys has never heard of it: it is an older copy"))
        .hint("put back the keys.db and wrapping.db that belong to this log: without them its bodies cannot be opened")
}

/// Every body that going on with a run needs.
fn places(run: &Run) -> Vec<BodyAt> {
    let mut places = Vec::from_iter(run.input);
    for step in &run.steps {
        places.extend(step.ended.and_then(|end| end.body));
        if step.ended.is_some() {
            continue;
        }
        for call in &step.calls {
            match &call.made {
                Made::Recorded(at) => places.extend(*at),
                Made::Effect(attempts) => places.extend(attempts.iter().flat_map(|attempt| {
                    let reply = attempt.answer.and_then(|answer| answer.reply);
                    let reason = attempt.resolved.and_then(|resolved| resolved.body);
                    [attempt.intent, reply, reason].into_iter().flatten()
                })),
            }
        }
    }
    places
}

struct Opener<'a> {
    environment: &'a str,
    run: &'a Run,
    key: &'a RunKey,
    bodies: Vec<(BodyAt, Option<Vec<u8>>)>,
}

impl Opener<'_> {
    fn open(&self, at: BodyAt) -> Result<Vec<u8>, Fault> {
        let sealed =
            self.bodies.iter().find(|(place, _)| *place == at).and_then(|(_, sealed)| sealed.as_deref());
        let sealed =
            sealed.ok_or_else(|| incomplete(self.run, &format!("the body of event {}", at.sequence)))?;
        let context =
            BodyContext { environment: self.environment, run: self.run.name.as_str(), kind: at.kind };
        let commitment = stepward_vault::Commitment::from_bytes(*at.commitment.as_bytes());
        self.key
            .open(context, &commitment, sealed)
            .map_err(|fault| fault.at(format_args!("the body of event {}", at.sequence)))
    }

    fn text(&self, at: Option<BodyAt>) -> Result<Option<String>, Fault> {
        let Some(at) = at else { return Ok(None) };
        let text = String::from_utf8(self.open(at)?);
        text.map(Some)
            .map_err(|_| incomplete(self.run, &format!("text in the body of event {}", at.sequence)))
    }

    fn finished(&self, step: &Step) -> Result<Option<FinishedStep>, Fault> {
        let Some(end) = step.ended else { return Ok(None) };
        let output = match end.outcome {
            Outcome::Succeeded => self.text(end.body)?,
            Outcome::Failed | Outcome::LimitExceeded | Outcome::Refused | Outcome::Cancelled => None,
        };
        let name = step.name.as_str().to_owned();
        Ok(Some(FinishedStep { name, component: step.component, outcome: end.outcome, output }))
    }

    fn interrupted(&self, step: &Step) -> Result<EarlierStep, Fault> {
        let calls = step.calls.iter().map(|call| match &call.made {
            Made::Recorded(at) => {
                let at = at.ok_or_else(|| incomplete(self.run, "the reply of a call"))?;
                let body = self.open(at)?;
                let CallAndReply { call: asked, reply } = read(at.sequence, &body)?;
                let known = Known::Answered(reply);
                Ok(Earlier { number: call.number, call: asked, attempts: Vec::new(), known })
            }
            Made::Effect(attempts) => self.effect(call.number, attempts),
        });
        let calls = calls.collect::<Result<_, Fault>>()?;
        Ok(EarlierStep { name: step.name.as_str().to_owned(), component: step.component, calls })
    }

    fn effect(&self, number: u64, attempts: &[Attempt]) -> Result<Earlier, Fault> {
        let last = attempts.last().ok_or_else(|| incomplete(self.run, "the intent of a call"))?;
        let at = last.intent.ok_or_else(|| incomplete(self.run, "the body of an intent"))?;
        let call = read(at.sequence, &self.open(at)?)?;
        let known = match (last.answer, last.resolved) {
            (Some(Answer { reply: Some(at), .. }), _) => Known::Answered(read(at.sequence, &self.open(at)?)?),
            (Some(Answer { effect: Effect::Applied, .. }), None) => Known::Withheld,
            (_, Some(resolved)) => match (resolved.effect, resolved.body) {
                (Resolution::Applied, Some(at)) => {
                    Known::Answered(read::<Reason>(at.sequence, &self.open(at)?)?.reply())
                }
                (Resolution::Applied, None) => return Err(incomplete(self.run, "an operator's reason")),
                (Resolution::NotApplied, _) => Known::Again,
            },
            // The step heard nothing of it: whether it can be made again is decided where it is made.
            (None | Some(Answer { effect: Effect::NotApplied | Effect::Unknown, reply: None }), None) => {
                Known::Again
            }
        };
        Ok(Earlier { number, call, attempts: attempts.iter().map(applied).collect(), known })
    }
}

/// What is known of an attempt.
fn applied(attempt: &Attempt) -> Applied {
    match (attempt.resolved, attempt.answer) {
        (Some(resolved), _) => match resolved.effect {
            Resolution::Applied => Applied::Yes,
            Resolution::NotApplied => Applied::No,
        },
        (None, Some(answer)) => match answer.effect {
            Effect::Applied => Applied::Yes,
            Effect::NotApplied => Applied::No,
            Effect::Unknown => Applied::Unknown,
        },
        (None, None) => Applied::Unknown,
    }
}

fn incomplete(run: &Run, what: &str) -> Fault {
    Fault::new(Class::EvidenceInvalid, Owner::Operator, INCOMPLETE)
        .says(format_args!("run {} cannot go on: the log does not have {what}", run.name))
        .hint("restore the log and its keys from one backup, or end the run with `stepward runs cancel`")
}
