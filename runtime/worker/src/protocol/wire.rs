//! Calls and replies as they stand on the pipe.
//!
//! The types of the seam are written for files that people read: bodies as text, absent fields left
//! out, revealed secrets never. On the pipe bodies are bytes, every field is there, and a revealed
//! secret goes to the one guest that it was granted to.

use serde::{Deserialize, Serialize};
use stepward_seam::{
    Algorithm, Body, HostCall, HostReply, HttpFailure, HttpRequest, HttpResponse, Label, LogLevel, Method,
    Pair, Refusal, Revealed, SecretBytes, Signature,
};

/// A [`HostCall`].
#[derive(Debug, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the fields are those of the host call of the same name")]
pub enum Call {
    Http { endpoint: Label, request: Request },
    Sign { signer: Label, message: Bytes },
    Reveal { secret: Label },
    Now { clock: Label },
    Random { random: Label, count: u32 },
    Log { level: LogLevel, message: String },
}

/// Bytes, written in one piece.
#[derive(Debug, Serialize, Deserialize)]
pub struct Bytes(#[serde(with = "serde_bytes")] pub Vec<u8>);

/// An [`HttpRequest`].
#[derive(Debug, Serialize, Deserialize)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// Path segments.
    pub path: Vec<String>,
    /// Query pairs.
    pub query: Vec<Pair>,
    /// Headers.
    pub headers: Vec<Pair>,
    /// The body.
    pub body: Option<Bytes>,
    /// The name of the effect within its step.
    pub operation: Option<String>,
}

impl From<HostCall> for Call {
    fn from(call: HostCall) -> Self {
        match call {
            HostCall::Http { endpoint, request } => {
                let HttpRequest { method, path, query, headers, body, operation } = request;
                let body = body.map(|body| Bytes(body.0));
                Self::Http { endpoint, request: Request { method, path, query, headers, body, operation } }
            }
            HostCall::Sign { signer, message } => Self::Sign { signer, message: Bytes(message.0) },
            HostCall::Reveal { secret } => Self::Reveal { secret },
            HostCall::Now { clock } => Self::Now { clock },
            HostCall::Random { random, count } => Self::Random { random, count },
            HostCall::Log { level, message } => Self::Log { level, message },
        }
    }
}

impl From<Call> for HostCall {
    fn from(call: Call) -> Self {
        match call {
            Call::Http { endpoint, request } => {
                let Request { method, path, query, headers, body, operation } = request;
                let body = body.map(|body| Body(body.0));
                Self::Http {
                    endpoint,
                    request: HttpRequest { method, path, query, headers, body, operation },
                }
            }
            Call::Sign { signer, message } => Self::Sign { signer, message: Body(message.0) },
            Call::Reveal { secret } => Self::Reveal { secret },
            Call::Now { clock } => Self::Now { clock },
            Call::Random { random, count } => Self::Random { random, count },
            Call::Log { level, message } => Self::Log { level, message },
        }
    }
}

/// What the parent answers a call.
#[derive(Serialize, Deserialize)]
#[allow(missing_docs, reason = "the variants are those of the host reply of the same name")]
pub enum Answer {
    Http(Result<Response, HttpFailure>),
    Sign(Result<Signed, Refusal>),
    Reveal(Result<Shown, Refusal>),
    Now(u64),
    Random(Bytes),
    Log,
    /// The run ends in this call. Why stays with the parent.
    Stop,
}

/// An [`HttpResponse`].
#[derive(Serialize, Deserialize)]
pub struct Response {
    status: u16,
    headers: Vec<Pair>,
    body: Bytes,
}

/// A [`Signature`].
#[derive(Serialize, Deserialize)]
pub struct Signed {
    algorithm: Algorithm,
    key_version: String,
    bytes: Bytes,
}

/// A [`Revealed`], with its bytes.
#[derive(Serialize, Deserialize)]
pub struct Shown {
    name: String,
    version: String,
    value: Option<Bytes>,
}

impl Answer {
    /// The answer that carries `reply` to a guest. A guest has no use for a fingerprint.
    pub(crate) fn of(reply: &HostReply) -> Self {
        let bytes = |body: &Body| Bytes(body.0.clone());
        match reply {
            HostReply::Http(answer) => Self::Http(match answer {
                Ok(HttpResponse { status, headers, body }) => {
                    Ok(Response { status: *status, headers: headers.clone(), body: bytes(body) })
                }
                Err(failure) => Err(failure.clone()),
            }),
            HostReply::Sign(answer) => Self::Sign(match answer {
                Ok(Signature { algorithm, key_version, bytes: signature }) => Ok(Signed {
                    algorithm: *algorithm,
                    key_version: key_version.clone(),
                    bytes: bytes(signature),
                }),
                Err(refusal) => Err(refusal.clone()),
            }),
            HostReply::Reveal(answer) => Self::Reveal(match answer {
                Ok(Revealed { name, version, value, .. }) => Ok(Shown {
                    name: name.clone(),
                    version: version.clone(),
                    value: value.as_ref().map(|value| Bytes(value.expose().to_vec())),
                }),
                Err(refusal) => Err(refusal.clone()),
            }),
            HostReply::Now(millis) => Self::Now(*millis),
            HostReply::Random(body) => Self::Random(bytes(body)),
            HostReply::Log => Self::Log,
        }
    }

    /// Bytes of a body or of a revealed secret in it.
    pub(crate) fn large_bytes(&self) -> usize {
        match self {
            Self::Reveal(Ok(Shown { value: Some(Bytes(bytes)), .. }))
            | Self::Http(Ok(Response { body: Bytes(bytes), .. }))
            | Self::Sign(Ok(Signed { bytes: Bytes(bytes), .. }))
            | Self::Random(Bytes(bytes)) => bytes.len(),
            Self::Reveal(_) | Self::Http(_) | Self::Sign(_) | Self::Now(_) | Self::Log | Self::Stop => 0,
        }
    }

    /// The reply in the worker; none where the run ends.
    pub(crate) fn into_reply(self) -> Option<HostReply> {
        Some(match self {
            Self::Http(answer) => HostReply::Http(answer.map(|Response { status, headers, body }| {
                HttpResponse { status, headers, body: Body(body.0) }
            })),
            Self::Sign(answer) => HostReply::Sign(answer.map(|Signed { algorithm, key_version, bytes }| {
                Signature { algorithm, key_version, bytes: Body(bytes.0) }
            })),
            Self::Reveal(answer) => {
                HostReply::Reveal(answer.map(|Shown { name, version, value }| Revealed {
                    name,
                    version,
                    fingerprint: String::new(),
                    value: value.map(|value| SecretBytes::new(value.0)),
                }))
            }
            Self::Now(millis) => HostReply::Now(millis),
            Self::Random(bytes) => HostReply::Random(Body(bytes.0)),
            Self::Log => HostReply::Log,
            Self::Stop => return None,
        })
    }
}
