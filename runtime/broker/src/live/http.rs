//! Requests: reads end with their caller, effects outlive it.

use super::{LiveBroker, asked::Asked};
use crate::{
    endpoint::{Effect, Endpoint},
    gate::{Claim, EffectPermit, Leave, Operation, Permit, Refused},
    journal::End,
};
use std::sync::Arc;
use stepward_fault::Fault;
use stepward_seam::{CallSite, HostCall, HostReply, HttpFailure, HttpRequest, Refusal};

impl LiveBroker {
    /// Sends a request and waits for its answer; `recorded` is the call as it may be written down.
    pub(super) async fn http(
        &self,
        site: &CallSite,
        endpoint: &Arc<Endpoint>,
        request: HttpRequest,
        recorded: HostCall,
    ) -> Result<HostReply, Fault> {
        let permit = match endpoint.gate.permit(request) {
            Ok(permit) => permit,
            Err(refused) => return self.refuse(site, &recorded, endpoint, &refused),
        };
        let asked = self.asked(site, endpoint, &permit, recorded);
        match permit.sorted() {
            Leave::Read(permit) => asked.read(permit).await,
            Leave::Effect(permit) => match self.claimed(endpoint, permit) {
                Ok((effect, claim)) => self.carry_out(asked, effect, claim).await,
                Err(refused) => self.refuse(site, &asked.call, endpoint, &refused),
            },
        }
    }

    fn asked(&self, site: &CallSite, endpoint: &Arc<Endpoint>, permit: &Permit, call: HostCall) -> Asked {
        Asked {
            site: site.clone(),
            item: self.identity.item.clone(),
            place: self.place(),
            call,
            endpoint: Arc::clone(endpoint),
            method: permit.method(),
            workflow_rule: permit.workflow_rule().to_owned(),
            environment_rule: permit.environment_rule().to_owned(),
            guard: Arc::clone(&self.guard),
            bindings: Arc::clone(&self.bindings),
        }
    }

    /// Claims an effect and gives it its key.
    fn claimed(&self, endpoint: &Endpoint, permit: EffectPermit) -> Result<(Effect, Claim), Refused> {
        let claim = self.operations.claim(&endpoint.label, &permit, endpoint.idempotent)?;
        let idempotency_key = self.idempotency_key(endpoint, permit.operation());
        Ok((Effect { permit, idempotency_key }, claim))
    }

    /// Carries an effect out in a task that nobody's end ends.
    async fn carry_out(&self, asked: Asked, effect: Effect, claim: Claim) -> Result<HostReply, Fault> {
        let (asked, attempt) = (Arc::new(asked), claim.attempt());
        let task = Arc::clone(&asked);
        let task = async move { task.effect(effect, claim).await };
        self.bindings.effects().start(task).await.unwrap_or_else(|why| Err(asked.lost(attempt, &why)))
    }

    fn idempotency_key(&self, endpoint: &Endpoint, operation: &Operation) -> String {
        let identity = &self.identity;
        let (has_item, item) = identity.item.as_deref().map_or(("", ""), |item| ("item", item));
        self.bindings.keys().idempotency(&[
            &identity.run,
            &identity.step,
            has_item,
            item,
            endpoint.label.as_str(),
            operation.as_str(),
        ])
    }

    /// Tells the step why, and everybody else without the secrets that the texts may quote.
    ///
    /// A sentence for the step that quotes a secret back ends the run: it would be recorded, and
    /// blotting the secret out would tell the step that it guessed right.
    fn refuse(
        &self,
        site: &CallSite,
        recorded: &HostCall,
        endpoint: &Endpoint,
        refused: &Refused,
    ) -> Result<HostReply, Fault> {
        let Refusal { rule, message } = refused.for_guest();
        let refused = refused.redacted(&self.guard);
        let (says, hint) = refused.for_logs();
        tracing::warn!(
            run = %site.run, step = %site.step, call = site.sequence, endpoint = %endpoint.label,
            rule, hint, "refused: {says}"
        );
        let reply = match self.guard.clear(message) {
            Ok(message) => {
                let message = message.into_inner();
                Ok(HostReply::Http(Err(HttpFailure::Refused(Refusal { rule, message }))))
            }
            Err(leak) => {
                let what = format!("a request to `{}` that was refused", endpoint.label);
                Err(leak.alert(self.place(), &what))
            }
        };
        let end = End::Refused { endpoint: &endpoint.label, refused: &refused };
        self.completed(site, recorded, end, reply.as_ref());
        reply
    }
}
