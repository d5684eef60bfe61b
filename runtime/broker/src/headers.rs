//! Which header names exist, and which of them belong to the host.

use http::{HeaderName, HeaderValue};

/// Headers that decide who is asking, where the request goes, how it is framed, or what the
/// connection does. A guest that could set one of them would decide that in the host's place.
const HOST_OWNED: &[&str] = &[
    // Identity.
    "authorization",
    "cookie",
    "cookie2",
    // Who a proxy says that it has checked.
    "remote-user",
    "x-remote-user",
    // Routing.
    "host",
    "forwarded",
    "via",
    "x-real-ip",
    "x-client-ip",
    "x-cluster-client-ip",
    "true-client-ip",
    "fastly-client-ip",
    "cf-connecting-ip",
    "x-host",
    "x-rewrite-url",
    "max-forwards",
    // What the gate has checked: the method.
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
    // Framing (RFC 9112) and coding.
    "content-length",
    "transfer-encoding",
    "te",
    "trailer",
    "accept-encoding",
    "expect",
    // The connection (RFC 9110, section 7.6.1).
    "connection",
    "keep-alive",
    "upgrade",
    "http2-settings",
    // Programs behind CGI would read it as their own variable `HTTP_PROXY`.
    "proxy",
];

/// As [`HOST_OWNED`], for whole families of names.
const HOST_OWNED_PREFIXES: &[&str] = &["proxy-", "x-forwarded", "x-original-", "x-envoy-"];

/// Longest header name in bytes; registered names are shorter than half of it.
const NAME_BYTES: usize = 128;

/// Why a header name is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HeaderRefusal {
    /// Not a token of RFC 9110, section 5.6.2, or too long. Pseudo headers end here too.
    Malformed,
    /// It belongs to the host; the entry that says so.
    Reserved(&'static str),
}

/// The name as servers read it that hand headers on as variables, whose names hold no dashes (CGI,
/// RFC 3875, section 4.1.18; WSGI and Rack after it): `x_api_key` and `x-api-key` are one there.
fn folded(name: &HeaderName) -> String {
    name.as_str().replace(|c: char| !c.is_ascii_alphanumeric(), "-")
}

/// Whether some server takes one name for the other.
pub(crate) fn are_one(one: &HeaderName, other: &HeaderName) -> bool {
    folded(one) == folded(other)
}

/// A name that servers read in more than one way.
#[derive(Debug)]
pub(crate) struct Ambiguous(pub(crate) HeaderName);

/// Lets a name pass that every server reads alike: letters, digits and dashes.
pub(crate) fn plain(name: HeaderName) -> Result<HeaderName, Ambiguous> {
    if folded(&name) == name.as_str() { Ok(name) } else { Err(Ambiguous(name)) }
}

/// Reads a header name that somebody other than the host gave.
pub(crate) fn name(text: &str) -> Result<HeaderName, HeaderRefusal> {
    if text.len() > NAME_BYTES {
        return Err(HeaderRefusal::Malformed);
    }
    let name = HeaderName::from_bytes(text.as_bytes()).map_err(|_| HeaderRefusal::Malformed)?;
    let read = folded(&name);
    let owned = HOST_OWNED.iter().find(|owned| **owned == read);
    let family = HOST_OWNED_PREFIXES.iter().find(|prefix| read.starts_with(**prefix));
    match owned.or(family) {
        Some(entry) => Err(HeaderRefusal::Reserved(entry)),
        None => Ok(name),
    }
}

/// A text that cannot stand in a header's value.
#[derive(Debug)]
pub(crate) struct NoValue;

/// Reads a header's value that a guest gave: visible ASCII, and spaces and tabs inside. Narrower
/// than RFC 9110, section 5.5, whose other bytes nobody reads alike.
pub(crate) fn value(text: &str) -> Result<HeaderValue, NoValue> {
    const SPACE: [char; 2] = [' ', '\t'];
    if text.trim_matches(SPACE) != text || !text.chars().all(|c| c.is_ascii_graphic() || SPACE.contains(&c)) {
        return Err(NoValue);
    }
    HeaderValue::from_str(text).map_err(|_| NoValue)
}

#[cfg(test)]
mod tests {
    use super::{HOST_OWNED, HeaderRefusal, are_one, name, plain, value};

    #[test]
    fn the_hosts_own_headers_are_refused_in_every_case() {
        for owned in HOST_OWNED.iter().copied().chain([
            "proxy-authorization",
            "Proxy-Connection",
            "x-forwarded",
            "x-forwarded-for",
            "x-original-url",
            "x-original-method",
            "x-envoy-original-path",
        ]) {
            for spelling in
                [owned.to_owned(), owned.to_uppercase(), owned.replace('-', "_"), owned.replace('-', ".")]
            {
                assert!(matches!(name(&spelling), Err(HeaderRefusal::Reserved(_))), "{spelling}");
            }
        }
        assert_eq!(name("Content-Type").unwrap().as_str(), "content-type");
    }

    #[test]
    fn names_that_become_one_variable_are_one() {
        let name = |text| name(text).unwrap();
        for other in ["X_Api_Key", "x-api_key", "x.api.key", "x~api-key"] {
            assert!(are_one(&name("x-api-key"), &name(other)) && plain(name(other)).is_err(), "{other}");
        }
        assert!(!are_one(&name("x-api-key"), &name("x-apikey")) && plain(name("X-Api-Key2")).is_ok());
    }

    #[test]
    fn what_is_no_token_is_refused() {
        for bad in ["", ":path", "a b", "a\r\nb", "a:b", "host\0", "hőst", "a\t", " host", "a(b"] {
            assert_eq!(name(bad), Err(HeaderRefusal::Malformed), "{bad:?}");
        }
        assert_eq!(name(&"a".repeat(129)), Err(HeaderRefusal::Malformed));
    }

    #[test]
    fn values_hold_no_controls() {
        for good in ["application/json; charset=utf-8", "", "a\tb"] {
            assert_eq!(value(good).unwrap(), good);
        }
        for bad in ["a\r\nb", "a\nb", "a\0b", " a", "a ", "a\u{7f}", "é", "\ta"] {
            assert!(value(bad).is_err(), "{bad:?}");
        }
    }
}
