//! What a workflow grants to one step, as its file writes it.
//!
//! ```toml
//! [steps.grants.endpoint.erp]
//! methods = ["GET"]
//! paths = ["/suppliers/*", "/invoices/*/*"]
//!
//! [steps.grants.signer.payment-signing]
//! ```
//!
//! A label is the name of the thing in the environment. The environment cuts every grant down
//! again; nothing here can widen what it allows.

use crate::{Interface, Label, Method};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use std::{borrow::Cow, collections::BTreeMap, fmt};

/// Everything granted to one step, by label. A label names one thing of one kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "Tables", into = "Tables")]
#[schemars(with = "Tables")]
pub struct Grants(BTreeMap<Label, Grant>);

/// One granted thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Grant {
    /// A named HTTP endpoint.
    Endpoint(EndpointGrant),
    /// Use of a named key.
    Signer,
    /// A named secret, revealed.
    Secret,
    /// The time.
    Clock,
    /// Random bytes.
    Random,
}

impl Grant {
    /// The kind of thing.
    pub const fn interface(&self) -> Interface {
        match self {
            Self::Endpoint(_) => Interface::HttpEndpoint,
            Self::Signer => Interface::Signer,
            Self::Secret => Interface::Secret,
            Self::Clock => Interface::Clock,
            Self::Random => Interface::Random,
        }
    }
}

/// Which requests a step may send to an endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EndpointGrant {
    /// Methods. At least one.
    #[schemars(length(min = 1))]
    pub methods: Vec<Method>,
    /// Paths below the endpoint's base. At least one.
    #[schemars(length(min = 1))]
    pub paths: Vec<PathPattern>,
}

/// A pattern over path segments: `/payments`, `/suppliers/*` (one segment), `/files/**` (one or
/// more segments, last place only). It matches the unencoded segments that the guest gave, never
/// the text of a URL.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PathPattern {
    text: String,
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Exactly(String),
    One,
    OneOrMore,
}

/// Proof that a path matched a pattern; it remembers which.
#[derive(Debug)]
pub struct PathMatch<'a>(&'a PathPattern);

impl PathMatch<'_> {
    /// The pattern that allowed the path.
    pub fn pattern(&self) -> &str {
        &self.0.text
    }
}

/// Why a text is no path pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PatternError {
    /// It does not start with a slash.
    NoSlash,
    /// A segment is empty, `.` or `..`, or holds a character with a meaning in URLs.
    Segment,
    /// A star stands beside other characters, or `**` is not last.
    Star,
}

impl fmt::Display for PatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoSlash => "a path pattern starts with `/`, such as `/suppliers/*`",
            Self::Segment => {
                "a segment of a path pattern is not empty, `.` or `..` and holds none of `%?#\\` and no control \
                 characters; it is matched unencoded"
            }
            Self::Star => "`*` stands for one whole segment, `**` for one or more at the end",
        })
    }
}

impl std::error::Error for PatternError {}

impl PathPattern {
    /// Reads a pattern. `/` alone is the base itself.
    ///
    /// # Errors
    /// [`PatternError`] says what is wrong with it.
    pub fn new(text: &str) -> Result<Self, PatternError> {
        let rest = text.strip_prefix('/').ok_or(PatternError::NoSlash)?;
        let mut parts = Vec::new();
        if !rest.is_empty() {
            for segment in rest.split('/') {
                if parts.last() == Some(&Part::OneOrMore) {
                    return Err(PatternError::Star);
                }
                parts.push(match segment {
                    "*" => Part::One,
                    "**" => Part::OneOrMore,
                    "" | "." | ".." => return Err(PatternError::Segment),
                    s if s.contains('*') => return Err(PatternError::Star),
                    s if s.contains(|c: char| "%?#\\".contains(c) || c.is_control()) => {
                        return Err(PatternError::Segment);
                    }
                    s => Part::Exactly(s.to_owned()),
                });
            }
        }
        Ok(Self { text: text.to_owned(), parts })
    }

    /// The pattern as written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Matches unencoded segments.
    pub fn matches(&self, segments: &[String]) -> Option<PathMatch<'_>> {
        let mut rest = segments.iter();
        for part in &self.parts {
            let segment = rest.next()?;
            match part {
                Part::Exactly(text) if text == segment => {}
                Part::Exactly(_) => return None,
                Part::One => {}
                Part::OneOrMore => return Some(PathMatch(self)),
            }
        }
        rest.next().is_none().then_some(PathMatch(self))
    }
}

impl TryFrom<String> for PathPattern {
    type Error = PatternError;
    fn try_from(text: String) -> Result<Self, PatternError> {
        Self::new(&text)
    }
}

impl From<PathPattern> for String {
    fn from(pattern: PathPattern) -> Self {
        pattern.text
    }
}

impl JsonSchema for PathPattern {
    fn schema_name() -> Cow<'static, str> {
        "PathPattern".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": "^/",
            "description": "Path segments below the endpoint's base; `*` is one segment, `**` one or more at the end.",
        })
    }
}

impl Grants {
    /// One thing.
    pub fn get(&self, label: &Label) -> Option<&Grant> {
        self.0.get(label)
    }

    /// All things, by label.
    pub fn iter(&self) -> impl Iterator<Item = (&Label, &Grant)> {
        self.0.iter()
    }

    /// Adds one thing.
    ///
    /// # Errors
    /// The label back, when it is already taken.
    pub fn add(&mut self, label: Label, grant: Grant) -> Result<(), TwoGrants> {
        if self.0.contains_key(&label) {
            return Err(TwoGrants(label));
        }
        self.0.insert(label, grant);
        Ok(())
    }
}

/// One label was granted twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TwoGrants(pub Label);

impl fmt::Display for TwoGrants {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is granted twice; a label names one thing of one kind", self.0)
    }
}

impl std::error::Error for TwoGrants {}

/// The tables as a file writes them, one for each kind.
#[derive(Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[allow(clippy::zero_sized_map_values, reason = "the file has a table for each label, empty for now")]
struct Tables {
    /// HTTP endpoints, by label.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    endpoint: BTreeMap<Label, EndpointGrant>,
    /// Keys that the step may use, by label.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    signer: BTreeMap<Label, Nothing>,
    /// Secrets that are revealed to the step, by label.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    secret: BTreeMap<Label, Nothing>,
    /// The time, by label.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    clock: BTreeMap<Label, Nothing>,
    /// Random bytes, by label.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    random: BTreeMap<Label, Nothing>,
}

/// An empty table: the grant has no settings yet, and an unknown key in it is an error.
#[derive(Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Nothing {}

impl TryFrom<Tables> for Grants {
    type Error = TwoGrants;
    fn try_from(tables: Tables) -> Result<Self, TwoGrants> {
        let mut grants = Self::default();
        for (label, grant) in tables.endpoint {
            grants.add(label, Grant::Endpoint(grant))?;
        }
        for (table, grant) in [
            (tables.signer, Grant::Signer),
            (tables.secret, Grant::Secret),
            (tables.clock, Grant::Clock),
            (tables.random, Grant::Random),
        ] {
            for label in table.into_keys() {
                grants.add(label, grant.clone())?;
            }
        }
        Ok(grants)
    }
}

impl From<Grants> for Tables {
    fn from(grants: Grants) -> Self {
        let mut tables = Self::default();
        for (label, grant) in grants.0 {
            match grant {
                Grant::Endpoint(endpoint) => drop(tables.endpoint.insert(label, endpoint)),
                Grant::Signer => drop(tables.signer.insert(label, Nothing {})),
                Grant::Secret => drop(tables.secret.insert(label, Nothing {})),
                Grant::Clock => drop(tables.clock.insert(label, Nothing {})),
                Grant::Random => drop(tables.random.insert(label, Nothing {})),
            }
        }
        tables
    }
}

#[cfg(test)]
mod tests {
    use super::{Grant, Grants, PathPattern, PatternError};
    use crate::Label;

    fn segments(path: &str) -> Vec<String> {
        path.split('/').map(str::to_owned).collect()
    }

    #[test]
    fn patterns_match_whole_segments() {
        let one = PathPattern::new("/suppliers/*").unwrap();
        assert!(one.matches(&segments("suppliers/7")).is_some());
        assert!(one.matches(&segments("suppliers")).is_none());
        assert!(one.matches(&segments("suppliers/7/8")).is_none());
        assert!(one.matches(&segments("supplier/7")).is_none());
        let more = PathPattern::new("/files/**").unwrap();
        assert!(more.matches(&segments("files/a/b")).is_some());
        assert!(more.matches(&segments("files")).is_none());
        assert!(PathPattern::new("/").unwrap().matches(&[]).is_some());
    }

    #[test]
    fn patterns_that_could_mislead_are_refused() {
        assert_eq!(PathPattern::new("suppliers"), Err(PatternError::NoSlash));
        for bad in ["/a//b", "/..", "/a/./b", "/a%2fb", "/a?b", "/a#b", "/a\\b", "/a\n"] {
            assert_eq!(PathPattern::new(bad), Err(PatternError::Segment), "{bad:?}");
        }
        for bad in ["/a*", "/**/a", "/***"] {
            assert_eq!(PathPattern::new(bad), Err(PatternError::Star), "{bad:?}");
        }
    }

    #[test]
    fn one_label_one_kind_and_no_unknown_keys() {
        let read = |text: &str| serde_json::from_str::<Grants>(text);
        let good =
            read(r#"{"endpoint":{"erp":{"methods":["GET"],"paths":["/x"]}},"signer":{"k":{}}}"#).unwrap();
        assert_eq!(good.get(&Label::new("k").unwrap()), Some(&Grant::Signer));
        assert!(
            read(r#"{"signer":{"k":{}},"secret":{"k":{}}}"#)
                .unwrap_err()
                .to_string()
                .contains("granted twice")
        );
        assert!(read(r#"{"signer":{"k":{"x":1}}}"#).is_err());
        assert!(read(r#"{"singer":{"k":{}}}"#).is_err());
        assert!(read(r#"{"endpoint":{"erp":{"methods":["get"],"paths":["/x"]}}}"#).is_err());
    }
}
