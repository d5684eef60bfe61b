//! One request on its way: what its record says, and what it needs to outlive its caller.

use crate::{
    bindings::Bindings,
    endpoint::{Effect, Endpoint, Outcome, Outgoing},
    gate::{Claim, ReadPermit},
    guard::Guard,
    journal::{Completion, EffectEnd, End, Exchange, Intended, Intent, Permitted},
};
use std::{fmt, sync::Arc, thread};
use stepward_fault::{Class, Fault, Owner, Rule};
use stepward_seam::{CallSite, HostCall, HostReply, Method};
use tokio::task::JoinError;

/// The task of an effect died.
const EFFECT_LOST: Rule = Rule::new("effect-lost");

/// A request that was permitted.
pub(super) struct Asked {
    pub(super) site: CallSite,
    pub(super) item: Option<Arc<str>>,
    /// Where it stands, for faults.
    pub(super) place: String,
    /// The call as it may be written down.
    pub(super) call: HostCall,
    pub(super) endpoint: Arc<Endpoint>,
    pub(super) method: Method,
    pub(super) workflow_rule: String,
    pub(super) environment_rule: String,
    pub(super) guard: Arc<Guard>,
    pub(super) bindings: Arc<Bindings>,
}

/// An effect in its task. A task that dies says so by this, whoever waits for it.
struct Living<'a> {
    asked: &'a Asked,
    attempt: u32,
}

impl Drop for Living<'_> {
    fn drop(&mut self) {
        // A task that its runtime drops is not told of: the process ends, and the log says what is open.
        if thread::panicking() {
            self.asked.tell_lost(self.attempt, &self.asked.dead("it panicked"));
        }
    }
}

impl Asked {
    /// Sends a read.
    pub(super) async fn read(&self, permit: ReadPermit) -> Result<HostReply, Fault> {
        self.tell_permitted();
        let ended = |exchange: Exchange<'_>, reply: Result<&HostReply, &Fault>| {
            self.completed(End::Read { request: self.request(), exchange }, reply);
        };
        self.exchange(Outgoing::Read(permit), ended).await
    }

    /// Has the intent of an effect recorded, and then sends it.
    pub(super) async fn effect(&self, effect: Effect, claim: Claim) -> Result<HostReply, Fault> {
        self.tell_permitted();
        let attempt = claim.attempt();
        let _living = Living { asked: self, attempt };
        let intent = self.intent(attempt);
        let ended = |end: EffectEnd<'_>, reply: Result<&HostReply, &Fault>| {
            claim.ended(end.applied());
            self.completed(End::Effect { intent: &intent, end }, reply);
        };
        match Intended::record(&*self.bindings.services().journal, &intent, effect).await {
            Ok(intended) => {
                let ended = |exchange: Exchange<'_>, reply: Result<&HostReply, &Fault>| {
                    ended(EffectEnd::Attempted(exchange), reply);
                };
                self.exchange(Outgoing::Effect(intended), ended).await
            }
            Err(fault) => {
                tracing::warn!(
                    run = %self.site.run, step = %self.site.step, call = self.site.sequence,
                    endpoint = %self.endpoint.label, rule = %fault.rule(), "not sent: the intent is not recorded"
                );
                ended(EffectEnd::Unsent(&fault), Err(&fault));
                Err(fault)
            }
        }
    }

    /// The task of an effect died, and whoever waits for it learns that it is in doubt.
    pub(super) fn lost(&self, attempt: u32, why: &JoinError) -> Fault {
        let fault = self.dead(why);
        if !why.is_panic() {
            self.tell_lost(attempt, &fault);
        }
        fault
    }

    fn dead(&self, why: impl fmt::Display) -> Fault {
        Fault::new(Class::Internal, Owner::Stepward, EFFECT_LOST)
            .at(&self.place)
            .says(format_args!("the task of an effect at `{}` died: {why}", self.endpoint.label))
            .hint("the effect is in doubt; look at the service, and please report it")
    }

    fn tell_lost(&self, attempt: u32, fault: &Fault) {
        let intent = self.intent(attempt);
        self.completed(End::Effect { intent: &intent, end: EffectEnd::Lost(fault) }, Err(fault));
    }

    async fn exchange(
        &self,
        outgoing: Outgoing,
        ended: impl FnOnce(Exchange<'_>, Result<&HostReply, &Fault>),
    ) -> Result<HostReply, Fault> {
        let (site, endpoint) = (&self.site, &self.endpoint);
        match endpoint.send(&self.bindings.services().network, &self.guard, outgoing).await {
            Outcome::Answered(response) => {
                tracing::info!(
                    run = %site.run, step = %site.step, call = site.sequence, endpoint = %endpoint.label,
                    status = response.status, bytes = response.body.len(), "answered"
                );
                let exchange = Exchange::Answered { status: response.status };
                let reply = HostReply::Http(Ok(response));
                ended(exchange, Ok(&reply));
                Ok(reply)
            }
            Outcome::Failed(none, failure) => {
                let detail = self.redacted(none.fault());
                tracing::warn!(
                    run = %site.run, step = %site.step, call = site.sequence, endpoint = %endpoint.label,
                    rule = %detail.rule(), hint = detail.remedy(), "no answer: {detail}"
                );
                let reply = HostReply::Http(Err(failure.clone()));
                ended(Exchange::Failed { failure: &failure, detail: &detail }, Ok(&reply));
                Ok(reply)
            }
            Outcome::Withheld(leak) => {
                let fault = leak.alert(&self.place, &format!("the answer of `{}`", endpoint.label));
                ended(Exchange::Withheld(leak.secret()), Err(&fault));
                Err(fault)
            }
        }
    }

    fn request(&self) -> Permitted<'_> {
        Permitted {
            endpoint: &self.endpoint.label,
            method: self.method,
            workflow_rule: &self.workflow_rule,
            environment_rule: &self.environment_rule,
        }
    }

    fn intent(&self, attempt: u32) -> Intent<'_> {
        let operation = match &self.call {
            HostCall::Http { request, .. } => request.operation.as_deref(),
            HostCall::Sign { .. }
            | HostCall::Reveal { .. }
            | HostCall::Now { .. }
            | HostCall::Random { .. }
            | HostCall::Log { .. } => None,
        };
        Intent {
            site: &self.site,
            item: self.item.as_deref(),
            call: &self.call,
            request: self.request(),
            operation: operation.unwrap_or_default(),
            attempt,
            idempotent: self.endpoint.idempotent,
        }
    }

    fn completed(&self, end: End<'_>, reply: Result<&HostReply, &Fault>) {
        let (site, item, call) = (&self.site, self.item.as_deref(), &self.call);
        self.bindings.services().journal.completed(&Completion { site, item, call, end, reply });
    }

    fn tell_permitted(&self) {
        tracing::info!(
            run = %self.site.run, step = %self.site.step, call = self.site.sequence,
            endpoint = %self.endpoint.label, workflow = self.workflow_rule, environment = self.environment_rule,
            "permitted"
        );
    }

    /// Why there is no answer, without the secrets in it: others wrote some of its text.
    fn redacted(&self, fault: &Fault) -> Fault {
        let text = |text: &str| self.guard.redact_text(text);
        Fault::new(fault.class(), fault.owner(), fault.rule())
            .at(text(fault.place()))
            .says(text(fault.message()))
            .hint(text(fault.remedy()))
    }
}
