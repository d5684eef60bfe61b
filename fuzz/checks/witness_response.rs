//! What holds of everything that a witness can answer.
#![allow(clippy::unwrap_used, reason = "what is unwrapped was checked")]

use stepward_ledger::note::NoteError;
use stepward_ledger::witness::{Answer, Response, ResponseError};

/// Largest body, and most signatures in one.
const BODY_BYTES: usize = 128 * 1024;
const SIGNATURES: usize = 64;

/// Reads the bytes as an answer: a line with the status and, behind a space, the content type; then the body.
/// Without such a line the status is 200 and all is the body.
pub(crate) fn check(bytes: &[u8]) -> Result<Response, ResponseError> {
    let answer = answer(bytes).unwrap_or(Answer { status: 200, content_type: None, body: bytes.to_vec() });
    let response = Response::read(&answer);
    match &response {
        Ok(Response::Cosigned(signatures)) => {
            assert_eq!(answer.status, 200);
            assert!((1..=SIGNATURES).contains(&signatures.len()) && answer.body.len() <= BODY_BYTES);
            let lines: String = signatures.iter().map(ToString::to_string).collect();
            assert_eq!(lines.as_bytes(), answer.body);
        }
        Ok(Response::Conflict { size }) => {
            assert_eq!(answer.status, 409);
            assert_eq!(format!("{size}\n").as_bytes(), answer.body);
            let content_type = answer.content_type.unwrap().to_ascii_lowercase();
            assert!(content_type.trim_start().starts_with("text/x.tlog.size"), "{content_type:?}");
        }
        Ok(Response::UnknownLog) => assert_eq!(answer.status, 404),
        Ok(Response::Forbidden) => assert!(matches!(answer.status, 401 | 403)),
        Ok(Response::BadRequest) => assert_eq!(answer.status, 400),
        Ok(Response::Inconsistent) => assert_eq!(answer.status, 422),
        Ok(Response::Failed { status }) => {
            assert!(*status == answer.status && matches!(status, 429 | 500..600));
        }
        Ok(Response::Unexpected { status }) => {
            assert_eq!(*status, answer.status);
            assert!(!matches!(status, 200 | 400 | 401 | 403 | 404 | 409 | 422 | 429 | 500..600));
        }
        Err(ResponseError::Lines(error)) => {
            assert_eq!(answer.status, 200);
            assert_eq!(matches!(error, NoteError::TooLarge { .. }), answer.body.len() > BODY_BYTES);
        }
        Err(ResponseError::SizeType { content_type }) => {
            assert_eq!(answer.status, 409);
            assert_eq!(*content_type, answer.content_type.unwrap_or_default());
        }
        Err(ResponseError::Size) => assert_eq!(answer.status, 409),
    }
    response
}

fn answer(bytes: &[u8]) -> Option<Answer> {
    let end = bytes.iter().position(|byte| *byte == b'\n')?;
    let line = std::str::from_utf8(&bytes[..end]).ok()?;
    let (status, content_type) = match line.split_once(' ') {
        Some((status, content_type)) => (status, Some(content_type.to_owned())),
        None => (line, None),
    };
    Some(Answer { status: status.parse().ok()?, content_type, body: bytes[end + 1..].to_vec() })
}
