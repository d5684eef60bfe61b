//! What endpoints and witnesses have in common: where a service is, and by what it is known.

use super::{
    cover::Uses,
    file,
    read::bounded,
    rules::{LIST, ROOT_NAME, URL},
    source::Source,
};
use crate::net::Timeouts;
use ipnet::IpNet;
use std::{
    collections::BTreeMap,
    fmt,
    path::{Component, Path},
    time::Duration,
};
use stepward_fault::Fault;
use stepward_seam::Label;
use toml::Spanned;
use url::{Host, Url};

/// Longest any part of an exchange may take, in milliseconds: ten minutes, beyond which a service
/// should answer 202 and be asked again.
const TIMEOUT_MS: u64 = 600_000;
/// How a URL is written where one is wrong.
pub(super) struct Written {
    /// A good line.
    pub(super) example: &'static str,
    /// What is said of user information.
    pub(super) user: &'static str,
    /// What is said of a query or a fragment.
    pub(super) query: &'static str,
}

/// Takes a URL apart: host, port, and the base path without a slash at its end.
pub(super) fn url(
    source: Source<'_>,
    written: &Spanned<String>,
    meant: &Written,
) -> Result<(Host, u16, String), Fault> {
    let text = written.get_ref();
    let refused = |why: &str| {
        source.fault(URL, &written.span()).says(format_args!("`{text}` {why}")).hint(meant.example)
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
        return Err(refused(meant.user));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(refused(meant.query));
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
pub(super) fn listed<'a, T: PartialEq + fmt::Debug>(
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

/// The files with roots: at least one, each inside the environment's folder.
pub(super) fn roots(source: Source<'_>, written: &Spanned<Vec<String>>) -> Result<Vec<String>, Fault> {
    let roots = listed(source, "roots", written)?;
    for root in roots {
        root_name(source, root, written)?;
    }
    Ok(roots.to_vec())
}

/// The ranges of the networks that are named.
pub(super) fn networks(
    written: &[Spanned<Label>],
    declared: &BTreeMap<Label, Vec<IpNet>>,
    uses: &mut Uses<'_>,
) -> Result<Vec<IpNet>, Fault> {
    let mut networks = Vec::new();
    for name in written {
        uses.network(name)?;
        networks.extend(declared.get(name.get_ref()).into_iter().flatten());
    }
    Ok(networks)
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

/// The timeouts of an exchange; those that the file leaves out are as in `default`.
pub(super) fn timeouts(
    source: Source<'_>,
    written: &file::Timeouts,
    default: Timeouts,
) -> Result<Timeouts, Fault> {
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
