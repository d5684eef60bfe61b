//! From events to a run.

use super::{Answer, Attempt, BodyAt, Call, Made, Resolved, Run, Step, StepEnd};
use crate::event::{Event, Name, What};
use stepward_fault::{Class, Fault, Owner, Rule};
use stepward_trust::Digest;

/// The rule that the events of a run follow from each other.
const ORDER: Rule = Rule::new("run-order");

/// Takes the events of one run, in order.
#[derive(Clone, Debug, Default)]
pub struct Fold(Option<Run>);

impl Fold {
    /// Takes the next event.
    ///
    /// # Errors
    /// When it cannot follow the events before it. No program wrote such a log; the run is unreadable,
    /// and those beside it are not.
    pub fn event(&mut self, event: &Event) -> Result<(), Fault> {
        let Some(run) = &mut self.0 else {
            self.0 = Some(Run::start(event)?);
            return Ok(());
        };
        if event.run.as_ref() != Some(&run.name) || event.sequence <= run.last {
            return Err(disorder(event, "it belongs to another run or stands before the last one"));
        }
        run.follow(event)?;
        run.last = event.sequence;
        Ok(())
    }

    /// The run; none where no event was taken.
    pub fn finish(self) -> Option<Run> {
        self.0
    }
}

impl Run {
    fn start(event: &Event) -> Result<Self, Fault> {
        let (Some(name), What::RunStarted { object, definition, policy }) = (&event.run, &event.what) else {
            return Err(disorder(event, "the first event of a run is that it started"));
        };
        Ok(Self {
            name: name.clone(),
            object: object.clone(),
            definition: *definition,
            policy: *policy,
            input: body(event),
            steps: Vec::new(),
            ended: None,
            erased: None,
            first: event.sequence,
            last: event.sequence,
            vouched: None,
        })
    }

    fn follow(&mut self, event: &Event) -> Result<(), Fault> {
        if self.ended.is_some() && goes_on(&event.what) {
            return Err(disorder(event, "the run had ended"));
        }
        match &event.what {
            What::RunStarted { .. } => return Err(disorder(event, "a run starts once")),
            What::RunContinued { policy } => self.policy = *policy,
            What::RunEnded { outcome } => self.ended = Some(*outcome),
            What::StepStarted { component, engine, limits } => {
                self.step_started(event, *component, *engine, *limits)?;
            }
            What::StepEnded { outcome, .. } => {
                self.step(event)?.ended = Some(StepEnd { outcome: *outcome, body: body(event) });
            }
            // A refusal that a call was told is its reply; a grant that no call asked for is none.
            What::GrantDecided { object, .. } | What::CallRecorded { object, .. } => {
                if event.call.is_none() {
                    return Ok(());
                }
                let call = self.step(event)?.call(event, object, || Made::Recorded(None))?;
                match &mut call.made {
                    // Asked again when the run went on, because the answer was lost: the last one counts.
                    Made::Recorded(at) => *at = body(event),
                    // Refused when it was asked again: what was sent before is as open as it was.
                    Made::Effect(_) if matches!(event.what, What::GrantDecided { .. }) => {}
                    Made::Effect(_) => return Err(disorder(event, "the call was an effect before")),
                }
            }
            What::CallIntended { object, attempt, idempotent, .. } => {
                let (number, idempotent, intent) = (*attempt, *idempotent, body(event));
                let attempt = Attempt { number, idempotent, intent, answer: None, resolved: None };
                self.step(event)?.intended(event, object, attempt)?;
            }
            What::CallAnswered { attempt: number, effect, .. } => {
                let answer = Answer { effect: *effect, reply: body(event) };
                let attempt = self.step(event)?.attempt(event, |attempt| attempt.number == *number)?;
                attempt.answer = Some(answer);
            }
            What::CallResolved { effect } => {
                if event.call.is_none() {
                    self.vouched = Some((event.sequence, *effect));
                } else {
                    let resolved = Resolved { effect: *effect, body: body(event) };
                    self.step(event)?.attempt(event, |_| true)?.resolved = Some(resolved);
                }
            }
            What::BodyErased { .. } => self.erased = Some(event.sequence),
            What::LimitReached { .. }
            | What::SecretUsed { .. }
            | What::OperatorActed { .. }
            | What::GapFound { .. } => {}
            What::ServiceStarted { .. }
            | What::ServiceStopped
            | What::ServiceRecovered { .. }
            | What::LogRestored { .. }
            | What::ConfigurationChanged { .. }
            | What::BundleChanged { .. } => return Err(disorder(event, "it belongs to no run")),
        }
        Ok(())
    }

    /// A step that did not end starts again where its run goes on: what it was answered stays.
    fn step_started(
        &mut self,
        event: &Event,
        component: Digest,
        engine: Digest,
        limits: Digest,
    ) -> Result<(), Fault> {
        let name = event.step.clone().ok_or_else(|| disorder(event, "a step has a name"))?;
        if let Some(step) = self.steps.iter_mut().find(|step| step.name == name) {
            if step.ended.is_some() || step.component != component {
                return Err(disorder(event, "the step ended before, or was another component"));
            }
            (step.engine, step.limits) = (engine, limits);
            return Ok(());
        }
        if self.steps.last().is_some_and(|step| step.ended.is_none()) {
            return Err(disorder(event, "the step before it has not ended"));
        }
        self.steps.push(Step { name, component, engine, limits, calls: Vec::new(), ended: None });
        Ok(())
    }

    fn step(&mut self, event: &Event) -> Result<&mut Step, Fault> {
        self.steps
            .iter_mut()
            .find(|step| Some(&step.name) == event.step.as_ref())
            .ok_or_else(|| disorder(event, "its step did not start"))
    }
}

impl Step {
    fn call(
        &mut self,
        event: &Event,
        object: &Name,
        first: impl FnOnce() -> Made,
    ) -> Result<&mut Call, Fault> {
        let number = event.call.ok_or_else(|| disorder(event, "a call has a number"))?;
        let place = self.calls.partition_point(|call| call.number < number);
        if self.calls.get(place).is_none_or(|call| call.number != number) {
            self.calls.insert(place, Call { number, object: object.clone(), made: first() });
        }
        match self.calls.get_mut(place) {
            Some(call) if call.object == *object => Ok(call),
            Some(_) | None => Err(disorder(event, "the call went elsewhere before")),
        }
    }

    fn intended(&mut self, event: &Event, object: &Name, attempt: Attempt) -> Result<(), Fault> {
        match &mut self.call(event, object, || Made::Effect(Vec::new()))?.made {
            // One in doubt is not followed by another: that is what doubt means.
            Made::Effect(attempts) if attempts.last().is_some_and(Attempt::in_doubt) => {
                Err(disorder(event, "the attempt before it is in doubt"))
            }
            Made::Effect(attempts) => {
                attempts.push(attempt);
                Ok(())
            }
            Made::Recorded(_) => Err(disorder(event, "the call had no effect before")),
        }
    }

    /// The last attempt of the event's call that is meant.
    fn attempt(&mut self, event: &Event, meant: impl Fn(&Attempt) -> bool) -> Result<&mut Attempt, Fault> {
        let call = self.calls.iter_mut().find(|call| Some(call.number) == event.call);
        match call.map(|call| &mut call.made) {
            Some(Made::Effect(attempts)) => attempts.iter_mut().rev().find(|attempt| meant(attempt)),
            Some(Made::Recorded(_)) | None => None,
        }
        .ok_or_else(|| disorder(event, "there is no intent that it could answer"))
    }
}

/// Whether something happens only in a run that has not ended. An answer may come late, an operator may
/// decide or erase, and what a broker that is made tells comes when it comes.
const fn goes_on(what: &What) -> bool {
    match what {
        What::RunContinued { .. }
        | What::RunEnded { .. }
        | What::StepStarted { .. }
        | What::StepEnded { .. }
        | What::CallIntended { .. } => true,
        What::ServiceStarted { .. }
        | What::ServiceStopped
        | What::ServiceRecovered { .. }
        | What::LogRestored { .. }
        | What::ConfigurationChanged { .. }
        | What::BundleChanged { .. }
        | What::OperatorActed { .. }
        | What::RunStarted { .. }
        | What::GrantDecided { .. }
        | What::CallAnswered { .. }
        | What::CallRecorded { .. }
        | What::CallResolved { .. }
        | What::LimitReached { .. }
        | What::SecretUsed { .. }
        | What::BodyErased { .. }
        | What::GapFound { .. } => false,
    }
}

fn body(event: &Event) -> Option<BodyAt> {
    let (sequence, kind) = (event.sequence, event.what.action());
    event.body.map(|commitment| BodyAt { sequence, kind, commitment })
}

fn disorder(event: &Event, why: &str) -> Fault {
    let run = event.run.as_ref().map_or("none", Name::as_str);
    Fault::new(Class::EvidenceInvalid, Owner::Stepward, ORDER)
        .at(format_args!("event {}", event.sequence))
        .says(format_args!("the event `{}` does not follow in run {run}: {why}", event.what.action()))
        .hint("`stepward verify` tells whether the log was changed; if it holds, please report this")
}
