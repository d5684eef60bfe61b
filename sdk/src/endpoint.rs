//! HTTP endpoints, known by their label only.

use crate::{Request, Response, StepError};
use serde::Serialize;
use std::fmt;

/// One HTTP endpoint that the step was granted under the name of the parameter.
///
/// The host owns the URL, the connection, the credential and every timeout. The step names path
/// segments, query pairs, headers and a body, all unencoded.
///
/// ```
/// use stepward_sdk::{Endpoint, StepError};
///
/// fn supplier_is_known(erp: &Endpoint, id: &str) -> Result<bool, StepError> {
///     Ok(erp.get(["suppliers", id]).send()?.status() == 200)
/// }
/// ```
pub struct Endpoint(Backend);

enum Backend {
    #[cfg(target_arch = "wasm32")]
    Host(fn(Request) -> Result<Response, CallError>),
    #[cfg(not(target_arch = "wasm32"))]
    Script(crate::script::Script),
}

/// The request methods that an endpoint can be granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
    /// Whether it only asks. Every other method is an effect.
    pub fn is_read(self) -> bool {
        match self {
            Self::Get | Self::Head | Self::Options => true,
            Self::Post | Self::Put | Self::Patch | Self::Delete => false,
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Options => "OPTIONS",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        })
    }
}

macro_rules! methods {
    ($($(#[doc = $doc:literal])* $name:ident $method:ident;)*) => {
        impl Endpoint {$(
            $(#[doc = $doc])*
            pub fn $name<P>(&self, path: P) -> RequestBuilder<'_>
            where
                P: IntoIterator<Item: Into<String>>,
            {
                RequestBuilder::new(self, Method::$method, path.into_iter().map(Into::into).collect())
            }
        )*}
    };
}

methods! {
    /// Starts a read of `path`, given as unencoded segments below the endpoint's base.
    get Get;
    /// Starts a read of the headers of `path`.
    head Head;
    /// Starts a question for what is possible with `path`.
    options Options;
    /// Starts an effect. Name it with [`RequestBuilder::operation`].
    post Post;
    /// Starts an effect. Name it with [`RequestBuilder::operation`].
    put Put;
    /// Starts an effect. Name it with [`RequestBuilder::operation`].
    patch Patch;
    /// Starts an effect. Name it with [`RequestBuilder::operation`].
    delete Delete;
}

impl Endpoint {
    #[cfg(target_arch = "wasm32")]
    pub(crate) fn host(send: fn(Request) -> Result<Response, CallError>) -> Self {
        Self(Backend::Host(send))
    }

    /// An endpoint for native tests that expects `exchanges` in this order and no other.
    ///
    /// A request that differs panics and says how. So does dropping the endpoint while exchanges
    /// are left; [`finish`](Self::finish) asks for that at a place of your choice.
    ///
    /// ```
    /// use stepward_sdk::{Endpoint, script};
    ///
    /// let erp = Endpoint::scripted([script::get(["suppliers", "17"]).reply(404)]);
    /// assert_eq!(erp.get(["suppliers", "17"]).send()?.status(), 404);
    /// # Ok::<(), stepward_sdk::CallError>(())
    /// ```
    #[cfg(not(target_arch = "wasm32"))]
    pub fn scripted(exchanges: impl IntoIterator<Item = crate::script::Exchange>) -> Self {
        Self(Backend::Script(crate::script::Script::new(exchanges)))
    }

    /// Ends a scripted endpoint.
    ///
    /// # Panics
    /// When scripted exchanges are left.
    #[cfg(not(target_arch = "wasm32"))]
    #[track_caller]
    pub fn finish(self) {
        match &self.0 {
            Backend::Script(script) => script.finish(),
        }
    }

    #[track_caller]
    #[cfg_attr(
        not(target_arch = "wasm32"),
        expect(
            clippy::needless_pass_by_value,
            reason = "the host takes the request over; a script only looks at it"
        )
    )]
    fn send(&self, request: Request) -> Result<Response, CallError> {
        match &self.0 {
            #[cfg(target_arch = "wasm32")]
            Backend::Host(send) => send(request),
            #[cfg(not(target_arch = "wasm32"))]
            Backend::Script(script) => script.send(&request),
        }
    }
}

/// A request in the making. Nothing happens before [`send`](Self::send).
#[must_use = "a request is made by `send`"]
pub struct RequestBuilder<'a> {
    endpoint: &'a Endpoint,
    request: Request,
    /// The body that could not be written as JSON, told at `send` so that the chain stays whole.
    body_error: Option<serde_json::Error>,
}

impl<'a> RequestBuilder<'a> {
    fn new(endpoint: &'a Endpoint, method: Method, path: Vec<String>) -> Self {
        Self { endpoint, request: Request::new(method, path), body_error: None }
    }

    /// Adds a query pair, unencoded.
    pub fn query(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.request.query.push((name.into(), value.into()));
        self
    }

    /// Adds a header. Credentials, framing, hop-by-hop and idempotency headers belong to the host,
    /// which refuses them.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.request.headers.push((name.into(), value.into()));
        self
    }

    /// Takes `value` as the body, written as JSON, with its content type.
    pub fn json<T: Serialize + ?Sized>(mut self, value: &T) -> Self {
        match serde_json::to_vec(value) {
            Ok(body) => {
                self.request.body = Some(body);
                self.header("content-type", "application/json")
            }
            Err(error) => {
                self.body_error = Some(error);
                self
            }
        }
    }

    /// Takes `body` as it is. Give its content type with [`header`](Self::header).
    pub fn bytes(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.request.body = Some(body.into());
        self
    }

    /// Names the effect within this step, such as `post-invoice-4711`. Needed for every method but
    /// `get`, `head` and `options`: the host derives the idempotency key from it, and refuses the
    /// same name for a different request.
    pub fn operation(mut self, name: impl Into<String>) -> Self {
        self.request.operation = Some(name.into());
        self
    }

    /// Sends the request, once.
    ///
    /// Every status is a [`Response`]; [`Response::success`] sorts them.
    ///
    /// # Errors
    /// [`CallError`] says which of the three ways it is in which there is no response.
    #[track_caller]
    pub fn send(self) -> Result<Response, CallError> {
        match self.body_error {
            None => self.endpoint.send(self.request),
            Some(error) => {
                Err(CallError::Refused { rule: "request-json".to_owned(), message: error.to_string() })
            }
        }
    }
}

/// The code of an error after which the effect may stand.
pub(crate) const IN_DOUBT: &str = "call-in-doubt";

/// The three ways in which there is no response.
///
/// Becomes a [`StepError`]: `call-refused` and `call-in-doubt` are permanent, `call-not-applied` is
/// retryable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallError {
    /// The gate refused; nothing left the host.
    Refused {
        /// The rule that refused it.
        rule: String,
        /// One sentence for the step's author.
        message: String,
    },
    /// The attempt failed before the endpoint could act on it.
    NotApplied(Cause),
    /// The request may have been acted on: the call is in doubt.
    Unknown(Cause),
}

/// Why an attempt brought no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Resolve => "its name could not be resolved",
            Self::Connect => "no connection could be made",
            Self::Tls => "the TLS handshake failed",
            Self::Timeout => "a timeout ran out",
            Self::Reset => "the connection ended early",
            Self::Malformed => "the answer broke the protocol",
            Self::TooLarge => "the answer was too large",
        })
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused { rule, message } => write!(f, "the host refused the request: {message} ({rule})"),
            Self::NotApplied(cause) => write!(f, "the endpoint was not reached: {cause}"),
            Self::Unknown(cause) => write!(f, "the endpoint may have acted on the request: {cause}"),
        }
    }
}

impl std::error::Error for CallError {}

impl From<CallError> for StepError {
    fn from(error: CallError) -> Self {
        let message = error.to_string();
        match error {
            CallError::Refused { .. } => Self::permanent("call-refused", message),
            CallError::NotApplied(_) => Self::retryable("call-not-applied", message),
            CallError::Unknown(_) => Self::permanent(IN_DOUBT, message),
        }
    }
}
