//! What is derived from the environment's key.

use crate::aead::{KEY_BYTES, Key, provider};
use aws_lc_rs::{hkdf, hmac};
use std::{fmt, sync::Arc};
use stepward_fault::{Class, Fault, Owner, Rule};
use stepward_seam::SecretBytes;
use zeroize::Zeroizing;

/// The environment's key is too short.
const KEY_LENGTH: Rule = Rule::new("environment-key-length");

/// Least length of an environment's key in bytes: as much as the keys that are derived from it.
pub const ENVIRONMENT_KEY_BYTES: usize = 32;
/// How much of its HMAC stands in a pseudonym, in bytes: short enough to read, and two people among
/// a million share one with a chance of one in 37 million.
const PSEUDONYM_BYTES: usize = 8;

/// The top of an environment's key hierarchy: keys for one purpose each, derived from the
/// environment's key with HKDF-SHA-256 (RFC 5869), so that one of them says nothing about another.
///
/// The salt is empty: the environment's key is uniformly random, which is where RFC 5869, section
/// 3.1, lets it be. The info is `stepward/1 ` and the purpose.
pub struct EnvironmentRoot {
    log_signing: Zeroizing<[u8; KEY_BYTES]>,
    wrapping: Arc<Key>,
    pseudonyms: hmac::Key,
    log_seal: hmac::Key,
}

impl EnvironmentRoot {
    /// Derives the keys. The environment's key itself is not kept.
    ///
    /// # Errors
    /// When the key has fewer than [`ENVIRONMENT_KEY_BYTES`] bytes.
    pub fn derive(key: &SecretBytes) -> Result<Self, Fault> {
        if key.expose().len() < ENVIRONMENT_KEY_BYTES {
            return Err(Fault::new(Class::Refused, Owner::Operator, KEY_LENGTH)
                .says(format_args!("the environment's key has {} bytes", key.expose().len()))
                .hint(format_args!("it needs at least {ENVIRONMENT_KEY_BYTES} random bytes")));
        }
        let root = hkdf::Salt::none(hkdf::HKDF_SHA256).extract(key.expose());
        let purpose = |name: &[u8]| expand(&root, &[b"stepward/1 ", name]);
        Ok(Self {
            log_signing: purpose(b"log signing key")?,
            wrapping: Arc::new(Key::new(&*purpose(b"wrapping keys")?)?),
            pseudonyms: hmac::Key::new(hmac::HMAC_SHA256, purpose(b"pseudonyms")?.as_slice()),
            log_seal: hmac::Key::new(hmac::HMAC_SHA256, purpose(b"log seal")?.as_slice()),
        })
    }

    /// The seed of the Ed25519 key that signs the log's checkpoints (RFC 8032, section 5.1.5).
    pub fn log_signing_seed(&self) -> Zeroizing<[u8; KEY_BYTES]> {
        self.log_signing.clone()
    }

    /// What stands for a person in everything that is written down: `p-` and 16 hex digits. Equal
    /// for equal names in one environment, different in another, and of no use for guessing the
    /// name without the environment's key.
    pub fn pseudonym(&self, person: &str) -> String {
        let tag = hmac::sign(&self.pseudonyms, person.as_bytes());
        format!("p-{}", hex::encode(tag.as_ref().get(..PSEUDONYM_BYTES).unwrap_or_default()))
    }

    /// HMAC-SHA-256 (RFC 2104) under a key for the seals of the log alone.
    pub fn log_seal(&self) -> impl Fn(&[u8]) -> [u8; KEY_BYTES] + Send + Sync + use<> {
        let key = self.log_seal.clone();
        move |message| {
            let mut tag = [0; KEY_BYTES];
            for (byte, made) in tag.iter_mut().zip(hmac::sign(&key, message).as_ref()) {
                *byte = *made;
            }
            tag
        }
    }

    /// The key that wraps wrapping keys.
    pub(crate) fn wrapping(&self) -> Arc<Key> {
        Arc::clone(&self.wrapping)
    }
}

impl fmt::Debug for EnvironmentRoot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EnvironmentRoot(…)")
    }
}

struct Length(usize);

impl hkdf::KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

fn expand<const N: usize>(root: &hkdf::Prk, info: &[&[u8]]) -> Result<Zeroizing<[u8; N]>, Fault> {
    let mut bytes = Zeroizing::new([0; N]);
    root.expand(info, Length(N)).and_then(|key| key.fill(bytes.as_mut_slice())).map_err(|_| provider())?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::{EnvironmentRoot, expand};
    use aws_lc_rs::hkdf;
    use stepward_seam::SecretBytes;

    /// RFC 5869, appendix A.1.
    #[test]
    fn test_case_1_of_rfc_5869() {
        let salt = hex::decode("000102030405060708090a0b0c").unwrap();
        let info = hex::decode("f0f1f2f3f4f5f6f7f8f9").unwrap();
        let root = hkdf::Salt::new(hkdf::HKDF_SHA256, &salt).extract(&[0x0b; 22]);
        assert_eq!(
            hex::encode(*expand::<42>(&root, &[&info]).unwrap()),
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"
        );
    }

    /// The values come from an HKDF and an HMAC written with Python's `hmac`: a change of any of
    /// them would orphan every log, key store and pseudonym that exists.
    #[test]
    fn the_derivations_stay_as_they_are() {
        let root = EnvironmentRoot::derive(&SecretBytes::new((0..32).collect())).unwrap();
        assert_eq!(
            hex::encode(*root.log_signing_seed()),
            "79e5592c8bce48f8fa7ebf0b3c3d6bfafe00fd3622e7a130420ca19bad897099"
        );
        assert_eq!(root.pseudonym("Åse Nordmann"), "p-2e4807402e615347");
        let wrapping =
            hex::decode("d7433bb090c3a6129679af6509d2941695d817b0f81380fe31e9fc961a2a811b").unwrap();
        let wrapping = crate::aead::Key::new(&wrapping.try_into().unwrap()).unwrap();
        let wrapped = root.wrapping().wrap(b"", &[9; 32]).unwrap();
        assert_eq!(*wrapping.unwrap(b"", &wrapped).unwrap(), [9; 32]);
    }

    #[test]
    fn a_short_key_is_refused_and_nothing_is_shown() {
        let fault = EnvironmentRoot::derive(&SecretBytes::new(vec![1; 31])).unwrap_err();
        assert_eq!(fault.rule().as_str(), "environment-key-length");
        let root = |byte| EnvironmentRoot::derive(&SecretBytes::new(vec![byte; 33])).unwrap();
        assert_eq!(format!("{:?}", root(1)), "EnvironmentRoot(…)");
        assert_eq!(root(1).pseudonym("a"), root(1).pseudonym("a"));
        assert_ne!(root(1).pseudonym("a"), root(1).pseudonym("b"));
        assert_ne!(root(1).pseudonym("a"), root(2).pseudonym("a"));
    }
}
