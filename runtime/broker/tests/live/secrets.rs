//! Secrets stay where they belong, whatever the service answers.

use crate::{
    label,
    world::{Act, BANK_TOKEN, ERP, SEED, TOKEN, WEBHOOK, World, ask, get, ok, post, site},
};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use stepward_broker::LiveBroker;
use stepward_seam::{Broker as _, HostCall, HttpRequest, LogLevel, Pair, Stop};

async fn withheld(world: &World, broker: &LiveBroker, why: &str) {
    world.record.take();
    let stop = ask(broker, get("echo")).await.map(|_| ()).expect_err(why);
    assert_eq!(stop.0.rule().as_str(), "secret-leak", "{why}");
    assert!(!format!("{:?}", stop.0).contains("Zq8"), "{why}");
    assert_eq!(world.record.take(), ["- withheld erp-token"], "{why}");
}

fn answer(headers: &str, body: &str) -> Act {
    let head = format!("HTTP/1.1 200 OK\r\n{headers}content-length: {}\r\n\r\n", body.len());
    Act::Answer(vec![head.into_bytes(), body.as_bytes().to_vec()])
}

#[tokio::test]
async fn an_echoed_credential_ends_the_call() {
    let world = World::new(Act::Echo).await;
    let broker = world.erp();
    withheld(&world, &broker, "the whole request").await;
    let hex = TOKEN.bytes().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
    let percent = TOKEN.bytes().map(|byte| format!("%{byte:02X}")).collect::<Vec<_>>().concat();
    let json = serde_json::to_string(TOKEN).unwrap();
    for (encoding, text) in [
        ("plain", TOKEN.to_owned()),
        ("base64 at offset 0", STANDARD.encode(TOKEN)),
        ("base64 at offset 1", STANDARD.encode(format!("x{TOKEN}yy"))),
        ("base64 at offset 2", URL_SAFE_NO_PAD.encode(format!("xx{TOKEN}y"))),
        ("hex", hex.clone()),
        ("HEX", hex.to_uppercase()),
        ("percent", percent.to_lowercase()),
        ("percent, as needed", percent.replace("%74", "t")),
        ("json", json.trim_matches('"').to_owned()),
        ("json, slashes", json.trim_matches('"').replace('/', "\\/")),
    ] {
        world.act(answer("", &format!("<html>{text}</html>")));
        withheld(&world, &broker, encoding).await;
        world.act(answer(&format!("x-debug: token={text};\r\n"), "{}"));
        withheld(&world, &broker, encoding).await;
    }
}

#[tokio::test]
async fn chunk_borders_hide_nothing() {
    let world = World::new(ok("")).await;
    let broker = world.erp();
    for cut in 1..TOKEN.len() {
        let (first, second) = TOKEN.split_at(cut);
        let chunk = |text: &str| format!("{:x}\r\n{text}\r\n", text.len()).into_bytes();
        world.act(Act::Answer(vec![
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_vec(),
            chunk(first),
            chunk(second),
            b"0\r\n\r\n".to_vec(),
        ]));
        withheld(&world, &broker, first).await;
    }
}

#[tokio::test]
async fn an_effect_whose_answer_leaks_was_applied_and_is_recorded_so() {
    let world = World::new(Act::Echo).await;
    let stop = ask(&world.erp(), post("pay-1")).await.map(|_| ()).unwrap_err();
    assert_eq!(stop.0.rule().as_str(), "secret-leak");
    assert_eq!(world.record.take(), ["pay-1 withheld erp-token"]);
}

#[tokio::test]
async fn every_form_of_credential_arrives_and_is_withheld_when_echoed() {
    let world = World::new(Act::Echo).await;
    let bearer = "as = \"bearer\" }";
    let put = |text: &str| {
        #[expect(clippy::disallowed_methods, reason = "a test makes the real file")]
        std::fs::write(world.folder.path().join("secrets/erp-token"), text).unwrap();
    };
    for (form, secret, arrives) in [
        ("as = \"basic\" }", "robot:pass word 77", "authorization: Basic cm9ib3Q6cGFzcyB3b3JkIDc3\r\n"),
        ("as = \"header\", header = \"X-Api-Key\" }", "header-key-77", "x-api-key: header-key-77\r\n"),
        (
            "as = \"query\", parameter = \"api key\" }",
            "query/key 77",
            "GET /api/echo?q=1&api%20key=query%2Fkey%2077 ",
        ),
    ] {
        put(secret);
        let environment = world.environment().replacen(bearer, form, 1);
        let broker = world.broker(&environment, ERP).unwrap();
        let request =
            HttpRequest { query: vec![Pair { name: "q".into(), value: "1".into() }], ..get("echo") };
        let stop = ask(&broker, request).await.map(|_| ()).expect_err(form);
        assert_eq!(stop.0.rule().as_str(), "secret-leak");
        assert!(world.last().contains(arrives), "{}", world.last());
    }
    world.act(answer("", "the password is pass word 77"));
    put("robot:pass word 77");
    let basic = world.environment().replacen(bearer, "as = \"basic\" }", 1);
    withheld(&world, &world.broker(&basic, ERP).unwrap(), "the password alone").await;
}

#[tokio::test]
async fn one_endpoint_never_gets_anothers_secret() {
    let world = World::new(ok("{}")).await;
    let broker = world.erp();
    assert_eq!(*world.fetched.lock().unwrap(), ["erp-token@1"]);
    let bank = HostCall::Http { endpoint: label("bank"), request: get("accounts") };
    let stop = broker.call(site(), bank).await.map(|_| ()).unwrap_err();
    assert_eq!(stop.0.rule().as_str(), "not-granted");
    for (call, rule) in [
        (HostCall::Reveal { secret: label("bank-token") }, "not-granted"),
        (HostCall::Reveal { secret: label("erp-token") }, "not-granted"),
        (HostCall::Sign { signer: label("erp"), message: b"x".to_vec().into() }, "not-granted"),
    ] {
        assert_eq!(broker.call(site(), call).await.map(|_| ()).unwrap_err().0.rule().as_str(), rule);
    }
    assert!(world.requests.lock().unwrap().is_empty());
    // A workflow that grants what the environment does not reveal gets nothing either.
    let fault = world.broker(&world.environment(), r#"{"secret":{"bank-token":{}}}"#).map(drop).unwrap_err();
    assert_eq!(fault.rule().as_str(), "grant-unbound");
    ask(&broker, get("x")).await.unwrap().unwrap();
    assert!(!world.last().contains(BANK_TOKEN));
}

#[tokio::test]
async fn logs_and_outputs_are_searched_and_calls_can_be_written_down() {
    let world = World::new(ok("{}")).await;
    let all = r#"{"endpoint":{"erp":{"methods":["GET"],"paths":["/**"]}},"signer":{"payment-signing":{}},"secret":{"webhook":{}}}"#;
    let broker = world.broker(&world.environment(), all).unwrap();
    for secret in [TOKEN, SEED, WEBHOOK] {
        let call = HostCall::Log { level: LogLevel::Info, message: format!("using {secret} now") };
        let written = serde_json::to_string(&broker.recorded(call.clone())).unwrap();
        assert!(written.contains("using {{secret ") && !written.contains(secret), "{written}");
        let stop = broker.call(site(), call).await.map(|_| ()).unwrap_err();
        assert_eq!(stop.0.rule().as_str(), "secret-leak");
        let Stop(fault) = broker.released(format!("{{\"a\":\"{}\"}}", STANDARD.encode(secret))).unwrap_err();
        assert!(fault.message().starts_with("the output of the step holds the secret"), "{fault}");
        assert!(!format!("{fault:?}").contains(secret));
    }
    assert!(broker.released("{\"status\":\"paid\"}".to_owned()).is_ok());
    let pair = |value: &str| vec![Pair { name: "x-hook".into(), value: value.into() }];
    let request =
        HttpRequest { headers: pair(WEBHOOK), query: pair(&STANDARD.encode(WEBHOOK)), ..get(WEBHOOK) };
    let call = HostCall::Http { endpoint: label("erp"), request };
    let written = format!("{:?}", broker.recorded(call.clone()));
    assert_eq!(written.matches("{{secret webhook}}").count(), 3, "{written}");
}
