//! Frames: a length and a message.

use super::Up;
use serde::{Serialize, de::DeserializeOwned};
use std::fmt;

/// Bytes of a frame's head: the length of what follows, little endian.
pub(crate) const HEAD_BYTES: usize = 4;

/// Why bytes from the other end are no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameError {
    /// The frame is longer than what the other end may send now.
    TooLong {
        /// The length that its head names.
        bytes: u64,
        /// The most that was allowed.
        most: u64,
    },
    /// The bytes are no message of this version.
    Malformed,
    /// Bytes are left over behind the message.
    Trailing,
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong { bytes, most } => write!(f, "a frame of {bytes} bytes where {most} are allowed"),
            Self::Malformed => f.write_str("a frame that is no message of this version"),
            Self::Trailing => f.write_str("a frame with bytes behind its message"),
        }
    }
}

impl std::error::Error for FrameError {}

/// Appends `message` as one frame to what is in `out`, so that several frames can leave in one write.
///
/// # Errors
/// [`FrameError::TooLong`] when it does not fit a frame. The buffer is lost then: whoever was to get
/// it cannot be spoken to any more.
pub fn encode<M: Serialize>(message: &M, mut out: Vec<u8>) -> Result<Vec<u8>, FrameError> {
    let start = out.len();
    out.extend_from_slice(&[0; HEAD_BYTES]);
    let mut out = postcard::to_extend(message, out).map_err(|_| FrameError::Malformed)?;
    let bytes = (out.len() - start - HEAD_BYTES) as u64;
    let length =
        u32::try_from(bytes).map_err(|_| FrameError::TooLong { bytes, most: u64::from(u32::MAX) })?;
    if let Some(head) = out.get_mut(start..start + HEAD_BYTES) {
        head.copy_from_slice(&length.to_le_bytes());
    }
    Ok(out)
}

fn decode<M: DeserializeOwned>(payload: &[u8]) -> Result<M, FrameError> {
    match postcard::take_from_bytes(payload) {
        Ok((message, [])) => Ok(message),
        Ok((_, _)) => Err(FrameError::Trailing),
        Err(_) => Err(FrameError::Malformed),
    }
}

/// Reads one message of a worker: the decoder that hostile bytes reach.
///
/// # Errors
/// [`FrameError::Malformed`] or [`FrameError::Trailing`].
pub fn decode_up(payload: &[u8]) -> Result<Up, FrameError> {
    decode(payload)
}

/// Cuts what was received into messages.
#[derive(Debug, Default)]
pub struct Frames {
    received: Vec<u8>,
    /// How much of `received` has been given out.
    read: usize,
}

impl Frames {
    /// Where the next bytes from the pipe go.
    pub fn received(&mut self) -> &mut Vec<u8> {
        // What was given out makes room before the buffer grows.
        if self.read > 0 {
            self.received.drain(..self.read);
            self.read = 0;
        }
        &mut self.received
    }

    /// The next whole message, if it has come. `most` bounds the frame that is under way: it is held
    /// against the head as soon as that is there.
    ///
    /// # Errors
    /// [`FrameError`] when the other end does not keep to the protocol; nothing after that is to be read.
    pub fn next<M: DeserializeOwned>(&mut self, most: u64) -> Result<Option<M>, FrameError> {
        let rest = self.received.get(self.read..).unwrap_or_default();
        let Some((head, rest)) = rest.split_first_chunk::<HEAD_BYTES>() else { return Ok(None) };
        let bytes = u64::from(u32::from_le_bytes(*head));
        if bytes > most {
            return Err(FrameError::TooLong { bytes, most });
        }
        let length = usize::try_from(bytes).unwrap_or(usize::MAX);
        let Some(payload) = rest.get(..length) else { return Ok(None) };
        let message = decode(payload)?;
        self.read += HEAD_BYTES + length;
        Ok(Some(message))
    }
}
