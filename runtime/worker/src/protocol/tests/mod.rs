//! What is said arrives as it was said, and nothing else arrives.

mod any;

use super::frame::HEAD_BYTES;
use super::{Answer, Call, Down, FrameError, Frames, Up, decode_up, encode};
use any::Said;
use proptest::collection::vec;
use proptest::prelude::*;
use serde::Serialize;
use stepward_seam::{HostCall, HostReply};

const ALL: u64 = u32::MAX as u64;

fn frame(message: &impl Serialize) -> Vec<u8> {
    encode(message, Vec::new()).unwrap()
}

/// The messages in `bytes`, given to the decoder `chunk` bytes at a time.
fn heard(bytes: &[u8], chunk: usize) -> Result<Vec<String>, FrameError> {
    let (mut frames, mut heard) = (Frames::default(), Vec::new());
    for chunk in bytes.chunks(chunk) {
        frames.received().extend_from_slice(chunk);
        while let Some(up) = frames.next::<Up>(ALL)? {
            heard.push(format!("{up:?}"));
        }
    }
    Ok(heard)
}

fn next_down(bytes: &[u8]) -> Down {
    let mut frames = Frames::default();
    frames.received().extend_from_slice(bytes);
    frames.next(ALL).unwrap().expect("a whole message")
}

proptest! {
    #[test]
    fn what_a_worker_says_arrives(up in any::up()) {
        let bytes = frame(&up);
        let again = decode_up(&bytes[HEAD_BYTES..]).unwrap();
        prop_assert_eq!(format!("{again:?}"), format!("{up:?}"));
        prop_assert_eq!(frame(&again), bytes);
    }

    #[test]
    fn what_a_parent_says_arrives(Said(down) in any::down()) {
        // That replies are whole in their bytes is the next test.
        let bytes = frame(&down);
        let again = next_down(&bytes);
        prop_assert_eq!(std::mem::discriminant(&again), std::mem::discriminant(&down));
        prop_assert_eq!(frame(&again), bytes);
    }

    #[test]
    fn a_reply_is_the_same_on_the_other_side(run: u64, reply in any::reply()) {
        let said = Down::Answer { run, answer: Answer::of(&reply) };
        let Down::Answer { run: to, answer } = next_down(&frame(&said)) else { panic!("another message") };
        prop_assert_eq!(to, run);
        let again = answer.into_reply().expect("it is no stop");
        match (&reply, &again) {
            (HostReply::Http(one), HostReply::Http(other)) => prop_assert_eq!(one, other),
            (HostReply::Sign(one), HostReply::Sign(other)) => prop_assert_eq!(one, other),
            (HostReply::Reveal(Ok(one)), HostReply::Reveal(Ok(other))) => {
                prop_assert_eq!((&one.name, &one.version), (&other.name, &other.version));
                let bytes = |value: &Option<stepward_seam::SecretBytes>| {
                    value.as_ref().map(|value| value.expose().to_vec())
                };
                prop_assert_eq!(bytes(&one.value), bytes(&other.value));
                // A guest has no use for it.
                prop_assert_eq!(&other.fingerprint, "");
            }
            (HostReply::Reveal(Err(one)), HostReply::Reveal(Err(other))) => prop_assert_eq!(one, other),
            (HostReply::Now(one), HostReply::Now(other)) => prop_assert_eq!(one, other),
            (HostReply::Random(one), HostReply::Random(other)) => prop_assert_eq!(one, other),
            (HostReply::Log, HostReply::Log) => {}
            (one, other) => panic!("{one:?} became {other:?}"),
        }
    }

    #[test]
    fn a_call_is_the_same_on_the_other_side(run: u64, call in any::call()) {
        let said = Up::Call { run, call: Call::from(call.clone()) };
        let Up::Call { run: of, call: again } = decode_up(&frame(&said)[HEAD_BYTES..]).unwrap() else {
            panic!("another message")
        };
        prop_assert_eq!((of, HostCall::from(again)), (run, call));
    }

    /// A buffer that grows leaves a copy behind, which nobody wipes.
    #[test]
    fn a_revealed_secret_is_written_once(run: u64, reply in any::reply()) {
        let said = Down::Answer { run, answer: Answer::of(&reply) };
        let room = Vec::with_capacity(said.about_bytes());
        let (at, bytes) = (room.as_ptr(), encode(&said, room).unwrap());
        if let HostReply::Reveal(Ok(_)) = reply {
            prop_assert_eq!(bytes.as_ptr(), at);
        }
    }

    #[test]
    fn it_does_not_matter_how_bytes_come(ups in vec(any::up(), 0..8), chunk in 1_usize..300) {
        let bytes = ups.iter().fold(Vec::new(), |bytes, up| encode(up, bytes).unwrap());
        let said: Vec<_> = ups.iter().map(|up| format!("{up:?}")).collect();
        prop_assert_eq!(heard(&bytes, bytes.len().max(1)), Ok(said.clone()));
        prop_assert_eq!(heard(&bytes, 1), Ok(said.clone()));
        prop_assert_eq!(heard(&bytes, chunk), Ok(said));
    }

    #[test]
    fn less_or_more_than_a_message_is_none(up in any::up(), more in vec(any::<u8>(), 1..20)) {
        let bytes = frame(&up);
        let payload = &bytes[HEAD_BYTES..];
        for cut in 0..payload.len() {
            prop_assert_eq!(decode_up(&payload[..cut]).unwrap_err(), FrameError::Malformed, "cut at {}", cut);
        }
        let longer = [payload, &more].concat();
        prop_assert_eq!(decode_up(&longer).unwrap_err(), FrameError::Trailing);
        // In a frame whose head says so, too; and a frame that is not there yet is waited for.
        let head = u32::try_from(longer.len()).unwrap().to_le_bytes();
        prop_assert_eq!(heard(&[&head[..], &longer].concat(), 7), Err(FrameError::Trailing));
        prop_assert_eq!(heard(&bytes[..bytes.len() - 1], 7), Ok(Vec::new()));
    }

    /// The head alone decides, before the rest has come.
    #[test]
    fn a_frame_that_is_too_long_is_refused_by_its_head(up in any::up(), less in 1_u64..1_000) {
        let bytes = frame(&up);
        let length = (bytes.len() - HEAD_BYTES) as u64;
        let mut frames = Frames::default();
        frames.received().extend_from_slice(&bytes[..HEAD_BYTES]);
        prop_assert!(frames.next::<Up>(length).unwrap().is_none());
        let most = length.saturating_sub(less);
        let refused = frames.next::<Up>(most).unwrap_err();
        prop_assert_eq!(refused, FrameError::TooLong { bytes: length, most });
        // At its bound it is taken.
        frames.received().extend_from_slice(&bytes[HEAD_BYTES..]);
        prop_assert!(frames.next::<Up>(length).unwrap().is_some());
    }

    #[test]
    fn no_bytes_are_more_than_refused(bytes in vec(any::<u8>(), 0..300), chunk in 1_usize..50) {
        let _ = decode_up(&bytes);
        let _ = heard(&bytes, chunk);
    }

    /// One byte that differs is another message or none, and the decoder goes on to neither the next
    /// frame nor past this one.
    #[test]
    fn a_flipped_byte_stays_in_its_frame(up in any::up(), at: proptest::sample::Index, bit in 0_u32..8) {
        let mut bytes = frame(&up);
        let at = HEAD_BYTES + at.index(bytes.len() - HEAD_BYTES);
        bytes[at] ^= 1 << bit;
        let flipped = decode_up(&bytes[HEAD_BYTES..]);
        let bytes = encode(&Up::NotCompiled("next".to_owned()), bytes).unwrap();
        match (flipped, heard(&bytes, 11)) {
            (Ok(other), Ok(said)) => {
                prop_assert_eq!(said, [format!("{other:?}"), "NotCompiled(\"next\")".to_owned()]);
            }
            (Err(one), Err(other)) => prop_assert_eq!(one, other),
            (one, other) => panic!("{one:?} alone, {other:?} in a stream"),
        }
    }
}

/// Memory grows with the bytes that came.
#[test]
fn a_head_that_promises_four_gigabytes_allocates_nothing() {
    let mut frames = Frames::default();
    frames.received().extend_from_slice(&[0xff; HEAD_BYTES]);
    let room = frames.received().capacity();
    assert!(frames.next::<Up>(ALL).unwrap().is_none());
    assert_eq!(frames.received().capacity(), room);
    let refused = frames.next::<Up>(1_000).unwrap_err();
    assert_eq!(refused, FrameError::TooLong { bytes: ALL, most: 1_000 });
    assert_eq!(frames.received().capacity(), room);
}

/// The same within a frame: a string, bytes and a list that promise what is not there. An allocation of
/// what they promise would end this process.
#[test]
fn a_length_that_promises_what_is_not_there_is_refused() {
    let most = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
    let label = [4, b'w', b'a', b'l', b'l'];
    for payload in [
        // `Up::Compiled`, `Up::NotCompiled`
        [&[1][..], &most].concat(),
        [&[2][..], &most].concat(),
        // `Up::Call`, run 7: an HTTP request GET with a path, a message to sign
        [&[3, 7, 0][..], &label, &[0], &most].concat(),
        [&[3, 7, 1][..], &label, &most].concat(),
        // `Up::Ended`, run 7, returned
        [&[4, 7, 0][..], &most].concat(),
    ] {
        assert_eq!(decode_up(&payload).unwrap_err(), FrameError::Malformed, "{payload:?}");
        let longer = [&payload[..], &[b'x'; 500]].concat();
        assert_eq!(decode_up(&longer).unwrap_err(), FrameError::Malformed, "{payload:?}");
    }
}

/// What a label or a limit may be is held when it is read, not later.
#[test]
fn a_name_that_is_none_is_no_message() {
    let call = |label: &[u8]| {
        let length = u8::try_from(label.len()).unwrap();
        decode_up(&[&[3, 7, 3, length][..], label].concat())
    };
    assert!(call(b"wall").is_ok());
    for label in [&b""[..], b"Wall", b"wa ll", b"-wall", b"wall-", b"w--l", b"\xff\xfe", &[b'w'; 65]] {
        assert_eq!(call(label).unwrap_err(), FrameError::Malformed, "{label:?}");
    }
}

/// A worker is the same program, so every number that stands for a kind is used.
#[test]
fn a_kind_that_is_none_is_no_message() {
    for payload in [&[5_u8, 0][..], &[4, 7, 9, 0, 0, 0], &[3, 7, 6, 0], &[0xff, 0xff, 0xff, 0xff, 0x0f]] {
        assert_eq!(decode_up(payload).unwrap_err(), FrameError::Malformed, "{payload:?}");
    }
}

/// One large message does not make the parent keep its room.
#[test]
fn the_room_of_a_large_message_is_given_back() {
    let mut frames = Frames::default();
    frames.received().extend_from_slice(&frame(&Up::Compiled(vec![7; 8 << 20])));
    assert!(frames.next::<Up>(ALL).unwrap().is_some());
    assert!(frames.received().capacity() <= super::KEPT_BYTES);
}
