//! A request as it goes out, and the answer as it came in.

use super::connection::Outgoing;
use super::failure::{NoAnswer, REQUEST_NOT_PLAIN};
use super::target::Target;
use bytes::Bytes;
use http::header::{self, HeaderName};
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, Request, Uri};
use http_body_util::Full;
use std::fmt;
use stepward_fault::{Class, Fault, Owner};
use stepward_seam::Method;

/// One request. The gate has built it: path encoded, headers checked, credential added.
///
/// It has no `Debug`: its headers and its query may carry a credential.
pub struct Wire {
    /// The method.
    pub method: Method,
    /// Path and query in origin form, encoded; it starts with `/`.
    pub path_and_query: String,
    /// Headers, without those that belong to this room: `Host`, `Accept-Encoding`, framing and
    /// hop-by-hop.
    pub headers: HeaderMap,
    /// The body; its length is declared.
    pub body: Option<Bytes>,
    /// The version of the credential in it. Connections never cross from one version to another.
    pub credential_version: String,
}

/// An answer, whatever its status: redirects and errors are answers too.
pub struct Answer {
    /// The status, 200 to 999.
    pub status: u16,
    /// Headers, names in lower case, values as they were on the wire.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body as it was on the wire, its transfer coding undone and nothing else.
    pub body: Vec<u8>,
}

/// Headers that decide framing or the connection. A second writer of these could make the service
/// see another request than the one that was granted.
const OURS: [HeaderName; 11] = [
    header::HOST,
    header::ACCEPT_ENCODING,
    header::CONTENT_LENGTH,
    header::TRANSFER_ENCODING,
    header::CONNECTION,
    header::TE,
    header::TRAILER,
    header::UPGRADE,
    header::EXPECT,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
];

impl Wire {
    /// The request for hyper and the credential version that it is bound to.
    pub(super) fn into_request(self, target: &Target) -> Result<(Outgoing, String), NoAnswer> {
        if let Some(name) = self.headers.keys().find(|name| OURS.contains(name)) {
            return Err(not_plain(target, format_args!("the header `{name}` is written by the host alone")));
        }
        // The parser of `http` drops a fragment without a word.
        if !self.path_and_query.starts_with('/') || self.path_and_query.contains('#') {
            return Err(not_plain(target, "the path does not start with `/`, or has a fragment"));
        }
        let path = PathAndQuery::from_maybe_shared(self.path_and_query)
            .map_err(|error| not_plain(target, format_args!("the path is not encoded: {error}")))?;
        let mut request = Request::new(Full::new(self.body.unwrap_or_default()));
        *request.method_mut() = method(self.method);
        *request.uri_mut() = Uri::from(path);
        *request.headers_mut() = self.headers;
        request.headers_mut().insert(header::HOST, target.host_header.clone());
        request.headers_mut().insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        Ok((request, self.credential_version))
    }
}

fn method(method: Method) -> http::Method {
    match method {
        Method::Get => http::Method::GET,
        Method::Head => http::Method::HEAD,
        Method::Options => http::Method::OPTIONS,
        Method::Post => http::Method::POST,
        Method::Put => http::Method::PUT,
        Method::Patch => http::Method::PATCH,
        Method::Delete => http::Method::DELETE,
    }
}

fn not_plain(target: &Target, says: impl fmt::Display) -> NoAnswer {
    let fault = Fault::new(Class::Internal, Owner::Stepward, REQUEST_NOT_PLAIN).at(target.place()).says(says);
    NoAnswer::Refused(fault.hint("please report it"))
}
