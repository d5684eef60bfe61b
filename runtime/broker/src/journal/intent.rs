//! An effect before it is sent.

use super::{Journal, completion::Permitted};
use crate::{
    endpoint::Effect,
    gate::{EffectPermit, Request},
};
use std::fmt;
use stepward_fault::Fault;
use stepward_seam::{CallSite, HostCall};

/// One attempt at one effect, before it is on the wire.
#[derive(Debug)]
pub struct Intent<'a> {
    /// Which call of which run asks for it.
    pub site: &'a CallSite,
    /// The item of a for-each that the step runs for.
    pub item: Option<&'a str>,
    /// The call as it may be written down, with its body.
    pub call: &'a HostCall,
    /// Where it goes, and what allowed it.
    pub request: Permitted<'a>,
    /// The effect's name within the step, as it may be written down.
    pub operation: &'a str,
    /// Which attempt at this operation in this step it is, from 1.
    pub attempt: u32,
    /// Whether the endpoint acts once for equal idempotency keys, so that the effect may be tried
    /// again where it is in doubt.
    pub idempotent: bool,
}

/// An effect whose intent is recorded: all that an endpoint sends of effects.
///
/// It comes out of the journal alone and cannot be copied:
///
/// ```compile_fail,E0451
/// fn forged(intended: stepward_broker::Intended) -> stepward_broker::Intended {
///     stepward_broker::Intended { ..intended }
/// }
/// ```
///
/// ```compile_fail,E0599
/// fn twice(one: stepward_broker::Intended) -> (stepward_broker::Intended, stepward_broker::Intended) {
///     (one.clone(), one)
/// }
/// ```
///
/// ```compile_fail,E0277
/// fn made<T: Default>() {}
/// made::<stepward_broker::Intended>();
/// ```
///
/// ```
/// fn shown(intended: &stepward_broker::Intended) -> String {
///     format!("{intended:?}")
/// }
/// ```
pub struct Intended {
    permit: EffectPermit,
    idempotency_key: String,
}

impl Intended {
    /// Has the intent of an effect recorded. `intent` describes `effect`.
    ///
    /// # Errors
    /// What the journal says; the effect is gone with it.
    pub(crate) async fn record(
        journal: &dyn Journal,
        intent: &Intent<'_>,
        effect: Effect,
    ) -> Result<Self, Fault> {
        journal.intend(intent).await?;
        let Effect { permit, idempotency_key } = effect;
        Ok(Self { permit, idempotency_key })
    }

    /// The request and its idempotency key, to be sent now.
    pub(crate) fn spend(self) -> (Request, String) {
        (self.permit.spend(), self.idempotency_key)
    }
}

/// What allowed it and nothing of what it carries.
impl fmt::Debug for Intended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Intended({:?})", self.permit)
    }
}
