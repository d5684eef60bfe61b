//! Why an exchange brought no answer, for the guest and for the operator.

use super::{address, target::Target};
use std::{error::Error as _, fmt, io};
use stepward_fault::{Class, Fault, Owner, Rule};
use stepward_seam::{Cause, HttpFailure, Refusal};

/// The name of the endpoint's host could not be resolved.
pub const RESOLVE_FAILED: Rule = Rule::new("endpoint-resolve");
/// Look-up and connection took longer than the connect timeout.
pub const CONNECT_TIMEOUT: Rule = Rule::new("endpoint-connect-timeout");
/// No address of the endpoint accepted a connection.
pub const CONNECT_FAILED: Rule = Rule::new("endpoint-connect");
/// The TLS handshake took longer than its timeout.
pub const HANDSHAKE_TIMEOUT: Rule = Rule::new("endpoint-handshake-timeout");
/// TLS failed: the certificate, or the protocol.
pub const TLS_FAILED: Rule = Rule::new("endpoint-tls");
/// No answer began within the timeout for the first byte.
pub const FIRST_BYTE_TIMEOUT: Rule = Rule::new("endpoint-first-byte-timeout");
/// The exchange as a whole took too long.
pub const TOTAL_TIMEOUT: Rule = Rule::new("endpoint-total-timeout");
/// The connection ended before the answer was complete.
pub const CONNECTION_ENDED: Rule = Rule::new("endpoint-connection-ended");
/// The answer is not HTTP/1.1.
pub const ANSWER_MALFORMED: Rule = Rule::new("endpoint-answer-malformed");
/// The answer is larger than a cap.
pub const ANSWER_TOO_LARGE: Rule = Rule::new("endpoint-answer-too-large");
/// The request carries what only this module writes. A defect of the caller, not of a guest.
pub const REQUEST_NOT_PLAIN: Rule = Rule::new("endpoint-request-not-plain");

/// Whether the endpoint can have seen the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// Not a byte of the request was handed to the connection.
    Nothing,
    /// Some or all of it may have arrived.
    Maybe,
}

/// Why there is no answer.
///
/// The [`Fault`] names addresses and inner causes and is for operators alone; a guest gets
/// [`for_guest`](Self::for_guest).
#[derive(Debug)]
pub enum NoAnswer {
    /// A rule of this host refused; nothing of the request left.
    Refused(Fault),
    /// The attempt failed.
    Failed {
        /// The cause that a guest may learn.
        cause: Cause,
        /// Whether the endpoint can have acted.
        sent: Sent,
        /// The whole story, for operators.
        detail: Fault,
    },
}

impl NoAnswer {
    /// The whole story, for operators.
    pub fn fault(&self) -> &Fault {
        match self {
            Self::Refused(fault) | Self::Failed { detail: fault, .. } => fault,
        }
    }

    /// What a guest may learn: no address, no inner text.
    pub fn for_guest(&self) -> HttpFailure {
        match self {
            Self::Refused(fault) => HttpFailure::Refused(Refusal {
                rule: fault.rule().as_str().to_owned(),
                message: if fault.rule() == REQUEST_NOT_PLAIN {
                    "the host could not form the request".to_owned()
                } else {
                    "this environment does not let the endpoint be reached where it stands".to_owned()
                },
            }),
            Self::Failed { cause, sent: Sent::Nothing, .. } => HttpFailure::NotApplied(*cause),
            Self::Failed { cause, sent: Sent::Maybe, .. } => HttpFailure::Unknown(*cause),
        }
    }

    pub(super) fn denied(target: &Target, denied: &address::Denied) -> Self {
        Self::Refused(denied.fault(target.place()))
    }

    pub(super) fn unsent(target: &Target, rule: Rule, says: impl fmt::Display) -> Self {
        Self::new(target, rule, Sent::Nothing, says)
    }

    pub(super) fn maybe(target: &Target, rule: Rule, says: impl fmt::Display) -> Self {
        Self::new(target, rule, Sent::Maybe, says)
    }

    fn new(target: &Target, rule: Rule, sent: Sent, says: impl fmt::Display) -> Self {
        let (cause, hint) = meaning(rule);
        let detail = Fault::new(Class::Unavailable, Owner::Upstream, rule)
            .at(target.place())
            .says(brief(&says.to_string()))
            .hint(hint);
        Self::Failed { cause, sent, detail }
    }

    /// A timeout ran out.
    pub(super) fn overrun(target: &Target, rule: Rule, sent: Sent) -> Self {
        let limits = &target.timeouts;
        let (limit, what) = match rule {
            CONNECT_TIMEOUT => (limits.connect, "no connection stood"),
            HANDSHAKE_TIMEOUT => (limits.handshake, "the TLS handshake was not finished"),
            FIRST_BYTE_TIMEOUT => (limits.first_byte, "no answer began"),
            _ => (limits.total, "the exchange was not finished"),
        };
        Self::new(target, rule, sent, format_args!("{what} within {} ms", limit.as_millis()))
    }

    /// TLS failed before the request was sent.
    pub(super) fn handshake(target: &Target, error: &io::Error) -> Self {
        match inner_tls(error) {
            Some(tls) => Self::unsent(target, TLS_FAILED, format_args!("the TLS handshake failed: {tls}")),
            None => Self::unsent(target, TLS_FAILED, format_args!("the TLS handshake was cut off: {error}")),
        }
    }

    /// hyper gave up after the request was handed over.
    pub(super) fn broken(target: &Target, error: &hyper::Error) -> Self {
        let io = find_io(error);
        if let Some(tls) = io.and_then(inner_tls) {
            return Self::maybe(
                target,
                TLS_FAILED,
                format_args!("TLS failed after the request was sent: {tls}"),
            );
        }
        // The source alone says what was wrong; hyper's own text names the stage.
        let text = error.source().map_or_else(|| error.to_string(), |source| format!("{error}: {source}"));
        if error.is_parse_too_large() {
            return Self::maybe(target, ANSWER_TOO_LARGE, "the head of the answer is larger than its cap");
        }
        let malformed = error.is_parse()
            || io.is_some_and(|io| {
                matches!(io.kind(), io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput)
            });
        let rule = if malformed { ANSWER_MALFORMED } else { CONNECTION_ENDED };
        Self::maybe(target, rule, text)
    }
}

/// Longest detail in characters. Some of it others write, whoever answers instead of the service
/// too: a certificate alone can hold thousands of names.
const DETAIL_CHARS: usize = 500;

/// The beginning of a long text, marked as cut.
fn brief(text: &str) -> String {
    let mut brief: String = text.chars().take(DETAIL_CHARS).collect();
    if brief.len() < text.len() {
        brief.push_str("… (cut)");
    }
    brief
}

/// The cause that a guest learns for a rule, and what the operator can do.
fn meaning(rule: Rule) -> (Cause, &'static str) {
    match rule {
        RESOLVE_FAILED => (Cause::Resolve, "check the host in the endpoint's URL, and the name servers"),
        CONNECT_FAILED => (Cause::Connect, "check that the service runs, and the port in the endpoint's URL"),
        TLS_FAILED => (
            Cause::Tls,
            "check the service's certificate against the endpoint's host and the roots under trust/",
        ),
        CONNECT_TIMEOUT | HANDSHAKE_TIMEOUT | FIRST_BYTE_TIMEOUT | TOTAL_TIMEOUT => {
            (Cause::Timeout, "look at the service; the timeouts stand under the endpoint in environment.toml")
        }
        ANSWER_TOO_LARGE => (Cause::TooLarge, "ask the service for less at a time, or raise the cap"),
        ANSWER_MALFORMED => {
            (Cause::Malformed, "the service must speak HTTP/1.1; look at what stands in front of it")
        }
        _ => (Cause::Reset, "look at the service and at what stands between"),
    }
}

fn inner_tls(error: &io::Error) -> Option<&rustls::Error> {
    error.get_ref().and_then(|inner| inner.downcast_ref())
}

fn find_io(error: &hyper::Error) -> Option<&io::Error> {
    let mut source = error.source();
    while let Some(current) = source {
        if let Some(io) = current.downcast_ref::<io::Error>() {
            return Some(io);
        }
        source = current.source();
    }
    None
}
