//! Text of a worker where a worker in order would speak for itself and not for its guest.

use crate::support::{admitted, alone, engine, job, later, rule, step};
use std::sync::Arc;
use stepward::{
    Broker, BrokerFuture, CallSite, Class, Deadline, Fault, HostCall, HostReply, Limits, Outcome, Owner,
    Rule, Stop,
};

const LEAK: Rule = Rule::new("test-leak");

/// Lets no text out that holds the secret.
struct Guards;

impl Broker for Guards {
    fn call<'a>(&'a self, _site: CallSite, _call: HostCall) -> BrokerFuture<'a> {
        Box::pin(async { Ok(HostReply::Now(0)) })
    }

    fn released(&self, text: String) -> Result<String, Stop> {
        if text.contains("hunter2") {
            return Err(Stop(Fault::new(Class::Refused, Owner::StepAuthor, LEAK).says("a secret")));
        }
        Ok(text)
    }
}

async fn told(lie: &str) -> Outcome {
    let engine = engine(lie, |_| {});
    let step = step(&engine).await;
    engine.run(&step, job("[1]", Arc::new(Guards)), later()).await.outcome
}

#[tokio::test(flavor = "multi_thread")]
async fn no_end_of_a_run_carries_a_secret_out() {
    let _alone = alone().await;
    for lie in ["secret-in-a-trap", "secret-in-a-fault", "secret-in-code"] {
        let outcome = told(lie).await;
        assert_eq!(rule(&outcome), Some("test-leak"), "{lie}: {outcome:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_fault_is_longer_than_people_read() {
    let _alone = alone().await;
    for (lie, name) in [("long-fault", "engine-defect"), ("long-code", "worker-load")] {
        let Outcome::Refused(fault) = told(lie).await else { panic!("{lie} refuses") };
        assert_eq!(fault.rule().as_str(), name);
        assert!(fault.message().len() < 64 << 10, "{lie}: {} bytes", fault.message().len());
    }
    let engine = engine("compiler-refuses-at-length", |_| {});
    let limits = Limits::default();
    let fault =
        engine.prepare(admitted(), None, &limits, Deadline::start(&limits)).await.expect_err("it refuses");
    assert_eq!(fault.rule().as_str(), "component-compile", "{fault}");
    assert!(fault.message().len() < 64 << 10, "{} bytes", fault.message().len());
}
