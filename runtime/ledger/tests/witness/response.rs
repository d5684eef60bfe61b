//! The answers of witnesses, as the specification prints them, and others.

use proptest::prelude::*;
use stepward_ledger::merkle::MAX_TREE_SIZE;
use stepward_ledger::note::NoteError;
use stepward_ledger::witness::{Answer, MAX_ANSWER_BYTES, Response, ResponseError, SIZE_TYPE};

/// C2SP tlog-witness, "add-checkpoint", "Example response body".
const PUBLISHED: &str = "\
    — witness.example/w1 CMp+6LWBU0anHGH5aNDTJkH/gj79sG+T6+iP2ThYN5krrDJbR1HDnucjL39QsZTSvVjyQLrdk3DXDqI5G2HgLatVs0pWh6Up69HVOw==\n\
    — witness.example/w1 I7rEps0pvK2UqkS2gSpVUDhrhVtQV9lgF6pRrWAvjJHjyWpW7VcE3SiOlVlbQNt64vWhO+DlkL0+UfzuOBMh9ChdMkP1vi/lCAsmlw==\n\
    — witness.example/w2 AWui8Sk55XjYLOijihBjhqEH6nS1ndDymE0a+6idX7pLcnoB+dhnz0854aLZgrrKbYKA7nC3HNJhm/kWl7oJlqU3rXXvpysAdyP3wQ==\n";

fn read(status: u16, content_type: Option<&str>, body: &[u8]) -> Result<Response, ResponseError> {
    Response::read(&Answer { status, content_type: content_type.map(str::to_owned), body: body.to_vec() })
}

#[test]
fn the_published_cosignatures_are_read() {
    let Response::Cosigned(signatures) = read(200, None, PUBLISHED.as_bytes()).unwrap() else {
        panic!("cosigned")
    };
    let names: Vec<_> = signatures.iter().map(|s| (s.name().to_owned(), s.id().to_string())).collect();
    assert_eq!(names[0], ("witness.example/w1".to_owned(), "08ca7ee8".to_owned()));
    assert_eq!(names[2].0, "witness.example/w2");
    assert!(signatures.iter().all(|signature| signature.bytes().len() == 8 + 64));
    assert_eq!(signatures.iter().map(ToString::to_string).collect::<String>(), PUBLISHED);
}

#[test]
fn cosignatures_are_lines_and_nothing_else() {
    let lines = |body: &str| match read(200, None, body.as_bytes()) {
        Err(ResponseError::Lines(error)) => error,
        other => panic!("{other:?}"),
    };
    assert_eq!(lines(""), NoteError::NoFinalNewline);
    assert_eq!(lines("\n"), NoteError::SignatureLine { line: 1 });
    assert_eq!(lines(PUBLISHED.trim_end()), NoteError::NoFinalNewline);
    assert_eq!(lines(&format!("\n{PUBLISHED}")), NoteError::SignatureLine { line: 1 });
    assert_eq!(lines(&format!("{PUBLISHED}\n")), NoteError::SignatureLine { line: 4 });
    assert!(matches!(lines(&PUBLISHED.replace('\n', "\r\n")), NoteError::ControlCharacter { .. }));
    assert_eq!(lines(&PUBLISHED.repeat(22)), NoteError::TooManySignatures);
    let bytes = MAX_ANSWER_BYTES + 1;
    assert_eq!(lines(&"x".repeat(bytes)), NoteError::TooLarge { bytes, most: MAX_ANSWER_BYTES });
}

#[test]
fn a_conflict_names_one_size() {
    for (body, expected) in [("0\n", 0), ("20852014\n", 20_852_014), ("9223372036854775807\n", MAX_TREE_SIZE)]
    {
        let size = crate::size(expected);
        assert_eq!(read(409, Some(SIZE_TYPE), body.as_bytes()), Ok(Response::Conflict { size }));
    }
    for body in [
        "",
        "\n",
        "1",
        "1\n\n",
        "01\n",
        "00\n",
        "+1\n",
        "-1\n",
        " 1\n",
        "1 \n",
        "1\r\n",
        "0x1\n",
        "9223372036854775808\n",
        "18446744073709551616\n",
        "1\n2\n",
        "\u{ff11}\n",
    ] {
        assert_eq!(read(409, Some(SIZE_TYPE), body.as_bytes()), Err(ResponseError::Size), "{body:?}");
    }
    assert_eq!(read(409, Some(SIZE_TYPE), b"\xff\n"), Err(ResponseError::Size));
}

#[test]
fn a_conflict_says_that_it_is_one() {
    for content_type in ["Text/X.TLog.Size", "text/x.tlog.size; charset=utf-8", " text/x.tlog.size ;x"] {
        assert!(read(409, Some(content_type), b"7\n").is_ok(), "{content_type}");
    }
    for content_type in
        [None, Some(""), Some("text/plain"), Some("text/x.tlog.sizes"), Some("x; text/x.tlog.size")]
    {
        let refused = read(409, content_type, b"7\n").unwrap_err();
        assert!(matches!(refused, ResponseError::SizeType { .. }), "{refused}");
    }
}

proptest! {
    #[test]
    fn no_answer_makes_the_parser_fall_over(
        status in prop_oneof![Just(200), Just(409), any::<u16>()],
        content_type in prop_oneof![Just(Some(SIZE_TYPE.to_owned())), any::<Option<String>>()],
        body in prop_oneof![prop::collection::vec(any::<u8>(), 0..200), "(— [a-z]{1,5} [A-Za-z0-9+/=]{0,30}\n){0,4}".prop_map(String::into_bytes)],
    ) {
        let answer = Answer { status, content_type, body };
        match Response::read(&answer) {
            Ok(Response::Cosigned(signatures)) => {
                let written: String = signatures.iter().map(ToString::to_string).collect();
                prop_assert_eq!(written.into_bytes(), answer.body);
            }
            Ok(Response::Conflict { size }) => prop_assert_eq!(format!("{size}\n").into_bytes(), answer.body),
            Ok(_) => prop_assert!(status != 200 && status != 409),
            Err(_) => prop_assert!(status == 200 || status == 409),
        }
    }
}
