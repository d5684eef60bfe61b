//! What guests and bystanders do not learn.

use crate::{
    capture::{captured, of_the_process},
    label,
    world::{Act, ERP, SEED, TOKEN, WEBHOOK, World, ask, get, ok, post, site},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use stepward_seam::{Broker as _, HostCall, HttpFailure, HttpRequest, Pair};

#[tokio::test]
async fn no_event_and_no_debug_holds_a_secret_or_a_body() {
    let lines = of_the_process();
    // For the whole process: the events of every other test here are searched too.
    let world = World::new(ok("{\"confidential\":1}")).await;
    let all = r#"{"endpoint":{"erp":{"methods":["GET","POST"],"paths":["/**"]}},"signer":{"payment-signing":{}},"secret":{"webhook":{}}}"#;
    let broker = world.broker(&world.environment(), all).unwrap();
    ask(&broker, get("a")).await.unwrap().unwrap();
    ask(&broker, post("pay-1")).await.unwrap().unwrap();
    ask(&broker, post("pay-1")).await.unwrap().unwrap_err();
    broker.call(site(), HostCall::Reveal { secret: label("webhook") }).await.map(drop).unwrap();
    broker
        .call(site(), HostCall::Sign { signer: label("payment-signing"), message: b"m".to_vec().into() })
        .await
        .map(drop)
        .unwrap();
    world.act(Act::Echo);
    ask(&broker, get("echo")).await.map(drop).unwrap_err();
    let mut seen = lines.text();
    for event in ["permitted", "answered", "refused", "revealed", "signed", "stepward::alert"] {
        assert!(seen.contains(event), "no {event} in {seen}");
    }
    let bindings = world.bindings(&world.environment()).unwrap();
    seen = format!("{seen} {broker:?} {bindings:?}");
    for secret in [TOKEN, SEED, WEBHOOK, "confidential", "amount"] {
        assert!(!seen.contains(secret), "{secret}: {seen}");
        let encoded = STANDARD.encode(secret);
        assert!(!seen.contains(encoded.trim_end_matches('=')), "{secret}");
    }
}

#[tokio::test]
async fn a_guest_learns_rule_and_sentence_and_nothing_of_the_host() {
    let world = World::new(ok("{}")).await;
    let port = world.address.port().to_string();
    let closed = world.environment().replacen("networks = [\"loopback\"]\n", "", 1);
    let other = world.environment().replacen("erp.localhost", "other.localhost", 1);
    let narrow = world.environment().replacen("paths = [\"/**\"]", "paths = [\"/nothing\"]", 1);
    let mut told = Vec::new();
    for environment in [&closed, &other, &narrow] {
        let broker = world.broker(environment, ERP).unwrap();
        let failure = ask(&broker, get("a")).await.unwrap().unwrap_err();
        told.push(format!("{failure:?}"));
    }
    assert!(told[0].contains("endpoint-address-denied"), "{told:?}");
    assert_eq!(told[1], "NotApplied(Tls)");
    assert!(told[2].contains("endpoint-path"), "{told:?}");
    let all = told.join("\n");
    for inner in [
        "127.0.0.1",
        "localhost",
        &port,
        "environment.toml",
        "secrets/",
        "trust/",
        world.folder.path().to_str().unwrap(),
    ] {
        assert!(!all.contains(inner), "{inner}: {all}");
    }
    assert!(world.requests.lock().unwrap().is_empty());
}

#[tokio::test]
async fn what_exists_and_what_does_not_read_alike() {
    let world = World::new(ok("{}")).await;
    let broker = world.erp();
    let mut told = Vec::new();
    for name in ["bank", "nobody"] {
        let call = HostCall::Http { endpoint: label(name), request: get("a") };
        told.push(broker.call(site(), call).await.map(drop).unwrap_err().0.to_string().replace(name, "NAME"));
    }
    assert_eq!(told[0], told[1]);
    // A path that the environment allows and one that it does not differ for the guest only by the
    // service's own answer or the rule: the sentence names neither.
    let narrow = world.environment().replacen("paths = [\"/**\"]", "paths = [\"/open\"]", 1);
    let broker = world.broker(&narrow, ERP).unwrap();
    let Err(HttpFailure::Refused(first)) = ask(&broker, get("hidden")).await.unwrap() else { panic!() };
    let Err(HttpFailure::Refused(second)) = ask(&broker, get("absent")).await.unwrap() else { panic!() };
    assert_eq!(first, second);
}

#[tokio::test]
async fn a_secret_that_a_step_was_shown_is_written_down_nowhere() {
    let world = World::new(ok("{}")).await;
    let grants =
        r#"{"endpoint":{"erp":{"methods":["GET","POST"],"paths":["/payments"]}},"secret":{"webhook":{}}}"#;
    let broker = world.broker(&world.environment(), grants).unwrap();
    let header = |name: &str| vec![Pair { name: name.into(), value: "x".into() }];
    let requests = [
        // A path that nobody allows: the hint says which line would.
        get(&format!("{WEBHOOK}/more")),
        // Names that refusals quote.
        HttpRequest { headers: header(&format!("proxy-{WEBHOOK}")), ..get("payments") },
        HttpRequest { headers: [header(WEBHOOK), header(WEBHOOK)].concat(), ..get("payments") },
        // The name of an effect, which the record keeps; and again, for another request.
        post(WEBHOOK),
        HttpRequest { body: None, ..post(WEBHOOK) },
        post(WEBHOOK),
    ];
    let (mut written, events) = captured(async {
        let mut written = String::new();
        for request in requests {
            let call = HostCall::Http { endpoint: label("erp"), request };
            written += &serde_json::to_string(&broker.recorded(call.clone())).unwrap();
            // A sentence that quotes it ends the run; one that does not is answered.
            let told = match broker.call(site(), call).await {
                Ok(reply) => serde_json::to_string(&reply.recorded()).unwrap(),
                Err(stop) => format!("{:?}", stop.0),
            };
            written.push_str(&told);
        }
        written
    })
    .await;
    written += &world.record.take().join(" ");
    for rule in
        ["endpoint-path", "endpoint-header", "endpoint-operation-reused", "endpoint-operation-repeated"]
    {
        assert!(written.contains(&format!("refused {rule}")) && events.contains(rule), "{rule}: {written}");
    }
    assert!(written.contains("{{secret webhook}} answered 200"), "{written}");
    assert!(!written.contains(WEBHOOK) && !events.contains(WEBHOOK), "{written} {events}");
}

/// What a step asks for may be a person's number.
#[tokio::test]
async fn no_event_holds_what_a_refused_call_asked_for() {
    let world = World::new(ok("{}")).await;
    let narrow = world.environment().replacen("paths = [\"/**\"]", "paths = [\"/payments\"]", 1);
    let broker = world.broker(&narrow, ERP).unwrap();
    let header = vec![Pair { name: "host_4711".to_owned(), value: "x".to_owned() }];
    let ((), events) = captured(async {
        ask(&broker, get("dk4711")).await.unwrap().unwrap_err();
        ask(&broker, HttpRequest { headers: header, ..get("payments") }).await.unwrap().unwrap_err();
        ask(&broker, post("pay-4711")).await.unwrap().unwrap();
        ask(&broker, post("pay-4711")).await.unwrap().unwrap_err();
    })
    .await;
    for rule in ["endpoint-path", "endpoint-header-syntax", "endpoint-operation-repeated"] {
        assert!(events.contains(rule), "{rule}: {events}");
    }
    assert!(events.contains("[endpoints.erp] in environment.toml"), "{events}");
    assert!(!events.contains("4711"), "{events}");
}
