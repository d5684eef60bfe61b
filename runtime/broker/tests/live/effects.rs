//! Effects: applied, not applied, unknown.

use crate::world::{Act, ERP, World, ask, ok, post};
use std::sync::Arc;
use stepward_broker::LiveBroker;
use stepward_seam::{Cause, HttpFailure};
use tokio::sync::Notify;

pub(crate) fn key(request: &str) -> String {
    let key = request.lines().find_map(|line| line.strip_prefix("idempotency-key: ")).expect(request);
    assert_eq!(key.len(), 64, "{key}");
    key.to_owned()
}

pub(crate) async fn refused(broker: &LiveBroker, operation: &str) -> String {
    match ask(broker, post(operation)).await.unwrap() {
        Err(HttpFailure::Refused(refusal)) => refusal.rule,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_key_names_the_effect_and_not_the_attempt() {
    let world = World::new(ok("{}")).await;
    let sent = async |broker: &LiveBroker, operation: &str| {
        ask(broker, post(operation)).await.unwrap().unwrap();
        key(&world.last())
    };
    let first = sent(&world.erp(), "pay-1").await;
    // The same step of the same run, made anew after a restart.
    assert_eq!(sent(&world.erp(), "pay-1").await, first);
    assert_ne!(sent(&world.erp(), "pay-2").await, first);
    let item = world.broker_for(&world.environment(), ERP, Some("")).unwrap();
    assert_ne!(sent(&item, "pay-1").await, first);
}

#[tokio::test]
async fn not_applied_may_be_tried_again() {
    let world = World::new(ok("{}")).await;
    let nobody = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let elsewhere = world.environment().replace(&world.address.port().to_string(), &nobody.to_string());
    let broker = world.broker(&elsewhere, ERP).unwrap();
    for _ in 0..2 {
        let failure = ask(&broker, post("pay-1")).await.unwrap().unwrap_err();
        assert_eq!(failure, HttpFailure::NotApplied(Cause::Connect));
    }
    assert_eq!(world.record.take(), ["pay-1 failed NotApplied(Connect)", "pay-1 failed NotApplied(Connect)"]);
}

#[tokio::test]
async fn unknown_is_in_doubt_and_goes_out_again_only_where_the_service_acts_once() {
    let world = World::new(Act::Close).await;
    let broker = world.erp();
    assert_eq!(ask(&broker, post("pay-1")).await.unwrap().unwrap_err(), HttpFailure::Unknown(Cause::Reset));
    assert_eq!(world.requests.lock().unwrap().len(), 1, "no retry on the wire");
    world.act(ok("{}"));
    assert_eq!(refused(&broker, "pay-1").await, "endpoint-operation-repeated");
    assert_eq!(world.requests.lock().unwrap().len(), 1);
    assert_eq!(world.record.take(), ["pay-1 failed Unknown(Reset)", "- refused endpoint-operation-repeated"]);

    world.act(Act::Close);
    let idempotent = world.environment().replacen("[endpoints.erp]", "[endpoints.erp]\nidempotent = true", 1);
    let broker = world.broker(&idempotent, ERP).unwrap();
    assert_eq!(ask(&broker, post("pay-2")).await.unwrap().unwrap_err(), HttpFailure::Unknown(Cause::Reset));
    let first = key(&world.last());
    world.act(ok("{}"));
    assert_eq!(ask(&broker, post("pay-2")).await.unwrap().unwrap().status, 200);
    assert_eq!(key(&world.last()), first);
}

#[tokio::test]
async fn an_answered_effect_is_not_repeated_and_a_label_names_one_request() {
    let world = World::new(ok("{}")).await;
    let broker = world.erp();
    ask(&broker, post("pay-1")).await.unwrap().unwrap();
    assert_eq!(refused(&broker, "pay-1").await, "endpoint-operation-repeated");
    let mut other = post("pay-1");
    other.body = None;
    let failure = ask(&broker, other).await.unwrap().unwrap_err();
    assert!(matches!(failure, HttpFailure::Refused(refusal) if refusal.rule == "endpoint-operation-reused"));
    assert_eq!(world.requests.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn an_effect_outlives_the_step_that_asked_for_it() {
    let (has, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let world = World::new(Act::Hold(Arc::clone(&has), Arc::clone(&go))).await;
    let bindings = world.bindings(&world.environment()).unwrap();
    let identity = stepward_broker::StepIdentity { run: "run-1".into(), step: "post".into(), item: None };
    let broker =
        LiveBroker::new(Arc::clone(&bindings), serde_json::from_str(ERP).unwrap(), identity).unwrap();
    {
        let mut asking = Box::pin(ask(&broker, post("pay-1")));
        tokio::select! {
            _ = &mut asking => panic!("the service has not answered yet"),
            () = has.notified() => {}
        }
    }
    drop(broker);
    assert!(world.record.take().is_empty());
    go.notify_one();
    bindings.settled().await;
    assert_eq!(world.record.take(), ["pay-1 answered 201"]);
}
