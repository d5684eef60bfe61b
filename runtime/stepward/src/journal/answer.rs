//! The bodies that a continued run is told again.

use serde::{Deserialize, Serialize};
use stepward_fault::{Class, Fault, Owner, Rule};
use stepward_seam::{Body, HostCall, HostReply, HttpResponse};

/// The rule that a body is what its event says.
const BODY: Rule = Rule::new("journal-body");
/// The status of the answer that an operator vouches for without giving one: the request was carried
/// out, and there is nothing to read (RFC 9110, section 15.3.5).
const NO_CONTENT: u16 = 204;

/// The body of a call that was answered without an effect.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CallAndReply {
    pub(super) call: HostCall,
    pub(super) reply: HostReply,
}

/// The body of what an operator decided about a call in doubt.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Reason {
    /// Why.
    pub(super) reason: String,
    /// What the service would have answered, where the operator knows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) answer: Option<HttpResponse>,
}

impl Reason {
    /// What the step is told of an effect that was carried out.
    pub(super) fn reply(self) -> HostReply {
        HostReply::Http(Ok(self.answer.unwrap_or(HttpResponse {
            status: NO_CONTENT,
            headers: Vec::new(),
            body: Body(Vec::new()),
        })))
    }
}

/// Reads an opened body.
pub(super) fn read<'a, T: Deserialize<'a>>(sequence: u64, bytes: &'a [u8]) -> Result<T, Fault> {
    serde_json::from_slice(bytes).map_err(|error| {
        Fault::new(Class::EvidenceInvalid, Owner::Stepward, BODY)
            .at(format_args!("the body of event {sequence}"))
            .says(format_args!("it opens, and is not what its event says: {error}"))
            .hint("use the version of Stepward that wrote it; if that is this one, please report it")
    })
}
