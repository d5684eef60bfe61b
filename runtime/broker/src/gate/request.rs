//! What a request is made of, part by part.

use super::refused::{HEADER, HEADER_SYNTAX, QUERY, Refused, SEGMENT, SIZE};
use crate::{
    encode,
    headers::{self, HeaderRefusal},
};
use http::{HeaderMap, HeaderName};
use stepward_fault::Owner;
use stepward_seam::{Pair, PathPattern};

/// Most path segments: deeper than any service's resources.
const SEGMENTS: usize = 32;
/// Most query pairs.
const PAIRS: usize = 64;
/// Most headers.
const HEADERS: usize = 64;
/// Largest encoded path and query in bytes: what common servers take as a request line.
const TARGET_BYTES: usize = 8 << 10;
/// Largest sum of header names and values in bytes: what common servers take as a head.
const HEADER_BYTES: usize = 16 << 10;

fn refused(rule: stepward_fault::Rule, message: impl std::fmt::Display) -> Refused {
    Refused::new(Owner::StepAuthor, rule, message)
}

fn at_most(count: usize, most: usize, what: &str) -> Result<(), Refused> {
    if count <= most {
        return Ok(());
    }
    Err(refused(SIZE, format_args!("the request has {count} {what}; the most is {most}"))
        .hint("send less at a time"))
}

/// Path segments, each of which stays one segment wherever it is written.
#[derive(Clone, Copy)]
pub(super) struct Segments<'a>(&'a [String]);

impl Segments<'_> {
    /// The first pattern that allows them.
    pub(super) fn allowed_by(self, patterns: &[PathPattern]) -> Option<&str> {
        patterns.iter().find(|pattern| pattern.matches(self.0).is_some()).map(PathPattern::as_str)
    }

    /// A pattern that would allow as many segments with this beginning.
    pub(super) fn example(self) -> String {
        let stars = "/*".repeat(self.0.len().saturating_sub(1));
        let exact = format!("/{}{stars}", self.0.first().map_or("", String::as_str));
        // A first segment with a character that patterns refuse is told as a star.
        PathPattern::new(&exact).map_or(format!("/*{stars}"), String::from)
    }
}

/// Checks the path.
pub(super) fn segments(path: &[String]) -> Result<Segments<'_>, Refused> {
    at_most(path.len(), SEGMENTS, "path segments")?;
    for (index, segment) in path.iter().enumerate() {
        let number = index + 1;
        let why = match segment.as_str() {
            "" => "is empty",
            "." | ".." => "is a dot segment",
            text if text.contains(['/', '\\']) => "holds a slash or a backslash",
            text if text.contains(char::is_control) => "holds a control character",
            _ => continue,
        };
        return Err(refused(SEGMENT, format_args!("path segment {number} {why}"))
            .hint("give each segment on its own and unencoded; the host encodes it"));
    }
    Ok(Segments(path))
}

/// The encoded path below `base`.
pub(super) fn target(base: &str, segments: Segments<'_>) -> String {
    let mut target = base.to_owned();
    for segment in segments.0 {
        target.push('/');
        encode::push(&mut target, segment.as_bytes());
    }
    if target.is_empty() {
        target.push('/');
    }
    target
}

/// What services may read as the name of a parameter. PHP drops spaces before it, takes `.`, a space
/// and a `[` that is not closed for `_`, and ends it at a zero byte and at any other `[`. Services
/// also differ in whether they tell `Key` from `key`.
fn readings(name: &str) -> [String; 2] {
    let name = name.split_once('\0').map_or(name, |(name, _)| name);
    let base = name.split_once('[').map_or(name, |(base, _)| base);
    // A space or a dot at the end is an underscore to one service and nothing to another.
    [name, base]
        .map(|text| text.trim().replace(['.', ' ', '['], "_").trim_end_matches('_').to_ascii_lowercase())
}

/// Appends the encoded query.
pub(super) fn query(target: &mut String, pairs: &[Pair], own: Option<&str>) -> Result<(), Refused> {
    at_most(pairs.len(), PAIRS, "query pairs")?;
    let own = own.map(readings);
    for (index, Pair { name, value }) in pairs.iter().enumerate() {
        if own.as_ref().is_some_and(|own| readings(name).iter().any(|reading| own.contains(reading))) {
            return Err(refused(
                QUERY,
                format_args!("the query parameter {} belongs to the host", index + 1),
            )
            .hint("leave it out; the host adds the credential"));
        }
        target.push(if index == 0 { '?' } else { '&' });
        encode::push(target, name.as_bytes());
        target.push('=');
        encode::push(target, value.as_bytes());
    }
    at_most(target.len(), TARGET_BYTES, "bytes of path and query")
}

/// Checks the headers. Names are shown in messages: they are tokens by then, or counted.
pub(super) fn headers(pairs: &[Pair], own: &[HeaderName]) -> Result<HeaderMap, Refused> {
    at_most(pairs.len(), HEADERS, "headers")?;
    at_most(
        pairs.iter().map(|pair| pair.name.len() + pair.value.len()).sum(),
        HEADER_BYTES,
        "bytes of headers",
    )?;
    let mut map = HeaderMap::with_capacity(pairs.len());
    for (index, pair) in pairs.iter().enumerate() {
        let name = name(index + 1, pair, own)?;
        let value = headers::value(&pair.value).map_err(|headers::NoValue| {
            let hint = "a value is visible ASCII with spaces inside; encode anything else";
            refused(HEADER_SYNTAX, format_args!("the value of the header `{name}` cannot stand in a header"))
                .hint(hint)
                .in_logs("the value of a header cannot stand there", hint)
        })?;
        if map.insert(name.clone(), value).is_some() {
            let hint = "join list values with commas in one header";
            return Err(refused(HEADER_SYNTAX, format_args!("the header `{name}` stands there twice"))
                .hint(hint)
                .in_logs("a header stands there twice", hint));
        }
    }
    Ok(map)
}

fn name(number: usize, pair: &Pair, own: &[HeaderName]) -> Result<HeaderName, Refused> {
    let belongs = |name: &str| {
        let hint = "leave it out; the host sets credential, idempotency, framing and routing";
        refused(HEADER, format_args!("the header `{name}` belongs to the host"))
            .hint(hint)
            .in_logs("a header belongs to the host", hint)
    };
    let name = headers::name(&pair.name).map_err(|refusal| match refusal {
        HeaderRefusal::Reserved(_) => belongs(&pair.name.to_ascii_lowercase()),
        HeaderRefusal::Malformed => refused(HEADER_SYNTAX, format_args!("header {number} has no valid name"))
            .hint("a header's name is made of letters, digits and dashes"),
    })?;
    if own.iter().any(|own| headers::are_one(own, &name)) {
        return Err(belongs(name.as_str()));
    }
    headers::plain(name).map_err(|headers::Ambiguous(name)| {
        let hint = "write dashes: many services cannot tell `a_b` from `a-b`";
        let says = format_args!("the name of the header `{name}` has more than letters, digits and dashes");
        refused(HEADER_SYNTAX, says)
            .hint(hint)
            .in_logs("the name of a header has more than letters, digits and dashes", hint)
    })
}
