//! The environment's key and what is derived from it.

use aws_lc_rs::hmac;
use std::fmt;
use stepward_fault::{Class, Fault, Owner, Rule};
use stepward_seam::SecretBytes;

/// The environment's key is too short.
const KEY_LENGTH: Rule = Rule::new("environment-key-length");
/// Least length of the environment's key: the output of SHA-256 (RFC 2104, section 3).
pub const KEY_BYTES: usize = 32;

/// Keys for one purpose each, derived from the environment's key with HMAC-SHA-256 over the
/// purpose, so that a value made for one says nothing about another.
pub(crate) struct EnvironmentKeys {
    idempotency: hmac::Key,
    fingerprint: hmac::Key,
}

impl EnvironmentKeys {
    pub(crate) fn derive(root: &SecretBytes) -> Result<Self, Fault> {
        if root.expose().len() < KEY_BYTES {
            return Err(Fault::new(Class::Refused, Owner::Operator, KEY_LENGTH)
                .says(format_args!("the environment's key has {} bytes", root.expose().len()))
                .hint(format_args!("it needs at least {KEY_BYTES} random bytes")));
        }
        let root = hmac::Key::new(hmac::HMAC_SHA256, root.expose());
        let purpose = |name: &[u8]| hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(&root, name).as_ref());
        Ok(Self {
            idempotency: purpose(b"stepward/1 idempotency key"),
            fingerprint: purpose(b"stepward/1 secret fingerprint"),
        })
    }

    /// The idempotency key of one operation, in hex.
    ///
    /// Each part is preceded by its length, so that no two lists of parts read alike. The attempt
    /// is not among them: a retry carries the same key.
    pub(crate) fn idempotency(&self, parts: &[&str]) -> String {
        let mut context = hmac::Context::with_key(&self.idempotency);
        for part in parts {
            context.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            context.update(part.as_bytes());
        }
        hex::encode(context.sign().as_ref())
    }

    /// What stands for a revealed secret in everything that is written down, in hex: equal for
    /// equal bytes, and of no use for guessing them without the environment's key.
    pub(crate) fn fingerprint(&self, secret: &SecretBytes) -> String {
        hex::encode(hmac::sign(&self.fingerprint, secret.expose()).as_ref())
    }
}

impl fmt::Debug for EnvironmentKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EnvironmentKeys(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::EnvironmentKeys;
    use stepward_seam::SecretBytes;

    fn keys(byte: u8) -> EnvironmentKeys {
        EnvironmentKeys::derive(&SecretBytes::new(vec![byte; 32])).unwrap()
    }

    #[test]
    fn equal_parts_equal_keys_and_nothing_else() {
        let key = keys(1).idempotency(&["run", "step", "", "erp", "op"]);
        assert_eq!(key.len(), 64);
        assert_eq!(key, keys(1).idempotency(&["run", "step", "", "erp", "op"]));
        assert_ne!(key, keys(2).idempotency(&["run", "step", "", "erp", "op"]));
        assert_ne!(key, keys(1).idempotency(&["run", "ste", "p", "erp", "op"]));
        assert_ne!(key, keys(1).idempotency(&["run", "step", "", "erpo", "p"]));
    }

    #[test]
    fn a_fingerprint_is_keyed_and_apart_from_other_purposes() {
        let secret = || SecretBytes::new(b"0123456789".to_vec());
        assert_eq!(keys(1).fingerprint(&secret()), keys(1).fingerprint(&secret()));
        assert_ne!(keys(1).fingerprint(&secret()), keys(2).fingerprint(&secret()));
        assert_eq!(format!("{:?}", keys(1)), "EnvironmentKeys(…)");
        assert!(EnvironmentKeys::derive(&SecretBytes::new(vec![1; 31])).is_err());
    }
}
