//! The keys that signatures are checked with.

use super::{
    KeyName, NameError, SignedNote, base64_decode, base64_encode, error::NoteError, signed::Signature,
};
use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use sha2::{Digest as _, Sha256};
use std::fmt;

/// Bytes in an Ed25519 public key (RFC 8032, section 5.1.5).
pub const PUBLIC_KEY_BYTES: usize = 32;

/// The first bytes of a hash over name, kind and key (C2SP signed-note, "Signatures"). It tells keys
/// apart and proves nothing: anyone can make a key with a given one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId([u8; 4]);

impl KeyId {
    pub(super) fn from_bytes(bytes: [u8; 4]) -> Self {
        Self(bytes)
    }

    fn of(name: &KeyName, kind: Kind, public: &[u8; PUBLIC_KEY_BYTES]) -> Self {
        let hash = Sha256::new()
            .chain_update(name.as_str())
            .chain_update([b'\n', kind.byte()])
            .chain_update(public)
            .finalize();
        let [a, b, c, d, ..] = <[u8; 32]>::from(hash);
        Self([a, b, c, d])
    }

    /// The four bytes, as they stand before a signature.
    pub const fn as_bytes(&self) -> &[u8; 4] {
        &self.0
    }
}

/// Eight lower-case hex digits.
impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}

/// The kinds of signature that are known here (C2SP signed-note, "Signature types").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// `0x01`: Ed25519 over the note's text.
    Ed25519,
    /// `0x04`: Ed25519 over a time and a checkpoint.
    CosignatureV1,
}

impl Kind {
    const fn byte(self) -> u8 {
        match self {
            Self::Ed25519 => 0x01,
            Self::CosignatureV1 => 0x04,
        }
    }

    const fn of_byte(byte: u8) -> Option<Self> {
        match byte {
            0x01 => Some(Self::Ed25519),
            0x04 => Some(Self::CosignatureV1),
            _ => None,
        }
    }
}

/// A public key under its name.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Key {
    name: KeyName,
    id: KeyId,
    kind: Kind,
    public: [u8; PUBLIC_KEY_BYTES],
}

impl Key {
    pub(super) fn new(name: KeyName, kind: Kind, public: [u8; PUBLIC_KEY_BYTES]) -> Self {
        Self { id: KeyId::of(&name, kind, &public), name, kind, public }
    }

    /// Whether a signature claims to be by this key.
    pub(super) fn claims(&self, signature: &Signature) -> bool {
        signature.name() == self.name.as_str() && signature.id() == self.id
    }

    /// The signatures of a note that claim to be by this key.
    pub(super) fn claimed<'n>(&self, note: &'n SignedNote) -> impl Iterator<Item = &'n Signature> {
        note.signatures().iter().filter(move |signature| self.claims(signature))
    }

    /// Checks a signature over exactly these bytes.
    pub(super) fn check(&self, message: &[u8], signature: &[u8]) -> Result<(), NoteError> {
        UnparsedPublicKey::new(&ED25519, &self.public)
            .verify(message, signature)
            .map_err(|_| self.bad_signature())
    }

    pub(super) fn bad_signature(&self) -> NoteError {
        NoteError::BadSignature { key: self.name.clone(), id: self.id }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let material: Vec<u8> = [self.kind.byte()].into_iter().chain(self.public).collect();
        write!(f, "{}+{}+{}", self.name, self.id, base64_encode(material))
    }
}

/// Why a text is no verifier key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerifierKeyError {
    /// It is not made of the three parts.
    #[error("a verifier key is written NAME+ID+KEY: a name, 8 lower-case hex digits, and base64")]
    Form,
    /// The name is none.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The key is of a kind that is not known here.
    #[error(
        "signatures of kind {kind:#04x} are not known here; only Ed25519 (0x01) and cosignature/v1 (0x04) are"
    )]
    Kind {
        /// The kind's byte.
        kind: u8,
    },
    /// An Ed25519 key has another length.
    #[error("an Ed25519 public key has {PUBLIC_KEY_BYTES} bytes, not {bytes}")]
    Length {
        /// The length of this one.
        bytes: usize,
    },
    /// Name, key and number do not belong together.
    #[error("the key's ID is {computed}, but {written} is written: the key was mistyped or changed")]
    Id {
        /// What name and key give.
        computed: KeyId,
        /// What the text says.
        written: KeyId,
    },
    /// A log's key stands where a witness's belongs, or the other way round.
    #[error("this key is of kind {actual:#04x}, and here belongs one of kind {expected:#04x}")]
    OtherKind {
        /// The kind's byte.
        actual: u8,
        /// The byte of the kind that belongs here.
        expected: u8,
    },
}

/// A key that checks signatures, as it is written in files: `name+id+base64` (C2SP signed-note,
/// "Verifier keys"). Its kind says what it may sign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VerifierKey {
    /// Signs the notes of a log.
    Log(LogVerifier),
    /// Cosigns checkpoints of logs.
    Witness(WitnessVerifier),
}

impl VerifierKey {
    /// Reads a key.
    ///
    /// # Errors
    /// When it is not written as the specification says, is of another kind, or its ID is not that of
    /// its name and key.
    pub fn parse(text: &str) -> Result<Self, VerifierKeyError> {
        let key = parse(text)?;
        Ok(match key.kind {
            Kind::Ed25519 => Self::Log(LogVerifier(key)),
            Kind::CosignatureV1 => Self::Witness(WitnessVerifier(key)),
        })
    }
}

fn parse(text: &str) -> Result<Key, VerifierKeyError> {
    // No name has a plus sign; in base64 it is a digit.
    let (name, rest) = text.split_once('+').ok_or(VerifierKeyError::Form)?;
    let (id, material) = rest.split_once('+').ok_or(VerifierKeyError::Form)?;
    let name = KeyName::new(name)?;
    let mut written = [0; 4];
    hex::decode_to_slice(id, &mut written).map_err(|_| VerifierKeyError::Form)?;
    let written = KeyId(written);
    if written.to_string() != id {
        return Err(VerifierKeyError::Form);
    }
    let material = base64_decode(material).ok_or(VerifierKeyError::Form)?;
    let (kind, public) = material.split_first().ok_or(VerifierKeyError::Form)?;
    let kind = Kind::of_byte(*kind).ok_or(VerifierKeyError::Kind { kind: *kind })?;
    let public = public.try_into().map_err(|_| VerifierKeyError::Length { bytes: public.len() })?;
    let key = Key::new(name, kind, public);
    if key.id == written { Ok(key) } else { Err(VerifierKeyError::Id { computed: key.id, written }) }
}

macro_rules! verifier {
    ($(#[$doc:meta])* $name:ident, $kind:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq)]
        pub struct $name(pub(super) Key);

        impl $name {
            /// A public key under its name.
            pub fn new(name: KeyName, public: [u8; PUBLIC_KEY_BYTES]) -> Self {
                Self(Key::new(name, $kind, public))
            }

            /// Reads a key of this kind as [`VerifierKey::parse`] does.
            ///
            /// # Errors
            /// As there, and when it is a key of the other kind.
            pub fn parse(text: &str) -> Result<Self, VerifierKeyError> {
                let key = parse(text)?;
                if key.kind == $kind {
                    Ok(Self(key))
                } else {
                    Err(VerifierKeyError::OtherKind { actual: key.kind.byte(), expected: $kind.byte() })
                }
            }

            /// The key's name.
            pub fn name(&self) -> &KeyName {
                &self.0.name
            }

            /// The key's ID, which stands in its signatures.
            pub fn id(&self) -> KeyId {
                self.0.id
            }

            /// The public key (RFC 8032, section 5.1.5).
            pub fn public_key(&self) -> &[u8; PUBLIC_KEY_BYTES] {
                &self.0.public
            }
        }

        /// The text that [`parse`](Self::parse) reads.
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }
    };
}

verifier! {
    /// Checks the signatures of a log: Ed25519 over the note's text, kind `0x01`.
    LogVerifier, Kind::Ed25519
}

verifier! {
    /// Checks the cosignatures of a witness: cosignature/v1, kind `0x04`.
    WitnessVerifier, Kind::CosignatureV1
}
