//! What an endpoint's label means: the service, what may be asked of it, and how the host asks.

use super::{
    cover::Uses,
    file::{self, CredentialForm},
    reach::{self, Written, listed},
    read::bounded,
    rules::{CREDENTIAL, HEADER},
    source::Source,
};
use crate::{
    headers::{self, HeaderRefusal},
    net::{Caps, Timeouts},
};
use http::HeaderName;
use ipnet::IpNet;
use std::collections::{BTreeMap, BTreeSet};
use stepward_fault::Fault;
use stepward_seam::{Label, Method, PathPattern};
use toml::Spanned;
use url::Host;

/// Largest body either way, in bytes: the most that a step's own limits can carry in one call.
const BODY_BYTES: usize = 32 << 20;
/// Body of a request in bytes where the file says nothing: the default of `bytes-out-per-call`.
const REQUEST_BODY_BYTES: usize = 4 << 20;
/// Most header lines of an answer.
const HEADERS: usize = 1_000;
/// Largest head of an answer, in bytes.
const HEAD_BYTES: usize = 1 << 20;

/// How the URL of a service is written.
const SERVICE: Written = Written {
    example: "url = \"https://erp.example:8443/api\"",
    user: "carries user information; bind a `credential` instead",
    query: "carries a query or a fragment; the step gives the query",
};

/// The caps on both directions of an exchange.
#[derive(Debug)]
pub(crate) struct EndpointCaps {
    /// Bytes of a request's body; the gate applies it.
    pub(crate) request_body_bytes: usize,
    /// Caps on the answer.
    pub(crate) answer: Caps,
}

/// One endpoint of an environment.
#[derive(Debug)]
pub(crate) struct EndpointBinding {
    pub(crate) host: Host,
    pub(crate) port: u16,
    /// The base path, encoded, without a slash at its end.
    pub(crate) base: String,
    pub(crate) methods: BTreeSet<Method>,
    pub(crate) paths: Vec<PathPattern>,
    pub(crate) roots: Vec<String>,
    pub(crate) networks: Vec<IpNet>,
    pub(crate) credential: Option<CredentialBinding>,
    pub(crate) idempotency_header: HeaderName,
    pub(crate) idempotent: bool,
    pub(crate) timeouts: Timeouts,
    pub(crate) caps: EndpointCaps,
}

/// Which secret an endpoint sends, and where in the request.
#[derive(Debug)]
pub(crate) struct CredentialBinding {
    pub(crate) secret: Label,
    pub(crate) form: Form,
}

/// A credential's place in a request.
#[derive(Clone, Debug)]
pub(crate) enum Form {
    /// `Authorization: Bearer SECRET`.
    Bearer,
    /// `Authorization: Basic base64(USER:PASSWORD)`.
    Basic,
    /// A header of its own.
    Header(HeaderName),
    /// A query parameter of its own, not yet encoded.
    Query(String),
}

/// What an endpoint's table is read with.
#[derive(Clone, Copy)]
pub(super) struct Names<'a> {
    pub(super) networks: &'a BTreeMap<Label, Vec<IpNet>>,
    pub(super) label: &'a Label,
}

pub(super) fn read(
    source: Source<'_>,
    names: Names<'_>,
    written: &Spanned<file::Endpoint>,
    uses: &mut Uses<'_>,
) -> Result<EndpointBinding, Fault> {
    let endpoint = written.get_ref();
    let (host, port, base) = reach::url(source, &endpoint.url, &SERVICE)?;
    let methods = listed(source, "methods", &endpoint.methods)?.iter().copied().collect();
    let paths = listed(source, "paths", &endpoint.paths)?.to_vec();
    let roots = reach::roots(source, &endpoint.roots)?;
    let networks = reach::networks(&endpoint.networks, names.networks, uses)?;
    let credential = match &endpoint.credential {
        Some(credential) => Some(read_credential(source, credential)?),
        None => None,
    };
    if let Some(credential) = &endpoint.credential {
        uses.credential(names.label, format!("{host}:{port}"), &credential.get_ref().secret)?;
    }
    let idempotency_header = match &endpoint.idempotency_header {
        Some(name) => header(source, name)?,
        None => HeaderName::from_static("idempotency-key"),
    };
    if let Some(CredentialBinding { form: Form::Header(name), .. }) = &credential
        && headers::are_one(name, &idempotency_header)
    {
        return Err(source
            .fault(CREDENTIAL, &written.span())
            .says(format_args!(
                "the header `{name}` cannot carry both the credential and the idempotency key"
            ))
            .hint("give the one that the service does not prescribe another name"));
    }
    Ok(EndpointBinding {
        host,
        port,
        base,
        methods,
        paths,
        roots,
        networks,
        credential,
        idempotency_header,
        idempotent: endpoint.idempotent,
        timeouts: reach::timeouts(source, &endpoint.timeouts, Timeouts::default())?,
        caps: caps(source, &endpoint.caps)?,
    })
}

fn read_credential(
    source: Source<'_>,
    written: &Spanned<file::Credential>,
) -> Result<CredentialBinding, Fault> {
    let credential = written.get_ref();
    let refused = |why: &str, hint: &str| source.fault(CREDENTIAL, &written.span()).says(why).hint(hint);
    let form = match (credential.form, &credential.header, &credential.parameter) {
        (CredentialForm::Bearer, None, None) => Form::Bearer,
        (CredentialForm::Basic, None, None) => Form::Basic,
        (CredentialForm::Header, Some(name), None) => Form::Header(header(source, name)?),
        (CredentialForm::Query, None, Some(name)) if (1..=64).contains(&name.get_ref().len()) => {
            Form::Query(name.get_ref().clone())
        }
        (CredentialForm::Header, ..) => {
            return Err(refused(
                "a credential in a header names the header and nothing else",
                "credential = { secret = \"NAME\", as = \"header\", header = \"X-Api-Key\" }",
            ));
        }
        (CredentialForm::Query, ..) => {
            return Err(refused(
                "a credential in the query names a parameter of 1 to 64 bytes and nothing else",
                "credential = { secret = \"NAME\", as = \"query\", parameter = \"key\" }",
            ));
        }
        (CredentialForm::Bearer | CredentialForm::Basic, ..) => {
            return Err(refused(
                "a bearer or basic credential has no `header` and no `parameter`",
                "credential = { secret = \"NAME\", as = \"bearer\" }",
            ));
        }
    };
    Ok(CredentialBinding { secret: credential.secret.get_ref().clone(), form })
}

/// A header that the environment hands to the host: well formed, and not one of those that the
/// host needs to frame and route a request.
fn header(source: Source<'_>, written: &Spanned<String>) -> Result<HeaderName, Fault> {
    let text = written.get_ref();
    let fault = || {
        source
            .fault(HEADER, &written.span())
            .hint("pick the name that the service documents, such as `X-Api-Key`")
    };
    match headers::name(text) {
        Ok(name) => Ok(name),
        Err(HeaderRefusal::Malformed) => Err(fault().says(format_args!("`{text}` is no header name"))),
        Err(HeaderRefusal::Reserved(_)) => {
            Err(fault().says(format_args!("the header `{text}` belongs to the host and cannot be bound")))
        }
    }
}

fn caps(source: Source<'_>, written: &file::Caps) -> Result<EndpointCaps, Fault> {
    let default = Caps::default();
    let cap = |name, number: &Option<Spanned<u64>>, default: usize, most: usize| {
        let value = bounded(source, name, number.as_ref(), as_u64(default), as_u64(most))?;
        Ok::<_, Fault>(usize::try_from(value).unwrap_or(most))
    };
    Ok(EndpointCaps {
        request_body_bytes: cap(
            "request-body-bytes",
            &written.request_body_bytes,
            REQUEST_BODY_BYTES,
            BODY_BYTES,
        )?,
        answer: Caps {
            headers: cap("response-headers", &written.response_headers, default.headers, HEADERS)?,
            header_bytes: cap(
                "response-header-bytes",
                &written.response_header_bytes,
                default.header_bytes,
                HEAD_BYTES,
            )?,
            body_bytes: cap(
                "response-body-bytes",
                &written.response_body_bytes,
                default.body_bytes,
                BODY_BYTES,
            )?,
        },
    })
}

fn as_u64(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}
