//! Names of effects, and which of them were sent.

use super::{
    permit::Permit,
    refused::{OPERATION, OPERATION_REPEATED, OPERATION_REUSED, Refused},
};
use std::{
    collections::{BTreeMap, btree_map::Entry},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use stepward_fault::Owner;
use stepward_seam::{Cause, HttpFailure, Label, Method};

/// Longest operation label in bytes: a verb and a document's number.
pub(crate) const OPERATION_BYTES: usize = 200;

/// The name of one effect within a step, such as `post-invoice-4711`: visible ASCII, no spaces.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Operation(Arc<str>);

impl Operation {
    /// The label that fits a method: effects have one, reads have none.
    pub(super) fn of(method: Method, given: Option<&str>) -> Result<Option<Self>, Refused> {
        let refused = |message| Refused::new(Owner::StepAuthor, OPERATION, message);
        match (method.is_read(), given) {
            (true, None) => Ok(None),
            (true, Some(_)) => {
                let message = format!("a {} has no effect, so it takes no operation label", method.as_str());
                Err(refused(message).hint("leave the operation out"))
            }
            (false, None) => {
                let message = format!("a {} is an effect and needs an operation label", method.as_str());
                Err(refused(message).hint("name the effect within the step, such as `post-invoice-4711`"))
            }
            (false, Some(text)) => {
                let fits =
                    (1..=OPERATION_BYTES).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
                fits.then(|| Some(Self(text.into()))).ok_or_else(|| {
                    refused(format!(
                        "an operation label has 1 to {OPERATION_BYTES} visible ASCII characters and no spaces"
                    ))
                    .hint("build it from a verb and the document's number, such as `post-invoice-4711`")
                })
            }
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", stepward_fault::shown(&self.0))
    }
}

/// The operations that a step has sent.
#[derive(Default)]
pub(crate) struct Operations(Arc<Mutex<BTreeMap<(Label, Operation), Sent>>>);

struct Sent {
    request: [u8; 32],
    applied: Applied,
}

/// Whether the endpoint may have acted on an operation.
#[derive(Clone, Copy)]
pub(crate) enum Applied {
    /// It answered, or may have acted without an answer, or is being asked right now.
    Perhaps,
    /// The attempt failed before it could act.
    No,
}

impl Applied {
    /// What a failure leaves open.
    pub(crate) fn after(failure: &HttpFailure) -> Self {
        match failure {
            HttpFailure::Refused(_) | HttpFailure::NotApplied(_) => Self::No,
            HttpFailure::Unknown(
                Cause::Resolve
                | Cause::Connect
                | Cause::Tls
                | Cause::Timeout
                | Cause::Reset
                | Cause::Malformed
                | Cause::TooLarge,
            ) => Self::Perhaps,
        }
    }
}

/// Leave to send an operation. Until [`failed`](Self::failed) says otherwise, the operation counts
/// as perhaps applied: also when the task that holds this claim dies.
pub(crate) struct Claim {
    operations: Arc<Mutex<BTreeMap<(Label, Operation), Sent>>>,
    key: (Label, Operation),
}

impl Operations {
    /// Claims an operation for one attempt.
    ///
    /// The same label with a different request is refused. The same request again is an attempt at
    /// the same effect, with the same idempotency key: it goes out where no earlier attempt can
    /// have been applied, and where the endpoint acts once for equal keys.
    pub(crate) fn claim(
        &self,
        endpoint: &Label,
        operation: &Operation,
        permit: &Permit,
        idempotent: bool,
    ) -> Result<Claim, Refused> {
        let key = (endpoint.clone(), operation.clone());
        let request = permit.digest();
        match lock(&self.0).entry(key.clone()) {
            Entry::Vacant(vacant) => drop(vacant.insert(Sent { request, applied: Applied::Perhaps })),
            Entry::Occupied(mut occupied) => {
                let sent = occupied.get_mut();
                if sent.request != request {
                    return Err(Refused::new(
                        Owner::StepAuthor,
                        OPERATION_REUSED,
                        format_args!("the operation {operation:?} was used for another request in this step"),
                    )
                    .hint("one label names one effect: give the second one a label of its own"));
                }
                match (sent.applied, idempotent) {
                    (Applied::No, _) | (Applied::Perhaps, true) => sent.applied = Applied::Perhaps,
                    (Applied::Perhaps, false) => {
                        return Err(Refused::new(
                            Owner::Operator,
                            OPERATION_REPEATED,
                            format_args!(
                                "the operation {operation:?} was sent before and may have been carried out; \
                                 `{endpoint}` could do it twice"
                            ),
                        )
                        .hint(format_args!(
                            "if the service acts once for equal idempotency keys, add `idempotent = true` under \
                             [endpoints.{endpoint}] of the environment"
                        )));
                    }
                }
            }
        }
        Ok(Claim { operations: Arc::clone(&self.0), key })
    }
}

impl Claim {
    /// The attempt brought no answer.
    ///
    /// Where this one was not applied, an earlier one may have been all the same if the endpoint is
    /// idempotent; it stays free to be tried again there, so nothing is lost by forgetting it.
    pub(crate) fn failed(self, applied: Applied) {
        if let Some(sent) = lock(&self.operations).get_mut(&self.key) {
            sent.applied = applied;
        }
    }
}

/// The map is consistent at every point where a holder of the lock could die.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
