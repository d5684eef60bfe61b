//! What came of a run's requests, heard beside its steps: refusals with the line that would allow
//! the call, and effects that ended when the step that asked for them was gone.

use super::{book::Watch, report};
use serde::Serialize;
use std::{
    collections::BTreeMap,
    future::ready,
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use stepward::{Broker, LateAnswer};
use stepward_broker::{
    Completion, EffectEnd, End, Exchange, Granted, Intent, Journal, Recording, SecretUse, StepIdentity,
};
use stepward_fault::Fault;
use stepward_seam::{BrokerFuture, CallSite, HostCall, HostReply, HttpFailure, HttpRequest, Stop};
use tokio::time::Instant;

/// One call that was refused, in the words for operators and authors.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Refused {
    /// The call, counted from 0 within the step, log lines too.
    pub(crate) call: u64,
    rule: String,
    place: String,
    message: String,
    /// What would allow it.
    pub(crate) hint: String,
}

impl Refused {
    fn of(call: u64, fault: &Fault) -> Self {
        Self {
            call,
            rule: fault.rule().to_string(),
            place: fault.place().to_owned(),
            message: fault.message().to_owned(),
            hint: fault.remedy().to_owned(),
        }
    }
}

/// An effect whose step was gone when it ended.
#[derive(Debug)]
pub(crate) struct Late {
    /// The run.
    pub(crate) run: Arc<str>,
    /// The step.
    pub(crate) step: Arc<str>,
    /// The call, counted from 0 within the step.
    pub(crate) call: u64,
    /// What was asked, in words, without secrets; not escaped.
    pub(crate) asked: String,
    /// The effect's name, without secrets; not escaped.
    pub(crate) operation: Option<String>,
    /// Milliseconds from the request to its end, or until nobody waited any more.
    pub(crate) after_ms: u64,
    /// What came.
    pub(crate) answer: LateAnswer,
}

/// A call of a step of a run.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    run: Arc<str>,
    step: Arc<str>,
    call: u64,
}

impl Place {
    fn of(site: &CallSite) -> Self {
        Self { run: Arc::clone(&site.run), step: Arc::clone(&site.step), call: site.sequence }
    }
}

/// An effect whose end its step has not heard.
#[derive(Debug)]
struct UnderWay {
    asked: String,
    operation: Option<String>,
    since: Instant,
    ended: Option<(LateAnswer, u64)>,
}

impl UnderWay {
    fn age_ms(&self) -> u64 {
        u64::try_from(self.since.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

#[derive(Debug, Default)]
struct Notes {
    refused: Vec<(Place, Refused)>,
    under_way: BTreeMap<Place, UnderWay>,
}

/// Hears everything that comes of the requests of this process.
#[derive(Debug, Default)]
pub(crate) struct Heard(Mutex<Notes>);

impl Heard {
    fn notes(&self) -> MutexGuard<'_, Notes> {
        // Each change is one call, so a thread that panicked left nothing half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The refusals of a step that ended, in order. They are given out once.
    pub(crate) fn refused(&self, run: &str, step: &str) -> Vec<Refused> {
        let mut notes = self.notes();
        let (of_step, rest) = mem::take(&mut notes.refused)
            .into_iter()
            .partition(|(place, _)| (&*place.run, &*place.step) == (run, step));
        notes.refused = rest;
        let of_step: Vec<(Place, Refused)> = of_step;
        of_step.into_iter().map(|(_, refused)| refused).collect()
    }

    /// Every effect whose end no step heard, once no step runs any more. One that has not ended
    /// yet is unknown.
    pub(crate) fn late(&self) -> Vec<Late> {
        let late = |(place, effect): (Place, UnderWay)| {
            let age = effect.age_ms();
            let (answer, after_ms) = effect.ended.unwrap_or((LateAnswer::Unknown, age));
            let Place { run, step, call } = place;
            Late { run, step, call, asked: effect.asked, operation: effect.operation, after_ms, answer }
        };
        mem::take(&mut self.notes().under_way).into_iter().map(late).collect()
    }
}

impl Heard {
    /// Notes a refusal that came after the gate: the address of an endpoint that must not be reached.
    fn unreached(&self, place: &Place, exchange: &Exchange<'_>) {
        if let Exchange::Failed { failure: HttpFailure::Refused(_), detail } = exchange {
            self.notes().refused.push((place.clone(), Refused::of(place.call, detail)));
        }
    }

    /// Notes how an effect ended, for a step that is not there to hear it.
    fn ended(&self, place: &Place, end: &EffectEnd<'_>, reply: Option<&HostReply>) {
        let answer = match (end, reply) {
            // Nothing was sent, so nothing is under way.
            (EffectEnd::Unsent(_), _) => {
                self.notes().under_way.remove(place);
                return;
            }
            (EffectEnd::Attempted(Exchange::Withheld(secret)), _) => LateAnswer::Withheld((*secret).clone()),
            (EffectEnd::Attempted(_), Some(reply)) => LateAnswer::Reply(reply.recorded()),
            (EffectEnd::Attempted(_), None) | (EffectEnd::Lost(_), _) => LateAnswer::Unknown,
        };
        if let Some(effect) = self.notes().under_way.get_mut(place) {
            effect.ended = Some((answer, effect.age_ms()));
        }
    }
}

/// Remembers what came of requests for as long as the process lives, and nothing for longer.
impl Journal for Heard {
    fn intend<'a>(&'a self, _: &'a Intent<'a>) -> Recording<'a> {
        Box::pin(ready(Ok(())))
    }

    fn completed(&self, completion: &Completion<'_>) {
        let place = Place::of(completion.site);
        match &completion.end {
            End::Refused { endpoint, refused } => {
                let fault = refused.fault(format_args!("step {}: {endpoint}", place.step));
                let refused = Refused::of(place.call, &fault);
                self.notes().refused.push((place, refused));
            }
            End::Read { exchange, .. } => self.unreached(&place, exchange),
            End::Effect { end, .. } => {
                if let EffectEnd::Attempted(exchange) = end {
                    self.unreached(&place, exchange);
                }
                self.ended(&place, end, completion.reply.ok());
            }
            End::Signed { .. } | End::Revealed { .. } | End::Time | End::Random | End::Stopped => {}
        }
    }

    fn granted(&self, _: &Granted<'_>) {}

    fn secret_used(&self, _: &SecretUse, _: &StepIdentity) {}
}

/// Tells the log of everything, and [`Heard`] of what this process shows.
pub(crate) struct Told {
    /// What this process shows.
    pub(crate) heard: Arc<Heard>,
    /// The log.
    pub(crate) log: stepward::journal::Journal,
    /// Those who watch it.
    pub(crate) watch: Option<Arc<Watch>>,
}

impl Journal for Told {
    fn intend<'a>(&'a self, intent: &'a Intent<'a>) -> Recording<'a> {
        match self.watch.as_ref().map(|watch| watch.check()) {
            Some(Err(fault)) => Box::pin(ready(Err(fault))),
            Some(Ok(())) | None => self.log.intend(intent),
        }
    }

    fn completed(&self, completion: &Completion<'_>) {
        self.log.completed(completion);
        self.heard.completed(completion);
    }

    fn granted(&self, granted: &Granted<'_>) {
        self.log.granted(granted);
    }

    fn secret_used(&self, used: &SecretUse, step: &StepIdentity) {
        self.log.secret_used(used, step);
    }
}

/// A broker whose effects are known to be under way until their step has heard of their end.
pub(crate) struct Watched<B> {
    broker: B,
    heard: Arc<Heard>,
}

impl<B: Broker> Watched<B> {
    /// Watches `broker`, which must report to `heard`.
    pub(crate) fn new(broker: B, heard: Arc<Heard>) -> Self {
        Self { broker, heard }
    }

    /// Notes an effect; nothing where the call is none.
    fn note(&self, site: &CallSite, call: &HostCall) -> Option<Place> {
        let HostCall::Http { endpoint, request } = call else { return None };
        if request.method.is_read() {
            return None;
        }
        // As a trace keeps it, and without what is not shown: a body can be large.
        let brief = self.broker.recorded(HostCall::Http {
            endpoint: endpoint.clone(),
            request: HttpRequest {
                method: request.method,
                path: request.path.clone(),
                query: Vec::new(),
                headers: Vec::new(),
                body: None,
                operation: request.operation.clone(),
            },
        });
        let operation = brief.operation().map(str::to_owned);
        let asked = report::asked(&brief).unwrap_or_default();
        let place = Place::of(site);
        let effect = UnderWay { asked, operation, since: Instant::now(), ended: None };
        self.heard.notes().under_way.insert(place.clone(), effect);
        Some(place)
    }
}

impl<B: Broker> Broker for Watched<B> {
    fn call<'a>(&'a self, site: CallSite, call: HostCall) -> BrokerFuture<'a> {
        Box::pin(async move {
            let place = self.note(&site, &call);
            let reply = self.broker.call(site, call).await;
            // Not reached where the step is gone: the effect stays noted.
            if let Some(place) = place {
                self.heard.notes().under_way.remove(&place);
            }
            reply
        })
    }

    fn recorded(&self, call: HostCall) -> HostCall {
        self.broker.recorded(call)
    }

    fn released(&self, text: String) -> Result<String, Stop> {
        self.broker.released(text)
    }
}
