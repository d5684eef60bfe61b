//! Bytes that are known to be the pinned ones.

use crate::Digest;
use std::{fmt, sync::Arc};
use stepward_fault::{Class, Fault, Owner, Rule};

/// The rule that bytes must hash to the digest that was pinned.
pub const PIN: Rule = Rule::new("component-digest");

/// Bytes together with the digest they were found to have, read once and kept: what is hashed here
/// is what is compiled later, whatever happens to the file meanwhile.
///
/// There is no way to make one but by [`Pinned::check`] and [`Pinned::trust_on_first_use`], and no
/// way to change its bytes.
#[derive(Clone)]
pub struct Pinned {
    bytes: Arc<[u8]>,
    digest: Digest,
}

impl Pinned {
    /// Accepts `bytes` only if they hash to `pin`.
    ///
    /// # Errors
    /// A refusal that names both digests.
    pub fn check(bytes: Vec<u8>, pin: Digest) -> Result<Self, Fault> {
        let digest = Digest::of(&bytes);
        if digest != pin {
            return Err(Fault::new(Class::Refused, Owner::StepAuthor, PIN)
                .says(format_args!("the component is {digest}, but {pin} was pinned"))
                .hint(
                    "if the change is meant, run `stepward build` and review the new stepward.lock; \
                       if not, restore the component that was approved",
                ));
        }
        Ok(Self { bytes: bytes.into(), digest })
    }

    /// Accepts whatever the bytes are and names them: for a build that writes the pin, and for
    /// looking at a file before anyone has decided anything. Never on the way to a run.
    pub fn trust_on_first_use(bytes: Vec<u8>) -> Self {
        let digest = Digest::of(&bytes);
        Self { bytes: bytes.into(), digest }
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Their digest.
    pub fn digest(&self) -> Digest {
        self.digest
    }
}

/// Digest and size: the bytes are megabytes of somebody's program.
impl fmt::Debug for Pinned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pinned({}, {} bytes)", self.digest, self.bytes.len())
    }
}

#[cfg(test)]
mod tests {
    use super::Pinned;
    use crate::Digest;

    #[test]
    fn only_the_pinned_bytes_pass_and_debug_shows_none_of_them() {
        let pinned = Pinned::check(b"abc".to_vec(), Digest::of(b"abc")).unwrap();
        assert_eq!(format!("{pinned:?}"), format!("Pinned({}, 3 bytes)", Digest::of(b"abc")));
        let fault = Pinned::check(b"abd".to_vec(), Digest::of(b"abc")).unwrap_err();
        assert_eq!(fault.rule(), super::PIN);
        assert!(fault.message().contains(&Digest::of(b"abd").to_string()), "{fault}");
    }
}
