//! The names under which a step asks for things, and the kinds of things there are.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use std::{borrow::Cow, fmt};

/// The name of one granted thing: the label of an import in the step's world.
///
/// Lower-case ASCII words of letters and digits joined by single dashes, each starting with a
/// letter, at most 64 bytes. That is the kebab-case of the component model without its upper-case
/// words, so two labels are equal exactly when their bytes are, and no look-alike can be written.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Label(String);

/// Longest label, in bytes.
pub(crate) const LABEL_BYTES: usize = 64;

/// Why a text is no label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LabelError {
    /// Empty, or longer than 64 bytes.
    Length,
    /// Not lower-case ASCII words joined by single dashes.
    Spelling,
}

impl fmt::Display for LabelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Length => "a label has 1 to 64 bytes",
            Self::Spelling => {
                "a label is made of lower-case ASCII words of letters and digits, each starting with a letter, \
                 joined by single dashes, such as `payment-signing`"
            }
        })
    }
}

impl std::error::Error for LabelError {}

impl Label {
    /// Checks the spelling.
    ///
    /// # Errors
    /// [`LabelError`] says what is wrong with it.
    pub fn new(text: &str) -> Result<Self, LabelError> {
        if text.is_empty() || text.len() > LABEL_BYTES {
            return Err(LabelError::Length);
        }
        let word = |w: &str| {
            w.starts_with(|c: char| c.is_ascii_lowercase())
                && w.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        };
        if text.split('-').all(word) { Ok(Self(text.to_owned())) } else { Err(LabelError::Spelling) }
    }

    /// The label's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl JsonSchema for Label {
    fn schema_name() -> Cow<'static, str> {
        "Label".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "maxLength": LABEL_BYTES,
            "pattern": "^[a-z][a-z0-9]*(-[a-z][a-z0-9]*)*$",
        })
    }
}

impl TryFrom<String> for Label {
    type Error = LabelError;
    fn try_from(text: String) -> Result<Self, LabelError> {
        Self::new(&text)
    }
}

impl From<Label> for String {
    fn from(label: Label) -> Self {
        label.0
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`", self.0)
    }
}

/// The kinds of things that can be granted: the interfaces of `wit/step.wit` that a world imports
/// under a label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Interface {
    /// One named HTTP endpoint.
    HttpEndpoint,
    /// A key that is used without being seen.
    Signer,
    /// A secret that is revealed.
    Secret,
    /// The time.
    Clock,
    /// Random bytes.
    Random,
}

impl Interface {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::HttpEndpoint, Self::Signer, Self::Secret, Self::Clock, Self::Random];

    /// The interface's full name in `wit/`.
    pub const fn id(self) -> &'static str {
        match self {
            Self::HttpEndpoint => "stepward:step/http-endpoint@0.1.0",
            Self::Signer => "stepward:step/signer@0.1.0",
            Self::Secret => "stepward:step/secret@0.1.0",
            Self::Clock => "stepward:step/clock@0.1.0",
            Self::Random => "stepward:step/random@0.1.0",
        }
    }

    /// The table under `grants` in a workflow file that grants this kind.
    pub const fn grant_key(self) -> &'static str {
        match self {
            Self::HttpEndpoint => "endpoint",
            Self::Signer => "signer",
            Self::Secret => "secret",
            Self::Clock => "clock",
            Self::Random => "random",
        }
    }
}

impl fmt::Display for Interface {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

#[cfg(test)]
mod tests {
    use super::{Label, LabelError};

    #[test]
    fn one_spelling_per_label() {
        for good in ["erp", "payment-signing", "s3-west2"] {
            assert_eq!(Label::new(good).unwrap().as_str(), good);
        }
        for bad in ["Erp", "e_rp", "erp-", "-erp", "e--rp", "2fa", "еrp", "erp\u{200b}", "a.b", "a/b", "a b"]
        {
            assert_eq!(Label::new(bad), Err(LabelError::Spelling), "{bad:?}");
        }
        assert_eq!(Label::new(""), Err(LabelError::Length));
        assert_eq!(Label::new(&"a".repeat(65)), Err(LabelError::Length));
    }
}
