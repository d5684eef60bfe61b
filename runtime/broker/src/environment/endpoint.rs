//! What an endpoint's label means: the service, what may be asked of it, and how the host asks.

use super::{
    cover::Uses,
    file::{self, CredentialForm},
    read::bounded,
    rules::{CREDENTIAL, HEADER, LIST, ROOT_NAME, URL},
    source::Source,
};
use crate::{
    headers::{self, HeaderRefusal},
    net::{Caps, Timeouts},
};
use http::HeaderName;
use ipnet::IpNet;
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    path::{Component, Path},
    time::Duration,
};
use stepward_fault::Fault;
use stepward_seam::{Label, Method, PathPattern};
use toml::Spanned;
use url::{Host, Url};

/// Longest any part of an exchange may take, in milliseconds: ten minutes, beyond which a service
/// should answer 202 and be asked again.
const TIMEOUT_MS: u64 = 600_000;
/// Largest body either way, in bytes: the most that a step's own limits can carry in one call.
const BODY_BYTES: usize = 32 << 20;
/// Body of a request in bytes where the file says nothing: the default of `bytes-out-per-call`.
const REQUEST_BODY_BYTES: usize = 4 << 20;
/// Most header lines of an answer.
const HEADERS: usize = 1_000;
/// Largest head of an answer, in bytes.
const HEAD_BYTES: usize = 1 << 20;

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
    let (host, port, base) = url(source, &endpoint.url)?;
    let methods = listed(source, "methods", &endpoint.methods)?.iter().copied().collect();
    let paths = listed(source, "paths", &endpoint.paths)?.to_vec();
    let roots = listed(source, "roots", &endpoint.roots)?;
    for root in roots {
        root_name(source, root, &endpoint.roots)?;
    }
    let mut networks = Vec::new();
    for name in &endpoint.networks {
        uses.network(name)?;
        networks.extend(names.networks.get(name.get_ref()).into_iter().flatten());
    }
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
        roots: roots.to_vec(),
        networks,
        credential,
        idempotency_header,
        idempotent: endpoint.idempotent,
        timeouts: timeouts(source, &endpoint.timeouts)?,
        caps: caps(source, &endpoint.caps)?,
    })
}

fn url(source: Source<'_>, written: &Spanned<String>) -> Result<(Host, u16, String), Fault> {
    let text = written.get_ref();
    let refused = |why: &str| {
        source
            .fault(URL, &written.span())
            .says(format_args!("`{text}` {why}"))
            .hint("url = \"https://erp.example:8443/api\"")
    };
    if !text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\') {
        return Err(refused(
            "holds a space, a backslash or a character that is not ASCII; write host names in punycode",
        ));
    }
    let url = Url::parse(text).map_err(|error| refused(&format!("is no URL: {error}")))?;
    if url.scheme() != "https" {
        return Err(refused("does not start with `https://`; there is no plain HTTP"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(refused("carries user information; bind a `credential` instead"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(refused("carries a query or a fragment; the step gives the query"));
    }
    let base = url.path().trim_end_matches('/');
    if base.contains("//") || text.contains("/.") {
        return Err(refused("has an empty or a dot segment in its path"));
    }
    let host = url.host().ok_or_else(|| refused("names no host"))?.to_owned();
    let port = url.port_or_known_default().ok_or_else(|| refused("has no port"))?;
    Ok((host, port, base.to_owned()))
}

/// A list that has at least one entry and none twice.
fn listed<'a, T: PartialEq + fmt::Debug>(
    source: Source<'_>,
    name: &str,
    written: &'a Spanned<Vec<T>>,
) -> Result<&'a [T], Fault> {
    let list = written.get_ref();
    let fault = || source.fault(LIST, &written.span());
    if list.is_empty() {
        let example = match name {
            "methods" => "methods = [\"GET\"]",
            "paths" => "paths = [\"/suppliers/*\"]",
            _ => "roots = [\"trust/erp.pem\"]",
        };
        return Err(fault().says(format_args!("`{name}` has no entry")).hint(example));
    }
    let twice =
        list.iter().enumerate().find(|(index, entry)| list.iter().take(*index).any(|other| other == *entry));
    match twice {
        None => Ok(list),
        Some((index, _)) => Err(fault()
            .says(format_args!("entry {} of `{name}` stands there twice", index + 1))
            .hint("remove one of them")),
    }
}

fn root_name(source: Source<'_>, name: &str, list: &Spanned<Vec<String>>) -> Result<(), Fault> {
    let plain =
        !name.is_empty() && Path::new(name).components().all(|part| matches!(part, Component::Normal(_)));
    if plain && name.len() <= 255 {
        return Ok(());
    }
    Err(source
        .fault(ROOT_NAME, &list.span())
        .says(format_args!("the root `{name}` is not a file inside the environment's folder"))
        .hint("roots = [\"trust/erp.pem\"]"))
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

fn timeouts(source: Source<'_>, written: &file::Timeouts) -> Result<Timeouts, Fault> {
    let default = Timeouts::default();
    let part = |name, number: &Option<Spanned<u64>>, default: Duration| {
        let default = u64::try_from(default.as_millis()).unwrap_or(TIMEOUT_MS);
        bounded(source, name, number.as_ref(), default, TIMEOUT_MS).map(Duration::from_millis)
    };
    Ok(Timeouts {
        connect: part("connect-ms", &written.connect_ms, default.connect)?,
        handshake: part("handshake-ms", &written.handshake_ms, default.handshake)?,
        first_byte: part("first-byte-ms", &written.first_byte_ms, default.first_byte)?,
        total: part("total-ms", &written.total_ms, default.total)?,
    })
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
