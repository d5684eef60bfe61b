//! Brokers that break the seam's rules, or end a run.

use super::guests;
use crate::support::brokers::{answers, plain_reply, refusal};
use crate::support::sandbox::{document, ready, run, run_ready, stopped};
use std::sync::Arc;
use stepward_fault::{Class, Fault, Owner, Rule};
use stepward_seam::{
    Body, Broker, BrokerFuture, CallSite, HostCall, HostReply, HttpFailure, Limits, Revealed, Stop,
};

/// A reply of each kind, in the order in which the guest below makes its calls.
fn each_reply() -> [HostReply; 6] {
    [
        HostReply::Log,
        HostReply::Now(0),
        HostReply::Random(Body(vec![0; 64])),
        HostReply::Sign(Err(refusal("a"))),
        HostReply::Reveal(Err(refusal("b"))),
        HostReply::Http(Err(HttpFailure::Refused(refusal("c")))),
    ]
}

#[test]
fn a_reply_of_another_kind_is_the_embedders_fault() {
    let guest = ready(guests::EVERYTHING_IT_CAN.bytes());
    for call in 0..6 {
        for wrong in (0..6).filter(|wrong| *wrong != call) {
            let broker = || {
                answers(move |site, asked| {
                    let at = usize::try_from(site.sequence).unwrap();
                    let wrong = || each_reply().into_iter().nth(wrong).unwrap();
                    Ok(if at == call { wrong() } else { plain_reply(asked) })
                })
            };
            let finished = run_ready(&guest, "null", Limits::default(), broker);
            let fault = stopped(&finished);
            assert_eq!((fault.rule().as_str(), fault.owner()), ("broker-reply", Owner::Embedder));
            assert_eq!(finished.calls.len(), call + 1);
        }
    }
    // The right one is taken each time, refusals included.
    let broker = || {
        answers(|site, _| Ok(each_reply().into_iter().nth(usize::try_from(site.sequence).unwrap()).unwrap()))
    };
    assert_eq!(document(&run_ready(&guest, "null", Limits::default(), broker)), "{}");
}

#[test]
fn a_broker_can_end_the_run() {
    const RULE: Rule = Rule::new("test-stop");
    let broker = || {
        answers(|_, call| match call {
            HostCall::Reveal { .. } => {
                Err(Stop(Fault::new(Class::Refused, Owner::Operator, RULE).says("the secret was revoked")))
            }
            other => Ok(plain_reply(other)),
        })
    };
    let finished = run(guests::EVERYTHING_IT_CAN.bytes(), Limits::default(), broker);
    assert_eq!(stopped(&finished).to_string(), "the secret was revoked [test-stop]");
    assert_eq!(finished.calls.len(), 5);
    assert!(finished.calls[4].reply.is_none());
}

#[test]
fn a_recorded_reply_reveals_nothing() {
    let broker = || {
        answers(|_, call| match plain_reply(call) {
            HostReply::Reveal(Ok(Revealed { name, version, fingerprint, value: _ })) => {
                Ok(HostReply::Reveal(Ok(Revealed { name, version, fingerprint, value: None })))
            }
            other => Ok(other),
        })
    };
    let finished = run(guests::EVERYTHING_IT_CAN.bytes(), Limits::default(), broker);
    let fault = stopped(&finished);
    assert_eq!((fault.rule().as_str(), fault.owner()), ("secret-absent", Owner::Caller));
}

/// Keeps back every text that holds a word.
struct Keeps(&'static str);

impl Broker for Keeps {
    fn call<'a>(&'a self, _site: CallSite, call: HostCall) -> BrokerFuture<'a> {
        Box::pin(async move { Ok(plain_reply(&call)) })
    }

    fn released(&self, text: String) -> Result<String, Stop> {
        const RULE: Rule = Rule::new("test-kept");
        if text.contains(self.0) {
            Err(Stop(Fault::new(Class::Refused, Owner::Operator, RULE)))
        } else {
            Ok(text)
        }
    }
}

/// Output, error code, error message and panic text all pass the broker on their way out, before
/// they are cut.
#[test]
fn a_broker_keeps_back_what_must_not_leave() {
    let late = format!("\"{}hush\"", "x".repeat(100_000));
    for (bytes, input) in [
        (guests::OUTPUT_OF_ANY_SIZE.bytes(), "\"hush\""),
        (guests::ERROR_OF_ANY_SIZE.bytes(), "hush"),
        (guests::ERROR_OF_ANY_SIZE.bytes(), late.as_str()),
        (guests::PANIC_OF_ANY_SIZE.bytes(), late.as_str()),
    ] {
        let guest = ready(bytes);
        let finished = run_ready(&guest, input, Limits::default(), || Arc::new(Keeps("hush")));
        assert_eq!(stopped(&finished).rule().as_str(), "test-kept");
        let finished = run_ready(&guest, input, Limits::default(), || Arc::new(Keeps("quiet")));
        assert!(!matches!(finished.outcome, stepward_sandbox::Outcome::Refused(_)));
    }
}
