//! Where the bytes of secrets come from.

mod file;

pub use file::{FileSecrets, ServiceAccount};

use stepward_fault::Fault;
use stepward_seam::{Label, SecretBytes};

/// Gives the bytes of a secret.
///
/// A [`LiveBroker`](crate::LiveBroker) fetches when it is made, once for each secret that its
/// step's grants need, and keeps those bytes for the whole step, also for a request that the step
/// tries again. A secret that was replaced or removed meanwhile is noticed by the next step, and by
/// the same step when it is run again: with the new bytes or not at all. What must end sooner ends at
/// the service that issued it.
pub trait SecretSource: Send + Sync {
    /// The bytes of `name` in the version that the environment file names.
    ///
    /// # Errors
    /// A fault of the operator, with the remedy. It never quotes the bytes.
    fn fetch(&self, name: &Label, version: &str) -> Result<SecretBytes, Fault>;
}
