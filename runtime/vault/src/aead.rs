//! AES-256-GCM-SIV (RFC 8452) as everything here uses it: sealed bodies, wrapped keys and the
//! sealed environment key are all `version || nonce || ciphertext || tag`.
//!
//! A random nonce of 96 bits may repeat among very many messages under one key; GCM-SIV then
//! reveals no more than whether two plaintexts with equal associated data are equal.

use aws_lc_rs::{
    aead::{AES_256_GCM_SIV, Aad, LessSafeKey, Nonce, UnboundKey},
    rand,
};
use std::fmt;
use stepward_fault::{Class, Fault, Owner, Rule};
use zeroize::Zeroizing;

/// The system gives no random bytes.
const ENTROPY: Rule = Rule::new("entropy-failed");
/// The cryptographic library refused something that it always does.
const PROVIDER: Rule = Rule::new("crypto-provider");

/// Length of every symmetric key here, in bytes: AES-256.
pub(crate) const KEY_BYTES: usize = 32;
/// Length of a nonce in bytes (RFC 8452, section 4).
pub(crate) const NONCE_BYTES: usize = 12;
/// Length of a tag in bytes (RFC 8452, section 4).
const TAG_BYTES: usize = 16;
/// What sealing adds to the length of a plaintext, in bytes: version, nonce and tag.
pub(crate) const OVERHEAD: usize = 1 + NONCE_BYTES + TAG_BYTES;
/// The version byte of this form.
const VERSION: u8 = 1;

/// Why something sealed did not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unopened {
    /// It is too short to be anything that was sealed here.
    Short,
    /// It was sealed in a form that this version does not know.
    Version(u8),
    /// The tag does not hold: other key, other associated data or changed bytes. Which of them it
    /// was cannot be known.
    Tag,
}

impl fmt::Display for Unopened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Short => f.write_str("it is cut short"),
            Self::Version(version) => write!(f, "it has the unknown form {version}"),
            Self::Tag => f.write_str("its authentication tag does not hold"),
        }
    }
}

/// Random bytes of the system.
pub(crate) fn random<const N: usize>() -> Result<Zeroizing<[u8; N]>, Fault> {
    let mut bytes = Zeroizing::new([0; N]);
    rand::fill(bytes.as_mut_slice()).map_err(|_| {
        Fault::new(Class::Internal, Owner::Operator, ENTROPY)
            .says("the system gives no random bytes")
            .hint("look at the machine's entropy source")
    })?;
    Ok(bytes)
}

/// Associated data: each part preceded by its length as a big-endian u64, so that no two lists of
/// parts read alike.
pub(crate) fn list(parts: &[&[u8]]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(parts.iter().map(|part| part.len() + 8).sum());
    for part in parts {
        bytes.extend_from_slice(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        bytes.extend_from_slice(part);
    }
    bytes
}

/// A key that seals and opens. The library keeps the expanded key outside of Rust's memory and
/// wipes it when this is dropped.
pub(crate) struct Key(LessSafeKey);

impl Key {
    pub(crate) fn new(bytes: &[u8; KEY_BYTES]) -> Result<Self, Fault> {
        UnboundKey::new(&AES_256_GCM_SIV, bytes)
            .map(|key| Self(LessSafeKey::new(key)))
            .map_err(|_| provider())
    }

    /// Seals the parts, one after the other, as one plaintext.
    pub(crate) fn seal(
        &self,
        nonce: [u8; NONCE_BYTES],
        associated: &[u8],
        parts: &[&[u8]],
    ) -> Result<Vec<u8>, Fault> {
        let length = parts.iter().map(|part| part.len()).sum::<usize>();
        // The whole room at once: a vector that grows would leave plaintext behind.
        let mut bytes = Zeroizing::new(Vec::with_capacity(length + OVERHEAD));
        bytes.push(VERSION);
        bytes.extend_from_slice(&nonce);
        for part in parts {
            bytes.extend_from_slice(part);
        }
        let plaintext = bytes.get_mut(1 + NONCE_BYTES..).ok_or_else(provider)?;
        let nonce = Nonce::assume_unique_for_key(nonce);
        let tag = self
            .0
            .seal_in_place_separate_tag(nonce, Aad::from(associated), plaintext)
            .map_err(|_| provider())?;
        bytes.extend_from_slice(tag.as_ref());
        Ok(std::mem::take(&mut *bytes))
    }

    /// Opens what [`seal`](Self::seal) made with the same associated data.
    pub(crate) fn open(&self, associated: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, Unopened> {
        let (version, rest) = sealed.split_first().ok_or(Unopened::Short)?;
        if *version != VERSION {
            return Err(Unopened::Version(*version));
        }
        let (nonce, rest) = rest.split_first_chunk::<NONCE_BYTES>().ok_or(Unopened::Short)?;
        let (ciphertext, tag) = rest.split_last_chunk::<TAG_BYTES>().ok_or(Unopened::Short)?;
        let mut plaintext = Zeroizing::new(vec![0; ciphertext.len()]);
        self.0
            .open_separate_gather(
                Nonce::assume_unique_for_key(*nonce),
                Aad::from(associated),
                ciphertext,
                tag,
                &mut plaintext,
            )
            .map_err(|_| Unopened::Tag)?;
        Ok(plaintext)
    }

    /// Seals another key.
    pub(crate) fn wrap(&self, associated: &[u8], key: &[u8; KEY_BYTES]) -> Result<Vec<u8>, Fault> {
        self.seal(*random()?, associated, &[key])
    }

    /// Opens what [`wrap`](Self::wrap) made.
    pub(crate) fn unwrap(
        &self,
        associated: &[u8],
        wrapped: &[u8],
    ) -> Result<Zeroizing<[u8; KEY_BYTES]>, Unopened> {
        let opened = self.open(associated, wrapped)?;
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        if opened.len() != KEY_BYTES {
            return Err(Unopened::Short);
        }
        key.copy_from_slice(&opened);
        Ok(key)
    }
}

/// What the library refuses only when memory is exhausted or the program is wrong.
pub(crate) fn provider() -> Fault {
    Fault::new(Class::Internal, Owner::Stepward, PROVIDER)
        .says("the cryptographic library refused an ordinary operation")
        .hint("see whether the machine is out of memory; otherwise please report it")
}

#[cfg(test)]
mod tests {
    use super::{Key, NONCE_BYTES, Unopened, list};

    fn key() -> Key {
        let mut bytes = [0; 32];
        bytes[0] = 1;
        Key::new(&bytes).unwrap()
    }

    fn nonce() -> [u8; NONCE_BYTES] {
        let mut nonce = [0; NONCE_BYTES];
        nonce[0] = 3;
        nonce
    }

    /// RFC 8452, appendix C.2: AES-256 with empty, 8 and 12 bytes, and 8 bytes with one byte of
    /// associated data.
    #[test]
    fn the_vectors_of_rfc_8452() {
        let cases = [
            ("", "", "07f5f4169bbf55a8400cd47ea6fd400f"),
            ("", "0100000000000000", "c2ef328e5c71c83b843122130f7364b761e0b97427e3df28"),
            ("", "010000000000000000000000", "9aab2aeb3faa0a34aea8e2b18ca50da9ae6559e48fd10f6e5c9ca17e"),
            ("01", "0200000000000000", "1de22967237a813291213f267e3b452f02d01ae33e4ec854"),
        ];
        for (associated, plaintext, expected) in cases {
            let (associated, plaintext) = (hex::decode(associated).unwrap(), hex::decode(plaintext).unwrap());
            let sealed = key().seal(nonce(), &associated, &[&plaintext]).unwrap();
            assert_eq!(hex::encode(&sealed[13..]), expected);
            assert_eq!(key().open(&associated, &sealed).unwrap().as_slice(), plaintext);
        }
    }

    #[test]
    fn what_does_not_open_says_why() {
        let sealed = key().seal(nonce(), b"a", &[b"body"]).unwrap();
        let why = |bytes: &[u8]| key().open(b"a", bytes).unwrap_err();
        assert_eq!(why(&[]), Unopened::Short);
        assert_eq!(why(&sealed[..28]), Unopened::Short);
        assert_eq!(why(&sealed[..29]), Unopened::Tag);
        let mut other = sealed.clone();
        other[0] = 2;
        assert_eq!(why(&other), Unopened::Version(2));
        assert_eq!(key().open(b"b", &sealed).unwrap_err(), Unopened::Tag);
        let wrapped = key().wrap(b"a", &[7; 32]).unwrap();
        assert_eq!(*key().unwrap(b"a", &wrapped).unwrap(), [7; 32]);
        assert_eq!(key().unwrap(b"a", &sealed).unwrap_err(), Unopened::Short);
    }

    #[test]
    fn no_two_lists_read_alike() {
        assert_ne!(list(&[b"ab", b"c"]), list(&[b"a", b"bc"]));
        assert_ne!(list(&[b"", b"a"]), list(&[b"a", b""]));
        assert_eq!(list(&[b"a"]), b"\0\0\0\0\0\0\0\x01a");
    }
}
