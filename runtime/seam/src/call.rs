//! Host calls and their replies, mirroring `wit/step.wit`.

use crate::{Body, Label, SecretBytes};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Something that a step asks of its host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "call", rename_all = "kebab-case", deny_unknown_fields)]
pub enum HostCall {
    /// Send one request to a named endpoint.
    Http {
        /// The label of the import.
        endpoint: Label,
        /// What to send.
        request: HttpRequest,
    },
    /// Sign a message with a named key.
    Sign {
        /// The label of the import.
        signer: Label,
        /// What to sign.
        message: Body,
    },
    /// Reveal a named secret.
    Reveal {
        /// The label of the import.
        secret: Label,
    },
    /// Tell the time.
    Now {
        /// The label of the import.
        clock: Label,
    },
    /// Give random bytes.
    Random {
        /// The label of the import.
        random: Label,
        /// How many; the sandbox has already refused more than 4096.
        count: u32,
    },
    /// Write a log line.
    Log {
        /// How much it matters.
        level: LogLevel,
        /// The line as the guest wrote it, not escaped.
        message: String,
    },
}

/// What the host answers. Each variant answers the call of the same name.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "reply", content = "value", rename_all = "kebab-case", deny_unknown_fields)]
pub enum HostReply {
    /// Answers [`HostCall::Http`].
    Http(Result<HttpResponse, HttpFailure>),
    /// Answers [`HostCall::Sign`].
    Sign(Result<Signature, Refusal>),
    /// Answers [`HostCall::Reveal`].
    Reveal(Result<Revealed, Refusal>),
    /// Answers [`HostCall::Now`]: milliseconds since the Unix epoch.
    Now(u64),
    /// Answers [`HostCall::Random`].
    Random(Body),
    /// Answers [`HostCall::Log`].
    Log,
}

/// What is asked or answered, without what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallKind {
    /// An HTTP request.
    Http,
    /// A signature.
    Sign,
    /// A secret.
    Reveal,
    /// The time.
    Now,
    /// Random bytes.
    Random,
    /// A log line.
    Log,
}

impl HostCall {
    /// What is asked.
    pub const fn kind(&self) -> CallKind {
        match self {
            Self::Http { .. } => CallKind::Http,
            Self::Sign { .. } => CallKind::Sign,
            Self::Reveal { .. } => CallKind::Reveal,
            Self::Now { .. } => CallKind::Now,
            Self::Random { .. } => CallKind::Random,
            Self::Log { .. } => CallKind::Log,
        }
    }

    /// The label of the operation that a request says it is, where it says one.
    pub fn operation(&self) -> Option<&str> {
        match self {
            Self::Http { request, .. } => request.operation.as_deref(),
            Self::Sign { .. }
            | Self::Reveal { .. }
            | Self::Now { .. }
            | Self::Random { .. }
            | Self::Log { .. } => None,
        }
    }
}

impl HostReply {
    /// What is answered: a reply fits the call of the same kind.
    pub const fn kind(&self) -> CallKind {
        match self {
            Self::Http(_) => CallKind::Http,
            Self::Sign(_) => CallKind::Sign,
            Self::Reveal(_) => CallKind::Reveal,
            Self::Now(_) => CallKind::Now,
            Self::Random(_) => CallKind::Random,
            Self::Log => CallKind::Log,
        }
    }

    /// The reply as a trace keeps it: a revealed secret leaves its name, version and fingerprint.
    #[must_use]
    pub fn recorded(&self) -> Self {
        match self {
            Self::Http(answer) => Self::Http(answer.clone()),
            Self::Sign(answer) => Self::Sign(answer.clone()),
            Self::Reveal(answer) => Self::Reveal(match answer {
                Ok(revealed) => Ok(Revealed {
                    name: revealed.name.clone(),
                    version: revealed.version.clone(),
                    fingerprint: revealed.fingerprint.clone(),
                    value: None,
                }),
                Err(refusal) => Err(refusal.clone()),
            }),
            Self::Now(millis) => Self::Now(*millis),
            Self::Random(bytes) => Self::Random(bytes.clone()),
            Self::Log => Self::Log,
        }
    }
}

/// A request method that can be granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    /// Read.
    Get,
    /// Read the headers alone.
    Head,
    /// Ask what is possible.
    Options,
    /// Create or act.
    Post,
    /// Replace.
    Put,
    /// Change in part.
    Patch,
    /// Remove.
    Delete,
}

impl Method {
    /// Safe methods (RFC 9110, section 9.2.1) are reads; all others are effects.
    pub const fn is_read(self) -> bool {
        match self {
            Self::Get | Self::Head | Self::Options => true,
            Self::Post | Self::Put | Self::Patch | Self::Delete => false,
        }
    }

    /// The method as it stands on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Options => "OPTIONS",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

/// A name and its value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pair {
    /// The name.
    pub name: String,
    /// The value.
    pub value: String,
}

/// A request as the guest asked for it: no scheme, no authority, no credential.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpRequest {
    /// The method.
    pub method: Method,
    /// Path segments below the endpoint's base, unencoded.
    pub path: Vec<String>,
    /// Query pairs, unencoded.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub query: Vec<Pair>,
    /// Headers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<Pair>,
    /// The body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Body>,
    /// The name of the effect within this step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
}

/// An answer: the request was applied or answered by the endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpResponse {
    /// The status.
    pub status: u16,
    /// Headers in order, names in lower case.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<Pair>,
    /// The body.
    #[serde(default)]
    pub body: Body,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HttpFailure {
    /// The gate refused; nothing left the host.
    Refused(Refusal),
    /// The attempt failed before the endpoint could act on it.
    NotApplied(Cause),
    /// The endpoint may have acted on it.
    Unknown(Cause),
}

/// Why an attempt brought no answer. Closed, so that no inner text reaches a guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// The name could not be resolved.
    Resolve,
    /// No connection could be made.
    Connect,
    /// The TLS handshake or the certificate failed.
    Tls,
    /// A timeout of the host ran out.
    Timeout,
    /// The connection ended early.
    Reset,
    /// The answer broke the protocol.
    Malformed,
    /// The answer was larger than the host takes.
    TooLarge,
}

/// What a guest learns of a refusal. Never a host path, an address or an inner cause.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refusal {
    /// The rule's name.
    pub rule: String,
    /// One sentence for the step's author.
    pub message: String,
}

/// How a signature was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Algorithm {
    /// RFC 2104 with SHA-256.
    HmacSha256,
    /// RFC 8032.
    Ed25519,
}

/// A signature and what a verifier needs to find the key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Signature {
    /// How it was made.
    pub algorithm: Algorithm,
    /// The version of the key.
    pub key_version: String,
    /// The signature.
    pub bytes: Body,
}

/// A revealed secret. Only name, version and fingerprint are ever written down.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Revealed {
    /// The secret's name in the environment.
    pub name: String,
    /// Its version.
    pub version: String,
    /// HMAC-SHA-256 of the bytes under a key of the environment, in hex: equal for equal bytes,
    /// and worth nothing for guessing them without that key.
    pub fingerprint: String,
    /// The bytes; absent in a reply that was read from a file.
    #[serde(skip)]
    pub value: Option<SecretBytes>,
}

/// How much a log line matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LogLevel {
    /// Finest detail.
    Trace,
    /// Detail for debugging.
    Debug,
    /// Ordinary progress.
    Info,
    /// Something a person should look at.
    Warn,
    /// Something failed.
    Error,
}
