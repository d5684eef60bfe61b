//! A witness's word that it saw a checkpoint, and when.

use super::{KeyName, NoteError, key::Key, signed::Signature};
use std::fmt;

/// The largest time of a cosignature, in Unix seconds (C2SP tlog-cosignature, "Format").
pub const MAX_UNIX_SECONDS: u64 = u64::MAX >> 1;

/// Bytes of the time before the Ed25519 signature, most significant first.
const TIME_BYTES: usize = 8;

/// Seconds since 1970-01-01 00:00 UTC, not counting leap seconds; at most [`MAX_UNIX_SECONDS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixSeconds(u64);

/// A time that no cosignature can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{seconds} is beyond the latest time, {MAX_UNIX_SECONDS} seconds after 1970")]
pub struct TimeTooLarge {
    /// The number that was given.
    pub seconds: u64,
}

impl UnixSeconds {
    /// What stands for no time at all. A witness's answer must not have it (C2SP tlog-witness,
    /// "add-checkpoint").
    pub const NONE: Self = Self(0);

    /// Takes a time.
    ///
    /// # Errors
    /// When it is above [`MAX_UNIX_SECONDS`].
    pub const fn new(seconds: u64) -> Result<Self, TimeTooLarge> {
        if seconds > MAX_UNIX_SECONDS { Err(TimeTooLarge { seconds }) } else { Ok(Self(seconds)) }
    }

    /// The seconds.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// How many seconds this is after `earlier`; nothing when it is before.
    pub const fn since(self, earlier: Self) -> Option<u64> {
        self.0.checked_sub(earlier.0)
    }
}

impl fmt::Display for UnixSeconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A witness saw that a log grew to a checkpoint from all that it saw before, and knew of nothing larger at
/// that time. Made only by checking its signature.
///
/// ```compile_fail,E0451
/// use stepward_ledger::note::{Cosigned, KeyName, UnixSeconds};
///
/// fn forge(witness: KeyName, time: UnixSeconds) -> Cosigned {
///     Cosigned { witness, time }
/// }
/// ```
#[derive(Debug, PartialEq, Eq)]
#[must_use = "it is the verdict"]
pub struct Cosigned {
    witness: KeyName,
    time: UnixSeconds,
}

impl Cosigned {
    /// Who.
    pub fn witness(&self) -> &KeyName {
        &self.witness
    }

    /// When, by the witness's clock.
    pub fn time(&self) -> UnixSeconds {
        self.time
    }

    /// Checks one signature that claims to be by a witness's key over a checkpoint's text.
    pub(super) fn check(
        key: &Key,
        name: &KeyName,
        text: &str,
        signature: &Signature,
    ) -> Result<Self, NoteError> {
        let (time, signature) =
            signature.bytes().split_first_chunk::<TIME_BYTES>().ok_or_else(|| key.bad_signature())?;
        let time = UnixSeconds::new(u64::from_be_bytes(*time)).map_err(|_| key.bad_signature())?;
        key.check(message(time, text).as_bytes(), signature)?;
        Ok(Self { witness: name.clone(), time })
    }
}

/// What a witness signs (C2SP tlog-cosignature, "Ed25519 signed message").
pub(super) fn message(time: UnixSeconds, text: &str) -> String {
    format!("cosignature/v1\ntime {time}\n{text}")
}

/// What a cosignature line carries: the time and the signature.
pub(super) fn timestamped(time: UnixSeconds, signature: &[u8]) -> Vec<u8> {
    [time.0.to_be_bytes().as_slice(), signature].concat()
}
