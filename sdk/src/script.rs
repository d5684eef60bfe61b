//! What a scripted [`Endpoint`](crate::Endpoint) expects, and what it answers.
//!
//! Method, path and query must be exactly as written here, for a request that leaves something out
//! is another request. Headers, body and operation are compared when the script names them.
//!
//! ```
//! use stepward_sdk::{Cause, Endpoint, script};
//!
//! let erp = Endpoint::scripted([
//!     script::get(["invoices"]).query("number", "4711").reply(200).json(&[0; 0]),
//!     script::post(["invoices"]).operation("post-invoice-4711").unknown(Cause::Timeout),
//! ]);
//! let found: Vec<u32> = erp.get(["invoices"]).query("number", "4711").send()?.json()?;
//! assert!(found.is_empty());
//! assert!(erp.post(["invoices"]).operation("post-invoice-4711").bytes(*b"...").send().is_err());
//! erp.finish();
//! # Ok::<(), stepward_sdk::StepError>(())
//! ```

use crate::{CallError, Cause, Method, Request, Response};
use serde::Serialize;
use std::{cell::RefCell, collections::VecDeque, fmt, thread};

macro_rules! methods {
    ($($name:ident $method:ident;)*) => {$(
        #[doc = concat!("Expects a `", stringify!($name), "` of `path`, given as segments.")]
        pub fn $name<P>(path: P) -> Expected
        where
            P: IntoIterator<Item: Into<String>>,
        {
            Expected { request: Request::new(Method::$method, path.into_iter().map(Into::into).collect()) }
        }
    )*};
}

methods! { get Get; head Head; options Options; post Post; put Put; patch Patch; delete Delete; }

/// A request that a script waits for.
#[must_use = "say what the endpoint answers: `reply`, `refused`, `not_applied` or `unknown`"]
pub struct Expected {
    request: Request,
}

impl Expected {
    /// Expects one more query pair.
    pub fn query(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.request.query.push((name.into(), value.into()));
        self
    }

    /// Expects a header among the others.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.request.headers.push((name.into(), value.into()));
        self
    }

    /// Expects this JSON document as the body; spelling and order of keys do not matter.
    ///
    /// # Panics
    /// When `value` cannot be written as JSON.
    pub fn json<T: Serialize + ?Sized>(mut self, value: &T) -> Self {
        self.request.body = Some(to_json(value));
        self
    }

    /// Expects these bytes as the body.
    pub fn bytes(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.request.body = Some(body.into());
        self
    }

    /// Expects this operation label.
    pub fn operation(mut self, name: impl Into<String>) -> Self {
        self.request.operation = Some(name.into());
        self
    }

    /// Answers with a status; [`Exchange`] adds headers and a body.
    pub fn reply(self, status: u16) -> Exchange {
        let method = self.request.method;
        self.answer(Ok(Response { method, status, headers: Vec::new(), body: Vec::new() }))
    }

    /// Answers that the host's gate refused the request.
    pub fn refused(self, rule: impl Into<String>, message: impl Into<String>) -> Exchange {
        self.answer(Err(CallError::Refused { rule: rule.into(), message: message.into() }))
    }

    /// Answers that the endpoint was not reached.
    pub fn not_applied(self, cause: Cause) -> Exchange {
        self.answer(Err(CallError::NotApplied(cause)))
    }

    /// Answers that the endpoint may have acted on the request.
    pub fn unknown(self, cause: Cause) -> Exchange {
        self.answer(Err(CallError::Unknown(cause)))
    }

    fn answer(self, answer: Result<Response, CallError>) -> Exchange {
        Exchange { expected: self.request, answer }
    }
}

/// An expected request and its answer.
pub struct Exchange {
    expected: Request,
    answer: Result<Response, CallError>,
}

impl Exchange {
    /// Adds a header to the reply. Has no effect on an answer that is no reply.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        if let Ok(reply) = &mut self.answer {
            reply.headers.push((name.into().to_ascii_lowercase(), value.into()));
        }
        self
    }

    /// Gives the reply a JSON body. Has no effect on an answer that is no reply.
    ///
    /// # Panics
    /// When `value` cannot be written as JSON.
    #[must_use]
    pub fn json<T: Serialize + ?Sized>(self, value: &T) -> Self {
        self.bytes(to_json(value)).header("content-type", "application/json")
    }

    /// Gives the reply a body. Has no effect on an answer that is no reply.
    #[must_use]
    pub fn bytes(mut self, body: impl Into<Vec<u8>>) -> Self {
        if let Ok(reply) = &mut self.answer {
            reply.body = body.into();
        }
        self
    }
}

#[expect(clippy::expect_used, reason = "a script that cannot be written fails its test")]
fn to_json<T: Serialize + ?Sized>(value: &T) -> Vec<u8> {
    serde_json::to_vec(value).expect("a scripted body is written as JSON")
}

/// The exchanges that are left.
pub(crate) struct Script {
    left: RefCell<VecDeque<Exchange>>,
}

impl Script {
    pub(crate) fn new(exchanges: impl IntoIterator<Item = Exchange>) -> Self {
        Self { left: RefCell::new(exchanges.into_iter().collect()) }
    }

    #[track_caller]
    pub(crate) fn send(&self, request: &Request) -> Result<Response, CallError> {
        let next = self.left.borrow_mut().pop_front();
        match next {
            None => unexpected(request, "the script has no exchange left"),
            Some(Exchange { expected, answer }) => {
                if let Err(difference) = compare(&expected, request) {
                    unexpected(request, &format!("expected {}\n{difference}", Line(&expected)));
                }
                answer
            }
        }
    }

    #[track_caller]
    pub(crate) fn finish(&self) {
        let left = std::mem::take(&mut *self.left.borrow_mut());
        if !left.is_empty() {
            let lines: Vec<String> = left.iter().map(|e| format!("\n  {}", Line(&e.expected))).collect();
            fail(&format!("the script expected more requests:{}", lines.concat()));
        }
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        if !thread::panicking() {
            self.finish();
        }
    }
}

#[track_caller]
fn unexpected(request: &Request, why: &str) -> ! {
    fail(&format!("unexpected request {}: {why}", Line(request)))
}

#[track_caller]
#[expect(clippy::panic, reason = "scripts run in tests, and a panic is how a test fails")]
fn fail(message: &str) -> ! {
    panic!("{message}")
}

/// Says how `sent` differs from what the script names.
fn compare(expected: &Request, sent: &Request) -> Result<(), String> {
    if (sent.method, &sent.path, &sent.query) != (expected.method, &expected.path, &expected.query) {
        return Err("method, path or query differ".to_owned());
    }
    if !sent.method.is_read() && sent.operation.is_none() {
        return Err("the host refuses an effect without a name: add `.operation(\"…\")`".to_owned());
    }
    if expected.operation.is_some() && expected.operation != sent.operation {
        return Err(format!("expected operation {:?}, sent {:?}", expected.operation, sent.operation));
    }
    for (name, value) in &expected.headers {
        if !sent.headers.iter().any(|(n, v)| n.eq_ignore_ascii_case(name) && v == value) {
            return Err(format!("expected the header `{name}: {value}`, sent {:?}", sent.headers));
        }
    }
    match (&expected.body, &sent.body) {
        (Some(expected), sent) if !same_body(expected, sent.as_deref().unwrap_or_default()) => {
            let sent = String::from_utf8_lossy(sent.as_deref().unwrap_or_default()).into_owned();
            Err(format!("expected the body {}\nsent              {sent}", String::from_utf8_lossy(expected)))
        }
        _ => Ok(()),
    }
}

/// Whether two bodies are the same bytes or the same JSON document.
fn same_body(expected: &[u8], sent: &[u8]) -> bool {
    let json = |bytes| serde_json::from_slice::<serde_json::Value>(bytes).ok();
    expected == sent || json(expected).is_some_and(|document| Some(document) == json(sent))
}

/// A request in one line: `GET /suppliers/17?active=yes`.
struct Line<'a>(&'a Request);

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} /{}", self.0.method, self.0.path.join("/"))?;
        for (i, (name, value)) in self.0.query.iter().enumerate() {
            write!(f, "{}{name}={value}", if i == 0 { '?' } else { '&' })?;
        }
        Ok(())
    }
}
