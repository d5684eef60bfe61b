//! One named endpoint in the hands of one step.

use crate::{
    credential::Credential,
    gate::{EffectPermit, Gate, ReadPermit},
    guard::{Clear, Guard, Leak},
    journal::Intended,
    net::{Answer, Network, NoAnswer, Target, Wire},
};
use http::{HeaderName, HeaderValue};
use std::sync::Arc;
use stepward_seam::{Body, HttpFailure, HttpResponse, Label, Pair};

/// Highest status that HTTP defines. A higher one is invalid and is to be taken for an error of the
/// server (RFC 9110, section 15), so the step sees this one.
const STATUS: u16 = 599;

/// An endpoint with its gate and its credential.
pub(crate) struct Endpoint {
    pub(crate) label: Label,
    pub(crate) gate: Gate,
    pub(crate) target: Arc<Target>,
    pub(crate) credential: Option<Credential>,
    /// Name, version and fingerprint of the credential's secret: connections are not shared across
    /// them.
    pub(crate) credential_version: String,
    pub(crate) idempotency_header: HeaderName,
    pub(crate) idempotent: bool,
}

/// An effect that was permitted and claimed, with the key that the endpoint knows it by. Its intent
/// is not recorded yet, so it cannot be sent.
pub(crate) struct Effect {
    pub(crate) permit: EffectPermit,
    pub(crate) idempotency_key: String,
}

/// What can be sent.
pub(crate) enum Outgoing {
    /// A read.
    Read(ReadPermit),
    /// An effect whose intent is recorded.
    Effect(Intended),
}

/// What came of one attempt.
pub(crate) enum Outcome {
    /// The endpoint answered.
    Answered(HttpResponse),
    /// There is no answer.
    Failed(NoAnswer, HttpFailure),
    /// The endpoint answered with something that must not pass.
    Withheld(Leak),
}

impl Endpoint {
    /// Sends what was let out, once. The host's headers come last, the credential after them.
    pub(crate) async fn send(&self, network: &Network, guard: &Guard, outgoing: Outgoing) -> Outcome {
        let mut request = match outgoing {
            Outgoing::Read(permit) => permit.spend(),
            Outgoing::Effect(intended) => {
                let (mut request, key) = intended.spend();
                // Hexadecimal digits are a header value.
                if let Ok(key) = HeaderValue::from_str(&key) {
                    request.headers.insert(self.idempotency_header.clone(), key);
                }
                request
            }
        };
        if let Some(credential) = &self.credential {
            credential.inject(&mut request.headers, &mut request.target);
        }
        let wire = Wire {
            method: request.method,
            path_and_query: request.target,
            headers: request.headers,
            body: request.body,
            credential_version: self.credential_version.clone(),
        };
        match network.exchange(&self.target, wire).await {
            Ok(answer) => received(guard, answer),
            Err(none) => {
                let failure = none.for_guest();
                Outcome::Failed(none, failure)
            }
        }
    }
}

/// Searches the whole answer and turns it into what the guest sees.
fn received(guard: &Guard, answer: Answer) -> Outcome {
    match clear(guard, answer) {
        Ok(response) => Outcome::Answered(response),
        Err(leak) => Outcome::Withheld(leak),
    }
}

fn clear(guard: &Guard, answer: Answer) -> Result<HttpResponse, Leak> {
    let mut headers = Vec::with_capacity(answer.headers.len());
    for (name, value) in answer.headers {
        let (name, value) = (guard.clear(name)?.into_inner(), guard.clear(value)?);
        headers.push(Pair { name, value: text(value) });
    }
    let body = Body(guard.clear(answer.body)?.into_inner());
    Ok(HttpResponse { status: answer.status.min(STATUS), headers, body })
}

/// A header's value as text; bytes that are no UTF-8 become U+FFFD.
fn text(value: Clear<Vec<u8>>) -> String {
    String::from_utf8(value.into_inner())
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}
