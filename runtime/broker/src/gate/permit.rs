//! Leave to send one request.

use super::operation::Operation;
use aws_lc_rs::digest::{Context, SHA256};
use bytes::Bytes;
use http::HeaderMap;
use std::fmt;
use stepward_seam::Method;

/// One request that the gate has let through, once.
///
/// It can be made by the gate alone and cannot be copied:
///
/// ```compile_fail,E0451
/// fn forged(permit: stepward_broker::Permit) -> stepward_broker::Permit {
///     stepward_broker::Permit { ..permit }
/// }
/// ```
///
/// ```compile_fail,E0599
/// fn twice(permit: stepward_broker::Permit) -> (stepward_broker::Permit, stepward_broker::Permit) {
///     (permit.clone(), permit)
/// }
/// ```
///
/// ```compile_fail,E0277
/// fn made<T: Default>() {}
/// made::<stepward_broker::Permit>();
/// ```
///
/// What is not forged can be looked at:
///
/// ```
/// fn why(permit: &stepward_broker::Permit) -> String {
///     format!("{} and {}", permit.workflow_rule(), permit.environment_rule())
/// }
/// ```
pub struct Permit {
    pub(super) method: Method,
    pub(super) target: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Option<Bytes>,
    pub(super) operation: Option<Operation>,
    pub(super) workflow_rule: String,
    pub(super) environment_rule: String,
}

/// A permit by what its request does.
pub(crate) enum Leave {
    /// A read, which may be sent as it is.
    Read(ReadPermit),
    /// An effect, which is sent as an [`Intended`](crate::Intended) alone.
    Effect(EffectPermit),
}

/// Leave to send one read.
pub(crate) struct ReadPermit(Permit);

/// Leave to send one effect, once its intent is recorded.
pub(crate) struct EffectPermit {
    permit: Permit,
    operation: Operation,
}

/// What a permit lets out, given up by the permit.
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) target: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Option<Bytes>,
}

impl Permit {
    /// What in the workflow's grant allowed the request, such as `POST /payments`.
    pub fn workflow_rule(&self) -> &str {
        &self.workflow_rule
    }

    /// What in the environment allowed the request.
    pub fn environment_rule(&self) -> &str {
        &self.environment_rule
    }

    /// Sorts by what the request does: effects have a name and reads have none, as the gate made sure.
    pub(crate) fn sorted(mut self) -> Leave {
        match self.operation.take() {
            None => Leave::Read(ReadPermit(self)),
            Some(operation) => Leave::Effect(EffectPermit { permit: self, operation }),
        }
    }

    pub(crate) fn method(&self) -> Method {
        self.method
    }

    /// SHA-256 over everything that the guest chose, each part preceded by its length.
    fn digest(&self) -> [u8; 32] {
        let mut context = Context::new(&SHA256);
        let mut part = |bytes: &[u8]| {
            context.update(&u64::try_from(bytes.len()).unwrap_or(u64::MAX).to_be_bytes());
            context.update(bytes);
        };
        part(self.method.as_str().as_bytes());
        part(self.target.as_bytes());
        part(&u64::try_from(self.headers.len()).unwrap_or(u64::MAX).to_be_bytes());
        for (name, value) in &self.headers {
            part(name.as_str().as_bytes());
            part(value.as_bytes());
        }
        part(&[u8::from(self.body.is_some())]);
        part(self.body.as_deref().unwrap_or_default());
        let mut digest = [0; 32];
        digest.copy_from_slice(context.finish().as_ref());
        digest
    }

    fn spend(self) -> Request {
        Request { method: self.method, target: self.target, headers: self.headers, body: self.body }
    }
}

impl ReadPermit {
    /// The request, to be sent now.
    pub(crate) fn spend(self) -> Request {
        self.0.spend()
    }
}

impl EffectPermit {
    /// The effect's name.
    pub(crate) fn operation(&self) -> &Operation {
        &self.operation
    }

    /// SHA-256 over everything that the guest chose, each part preceded by its length.
    pub(crate) fn digest(&self) -> [u8; 32] {
        self.permit.digest()
    }

    /// The request, to be sent now.
    pub(crate) fn spend(self) -> Request {
        self.permit.spend()
    }
}

/// What allowed it and nothing of what it carries.
impl fmt::Debug for EffectPermit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.permit.fmt(f)
    }
}

/// What allowed it and nothing of what it carries.
impl fmt::Debug for Permit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Permit(workflow {}, environment {})", self.workflow_rule, self.environment_rule)
    }
}
