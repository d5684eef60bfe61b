//! The texts that may stand in an event: short, bounded, and nothing of a body.

use serde::{Deserialize, Serialize, de::Error as _};
use std::{borrow::Cow, fmt, sync::Arc};

/// Longest [`Name`] in bytes: a run's name, a label, a pseudonym, a version.
pub const NAME_BYTES: usize = 128;
/// Longest [`Text`] in bytes: a method and a path pattern of a grant.
pub const TEXT_BYTES: usize = 200;

/// A name: 1 to [`NAME_BYTES`] visible ASCII characters, no quotation mark and no backslash, so that it
/// reads the same in every encoding.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(Arc<str>);

/// A text that is no [`Name`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a name has 1 to {NAME_BYTES} visible ASCII characters, and no quotation mark or backslash")]
pub struct NameError;

impl Name {
    /// Takes a name.
    ///
    /// # Errors
    /// When it is empty, too long or has other characters.
    pub fn new(text: &str) -> Result<Self, NameError> {
        let fits = |b: u8| b.is_ascii_graphic() && b != b'"' && b != b'\\';
        if (1..=NAME_BYTES).contains(&text.len()) && text.bytes().all(fits) {
            Ok(Self(text.into()))
        } else {
            Err(NameError)
        }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for Name {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(&Cow::<str>::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

/// A short text of an operator or author, such as the rule that allowed a request. Whatever could
/// deceive a reader was escaped when it was made.
#[derive(Clone, PartialEq, Eq)]
pub struct Text(Arc<str>);

impl Text {
    /// Takes a text; what is longer than [`TEXT_BYTES`] ends in `…`.
    pub fn of(text: &str) -> Self {
        let text = stepward_fault::shown(text).to_string();
        if text.len() <= TEXT_BYTES {
            return Self(text.into());
        }
        let mut end = TEXT_BYTES - '…'.len_utf8();
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        Self(format!("{}…", text.get(..end).unwrap_or_default()).into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for Text {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        let taken = Self::of(&text);
        // Only what `of` leaves as it is can have been written.
        if taken.as_str() == text {
            Ok(taken)
        } else {
            Err(D::Error::custom("a text that is too long or not escaped"))
        }
    }
}

/// What stands in an event for a body that is sealed elsewhere: a SHA-256 that cannot be guessed
/// back, because 32 random bytes were hashed with the body. Written as 64 lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "Cow<'_, str>", into = "String")]
pub struct Commitment([u8; 32]);

impl Commitment {
    /// Takes over a commitment that was made elsewhere.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl From<Commitment> for String {
    fn from(commitment: Commitment) -> Self {
        hex::encode(commitment.0)
    }
}

impl TryFrom<Cow<'_, str>> for Commitment {
    type Error = &'static str;

    fn try_from(text: Cow<'_, str>) -> Result<Self, Self::Error> {
        let mut bytes = [0; 32];
        if text.bytes().any(|b| b.is_ascii_uppercase()) || hex::decode_to_slice(&*text, &mut bytes).is_err() {
            return Err("a commitment is 64 lower-case hex digits");
        }
        Ok(Self(bytes))
    }
}

impl fmt::Display for Commitment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Commitment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
