//! The life of one run in the log.

use super::{
    Journal, Note, Running, blocking, name,
    reporting::{Attempts, Claim},
};
use crate::Finished;
use std::{fmt, sync::Arc};
use stepward_fault::{Class, Fault, Owner, Rule};
use stepward_ledger::{
    event::{Actor, Decision, Draft, Name, Outcome, What},
    facts,
    log::Durable,
    store::RunChange,
};
use stepward_sandbox::Outcome as Ended;
use stepward_seam::Limits;
use stepward_trust::Digest;
use stepward_vault::Begun;

/// What a run starts from.
#[derive(Clone, Debug)]
pub struct RunStart<'a> {
    /// The run's name, unique in its environment.
    pub run: &'a str,
    /// The workflow or step that runs.
    pub object: &'a str,
    /// The digest of its definition: order, grants, limits and components.
    pub definition: Digest,
    /// Its input, a JSON document.
    pub input: &'a str,
    /// Who started it.
    pub actor: Actor,
}

/// A run that reports to its journal. Dropping it without [`end`](Self::end) leaves the run unfinished
/// in the log: it is told apart there, and can go on.
pub struct RunLog {
    claim: Claim,
    running: Arc<Running>,
}

/// The rule that a run has a name of its own.
const STARTED: Rule = Rule::new("run-started-before");

impl Journal {
    /// Starts a run: makes the key for its bodies and writes that it started. That it started is durable
    /// with its first intent, at the latest with its end.
    ///
    /// # Errors
    /// When there was a run of this name, or the log or the keys cannot be written.
    pub async fn start(&self, start: RunStart<'_>) -> Result<RunLog, Fault> {
        self.0.log.room().await?;
        let (run, object) = (name(start.run)?, name(start.object)?);
        let (keys, key_of, now) = (Arc::clone(&self.0.keys), run.clone(), self.now_ms());
        let begun = blocking(move || keys.begin(key_of.as_str(), now)).await?;
        let (Begun::New(key) | Begun::Left(key)) = begun;
        let running = Arc::new(Running { name: run.clone(), key });
        let log = self.reporting(running, Attempts::new())?;
        // Now that nobody else can start it: a key alone is what a crash leaves.
        let of = run.clone();
        if self.0.log.read(move |records| records.run(of.as_str())).await?.is_some() {
            return Err(started_before(&run));
        }
        self.note_bundle(&object, start.definition)?;
        let what = What::RunStarted { object, definition: start.definition, policy: self.0.policy };
        let draft = Draft { actor: start.actor, run: Some(run), step: None, call: None, body: None, what };
        let note = Note::of(draft).changing(RunChange::Opens).with_body(
            &self.0.environment,
            &log.running,
            start.input.as_bytes(),
        )?;
        self.write(note)?;
        Ok(log)
    }

    /// Writes that what runs under a name is another thing than before, where it is.
    fn note_bundle(&self, object: &Name, now: Digest) -> Result<(), Fault> {
        let fact = facts::bundle(object);
        let before = self.digest_fact(&fact);
        if before == Some(now) {
            return Ok(());
        }
        let what = What::BundleChanged { object: object.clone(), before, now };
        self.write(Note::of(Draft::service(what)).remembering(&fact, now.as_bytes()))
    }

    /// Lets a run report from now on. Refused where it is taken.
    pub(super) fn reporting(&self, running: Arc<Running>, attempts: Attempts) -> Result<RunLog, Fault> {
        let claim = self.claim(&running.name, Some(Arc::clone(&running)), attempts)?;
        Ok(RunLog { claim, running })
    }
}

impl RunLog {
    /// The run's name.
    pub fn name(&self) -> &str {
        self.running.name.as_str()
    }

    /// Writes that a step starts: its component, and what it runs under.
    ///
    /// # Errors
    /// When the log cannot be written, or something of the run before could not.
    pub fn step_started(
        &self,
        step: &str,
        component: Digest,
        engine: Digest,
        limits: &Limits,
    ) -> Result<(), Fault> {
        self.check_whole()?;
        let limits = Digest::of(&serde_json::to_vec(limits).unwrap_or_default());
        let draft = self.of_step(step, What::StepStarted { component, engine, limits })?;
        self.claim.journal.write(Note::of(draft))
    }

    /// Writes that a step is not run, or not to its end, and the rule that says so: of a limit its name.
    /// [`step_ended`](Self::step_ended) does it by itself; a step that cannot be made ready is told here.
    ///
    /// # Errors
    /// When the log cannot be written, or something of the run before could not.
    pub fn step_refused(&self, step: &str, fault: &Fault) -> Result<(), Fault> {
        self.check_whole()?;
        let what = match fault.limited() {
            Some(limit) => What::LimitReached { limit: name(limit)? },
            None => What::GrantDecided {
                object: name(step)?,
                decision: Decision::Refused,
                rule: name(fault.rule().as_str())?,
                policy: self.claim.journal.0.policy,
            },
        };
        self.claim.journal.write(Note::of(self.of_step(step, what)?))
    }

    /// Writes how a step ended, with its output or its error sealed; before it, which limit or rule ended
    /// it where one did.
    ///
    /// # Errors
    /// When the log cannot be written, or something of the run before could not. What the step did stands
    /// all the same.
    pub fn step_ended(&self, step: &str, finished: &Finished) -> Result<(), Fault> {
        self.check_whole()?;
        let (outcome, body) = match &finished.outcome {
            Ended::Succeeded(output) => (Outcome::Succeeded, Some(output.clone().into_bytes())),
            Ended::Failed(error) => (Outcome::Failed, serde_json::to_vec(error).ok()),
            Ended::LimitExceeded(limit) => {
                let what = What::LimitReached { limit: name(limit.as_str())? };
                self.claim.journal.write(Note::of(self.of_step(step, what)?))?;
                (Outcome::LimitExceeded, None)
            }
            Ended::Refused(fault) => {
                self.step_refused(step, fault)?;
                (Outcome::Refused, None)
            }
        };
        let mut note = Note::of(self.of_step(step, What::StepEnded { outcome, fuel: finished.usage.fuel })?);
        if let Some(body) = body {
            note = note.with_body(self.claim.journal.environment(), &self.running, &body)?;
        }
        self.claim.journal.write(note)
    }

    /// Writes how the run ended, with its output sealed, and waits until the whole run is durable. What
    /// it came to may be told when this returned, and not before. An effect that has not begun by then is
    /// refused; one that is under way may be answered after it.
    ///
    /// # Errors
    /// When anything of the run could not be written.
    pub async fn end(self, outcome: Outcome, output: Option<&str>) -> Result<Durable, Fault> {
        self.check_whole()?;
        let draft = self.draft(Actor::Service, What::RunEnded { outcome });
        let mut note = Note::of(draft).changing(RunChange::Closes);
        if let Some(output) = output {
            note = note.with_body(self.claim.journal.environment(), &self.running, output.as_bytes())?;
        }
        let journal = &self.claim.journal;
        let ticket = journal.conclude(self.name(), note)?;
        journal.0.log.durable(ticket).await
    }

    pub(super) fn draft(&self, actor: Actor, what: What) -> Draft {
        Draft { actor, run: Some(self.running.name.clone()), step: None, call: None, body: None, what }
    }

    fn check_whole(&self) -> Result<(), Fault> {
        self.claim.journal.check_whole(self.name())
    }

    fn of_step(&self, step: &str, what: What) -> Result<Draft, Fault> {
        Ok(Draft { step: Some(name(step)?), ..self.draft(Actor::Service, what) })
    }
}

impl fmt::Debug for RunLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RunLog").field(&self.running.name).finish()
    }
}

fn started_before(run: &Name) -> Fault {
    Fault::new(Class::Refused, Owner::Embedder, STARTED)
        .at(format_args!("run {run}"))
        .says("the log has a run of this name")
        .hint("give each run a name of its own")
}
