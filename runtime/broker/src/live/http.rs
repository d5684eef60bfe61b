//! Requests: reads end with their caller, effects outlive it.

use super::LiveBroker;
use crate::{
    endpoint::{Effect, Endpoint, Outcome},
    gate::{Applied, Claim, Operation, Permit, Refused},
    guard::Guard,
    net::NoAnswer,
    observe::{Completion, Ending},
};
use std::sync::Arc;
use stepward_fault::{Class, Fault, Owner, Rule};
use stepward_seam::{CallSite, HostReply, HttpFailure, HttpRequest, Refusal, Stop};

/// The task of an effect died.
const EFFECT_LOST: Rule = Rule::new("effect-lost");

impl LiveBroker {
    pub(super) async fn http(
        &self,
        site: &CallSite,
        endpoint: Arc<Endpoint>,
        request: HttpRequest,
    ) -> Result<HostReply, Stop> {
        let attempt = match self.admit(site, Arc::clone(&endpoint), request) {
            Ok(attempt) => attempt,
            Err(refused) => return self.refuse(site, &endpoint, &refused),
        };
        let ended = if attempt.effect.is_some() {
            self.bindings.effects().start(attempt.run()).await.unwrap_or_else(|lost| {
                Err(Fault::new(Class::Internal, Owner::Stepward, EFFECT_LOST)
                    .at(self.place())
                    .says(format_args!("the task of an effect at `{}` died: {lost}", endpoint.label))
                    .hint("the effect is in doubt; look at the service, and please report it"))
            })
        } else {
            attempt.run().await
        };
        ended.map(HostReply::Http).map_err(Stop)
    }

    /// Through the gate, and for an effect: named, claimed and given its key.
    fn admit(
        &self,
        site: &CallSite,
        endpoint: Arc<Endpoint>,
        request: HttpRequest,
    ) -> Result<Attempt, Refused> {
        let permit = endpoint.gate.permit(request)?;
        let effect = match permit.operation().cloned() {
            None => None,
            Some(operation) => {
                let claim =
                    self.operations.claim(&endpoint.label, &operation, &permit, endpoint.idempotent)?;
                let idempotency_key = self.idempotency_key(&endpoint, &operation);
                Some((Effect { operation, idempotency_key }, claim))
            }
        };
        Ok(Attempt {
            site: site.clone(),
            item: self.identity.item.clone(),
            place: self.place(),
            endpoint,
            permit,
            effect,
            guard: Arc::clone(&self.guard),
            bindings: Arc::clone(&self.bindings),
        })
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
    fn refuse(&self, site: &CallSite, endpoint: &Endpoint, refused: &Refused) -> Result<HostReply, Stop> {
        let Refusal { rule, message } = refused.for_guest();
        let refused = refused.redacted(&self.guard);
        let fault = refused.fault(self.place());
        tracing::warn!(
            run = %site.run, step = %site.step, call = site.sequence, endpoint = %endpoint.label,
            rule, hint = fault.remedy(), "refused: {}", fault.message()
        );
        let completion = Completion {
            site,
            item: self.identity.item.as_deref(),
            endpoint: &endpoint.label,
            operation: None,
            ending: Ending::Refused(&refused),
            detail: None,
        };
        self.bindings.services().observer.completed(&completion);
        let message = self.guard.clear(message).map_err(|leak| {
            Stop(leak.alert(self.place(), &format!("a request to `{}` that was refused", endpoint.label)))
        })?;
        Ok(HostReply::Http(Err(HttpFailure::Refused(Refusal { rule, message: message.into_inner() }))))
    }
}

/// One attempt on the wire, with everything that it needs to outlive its caller.
struct Attempt {
    site: CallSite,
    item: Option<Arc<str>>,
    place: String,
    endpoint: Arc<Endpoint>,
    permit: Permit,
    effect: Option<(Effect, Claim)>,
    guard: Arc<Guard>,
    bindings: Arc<crate::Bindings>,
}

type Ended = Result<Result<stepward_seam::HttpResponse, HttpFailure>, Fault>;

impl Attempt {
    async fn run(self) -> Ended {
        let Self { site, item, place, endpoint, permit, effect, guard, bindings } = self;
        let (effect, claim) = effect.unzip();
        // The step chose the name; whoever keeps the record must not find a secret in it.
        let operation = effect.as_ref().map(|effect| guard.redact_text(effect.operation.as_str()));
        let rules = (permit.workflow_rule().to_owned(), permit.environment_rule().to_owned());
        tracing::info!(
            run = %site.run, step = %site.step, call = site.sequence, endpoint = %endpoint.label,
            workflow = rules.0, environment = rules.1, "permitted"
        );
        let network = &bindings.services().network;
        let outcome = endpoint.send(network, &guard, permit, effect.as_ref()).await;
        let complete = |ending, detail| {
            let completion = Completion {
                site: &site,
                item: item.as_deref(),
                endpoint: &endpoint.label,
                operation: operation.as_deref(),
                ending,
                detail,
            };
            bindings.services().observer.completed(&completion);
        };
        match outcome {
            Outcome::Answered(response) => {
                tracing::info!(
                    run = %site.run, step = %site.step, call = site.sequence, endpoint = %endpoint.label,
                    status = response.status, bytes = response.body.len(), "answered"
                );
                complete(Ending::Answered(&response), None);
                Ok(Ok(response))
            }
            Outcome::Failed(none, failure) => {
                told(&site, &endpoint, &guard, &none);
                if let Some(claim) = claim {
                    claim.failed(Applied::after(&failure));
                }
                complete(Ending::Failed(&failure), Some(none.fault()));
                Ok(Err(failure))
            }
            Outcome::Withheld(leak) => {
                complete(Ending::Withheld(leak.secret()), None);
                Err(leak.alert(place, &format!("the answer of `{}`", endpoint.label)))
            }
        }
    }
}

/// Tells operators the whole story of a failure.
fn told(site: &CallSite, endpoint: &Endpoint, guard: &Guard, none: &NoAnswer) {
    let fault = none.fault();
    tracing::warn!(
        run = %site.run, step = %site.step, call = site.sequence, endpoint = %endpoint.label, rule = %fault.rule(),
        hint = fault.remedy(), "no answer: {}", guard.redact_text(&fault.to_string())
    );
}
