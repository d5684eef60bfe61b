//! Names of effects, and which of them were sent.

use super::{
    permit::EffectPermit,
    refused::{OPERATION, OPERATION_REPEATED, OPERATION_REUSED, Refused},
};
use std::{
    collections::BTreeMap,
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
pub(crate) struct Operations(Sent);

type Sent = Arc<Mutex<BTreeMap<(Label, Operation), Attempts>>>;

/// The attempts at one operation.
struct Attempts {
    request: [u8; 32],
    /// How many there were, those included that were never sent.
    count: u32,
    /// How many have not ended. The task of one that died never ends it.
    open: u32,
    /// What is known of those that ended: the most of it.
    ended: Applied,
}

/// Whether an endpoint acted on an operation, in the order of how much speaks against sending it
/// again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Applied {
    /// It cannot have acted: the attempt failed before it could.
    No,
    /// It may have acted: the operation is in doubt.
    Unknown,
    /// It answered.
    Yes,
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
            ) => Self::Unknown,
        }
    }
}

/// Leave to try an operation once. Until [`ended`](Self::ended) says otherwise the attempt counts
/// as in doubt: also when the task that holds this claim dies.
#[must_use]
pub(crate) struct Claim {
    operations: Sent,
    key: (Label, Operation),
    attempt: u32,
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
        permit: &EffectPermit,
        idempotent: bool,
    ) -> Result<Claim, Refused> {
        let key = (endpoint.clone(), permit.operation().clone());
        let mut operations = lock(&self.0);
        let attempts = attempts(&mut operations, &key, permit)?;
        match (attempts.applied(), idempotent) {
            (Applied::No, _) | (Applied::Unknown | Applied::Yes, true) => {}
            (Applied::Unknown | Applied::Yes, false) => return Err(repeated(&key)),
        }
        attempts.count = attempts.count.saturating_add(1);
        attempts.open = attempts.open.saturating_add(1);
        let attempt = attempts.count;
        drop(operations);
        Ok(Claim { operations: Arc::clone(&self.0), key, attempt })
    }

    /// Takes up an attempt of before, with what is known of it. It was allowed then, so only a label
    /// that now stands for another request is refused.
    pub(crate) fn remember(
        &self,
        endpoint: &Label,
        permit: &EffectPermit,
        applied: Applied,
    ) -> Result<(), Refused> {
        let key = (endpoint.clone(), permit.operation().clone());
        let mut operations = lock(&self.0);
        let attempts = attempts(&mut operations, &key, permit)?;
        attempts.count = attempts.count.saturating_add(1);
        attempts.ended = attempts.ended.max(applied);
        Ok(())
    }
}

impl Attempts {
    /// Whether any of them was applied.
    fn applied(&self) -> Applied {
        if self.open > 0 { self.ended.max(Applied::Unknown) } else { self.ended }
    }
}

impl Claim {
    /// Which attempt at the operation this is, from 1.
    pub(crate) fn attempt(&self) -> u32 {
        self.attempt
    }

    /// The attempt ended.
    pub(crate) fn ended(self, applied: Applied) {
        if let Some(attempts) = lock(&self.operations).get_mut(&self.key) {
            attempts.open = attempts.open.saturating_sub(1);
            attempts.ended = attempts.ended.max(applied);
        }
    }
}

/// The attempts at the operation of a permit, which must be for the same request each time.
fn attempts<'a>(
    operations: &'a mut BTreeMap<(Label, Operation), Attempts>,
    key: &(Label, Operation),
    permit: &EffectPermit,
) -> Result<&'a mut Attempts, Refused> {
    let request = permit.digest();
    let none = || Attempts { request, count: 0, open: 0, ended: Applied::No };
    let attempts = operations.entry(key.clone()).or_insert_with(none);
    if attempts.request == request {
        return Ok(attempts);
    }
    let message = format!("the operation {:?} was used for another request in this step", key.1);
    let hint = "one label names one effect: give the second one a label of its own";
    Err(Refused::new(Owner::StepAuthor, OPERATION_REUSED, message)
        .hint(hint)
        .in_logs("the operation was used for another request in this step", hint))
}

fn repeated((endpoint, operation): &(Label, Operation)) -> Refused {
    let message = format!(
        "the operation {operation:?} was sent before and may have been carried out; `{endpoint}` could do it \
         twice"
    );
    let hint = format!(
        "if the service acts once for equal idempotency keys, add `idempotent = true` under \
         [endpoints.{endpoint}] of the environment"
    );
    Refused::new(Owner::Operator, OPERATION_REPEATED, message)
        .hint(&hint)
        .in_logs("the operation was sent before and may have been carried out", hint)
}

/// The map is consistent at every point where a holder of the lock could die.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
