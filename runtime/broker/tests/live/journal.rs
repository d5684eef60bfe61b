//! What a journal hears of a step, and that an effect waits for it.

use crate::{
    effects::refused,
    label,
    record::Says,
    world::{Act, ERP, TOKEN, WEBHOOK, World, ask, get, ok, post, site},
};
use std::sync::Arc;
use stepward_broker::{LiveBroker, StepIdentity};
use stepward_seam::{Body, Broker as _, CallSite, Cause, HostCall, HttpFailure, HttpRequest, LogLevel, Pair};
use tokio::sync::Notify;

const GRANTED: &str = "granted endpoint erp to post: [endpoints.erp] of dev, environment.toml";
const USES: &str = "post of run-1 uses erp-token@1 as Credential";

#[tokio::test]
async fn an_intent_is_recorded_before_the_service_sees_a_byte_and_the_end_comes_after() {
    let world = World::new(ok("{}")).await;
    let broker = world.erp();
    ask(&broker, post("pay-1")).await.unwrap().unwrap();
    let once = ["intends pay-1 #1", "recorded pay-1", "connected", "received an effect", "ended pay-1 Yes"];
    assert_eq!(world.record.story.take(), [&[GRANTED, USES], &once[..]].concat());
    // On the connection that stands open now, too.
    ask(&broker, post("pay-2")).await.unwrap().unwrap();
    let again = ["intends pay-2 #1", "recorded pay-2", "received an effect", "ended pay-2 Yes"];
    assert_eq!(world.record.story.take(), again);
}

#[tokio::test]
async fn a_read_needs_no_intent() {
    let world = World::new(ok("{}")).await;
    world.record.says(Says::No);
    assert_eq!(ask(&world.erp(), get("a")).await.unwrap().unwrap().status, 200);
    assert_eq!(world.record.story.take(), [GRANTED, USES, "connected", "received a read"]);
    assert_eq!(world.record.take(), ["- answered 200"]);
}

#[tokio::test]
async fn where_the_journal_refuses_nothing_is_sent_and_the_run_ends_with_its_fault() {
    let world = World::new(ok("{}")).await;
    let broker = world.erp();
    world.record.says(Says::No);
    let stop = ask(&broker, post("pay-1")).await.map(drop).unwrap_err();
    assert_eq!((stop.0.rule().as_str(), stop.0.message()), ("journal-full", "the journal is full"));
    assert_eq!(world.record.take(), ["pay-1 unsent journal-full"]);
    // The service would have noted a connection before this one.
    ask(&broker, get("a")).await.unwrap().unwrap();
    let story = world.record.story.take();
    let rest = ["intends pay-1 #1", "ended pay-1 No", "connected", "received a read"];
    assert_eq!(story, [&[GRANTED, USES], &rest[..]].concat());
    assert_eq!(*world.connections.lock().unwrap(), [0]);
    // The operation is not used up.
    world.record.says(Says::Yes);
    ask(&broker, post("pay-1")).await.unwrap().unwrap();
    let rest = ["intends pay-1 #2", "recorded pay-1", "received an effect", "ended pay-1 Yes"];
    assert_eq!(world.record.story.take(), rest);
}

#[tokio::test]
async fn the_wire_waits_for_a_journal_that_is_late() {
    let world = World::new(ok("{}")).await;
    let broker = world.erp();
    world.record.story.take();
    let (heard, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    world.record.says(Says::Late(Arc::clone(&heard), Arc::clone(&go), true));
    let meanwhile = async {
        heard.notified().await;
        // A whole exchange fits into the time that the journal takes.
        ask(&broker, get("a")).await.unwrap().unwrap();
        go.notify_one();
    };
    let (answer, ()) = tokio::join!(ask(&broker, post("pay-1")), meanwhile);
    assert_eq!(answer.unwrap().unwrap().status, 200);
    let story = world.record.story.take();
    let order = ["intends pay-1 #1", "connected", "received a read", "recorded pay-1", "received an effect"];
    assert_eq!(story, [&order[..], &["ended pay-1 Yes"]].concat());
}

/// What a journal says that is late, of what to wait for and what to wait with.
type Late = fn(Arc<Notify>, Arc<Notify>) -> Says;

/// Asks for an effect and is gone while the journal records it; then the journal says so.
async fn gone_while_recording(says: Late) -> World {
    let world = World::new(ok("{}")).await;
    let bindings = world.bindings(&world.environment()).unwrap();
    let identity = StepIdentity { run: "run-1".into(), step: "post".into(), item: None };
    let broker =
        LiveBroker::new(Arc::clone(&bindings), serde_json::from_str(ERP).unwrap(), identity).unwrap();
    let (heard, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    world.record.says(says(Arc::clone(&heard), Arc::clone(&go)));
    {
        let mut asking = Box::pin(ask(&broker, post("pay-1")));
        tokio::select! {
            _ = &mut asking => panic!("the journal has not answered yet"),
            () = heard.notified() => {}
        }
    }
    drop(broker);
    go.notify_one();
    bindings.settled().await;
    world
}

#[tokio::test]
async fn a_step_that_is_gone_while_its_intent_is_recorded_is_heard_of_all_the_same() {
    let world = gone_while_recording(|heard, go| Says::Late(heard, go, true)).await;
    assert_eq!(world.record.take(), ["pay-1 answered 200"]);
    assert_eq!(world.requests.lock().unwrap().len(), 1);
    let world = gone_while_recording(|heard, go| Says::Late(heard, go, false)).await;
    assert_eq!(world.record.take(), ["pay-1 unsent journal-full"]);
    assert!(world.requests.lock().unwrap().is_empty());
}

#[tokio::test]
async fn an_effect_whose_task_dies_when_its_step_is_gone_has_an_end_all_the_same() {
    let world = gone_while_recording(Says::DiesLate).await;
    assert_eq!(world.record.take(), ["pay-1 lost effect-lost"]);
    assert!(world.record.story.take().ends_with(&["ended pay-1 Unknown".to_owned()]));
}

#[tokio::test]
async fn an_effect_whose_task_dies_is_in_doubt() {
    let world = World::new(ok("{}")).await;
    let broker = world.erp();
    world.record.says(Says::Dies);
    let stop = ask(&broker, post("pay-1")).await.map(drop).unwrap_err();
    assert_eq!(stop.0.rule().as_str(), "effect-lost");
    assert_eq!(world.record.take(), ["pay-1 lost effect-lost"]);
    assert!(world.record.story.take().ends_with(&["ended pay-1 Unknown".to_owned()]));
    world.record.says(Says::Yes);
    assert_eq!(refused(&broker, "pay-1").await, "endpoint-operation-repeated");
}

#[tokio::test]
async fn attempts_are_counted_for_each_operation_and_every_end_says_whether_it_was_applied() {
    let world = World::new(Act::Close).await;
    let idempotent = world.environment().replacen("[endpoints.erp]", "[endpoints.erp]\nidempotent = true", 1);
    let broker = world.broker(&idempotent, ERP).unwrap();
    assert_eq!(ask(&broker, post("pay-1")).await.unwrap().unwrap_err(), HttpFailure::Unknown(Cause::Reset));
    world.act(ok("{}"));
    ask(&broker, post("pay-2")).await.unwrap().unwrap();
    ask(&broker, post("pay-1")).await.unwrap().unwrap();
    world.act(Act::Echo);
    ask(&broker, post("pay-1")).await.map(drop).unwrap_err();
    let told = |line: &String| line.starts_with("intends") || line.starts_with("ended");
    let story: Vec<_> = world.record.story.take().into_iter().filter(told).collect();
    let expected = [
        "intends pay-1 #1",
        "ended pay-1 Unknown",
        "intends pay-2 #1",
        "ended pay-2 Yes",
        "intends pay-1 #2",
        "ended pay-1 Yes",
        "intends pay-1 #3",
        "ended pay-1 Yes",
    ];
    assert_eq!(story, expected);
    assert!(world.record.written().contains("idempotent: true"));
}

const EVERYTHING: &str = r#"{"endpoint":{"erp":{"methods":["GET","POST"],"paths":["/payments","/notes/**"]}},
    "signer":{"payment-signing":{}},"secret":{"webhook":{}},"clock":{"time":{}},"random":{"dice":{}}}"#;

#[tokio::test]
async fn what_a_step_is_given_is_decided_label_by_label_before_it_asks() {
    let world = World::new(ok("{}")).await;
    world.broker(&world.environment(), EVERYTHING).unwrap();
    let expected = [
        "granted random dice to post: - of dev, environment.toml",
        GRANTED,
        "granted signer payment-signing to post: [signers.payment-signing] of dev, environment.toml",
        "granted clock time to post: - of dev, environment.toml",
        "granted secret webhook to post: [reveal] of dev, environment.toml",
        USES,
        "post of run-1 uses payment-key@7 as Signer",
        "post of run-1 uses webhook@3 as Revealed",
    ];
    assert_eq!(world.record.story.take(), expected);
    // A step that does not come to be is given nothing.
    std::fs::remove_file(world.secret("webhook")).unwrap();
    world.broker(&world.environment(), EVERYTHING).map(drop).unwrap_err();
    assert!(world.record.story.take().is_empty());
}

/// One call of each kind and some that are refused, with their numbers in the step.
fn calls() -> Vec<HostCall> {
    let http = |request| HostCall::Http { endpoint: label("erp"), request };
    vec![
        http(get("payments")),
        http(post("pay-1")),
        http(post("pay-1")),
        http(get("elsewhere")),
        HostCall::Log { level: LogLevel::Info, message: "a line".to_owned() },
        HostCall::Sign { signer: label("payment-signing"), message: Body(b"m".to_vec()) },
        HostCall::Reveal { secret: label("webhook") },
        HostCall::Now { clock: label("time") },
        HostCall::Random { random: label("dice"), count: 3 },
        HostCall::Random { random: label("dice"), count: 5000 },
        HostCall::Reveal { secret: label("bank-token") },
        HostCall::Http { endpoint: label("bank"), request: get("accounts") },
    ]
}

#[tokio::test]
async fn a_step_can_be_replayed_from_what_the_journal_heard() {
    let world = World::new(ok("{\"paid\":true}")).await;
    let broker = world.broker(&world.environment(), EVERYTHING).unwrap();
    let mut expected = Vec::new();
    for (sequence, call) in (0..).zip(calls()) {
        let recorded = serde_json::to_string(&broker.recorded(call.clone())).unwrap();
        let is_line = matches!(call, HostCall::Log { .. });
        let reply = match broker.call(CallSite { sequence, ..site() }, call).await {
            Ok(reply) => serde_json::to_string(&reply.recorded()).unwrap(),
            Err(stop) => format!("stop {}", stop.0.rule()),
        };
        if !is_line {
            expected.push((recorded, reply));
        }
    }
    assert_eq!(*world.record.replies.lock().unwrap(), expected);
    let written = world.record.written();
    for sequence in (0..12).filter(|sequence| *sequence != 4) {
        assert!(written.contains(&format!("sequence: {sequence} ")), "{sequence}: {written}");
    }
    assert!(!written.contains("sequence: 4 ") && !written.contains("a line"), "{written}");
    let told = |line: &String| !["gran", "post", "conn", "rece"].iter().any(|start| line.starts_with(start));
    let story: Vec<_> = world.record.story.take().into_iter().filter(told).collect();
    let rest = ["signed with payment-key@7", "revealed webhook@3", "told the time", "gave random bytes"];
    let effect = ["intends pay-1 #1", "recorded pay-1", "ended pay-1 Yes"];
    assert_eq!(story, [&effect[..], &rest, &["stopped"; 3]].concat());
}

#[tokio::test]
async fn nothing_that_the_journal_hears_holds_a_secret() {
    let world = World::new(ok("{}")).await;
    let broker = world.broker(&world.environment(), EVERYTHING).unwrap();
    broker.call(site(), HostCall::Reveal { secret: label("webhook") }).await.unwrap();
    let pair = |name: &str| vec![Pair { name: name.to_owned(), value: WEBHOOK.to_owned() }];
    let effect = HttpRequest {
        path: vec!["notes".to_owned(), WEBHOOK.to_owned()],
        query: pair("q"),
        headers: pair("x-hook"),
        body: Some(Body(format!("{{\"hook\":\"{WEBHOOK}\"}}").into_bytes())),
        ..post(&format!("note-{WEBHOOK}"))
    };
    ask(&broker, effect.clone()).await.unwrap().unwrap();
    assert_eq!(world.record.take(), ["note-{{secret webhook}} answered 200"]);
    // Refused with a sentence that quotes it, and answered with it.
    ask(&broker, effect).await.map(drop).unwrap_err();
    world.act(ok(WEBHOOK));
    ask(&broker, get("payments")).await.map(drop).unwrap_err();
    let sign = HostCall::Sign { signer: label("payment-signing"), message: Body(WEBHOOK.into()) };
    broker.call(site(), sign).await.unwrap();
    let mut written = world.record.written();
    written += &world.record.story.take().join("\n");
    // Intent, its end, and the refusal: path, query, header, body and name.
    assert!(written.matches("{{secret webhook}}").count() >= 15, "{written}");
    assert!(!written.contains(WEBHOOK) && !written.contains(TOKEN), "{written}");
}

#[tokio::test]
async fn the_story_of_a_failure_is_told_without_secrets() {
    let world = World::new(ok("{}")).await;
    // The names in a certificate are anybody's text; here they are the secret.
    world.rotate("erp-token", b"erp.localhost");
    let environment = world.environment().replacen("https://erp.localhost", "https://other.localhost", 1);
    let broker = world.broker(&environment, ERP).unwrap();
    let failure = ask(&broker, get("a")).await.unwrap().unwrap_err();
    assert_eq!(failure, HttpFailure::NotApplied(Cause::Tls));
    let written = world.record.written();
    assert!(written.contains("{{secret erp-token}}") && !written.contains("erp.localhost"), "{written}");
}
