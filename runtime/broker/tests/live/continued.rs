//! A step that goes on in another process, with what is known of its earlier attempts.

use crate::{
    effects::{key, refused},
    label,
    world::{Act, ERP, WEBHOOK, World, ask, get, ok, post, site},
};
use stepward_broker::{Applied, LiveBroker};
use stepward_fault::Class;
use stepward_seam::{Body, Broker as _, CallSite, HostCall, HostReply, HttpRequest};

fn call(request: HttpRequest) -> HostCall {
    HostCall::Http { endpoint: label("erp"), request }
}

fn idempotent(world: &World) -> String {
    world.environment().replacen("[endpoints.erp]", "[endpoints.erp]\nidempotent = true", 1)
}

/// The broker of the step in its first process, which sent `pay-1` and died of it.
async fn interrupted(world: &World, environment: &str) -> String {
    let broker = world.broker(environment, ERP).unwrap();
    world.act(Act::Close);
    ask(&broker, post("pay-1")).await.unwrap().unwrap_err();
    world.act(ok("{}"));
    world.record.take();
    world.record.story.take();
    key(&world.last())
}

/// What the journal heard of effects.
fn heard(world: &World) -> Vec<String> {
    let of_effects = |line: &String| line.starts_with("intends") || line.starts_with("ended");
    world.record.story.take().into_iter().filter(of_effects).collect()
}

async fn pay(broker: &LiveBroker) -> u16 {
    ask(broker, post("pay-1")).await.unwrap().unwrap().status
}

#[tokio::test]
async fn remembering_sends_nothing_and_is_not_journalled() {
    let world = World::new(ok("{}")).await;
    let broker = world.erp();
    world.record.story.take();
    for applied in [Applied::No, Applied::Unknown, Applied::Yes] {
        broker.remember(&site(), &call(post("pay-1")), applied).unwrap();
    }
    // Calls that are no effects leave nothing to remember.
    broker.remember(&site(), &call(get("a")), Applied::Yes).unwrap();
    broker.remember(&site(), &HostCall::Now { clock: label("time") }, Applied::Yes).unwrap();
    ask(&broker, get("a")).await.unwrap().unwrap();
    assert_eq!(world.record.story.take(), ["connected", "received a read"]);
    assert_eq!(world.record.take(), ["- answered 200"]);
}

#[tokio::test]
async fn an_effect_in_doubt_goes_out_again_where_the_service_acts_once() {
    let world = World::new(ok("{}")).await;
    let environment = idempotent(&world);
    let first = interrupted(&world, &environment).await;
    let broker = world.broker(&environment, ERP).unwrap();
    broker.remember(&site(), &call(post("pay-1")), Applied::Unknown).unwrap();
    assert_eq!(pay(&broker).await, 200);
    assert_eq!(key(&world.last()), first);
    assert_eq!(heard(&world), ["intends pay-1 #2", "ended pay-1 Yes"]);
}

#[tokio::test]
async fn an_effect_in_doubt_waits_for_a_person_where_the_service_could_act_twice() {
    let world = World::new(ok("{}")).await;
    let environment = world.environment();
    let first = interrupted(&world, &environment).await;
    let broker = world.broker(&environment, ERP).unwrap();
    broker.remember(&site(), &call(post("pay-1")), Applied::Unknown).unwrap();
    assert_eq!(refused(&broker, "pay-1").await, "endpoint-operation-repeated");
    assert_eq!(world.requests.lock().unwrap().len(), 1);
    // The person says that it was not applied: the step is continued with that.
    let broker = world.broker(&environment, ERP).unwrap();
    broker.remember(&site(), &call(post("pay-1")), Applied::No).unwrap();
    assert_eq!(pay(&broker).await, 200);
    assert_eq!(key(&world.last()), first);
    assert_eq!(heard(&world), ["intends pay-1 #2", "ended pay-1 Yes"]);
}

#[tokio::test]
async fn later_attempts_are_judged_as_if_the_process_had_lived() {
    let world = World::new(ok("{}")).await;
    for (known, environment) in [(Applied::Yes, world.environment()), (Applied::Unknown, world.environment())]
    {
        let broker = world.broker(&environment, ERP).unwrap();
        // One attempt in doubt is not settled by another that was not applied.
        broker.remember(&site(), &call(post("pay-1")), known).unwrap();
        broker.remember(&site(), &call(post("pay-1")), Applied::No).unwrap();
        assert_eq!(refused(&broker, "pay-1").await, "endpoint-operation-repeated");
        // The label names that request, also now.
        let other = HttpRequest { body: None, ..post("pay-1") };
        let failure = ask(&broker, other).await.unwrap().unwrap_err();
        assert!(format!("{failure:?}").contains("endpoint-operation-reused"), "{failure:?}");
        // Other operations are free.
        ask(&broker, post("pay-2")).await.unwrap().unwrap();
    }
    let broker = world.broker(&idempotent(&world), ERP).unwrap();
    for applied in [Applied::No, Applied::Unknown, Applied::Yes] {
        broker.remember(&site(), &call(post("pay-3")), applied).unwrap();
    }
    heard(&world);
    ask(&broker, post("pay-3")).await.unwrap().unwrap();
    assert_eq!(heard(&world), ["intends pay-3 #4", "ended pay-3 Yes"]);
}

#[tokio::test]
async fn what_would_be_refused_now_does_not_continue_a_step() {
    let world = World::new(ok("{}")).await;
    let site = CallSite { sequence: 5, ..site() };
    let narrow = world.environment().replacen("paths = [\"/**\"]", "paths = [\"/suppliers\"]", 1);
    let broker = world.broker(&narrow, ERP).unwrap();
    let fault = broker.remember(&site, &call(post("pay-1")), Applied::Yes).unwrap_err();
    assert_eq!((fault.rule().as_str(), fault.class()), ("endpoint-path", Class::Waiting));
    assert!(fault.message().starts_with("call 5 was sent before the run was interrupted"), "{fault}");
    assert!(fault.remedy().contains("[endpoints.erp] in environment.toml"), "{fault:?}");
    let broker = world.erp();
    broker.remember(&site, &call(post("pay-1")), Applied::Yes).unwrap();
    let other = call(HttpRequest { body: Some(Body(b"{}".to_vec())), ..post("pay-1") });
    let fault = broker.remember(&site, &other, Applied::No).unwrap_err();
    assert_eq!(fault.rule().as_str(), "endpoint-operation-reused");
    let bank = HostCall::Http { endpoint: label("bank"), request: post("pay-1") };
    let fault = broker.remember(&site, &bank, Applied::No).unwrap_err();
    assert_eq!(fault.rule().as_str(), "not-granted");
    assert!(world.requests.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_secret_is_shown_again_without_a_second_entry() {
    let world = World::new(ok("{}")).await;
    let broker = world.broker(&world.environment(), r#"{"secret":{"webhook":{}}}"#).unwrap();
    let before = broker.call(site(), HostCall::Reveal { secret: label("webhook") }).await.unwrap();
    assert_eq!(world.record.replies.lock().unwrap().len(), 1);
    let HostReply::Reveal(Ok(again)) = broker.reveal_again(&site(), &label("webhook")).unwrap() else {
        panic!("a secret")
    };
    assert_eq!(again.value.as_ref().unwrap().expose(), WEBHOOK.as_bytes());
    let recorded = |reply: &HostReply| serde_json::to_string(&reply.recorded()).unwrap();
    assert_eq!(recorded(&HostReply::Reveal(Ok(again))), recorded(&before));
    assert_eq!(world.record.replies.lock().unwrap().len(), 1);
    assert_eq!(broker.reveal_again(&site(), &label("other")).unwrap_err().rule().as_str(), "not-granted");
}
