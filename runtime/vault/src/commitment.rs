//! What stands in the log for a body.
//!
//! A commitment is SHA-256 over a domain, 32 random bytes and the body. The random bytes, the salt,
//! are sealed with the body: an amount or an account number cannot be guessed from the log, and
//! whoever is shown salt and body can check both against it.
//!
//! Commitments are compared with ordinary equality. They are public, the log prints them, so the
//! time of a comparison tells nobody anything.

use aws_lc_rs::digest;
use std::fmt;

/// Length of a salt in bytes: no search through the salts of one body ends.
pub const SALT_BYTES: usize = 32;
/// Keeps a commitment apart from every other SHA-256.
const DOMAIN: &[u8] = b"stepward/1 commitment\0";

/// `SHA-256("stepward/1 commitment\0" || salt || body)`.
///
/// The salt has a fixed length, so no two pairs of salt and body read alike.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Commitment([u8; 32]);

impl Commitment {
    /// Commits to a body.
    pub fn to(salt: &[u8; SALT_BYTES], body: &[u8]) -> Self {
        let mut context = digest::Context::new(&digest::SHA256);
        for part in [DOMAIN, salt, body] {
            context.update(part);
        }
        let mut bytes = [0; 32];
        bytes.copy_from_slice(context.finish().as_ref());
        Self(bytes)
    }

    /// Takes a commitment that was read from an event.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes that stand in an event.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Commitment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Commitment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Commitment({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::Commitment;

    /// The value comes from Python's `hashlib`.
    #[test]
    fn the_commitment_stays_as_it_is() {
        assert_eq!(
            Commitment::to(&[7; 32], b"amount 1200 NOK").to_string(),
            "5b8eb46cc4b2937bd5bf2228663179857994b1961affb01fe2f5807c05c50aa9"
        );
    }

    #[test]
    fn another_salt_or_body_is_another_commitment() {
        let commitment = Commitment::to(&[7; 32], b"body");
        assert_ne!(commitment, Commitment::to(&[8; 32], b"body"));
        assert_ne!(commitment, Commitment::to(&[7; 32], b"bodx"));
        assert_ne!(commitment, Commitment::to(&[7; 32], b""));
        assert_eq!(commitment, Commitment::from_bytes(*commitment.as_bytes()));
    }
}
