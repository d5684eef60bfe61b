//! Secrets whose bytes enter the step.

use crate::Refused;
use std::fmt;

/// A secret that the step can reveal to itself.
///
/// Loud in every report. Prefer a credential that the host injects into an endpoint, or a
/// [`Signer`](crate::Signer).
///
/// ```
/// use stepward_sdk::Secret;
///
/// let secret = Secret::scripted("7", "correct horse");
/// let revealed = secret.reveal()?;
/// assert_eq!(revealed.expose(), b"correct horse");
/// assert!(!format!("{revealed:?}").contains("horse"));
/// # Ok::<(), stepward_sdk::Refused>(())
/// ```
pub struct Secret(Backend);

enum Backend {
    #[cfg(target_arch = "wasm32")]
    Host(fn() -> Result<Revealed, Refused>),
    #[cfg(not(target_arch = "wasm32"))]
    Script(Result<(String, Vec<u8>), Refused>),
}

/// A revealed secret. `Debug` shows its version only.
pub struct Revealed {
    pub(crate) version: String,
    pub(crate) value: Vec<u8>,
}

impl Revealed {
    /// The version, as the operator named it.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The bytes, for the one use that needs them.
    pub fn expose(&self) -> &[u8] {
        &self.value
    }
}

impl fmt::Debug for Revealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Revealed").field("version", &self.version).finish_non_exhaustive()
    }
}

impl Secret {
    #[cfg(target_arch = "wasm32")]
    pub(crate) fn host(reveal: fn() -> Result<Revealed, Refused>) -> Self {
        Self(Backend::Host(reveal))
    }

    /// A secret for native tests.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn scripted(version: impl Into<String>, value: impl Into<Vec<u8>>) -> Self {
        Self(Backend::Script(Ok((version.into(), value.into()))))
    }

    /// A secret for native tests that the host refuses by `rule`.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn refusing(rule: impl Into<String>) -> Self {
        Self(Backend::Script(Err(Refused::new(rule))))
    }

    /// Reveals the secret.
    ///
    /// # Errors
    /// [`Refused`] names the host's rule.
    pub fn reveal(&self) -> Result<Revealed, Refused> {
        match &self.0 {
            #[cfg(target_arch = "wasm32")]
            Backend::Host(reveal) => reveal(),
            #[cfg(not(target_arch = "wasm32"))]
            Backend::Script(answer) => answer.clone().map(|(version, value)| Revealed { version, value }),
        }
    }
}
