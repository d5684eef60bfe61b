//! Keys that steps use without seeing them.

use crate::guard::GuardBuilder;
use aws_lc_rs::{hmac, signature::Ed25519KeyPair};
use rustls_pki_types::{PrivatePkcs8KeyDer, pem::PemObject as _};
use std::fmt;
use stepward_fault::{Class, Fault, Owner, Rule};
use stepward_seam::{Algorithm, Body, Label, SecretBytes, Signature};
use zeroize::Zeroizing;

/// The secret is no key of the algorithm.
const SIGNER_KEY: Rule = Rule::new("signer-key");
/// Least length of an HMAC key: the output of SHA-256 (RFC 2104, section 3).
const HMAC_BYTES: usize = 32;
/// Length of an Ed25519 seed (RFC 8032, section 5.1.5).
const SEED_BYTES: usize = 32;

/// A key with the version that verifiers find it by.
pub(crate) struct SigningKey {
    key: Key,
    secret: Label,
    version: String,
}

enum Key {
    Hmac(Box<hmac::Key>),
    Ed25519(Box<Ed25519KeyPair>),
}

impl SigningKey {
    /// Reads the key and tells the guard what to look for.
    ///
    /// # Errors
    /// When the secret is no key of the algorithm.
    pub(crate) fn ready(
        algorithm: Algorithm,
        name: &Label,
        version: &str,
        secret: &SecretBytes,
        guard: &mut GuardBuilder,
    ) -> Result<Self, Fault> {
        let refused = |says: &str, hint: &str| {
            Fault::new(Class::Refused, Owner::Operator, SIGNER_KEY)
                .at(format_args!("secret {name}"))
                .says(format_args!("the secret {name:?} {says}"))
                .hint(hint)
        };
        let key = match algorithm {
            Algorithm::HmacSha256 => {
                if secret.expose().len() < HMAC_BYTES {
                    return Err(refused(
                        "is shorter than 32 bytes",
                        "make a longer one: openssl rand -hex 32",
                    ));
                }
                guard.add(name, secret.expose())?;
                Key::Hmac(Box::new(hmac::Key::new(hmac::HMAC_SHA256, secret.expose())))
            }
            Algorithm::Ed25519 => {
                let (pair, seed) = ed25519(secret.expose()).ok_or_else(|| {
                    refused(
                        "is no Ed25519 key",
                        "make one: openssl genpkey -algorithm ed25519\n(or give the seed: 32 raw bytes that do not \
                         end in a newline, or 64 hexadecimal digits)",
                    )
                })?;
                guard.add(name, &seed)?;
                guard.add(name, secret.expose())?;
                Key::Ed25519(Box::new(pair))
            }
        };
        Ok(Self { key, secret: name.clone(), version: version.to_owned() })
    }

    /// The name of the secret.
    pub(crate) fn secret(&self) -> &Label {
        &self.secret
    }

    /// Its version.
    pub(crate) fn version(&self) -> &str {
        &self.version
    }

    /// Signs a message.
    pub(crate) fn sign(&self, message: &Body) -> Signature {
        let (algorithm, bytes) = match &self.key {
            Key::Hmac(key) => (Algorithm::HmacSha256, hmac::sign(key, &message.0).as_ref().to_vec()),
            Key::Ed25519(pair) => (Algorithm::Ed25519, pair.sign(&message.0).as_ref().to_vec()),
        };
        Signature { algorithm, key_version: self.version.clone(), bytes: Body(bytes) }
    }
}

/// A key pair and its seed, from PKCS#8 in PEM, 64 hexadecimal digits or 32 bytes.
fn ed25519(secret: &[u8]) -> Option<(Ed25519KeyPair, Zeroizing<Vec<u8>>)> {
    if secret.starts_with(b"-----BEGIN ") {
        let der = PrivatePkcs8KeyDer::from_pem_slice(secret).ok()?;
        let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(der.secret_pkcs8_der()).ok()?;
        let seed = pair.seed().ok()?;
        let bytes =
            aws_lc_rs::encoding::AsBigEndian::<aws_lc_rs::encoding::Curve25519SeedBin<'_>>::as_be_bytes(
                &seed,
            );
        let seed = Zeroizing::new(bytes.ok()?.as_ref().to_vec());
        return Some((pair, seed));
    }
    // Half of the digits of a seed are as many bytes as a seed has; no raw seed looks like that.
    if secret.len() == SEED_BYTES && secret.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    let seed = if secret.len() == 2 * SEED_BYTES { hex::decode(secret).ok()? } else { secret.to_vec() };
    let seed = Zeroizing::new(seed);
    Some((Ed25519KeyPair::from_seed_unchecked(&seed).ok()?, seed))
}

/// The algorithm and the version, and never the key.
impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let algorithm = match &self.key {
            Key::Hmac(_) => "hmac-sha256",
            Key::Ed25519(_) => "ed25519",
        };
        write!(f, "SigningKey({algorithm}, version {})", self.version)
    }
}

#[cfg(test)]
mod tests {
    use super::SigningKey;
    use crate::guard::GuardBuilder;
    use stepward_seam::{Algorithm, Body, Label, SecretBytes};

    fn key(algorithm: Algorithm, secret: &[u8]) -> Result<SigningKey, stepward_fault::Fault> {
        let name = Label::new("payment-key").unwrap();
        let secret = SecretBytes::new(secret.to_vec());
        SigningKey::ready(algorithm, &name, "7", &secret, &mut GuardBuilder::default())
    }

    /// RFC 8032, section 7.1, test 2.
    const SEED: &str = "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb";
    const SIGNATURE: &str = "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da\
                             085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00";

    #[test]
    fn ed25519_in_every_form_signs_alike() {
        let seed = hex::decode(SEED).unwrap();
        // PKCS#8 version 1 of RFC 8410, section 7: a fixed head and the seed.
        let mut der = hex::decode("302e020100300506032b657004220420").unwrap();
        der.extend_from_slice(&seed);
        let body = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, der);
        let pem = format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----");
        for secret in [&seed[..], SEED.as_bytes(), pem.as_bytes()] {
            let signature = key(Algorithm::Ed25519, secret).unwrap().sign(&Body(vec![0x72]));
            assert_eq!(hex::encode(&signature.bytes.0), SIGNATURE);
            assert_eq!(signature.key_version, "7");
        }
    }

    #[test]
    fn hmac_is_that_of_rfc_4231_and_verifies() {
        let key_bytes = [0xaa_u8; 131];
        let message = b"Test Using Larger Than Block-Size Key - Hash Key First";
        let signature = key(Algorithm::HmacSha256, &key_bytes).unwrap().sign(&Body(message.to_vec()));
        // Test case 6.
        assert_eq!(
            hex::encode(&signature.bytes.0),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
        );
    }

    #[test]
    fn what_is_no_key_is_refused_and_not_quoted() {
        for (algorithm, secret) in [
            (Algorithm::HmacSha256, &b"only-thirty-one-bytes-long-here"[..]),
            (Algorithm::Ed25519, b"only-thirty-one-bytes-long-here"),
            (Algorithm::Ed25519, b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----"),
        ] {
            let fault = format!("{:?}", key(algorithm, secret).unwrap_err());
            assert!(fault.contains("signer-key") && !fault.contains("thirty-one"), "{fault}");
        }
        let debug = format!("{:?}", key(Algorithm::Ed25519, SEED.as_bytes()).unwrap());
        assert_eq!(debug, "SigningKey(ed25519, version 7)");
    }
}
