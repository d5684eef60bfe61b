//! How a run ended does not depend on a worker that does not obey.

use crate::support::{Ticks, alone, engine, step};
use std::sync::Arc;
use stepward::{
    Broker, BrokerFuture, CallSite, Class, Deadline, Fault, HostCall, Job, LimitName, Limits, Outcome, Owner,
    Rule, Stop,
};

const REVOKED: Rule = Rule::new("test-revoked");

/// Ends each run in its first call.
struct Revoked;

impl Broker for Revoked {
    fn call<'a>(&'a self, _site: CallSite, _call: HostCall) -> BrokerFuture<'a> {
        let fault = Fault::new(Class::Refused, Owner::Operator, REVOKED).says("no further");
        Box::pin(std::future::ready(Err(Stop(fault))))
    }
}

/// The worker is told to end the run, and does not until the run's time is over. What ended the run is
/// what its parent ended it with: an alert is not lost as one more run that was too slow.
#[tokio::test(flavor = "multi_thread")]
async fn an_end_that_was_ordered_stands_before_the_deadline() {
    let _alone = alone().await;
    let engine = engine("deaf-after-a-call", |_| {});
    let step = step(&engine).await;
    let run = async |broker: Arc<dyn Broker>, bytes_in: Option<u64>| {
        let mut limits = Limits::default();
        limits.set(LimitName::WallTimeMs, 300).unwrap();
        if let Some(most) = bytes_in {
            limits.set(LimitName::BytesInPerCall, most).unwrap();
        }
        let deadline = Deadline::start(&limits);
        engine.run(&step, Job::new("run", "step", "[1]", limits, broker), deadline).await
    };
    let finished = run(Arc::new(Revoked), None).await;
    let Outcome::Refused(fault) = &finished.outcome else { panic!("{:?}", finished.outcome) };
    assert_eq!(fault.rule(), REVOKED);

    // An answer that is larger than the run may have is recorded, and ends it before the worker has it.
    let finished = run(Arc::new(Ticks::default()), Some(7)).await;
    let ended = matches!(finished.outcome, Outcome::LimitExceeded(LimitName::BytesInPerCall));
    assert!(ended, "{:?}", finished.outcome);
    assert!(finished.trace.calls.iter().all(|call| call.reply.is_some()));
    assert_eq!(finished.trace.calls.len(), 1);
}
