//! What goes to an endpoint and what comes back.

use crate::{Method, StepError, endpoint::IN_DOUBT};
use serde::de::DeserializeOwned;
use std::str;

/// A request as the bindings and the scripts see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// Path segments, unencoded.
    pub path: Vec<String>,
    /// Query pairs, unencoded, in order.
    pub query: Vec<(String, String)>,
    /// Headers in order.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Option<Vec<u8>>,
    /// The name of the effect.
    pub operation: Option<String>,
}

impl Request {
    pub(crate) fn new(method: Method, path: Vec<String>) -> Self {
        Self { method, path, query: Vec::new(), headers: Vec::new(), body: None, operation: None }
    }
}

/// What an endpoint answered, whatever the status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// What was asked: a failure means one thing after a read and another after an effect.
    pub(crate) method: Method,
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

/// Too many requests (RFC 6585, section 4): the one status below 500 that time cures by itself.
const TOO_MANY_REQUESTS: u16 = 429;

impl Response {
    /// The status, 100 to 599.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The value of the first header of that name, in whatever case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The body.
    pub fn bytes(&self) -> &[u8] {
        &self.body
    }

    /// The body as text.
    ///
    /// # Errors
    /// Permanent, code `reply-invalid`, when it is not UTF-8.
    pub fn text(&self) -> Result<&str, StepError> {
        str::from_utf8(&self.body).map_err(|error| self.invalid(&error))
    }

    /// The body read as JSON.
    ///
    /// # Errors
    /// Permanent, code `reply-invalid`, when it is no JSON of this shape.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, StepError> {
        serde_json::from_slice(&self.body).map_err(|error| self.invalid(&error))
    }

    /// This response if its status is 200 to 299.
    ///
    /// # Errors
    /// After an effect, a status from 500 on does not say whether it was applied: permanent, code
    /// `call-in-doubt`, as where there is no response. Code `reply-status` for all others:
    /// retryable for 429, and for a read from 500 on, permanent otherwise.
    pub fn success(self) -> Result<Self, StepError> {
        let message = format!("the endpoint answered with status {}", self.status);
        match self.status {
            200..=299 => Ok(self),
            500.. if !self.method.is_read() => {
                let message = format!("the endpoint may have acted on the request: {message}");
                Err(StepError::permanent(IN_DOUBT, message))
            }
            TOO_MANY_REQUESTS | 500.. => Err(StepError::retryable("reply-status", message)),
            _ => Err(StepError::permanent("reply-status", message)),
        }
    }

    fn invalid(&self, error: &dyn std::error::Error) -> StepError {
        StepError::permanent("reply-invalid", format!("the reply (status {}): {error}", self.status))
    }
}
