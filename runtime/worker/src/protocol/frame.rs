//! Frames: a length and a message.

use super::Up;
use postcard::de_flavors::{Flavor, Slice};
use serde::{Serialize, de::DeserializeOwned};
use std::cell::Cell;
use std::fmt;

/// Bytes of a frame's head: the length of what follows, little endian.
pub(crate) const HEAD_BYTES: usize = 4;

/// Room for bytes that is kept when it is empty: many small messages. What one large message took is
/// given back.
pub(crate) const KEPT_BYTES: usize = 1 << 20;

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
    /// The message holds more strings than the memory of its frame is to become.
    TooMany {
        /// The most that were allowed.
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
            Self::TooMany { most } => write!(f, "a frame of more than the {most} strings that are allowed"),
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

/// Bytes of memory that a string takes beside its text. An empty one is one byte in a frame, so that
/// a list of them would become this many times as large as it came.
const STRING_BYTES: u64 = 24;
/// Strings that any frame may have: short ones are worth no refusal.
const FEW_STRINGS: u64 = 256;

/// Bytes of a frame, and how many strings may still be taken out of them.
struct Counted<'a> {
    bytes: Slice<'a>,
    strings: u64,
    /// The bytes had more.
    over: &'a Cell<bool>,
}

impl<'a> Flavor<'a> for Counted<'a> {
    type Remainder = &'a [u8];
    type Source = &'a [u8];

    fn pop(&mut self) -> postcard::Result<u8> {
        self.bytes.pop()
    }

    fn size_hint(&self) -> Option<usize> {
        self.bytes.size_hint()
    }

    /// Strings, and bytes in one piece, are taken so; nothing else in a message is.
    fn try_take_n(&mut self, count: usize) -> postcard::Result<&'a [u8]> {
        let Some(left) = self.strings.checked_sub(1) else {
            self.over.set(true);
            return Err(postcard::Error::DeserializeUnexpectedEnd);
        };
        self.strings = left;
        self.bytes.try_take_n(count)
    }

    fn finalize(self) -> postcard::Result<&'a [u8]> {
        self.bytes.finalize()
    }
}

fn decode<M: DeserializeOwned>(payload: &[u8], most: u64) -> Result<M, FrameError> {
    let over = Cell::new(false);
    let counted = Counted { bytes: Slice::new(payload), strings: most, over: &over };
    let mut reader = postcard::Deserializer::from_flavor(counted);
    let message = M::deserialize(&mut reader).and_then(|message| Ok((message, reader.finalize()?)));
    match message {
        Ok((message, [])) => Ok(message),
        Ok((_, _)) => Err(FrameError::Trailing),
        Err(_) if over.get() => Err(FrameError::TooMany { most }),
        Err(_) => Err(FrameError::Malformed),
    }
}

/// Reads one message of a worker, however many strings it has: the decoder that hostile bytes reach.
///
/// # Errors
/// [`FrameError::Malformed`] or [`FrameError::Trailing`].
pub fn decode_up(payload: &[u8]) -> Result<Up, FrameError> {
    decode(payload, u64::MAX)
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
            if self.received.is_empty() && self.received.capacity() > KEPT_BYTES {
                self.received = Vec::new();
            }
        }
        &mut self.received
    }

    /// The next whole message, if it has come. `most` bounds the frame that is under way: it is held
    /// against the head as soon as that is there, and against the room that its strings take in memory.
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
        let message = decode(payload, FEW_STRINGS.saturating_add(most / STRING_BYTES))?;
        self.read += HEAD_BYTES + length;
        Ok(Some(message))
    }
}
