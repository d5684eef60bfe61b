//! The names that keys and logs go by.

use super::key::PUBLIC_KEY_BYTES;
use sha2::{Digest as _, Sha256};
use std::{fmt, num::NonZeroU32, sync::Arc};

/// Longest name in bytes: what the one-byte length before a name in newer C2SP cosignatures can say.
pub const MAX_NAME_BYTES: usize = 255;

/// Hex digits of the public key's hash that a log's origin shows: enough that no two logs are mistaken for
/// each other. The key itself is what is trusted.
const FINGERPRINT_DIGITS: usize = 16;

/// The name of a key (C2SP signed-note, "Format"): not empty, no Unicode white space, no plus sign, no
/// control character; here at most [`MAX_NAME_BYTES`] long. A log's name is its origin.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyName(Arc<str>);

/// A text that is no [`KeyName`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// It has characters that no key's name may have, or none.
    #[error("the name of a key has 1 to {MAX_NAME_BYTES} bytes, without spaces, `+` and control characters")]
    NotAName,
    /// An environment whose name has a slash could pose as another environment's log.
    #[error("the name of an environment has no `/`")]
    Slash,
}

impl KeyName {
    /// Takes a name.
    ///
    /// # Errors
    /// When it is empty, too long, or has white space, a plus sign or a control character.
    pub fn new(text: &str) -> Result<Self, NameError> {
        if text.len() > MAX_NAME_BYTES || !is_key_name(text) {
            return Err(NameError::NotAName);
        }
        Ok(Self(text.into()))
    }

    /// The origin of an environment's log: `stepward/<environment>/<fingerprint>`, the fingerprint being
    /// the first 16 hex digits of the public key's SHA-256. A log that was restored from a backup
    /// goes on as the next generation, with `/g2`, `/g3` and so on behind it: no witness may ever
    /// see a smaller tree under a name that it knows.
    ///
    /// # Errors
    /// When the environment's name cannot be part of a key's name, or has a slash.
    pub fn origin(
        environment: &str,
        public_key: &[u8; PUBLIC_KEY_BYTES],
        generation: NonZeroU32,
    ) -> Result<Self, NameError> {
        if environment.contains('/') {
            return Err(NameError::Slash);
        }
        if environment.is_empty() {
            return Err(NameError::NotAName);
        }
        let mut fingerprint = hex::encode(Sha256::digest(public_key));
        fingerprint.truncate(FINGERPRINT_DIGITS);
        let first = format!("stepward/{environment}/{fingerprint}");
        match generation.get() {
            1 => Self::new(&first),
            later => Self::new(&format!("{first}/g{later}")),
        }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &*self.0)
    }
}

/// Whether a signature line may carry this name. Its length is bounded by that of the note.
pub(super) fn is_key_name(text: &str) -> bool {
    !text.is_empty() && !text.chars().any(|c| c.is_whitespace() || c < ' ' || c == '+')
}
