//! What holds of all bytes that a worker can send: its parent's decoder gives out messages or says why
//! there are none, and holds no more than came.
#![allow(clippy::unwrap_used, reason = "what was decoded can be encoded")]

use stepward_worker::protocol::{Call, FrameError, Frames, Up, decode_up, encode};

/// Bytes of a frame's head.
const HEAD_BYTES: usize = 4;
/// The least that a growing vector makes room for, in bytes or in elements.
const LEAST_ROOM: usize = 8;

/// How a stream of bytes was read.
pub(crate) struct Received {
    /// The messages.
    pub(crate) messages: Vec<Up>,
    /// How many bytes are left of a frame that is under way, or why no more is read.
    pub(crate) end: Result<usize, FrameError>,
}

/// Reads `bytes` as a parent does: four bytes say how long a frame may be, one says how many numbers
/// follow, these say how many bytes come at a time, over and over, and the rest is what comes. None says
/// that everything comes at once.
pub(crate) fn check(bytes: &[u8]) -> Received {
    let (most, rest) =
        bytes.split_first_chunk().map_or((0, bytes), |(most, rest)| (u32::from_le_bytes(*most), rest));
    let (count, rest) = rest.split_first().map_or((0, rest), |(count, rest)| (usize::from(*count), rest));
    let (sizes, stream) = rest.split_at(count.min(rest.len()));
    let whole = read(stream, std::iter::once(stream.len()), most.into());
    if !sizes.is_empty() {
        // How the bytes come makes no difference.
        let parts = read(stream, sizes.iter().map(|size| usize::from(*size) + 1).cycle(), most.into());
        assert_eq!(parts.end, whole.end);
        assert_eq!(text(&parts.messages), text(&whole.messages));
    }
    whole
}

/// Reads a stream that comes in pieces of these sizes.
fn read(stream: &[u8], sizes: impl Iterator<Item = usize>, most: u64) -> Received {
    let (mut frames, mut messages, mut rest) = (Frames::default(), Vec::new(), stream);
    let mut read = 0;
    for size in sizes {
        let (piece, more) = rest.split_at(size.min(rest.len()));
        frames.received().extend_from_slice(piece);
        rest = more;
        let held = stream.len() - rest.len() - read;
        assert_eq!(frames.received().len(), held);
        assert!(frames.received().capacity() <= (2 * stream.len()).max(LEAST_ROOM));
        loop {
            match frames.next::<Up>(most) {
                Ok(Some(message)) => {
                    let frame = &stream[read..];
                    read += HEAD_BYTES + length(frame);
                    sound(&message, frame);
                    messages.push(message);
                }
                Ok(None) => break,
                Err(error) => {
                    refused(error, &stream[read..], most);
                    return Received { messages, end: Err(error) };
                }
            }
        }
        // What is left is less than a frame, and may still become one.
        let left = &stream[read..stream.len() - rest.len()];
        assert!(left.len() < HEAD_BYTES || left.len() < HEAD_BYTES + length(left));
        assert!(left.len() < HEAD_BYTES || length(left) as u64 <= most);
        if rest.is_empty() {
            break;
        }
    }
    Received { messages, end: Ok(stream.len() - read) }
}

/// The length that a frame's head names.
fn length(frame: &[u8]) -> usize {
    let head = frame.first_chunk::<HEAD_BYTES>().unwrap();
    usize::try_from(u32::from_le_bytes(*head)).unwrap()
}

/// The message is what its frame says, takes no more room than that, and is the same when it is said
/// again.
fn sound(message: &Up, frame: &[u8]) {
    let payload = &frame[HEAD_BYTES..HEAD_BYTES + length(frame)];
    let again = encode(message, Vec::new()).unwrap();
    let (head, said) = again.split_at(HEAD_BYTES);
    assert_eq!(head, u32::try_from(said.len()).unwrap().to_le_bytes());
    // Numbers can be written longer than they need to be, and keys of a map twice.
    assert!(said.len() <= payload.len());
    for bytes in [payload, said] {
        let decoded = decode_up(bytes).unwrap();
        assert_eq!(encode(&decoded, Vec::new()).unwrap(), again);
        assert_eq!(format!("{decoded:?}"), format!("{message:?}"));
    }
    if let Up::Call { call: Call::Http { request, .. }, .. } = message {
        for room in [request.path.capacity(), request.query.capacity(), request.headers.capacity()] {
            assert!(room <= (2 * payload.len()).max(LEAST_ROOM));
        }
    }
    // One more byte, or one less, is another message or none.
    let more = [payload, &[0]].concat();
    assert_eq!(decode_up(&more).unwrap_err(), FrameError::Trailing);
    assert!(decode_up(&payload[..payload.len() - 1]).is_err());
}

/// The reason is true of the frame that was refused.
fn refused(error: FrameError, frame: &[u8], most: u64) {
    let bytes = length(frame);
    match error {
        FrameError::TooLong { bytes: told, most: allowed } => {
            assert_eq!((told, allowed), (bytes as u64, most));
            assert!(told > allowed);
        }
        FrameError::TooMany { most: allowed } => {
            // A string is one byte at least.
            assert!(allowed <= most && (bytes as u64) > allowed);
        }
        FrameError::Malformed | FrameError::Trailing => {
            assert_eq!(decode_up(&frame[HEAD_BYTES..HEAD_BYTES + bytes]).unwrap_err(), error);
        }
    }
}

fn text(messages: &[Up]) -> String {
    format!("{messages:?}")
}
