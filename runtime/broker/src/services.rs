//! What an embedder hands to the broker: the ambient powers, each as a value.

use crate::{journal::Journal, net::Network};
use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use std::{fmt, net::SocketAddr, sync::Arc};
use stepward_fault::{Class, Fault, Owner, Rule};
use stepward_seam::SecretBytes;

/// The system's generator of random bytes failed.
const ENTROPY: Rule = Rule::new("entropy-failed");

/// The time of day.
pub trait WallClock: Send + Sync {
    /// Milliseconds since 1970-01-01T00:00:00Z, leap seconds not counted.
    fn now_ms(&self) -> u64;
}

/// Random bytes.
pub trait Entropy: Send + Sync {
    /// Fills `bytes`.
    ///
    /// # Errors
    /// When the source fails; the run ends then.
    fn fill(&self, bytes: &mut [u8]) -> Result<(), Fault>;
}

/// The cryptographic generator of aws-lc, seeded by the system.
#[derive(Debug, Default)]
pub struct SystemEntropy(SystemRandom);

impl Entropy for SystemEntropy {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), Fault> {
        self.0.fill(bytes).map_err(|_| {
            Fault::new(Class::Internal, Owner::Operator, ENTROPY)
                .says("the system gave no random bytes")
                .hint("look at the machine's entropy source")
        })
    }
}

/// Everything that a [`LiveBroker`](crate::LiveBroker) needs from outside.
pub struct Services {
    /// The network; its resolver is the embedder's choice, usually over
    /// [`Environment::resolver`](crate::Environment::resolver).
    pub network: Arc<Network>,
    /// The time for `clock`.
    pub clock: Arc<dyn WallClock>,
    /// The bytes for `random`.
    pub entropy: Arc<dyn Entropy>,
    /// The environment's key, at least 32 random bytes. It must stay the same for as long as a run
    /// may be resumed: idempotency keys are made with it.
    pub environment_key: SecretBytes,
    /// Where everything is recorded; [`Unrecorded`](crate::Unrecorded) says that it is not.
    pub journal: Arc<dyn Journal>,
    /// Sockets that this process listens on. No endpoint may lead to them.
    pub listeners: Vec<SocketAddr>,
}

impl fmt::Debug for Services {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Services").field("listeners", &self.listeners).finish_non_exhaustive()
    }
}
