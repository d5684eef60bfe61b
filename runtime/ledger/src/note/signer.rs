//! The keys that sign.

use super::cosignature::{UnixSeconds, message, timestamped};
use super::key::{LogVerifier, WitnessVerifier};
use super::signed::Signature;
use super::{Checkpoint, KeyName, NameError, SignedCheckpoint};
use crate::merkle::TreeHead;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use std::{fmt, num::NonZeroU32};

/// Bytes in an Ed25519 private key, from which everything else follows (RFC 8032, section 5.1.5).
pub const SEED_BYTES: usize = 32;

/// Why a signer cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignerError {
    /// The key's name would be none.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The cryptographic library did not take the seed.
    #[error("the cryptographic library refused the seed")]
    Seed,
}

/// The key pair. The library wipes its memory when it is dropped; the seed that was given stays the
/// caller's to wipe.
fn key_pair(seed: &[u8; SEED_BYTES]) -> Result<(Ed25519KeyPair, [u8; SEED_BYTES]), SignerError> {
    let pair = Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_| SignerError::Seed)?;
    let public = pair.public_key().as_ref().try_into().map_err(|_| SignerError::Seed)?;
    Ok((pair, public))
}

/// Signs the checkpoints of one log. It can be neither copied nor shown; dropping it wipes the key.
pub struct LogSigner {
    pair: Ed25519KeyPair,
    verifier: LogVerifier,
}

impl LogSigner {
    /// The signer of a log with this name.
    ///
    /// # Errors
    /// When the cryptographic library refuses the seed.
    pub fn new(origin: KeyName, seed: &[u8; SEED_BYTES]) -> Result<Self, SignerError> {
        let (pair, public) = key_pair(seed)?;
        Ok(Self { pair, verifier: LogVerifier::new(origin, public) })
    }

    /// The signer of an environment's log, under the name that [`KeyName::origin`] gives it.
    ///
    /// # Errors
    /// When the environment's name cannot be part of an origin, or the seed is refused.
    pub fn of_environment(
        environment: &str,
        generation: NonZeroU32,
        seed: &[u8; SEED_BYTES],
    ) -> Result<Self, SignerError> {
        let (pair, public) = key_pair(seed)?;
        let origin = KeyName::origin(environment, &public, generation)?;
        Ok(Self { pair, verifier: LogVerifier::new(origin, public) })
    }

    /// The log's name.
    pub fn origin(&self) -> &KeyName {
        self.verifier.name()
    }

    /// The key that checks what this one signs.
    pub fn verifier(&self) -> LogVerifier {
        self.verifier.clone()
    }

    /// Signs a checkpoint, without extension lines. A log must never sign two checkpoints of which neither
    /// tree extends the other (C2SP tlog-checkpoint, "Signatures"): give only heads of durable events.
    pub fn sign(&self, head: TreeHead) -> SignedCheckpoint {
        let checkpoint = Checkpoint { origin: self.origin().clone(), head };
        let signature = self.pair.sign(checkpoint.to_string().as_bytes()).as_ref().to_vec();
        let signature = Signature::new(self.origin(), self.verifier.id(), signature);
        SignedCheckpoint::signed(checkpoint, signature, self.verifier())
    }
}

/// The name alone.
impl fmt::Debug for LogSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LogSigner({})", self.origin())
    }
}

/// Cosigns checkpoints of logs. It can be neither copied nor shown; dropping it wipes the key.
pub struct WitnessSigner {
    pair: Ed25519KeyPair,
    verifier: WitnessVerifier,
}

impl WitnessSigner {
    /// The signer of a witness with this name. The name is not in what it signs, so the seed must be that
    /// of no other witness (C2SP tlog-cosignature, "Ed25519 signed message").
    ///
    /// # Errors
    /// When the cryptographic library refuses the seed.
    pub fn new(name: KeyName, seed: &[u8; SEED_BYTES]) -> Result<Self, SignerError> {
        let (pair, public) = key_pair(seed)?;
        Ok(Self { pair, verifier: WitnessVerifier::new(name, public) })
    }

    /// The key that checks what this one signs.
    pub fn verifier(&self) -> WitnessVerifier {
        self.verifier.clone()
    }

    /// Cosigns. Whoever calls this has checked that the checkpoint extends the largest that it ever
    /// cosigned for this log, and has stored it.
    pub fn cosign(&self, checkpoint: &SignedCheckpoint, time: UnixSeconds) -> Signature {
        let message = message(time, checkpoint.note().unverified_text());
        let signature = self.pair.sign(message.as_bytes());
        let bytes = timestamped(time, signature.as_ref());
        Signature::new(self.verifier.name(), self.verifier.id(), bytes)
    }
}

/// The name alone.
impl fmt::Debug for WitnessSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WitnessSigner({})", self.verifier.name())
    }
}
