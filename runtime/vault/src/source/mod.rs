//! Where an environment's key comes from.
//!
//! Bytes only: whoever embeds this reads the file, the credential or the passphrase.

pub mod passphrase;

use crate::root::ENVIRONMENT_KEY_BYTES;
use std::fmt;
use stepward_fault::{Class, Fault, Owner, Rule};
use stepward_seam::SecretBytes;

/// The bytes of a key file or credential cannot be an environment's key.
const KEY: Rule = Rule::new("environment-key");

/// Largest environment key in bytes: more than any key, and no file put there by mistake.
pub const ENVIRONMENT_KEY_BYTES_MAX: usize = 4096;

/// One way to hold the environment's key.
pub enum KeySource {
    /// The content of `environment.key`: random bytes, none of which is a line end.
    File(SecretBytes),
    /// The content of a systemd credential (`LoadCredential=`, `LoadCredentialEncrypted=`): the
    /// same bytes in a place that only the service sees.
    Credential(SecretBytes),
    /// The content of `environment.sealed`, and the passphrase that opens it.
    Passphrase {
        /// As a person typed it, without the line end.
        passphrase: SecretBytes,
        /// What [`passphrase::seal`] made.
        sealed: Vec<u8>,
    },
}

impl KeySource {
    /// The environment's key.
    ///
    /// # Errors
    /// When the bytes are fewer than [`ENVIRONMENT_KEY_BYTES`] or more than
    /// [`ENVIRONMENT_KEY_BYTES_MAX`], or all zero, as a file is whose content a power failure took;
    /// and what [`passphrase::open`] refuses.
    pub fn open(self) -> Result<SecretBytes, Fault> {
        let place = self.place();
        let bytes = match self {
            Self::File(bytes) | Self::Credential(bytes) => bytes,
            Self::Passphrase { passphrase, sealed } => return passphrase::open(&passphrase, &sealed),
        };
        let length = bytes.expose().len();
        let wrong = if !(ENVIRONMENT_KEY_BYTES..=ENVIRONMENT_KEY_BYTES_MAX).contains(&length) {
            format!("it has {length} bytes")
        } else if bytes.expose().iter().all(|byte| *byte == 0) {
            "it is all zero".to_owned()
        } else {
            return Ok(bytes);
        };
        Err(Fault::new(Class::BadInput, Owner::Operator, KEY)
            .at(place)
            .says(format_args!("this is not an environment's key: {wrong}"))
            .hint(format_args!(
                "it has {ENVIRONMENT_KEY_BYTES} to {ENVIRONMENT_KEY_BYTES_MAX} random bytes: restore it from a \
                 backup; with a new one, nothing that was sealed under the old one can be opened"
            )))
    }

    fn place(&self) -> &'static str {
        match self {
            Self::File(_) => "the environment's key file",
            Self::Credential(_) => "the environment's key credential",
            Self::Passphrase { .. } => passphrase::PLACE,
        }
    }
}

impl fmt::Debug for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeySource({})", self.place())
    }
}

#[cfg(test)]
mod tests {
    use super::{ENVIRONMENT_KEY_BYTES_MAX, KeySource};
    use stepward_seam::SecretBytes;

    #[test]
    fn a_key_is_taken_as_it_is_and_what_cannot_be_one_is_refused() {
        let open = |bytes: Vec<u8>| KeySource::File(SecretBytes::new(bytes)).open();
        let key: Vec<u8> = (0..31).chain([b'\n']).collect();
        assert_eq!(open(key.clone()).unwrap().expose(), key);
        assert_eq!(KeySource::Credential(SecretBytes::new(key.clone())).open().unwrap().expose(), key);
        assert!(open(vec![1; ENVIRONMENT_KEY_BYTES_MAX]).is_ok());
        for bytes in [vec![], vec![1; 31], vec![0; 32], vec![1; ENVIRONMENT_KEY_BYTES_MAX + 1]] {
            assert_eq!(open(bytes).unwrap_err().rule().as_str(), "environment-key");
        }
        let source = KeySource::Credential(SecretBytes::new(b"secret".to_vec()));
        assert_eq!(format!("{source:?}"), "KeySource(the environment's key credential)");
    }
}
