//! Keys that are used without being seen.

use crate::Refused;
#[cfg(not(target_arch = "wasm32"))]
use std::cell::RefCell;
use std::fmt::Write as _;

/// A key that the step can use without seeing it.
///
/// ```
/// use stepward_sdk::{Algorithm, Signer};
///
/// let signer = Signer::scripted(Algorithm::HmacSha256, "2026-01", |message| message.to_vec());
/// let signature = signer.sign(b"pay 100.00 EUR")?;
/// assert_eq!(signature.key_version(), "2026-01");
/// assert_eq!(signer.signed(), [b"pay 100.00 EUR"]);
/// # Ok::<(), stepward_sdk::Refused>(())
/// ```
pub struct Signer(Backend);

enum Backend {
    #[cfg(target_arch = "wasm32")]
    Host(fn(&[u8]) -> Result<Signature, Refused>),
    #[cfg(not(target_arch = "wasm32"))]
    Script { sign: Box<Sign>, signed: RefCell<Vec<Vec<u8>>> },
}

#[cfg(not(target_arch = "wasm32"))]
type Sign = dyn Fn(&[u8]) -> Result<Signature, Refused>;

/// How a signature was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// RFC 2104 with SHA-256; 32 bytes.
    HmacSha256,
    /// RFC 8032; 64 bytes.
    Ed25519,
}

/// A signature and what a verifier needs to find the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    pub(crate) algorithm: Algorithm,
    pub(crate) key_version: String,
    pub(crate) bytes: Vec<u8>,
}

impl Signature {
    /// How it was made.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The version of the key, as the operator named it.
    pub fn key_version(&self) -> &str {
        &self.key_version
    }

    /// The signature.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The signature in lower-case hexadecimal.
    pub fn to_hex(&self) -> String {
        self.bytes.iter().fold(String::with_capacity(self.bytes.len() * 2), |mut text, byte| {
            // Writing to a `String` cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
    }
}

impl Signer {
    #[cfg(target_arch = "wasm32")]
    pub(crate) fn host(sign: fn(&[u8]) -> Result<Signature, Refused>) -> Self {
        Self(Backend::Host(sign))
    }

    /// Signs a message.
    ///
    /// # Errors
    /// [`Refused`] names the host's rule.
    pub fn sign(&self, message: &[u8]) -> Result<Signature, Refused> {
        match &self.0 {
            #[cfg(target_arch = "wasm32")]
            Backend::Host(sign) => sign(message),
            #[cfg(not(target_arch = "wasm32"))]
            Backend::Script { sign, signed } => {
                signed.borrow_mut().push(message.to_vec());
                sign(message)
            }
        }
    }
}

#[cfg(not(target_arch = "wasm32"))]
impl Signer {
    /// A signer for native tests: `sign` makes the bytes of each signature.
    pub fn scripted(
        algorithm: Algorithm,
        key_version: impl Into<String>,
        sign: impl Fn(&[u8]) -> Vec<u8> + 'static,
    ) -> Self {
        let key_version = key_version.into();
        Self::answering(move |message| {
            Ok(Signature { algorithm, key_version: key_version.clone(), bytes: sign(message) })
        })
    }

    /// A signer for native tests that the host refuses by `rule`.
    pub fn refusing(rule: impl Into<String>) -> Self {
        let rule = rule.into();
        Self::answering(move |_| Err(Refused::new(rule.clone())))
    }

    /// The messages that a scripted signer was asked to sign, in order.
    pub fn signed(&self) -> Vec<Vec<u8>> {
        match &self.0 {
            Backend::Script { signed, .. } => signed.borrow().clone(),
        }
    }

    fn answering(sign: impl Fn(&[u8]) -> Result<Signature, Refused> + 'static) -> Self {
        Self(Backend::Script { sign: Box::new(sign), signed: RefCell::default() })
    }
}
