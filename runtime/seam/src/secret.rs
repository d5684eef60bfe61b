//! Bytes that must not be seen.

use std::fmt;
use zeroize::Zeroizing;

/// A secret in memory: wiped when dropped, not shown by `Debug`, not serialisable, not cloned by
/// accident ([`duplicate`](Self::duplicate) says so at the place).
pub struct SecretBytes(Zeroizing<Vec<u8>>);

impl SecretBytes {
    /// Takes the bytes over.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The bytes, for the one use that needs them.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// A second copy, wiped on its own.
    #[must_use]
    pub fn duplicate(&self) -> Self {
        Self(self.0.clone())
    }
}

impl fmt::Debug for SecretBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretBytes(…)")
    }
}
