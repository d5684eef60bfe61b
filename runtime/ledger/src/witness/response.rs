//! What a witness answers.

use crate::merkle::{MAX_TREE_SIZE, TreeSize};
use crate::note::{MAX_NOTE_BYTES, NoteError, Signature, decimal, plain_text};
use stepward_fault::shown;

/// Largest body of an answer that is read, 128 KiB: the signature lines of a whole note.
pub const MAX_ANSWER_BYTES: usize = MAX_NOTE_BYTES;

/// The content type of the size that a witness knows (C2SP tlog-witness, "add-checkpoint").
pub const SIZE_TYPE: &str = "text/x.tlog.size";

/// The status that says that the witness knows another tree than the request said (RFC 9110, section 15.5.10).
pub(super) const CONFLICT: u16 = 409;

/// An answer as it came over the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status (RFC 9110, section 15).
    pub status: u16,
    /// The value of the header `Content-Type`, if there was one.
    pub content_type: Option<String>,
    /// The body. Whoever receives it reads no more than [`MAX_ANSWER_BYTES`].
    pub body: Vec<u8>,
}

/// What an answer means (C2SP tlog-witness, "add-checkpoint").
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Response {
    /// 200: signature lines, at least one, not checked yet.
    Cosigned(Vec<Signature>),
    /// 409: the witness knows another size than the request said, or another tree of that size.
    Conflict {
        /// The size that it knows.
        size: TreeSize,
    },
    /// 404: the witness does not watch this log.
    UnknownLog,
    /// 401 or 403: no signature on the checkpoint is by a key that the witness trusts for this log.
    Forbidden,
    /// 400: the request is not what the specification says.
    BadRequest,
    /// 422: the proof does not lead from the tree that the witness knows to the checkpoint.
    Inconsistent,
    /// 429 or any 5xx: not now.
    Failed {
        /// The status.
        status: u16,
    },
    /// A status that the specification gives no meaning here, redirects included.
    Unexpected {
        /// The status.
        status: u16,
    },
}

/// Why an answer has no meaning.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResponseError {
    /// The body is not what the status promises.
    #[error("the body is no list of signature lines: {0}")]
    Lines(#[source] NoteError),
    /// A conflict without the size that the witness knows.
    #[error("a conflict has the content type `{SIZE_TYPE}`, not `{}`", shown(.content_type))]
    SizeType {
        /// What was sent; empty when nothing was.
        content_type: String,
    },
    /// The size is none.
    #[error("a conflict's body is a decimal number up to {MAX_TREE_SIZE} and a newline")]
    Size,
}

impl Response {
    /// Reads an answer.
    ///
    /// # Errors
    /// When the body is too large or is not what the specification says for its status.
    pub fn read(answer: &Answer) -> Result<Self, ResponseError> {
        Ok(match answer.status {
            200 => {
                let text = plain_text(&answer.body, MAX_ANSWER_BYTES).map_err(ResponseError::Lines)?;
                Self::Cosigned(Signature::parse_lines(text).map_err(ResponseError::Lines)?)
            }
            400 => Self::BadRequest,
            401 | 403 => Self::Forbidden,
            404 => Self::UnknownLog,
            CONFLICT => Self::Conflict { size: known_size(answer)? },
            422 => Self::Inconsistent,
            status @ (429 | 500..=599) => Self::Failed { status },
            status => Self::Unexpected { status },
        })
    }
}

/// The size in a conflict. Its type must be named: a conflict that something between here and the witness
/// made up has no size to act on.
fn known_size(answer: &Answer) -> Result<TreeSize, ResponseError> {
    let content_type = answer.content_type.as_deref().unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case(SIZE_TYPE) {
        return Err(ResponseError::SizeType { content_type: content_type.to_owned() });
    }
    std::str::from_utf8(&answer.body)
        .ok()
        .and_then(|body| decimal(body.strip_suffix('\n')?))
        .and_then(|size| TreeSize::new(size).ok())
        .ok_or(ResponseError::Size)
}
