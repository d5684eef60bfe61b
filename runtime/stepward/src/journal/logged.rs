//! An embedder's own broker, with what it does written into the log.

use super::{
    Journal, name,
    recording::{CallAndReply, Came, asked, json, object},
    reporting::EffectId,
};
use std::{collections::BTreeSet, fmt};
use stepward_fault::Fault;
use stepward_ledger::event::{Decision, Effect, Name, Text, What};
use stepward_seam::{Broker, BrokerFuture, CallSite, HostCall, HostReply, HttpFailure, Label, Method, Stop};

/// What stands where a rule would: an embedder's broker decides by itself.
const EMBEDDER: &str = "the embedder's broker";

/// Writes into the log what an embedder's own [`Broker`] is asked and answers.
///
/// Every request that is no read is an effect: its intent is durable before the broker hears of it. The
/// broker itself still decides what it lets out, and whether a request that it was asked for twice goes
/// out twice: of a run that was interrupted the log says which calls are in doubt.
///
/// An effect is carried out within its call. When the step is gone before the answer, cancelled or out of
/// its time, the call is dropped and the broker's work with it, wherever it had come to: nothing is
/// written of how it ended, and by the log it is in doubt, unless its endpoint acts once.
///
/// [`LiveBroker`](stepward_broker::LiveBroker) needs no wrapper: it reports to the journal by itself, with the rules
/// by which it permits.
pub struct Logged<B> {
    broker: B,
    journal: Journal,
    once: BTreeSet<Label>,
}

/// An effect that is about to be asked for.
struct Intended {
    object: Name,
    attempt: u64,
}

impl<B: Broker> Logged<B> {
    /// Writes what `broker` does for the runs of `journal`.
    pub fn new(journal: Journal, broker: B) -> Self {
        Self { broker, journal, once: BTreeSet::new() }
    }

    /// Says that the service behind `endpoint` acts once for requests of one operation, so that one whose
    /// answer was lost may be sent again.
    #[must_use]
    pub fn acts_once(mut self, endpoint: Label) -> Self {
        self.once.insert(endpoint);
        self
    }

    async fn effect(
        &self,
        site: CallSite,
        call: HostCall,
        endpoint: Label,
        method: Method,
    ) -> Result<HostReply, Stop> {
        let recorded = self.broker.recorded(call.clone());
        let attempt = self.journal.attempt(&site, recorded.operation().map(str::to_owned)).map_err(Stop)?;
        let intended = Intended { object: object("endpoint", &endpoint).map_err(Stop)?, attempt };
        let note = self.intent(&site, &recorded, &endpoint, method, &intended).map_err(Stop)?;
        let effect = EffectId::new(&site, None, attempt);
        let (_under_way, ticket) = self.journal.begin(&site.run, effect, note).map_err(Stop)?;
        self.journal.log().durable(ticket).await.map_err(Stop)?;
        let reply = self.broker.call(site.clone(), call).await;
        let kept = reply.as_ref().ok().map(|reply| json(&reply.recorded()));
        self.journal.answer_or_break(&site, came(intended, &reply), kept.as_deref());
        reply
    }

    fn intent(
        &self,
        site: &CallSite,
        recorded: &HostCall,
        endpoint: &Label,
        method: Method,
        intended: &Intended,
    ) -> Result<super::Note, Fault> {
        let what = What::CallIntended {
            object: intended.object.clone(),
            method: name(method.as_str())?,
            attempt: intended.attempt,
            idempotent: self.once.contains(endpoint),
            decision: Decision::Permitted,
            workflow_rule: Text::of(EMBEDDER),
            environment_rule: Text::of(EMBEDDER),
            policy: self.journal.0.policy,
        };
        self.journal.of_call(site, what, Some(&json(recorded)))
    }

    /// A call without an effect, once it is answered.
    fn recorded(&self, site: &CallSite, call: &HostCall, reply: &HostReply) -> Result<super::Note, Fault> {
        let status = match reply {
            HostReply::Http(Ok(response)) => Some(response.status),
            _ => None,
        };
        let what = What::CallRecorded { object: asked(call)?, status };
        let body = json(&CallAndReply { call, reply: &reply.recorded() });
        self.journal.of_call(site, what, Some(&body))
    }
}

impl<B: Broker> Broker for Logged<B> {
    fn call<'a>(&'a self, site: CallSite, call: HostCall) -> BrokerFuture<'a> {
        Box::pin(async move {
            match &call {
                HostCall::Log { .. } => return self.broker.call(site, call).await,
                HostCall::Http { endpoint, request } if !request.method.is_read() => {
                    let (endpoint, method) = (endpoint.clone(), request.method);
                    return self.effect(site, call, endpoint, method).await;
                }
                HostCall::Http { .. }
                | HostCall::Sign { .. }
                | HostCall::Reveal { .. }
                | HostCall::Now { .. }
                | HostCall::Random { .. } => {}
            }
            let written = self.broker.recorded(call.clone());
            let reply = self.broker.call(site.clone(), call).await?;
            // A call after a gap would not fit what stands in the log.
            self.journal.check_whole(&site.run).map_err(Stop)?;
            self.journal.append_or_break(&site.run, self.recorded(&site, &written, &reply));
            Ok(reply)
        })
    }

    fn recorded(&self, call: HostCall) -> HostCall {
        self.broker.recorded(call)
    }

    fn released(&self, text: String) -> Result<String, Stop> {
        self.broker.released(text)
    }
}

impl<B> fmt::Debug for Logged<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Logged").field("journal", &self.journal).finish_non_exhaustive()
    }
}

/// What came of an effect.
fn came(intended: Intended, reply: &Result<HostReply, Stop>) -> Came {
    let (effect, status, rule) = match reply {
        Ok(HostReply::Http(Ok(response))) => (Effect::Applied, Some(response.status), None),
        Ok(HostReply::Http(Err(failure))) => match failure {
            HttpFailure::Refused(refusal) => (Effect::NotApplied, None, Some(refusal.rule.as_str())),
            HttpFailure::NotApplied(_) => (Effect::NotApplied, None, None),
            HttpFailure::Unknown(_) => (Effect::Unknown, None, None),
        },
        Ok(_) => (Effect::Unknown, None, None),
        Err(Stop(fault)) => (Effect::Unknown, None, Some(fault.rule().as_str())),
    };
    let Intended { object, attempt } = intended;
    // A rule of the embedder's may be no name; that there was one is not worth losing the answer.
    let rule = rule.and_then(|rule| Name::new(rule).ok());
    Came { object, attempt, effect, status, rule }
}
