//! A step that goes on after its process died: what it did before is taken up, not done again.

use super::LiveBroker;
use crate::gate::{Applied, Leave, Refused};
use stepward_fault::{Class, Fault, Owner, Rule};
use stepward_seam::{CallSite, HostCall, HostReply, Label};

/// The rule that an effect in doubt is sent again only where the service acts once for equal keys.
const NOT_REPEATABLE: Rule = Rule::new("continue-not-repeatable");

impl LiveBroker {
    /// Takes up one earlier attempt at an effect, with what is known of it, as if this broker had
    /// made it: later attempts at the operation are counted on from it, and are let out or refused
    /// as they would have been then. Nothing is sent and the journal hears nothing.
    ///
    /// It is called once for each recorded intent of the step, in order, and with the call as the
    /// step makes it: a call that was read from a record may stand there without its secrets, and
    /// would not be the same request. Where an operator resolved an attempt in doubt, `applied` is
    /// what the operator said. To try an effect in doubt again, remember it and call it: it goes out
    /// under the same idempotency key where it is known not to be applied, and where the endpoint
    /// acts once for equal keys. Of calls that are no effects there is nothing to remember.
    ///
    /// # Errors
    /// When the step was not granted the endpoint, when the gate would not let the request out any
    /// more, or when the operation was another request before. The step cannot go on then.
    pub fn remember(&self, site: &CallSite, call: &HostCall, applied: Applied) -> Result<(), Fault> {
        let HostCall::Http { endpoint, request } = call else { return Ok(()) };
        if request.method.is_read() {
            return Ok(());
        }
        let endpoint = self.endpoints.get(endpoint).ok_or_else(|| self.not_granted(endpoint))?;
        let remembered = match endpoint.gate.permit(request.clone()).map(crate::Permit::sorted) {
            Ok(Leave::Effect(permit)) => self.operations.remember(&endpoint.label, &permit, applied),
            Ok(Leave::Read(_)) => Ok(()),
            Err(refused) => Err(refused),
        };
        remembered.map_err(|refused| self.forgotten(site, &refused))
    }

    /// Checks that an effect in doubt may be sent again: that its endpoint acts once for equal keys in the
    /// environment as it is now. It may have been another when the effect was sent.
    ///
    /// # Errors
    /// When it does not. A person has to decide; to the step nothing must be said, because whatever it
    /// was told would be untrue.
    pub fn check_repeatable(&self, site: &CallSite, call: &HostCall) -> Result<(), Fault> {
        let HostCall::Http { endpoint, .. } = call else { return Ok(()) };
        let endpoint = self.endpoints.get(endpoint).ok_or_else(|| self.not_granted(endpoint))?;
        if endpoint.idempotent {
            return Ok(());
        }
        let label = &endpoint.label;
        Err(Fault::new(Class::Waiting, Owner::Operator, NOT_REPEATABLE)
            .at(self.place())
            .says(format_args!(
                "call {} to `{label}` was sent before the run was interrupted and may have been carried out; \
                 the environment does not say that `{label}` acts once for equal keys",
                site.sequence
            ))
            .hint(format_args!(
                "if it does, put `idempotent = true` under [endpoints.{label}] for this run; else look at the \
                 service and end the run with `stepward runs cancel`"
            )))
    }

    /// Gives a step that is continued a secret that it was shown before. The journal hears nothing:
    /// the earlier reply stands. Compare the fingerprint of the answer with that of the record; a
    /// secret that changed since does not continue the step.
    ///
    /// # Errors
    /// When the step was not granted the secret.
    pub fn reveal_again(&self, site: &CallSite, secret: &Label) -> Result<HostReply, Fault> {
        self.reveal(site, secret).map(|(reply, _)| reply)
    }

    /// The step cannot go on, and must not end as refused either: what it sent before may have been
    /// carried out.
    fn forgotten(&self, site: &CallSite, refused: &Refused) -> Fault {
        let refused = refused.redacted(&self.guard).fault(self.place());
        Fault::new(Class::Waiting, refused.owner(), refused.rule())
            .at(refused.place())
            .says(format_args!(
                "call {} was sent before the run was interrupted, and would be refused now: {}",
                site.sequence,
                refused.message()
            ))
            .hint(format_args!(
                "{}\nor look at the service, and end the run with `stepward runs cancel`",
                refused.remedy()
            ))
    }
}
