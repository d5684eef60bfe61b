//! A step's broker against a real service over TLS.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail loudly"
)]

mod capture;
mod continued;
mod effects;
mod journal;
mod oracles;
mod record;
mod rotation;
mod secrets;
mod silence;
mod trailers;
mod world;

use stepward_broker::{SecretUse, SecretUseKind};
use stepward_seam::{Body, Broker as _, HostCall, HostReply, Label, LogLevel};
use world::{SEED, WEBHOOK, World, ask, get, ok, site};

fn label(text: &str) -> Label {
    Label::new(text).unwrap()
}

#[tokio::test]
async fn a_read_carries_the_credential_and_nothing_that_belongs_to_effects() {
    let world = World::new(ok("{}")).await;
    let answer = ask(&world.erp(), get("suppliers/7")).await.unwrap().unwrap();
    assert_eq!((answer.status, answer.body), (200, Body(b"{}".to_vec())));
    let request = world.last();
    assert!(request.starts_with("GET /api/suppliers/7 HTTP/1.1\r\n"), "{request}");
    assert!(request.contains(&format!("authorization: Bearer {}\r\n", world::TOKEN)), "{request}");
    assert!(!request.contains("idempotency-key"), "{request}");
    assert_eq!(world.record.take(), ["- answered 200"]);
}

#[tokio::test]
async fn a_redirect_is_an_answer() {
    let world = World::new(ok("")).await;
    world.act(world::Act::Answer(vec![
        format!(
            "HTTP/1.1 302 Found\r\nlocation: https://erp.localhost:{}/x\r\ncontent-length: 0\r\n\r\n",
            world.address.port()
        )
        .into_bytes(),
    ]));
    assert_eq!(ask(&world.erp(), get("a")).await.unwrap().unwrap().status, 302);
    assert_eq!(world.requests.lock().unwrap().len(), 1);
}

const EVERYTHING: &str =
    r#"{"signer":{"payment-signing":{}},"secret":{"webhook":{}},"clock":{"time":{}},"random":{"dice":{}}}"#;

#[tokio::test]
async fn keys_secrets_time_and_randomness() {
    let world = World::new(ok("")).await;
    let broker = world.broker(&world.environment(), EVERYTHING).unwrap();
    let call = |call| broker.call(site(), call);
    let sign = HostCall::Sign { signer: label("payment-signing"), message: Body(vec![0x72]) };
    let HostReply::Sign(Ok(signature)) = call(sign).await.unwrap() else { panic!() };
    // RFC 8032, section 7.1, test 2.
    assert!(hex::encode(&signature.bytes.0).starts_with("92a009a9f0d4cab8720e820b5f642540"));
    assert_eq!(signature.key_version, "7");
    let HostReply::Reveal(Ok(revealed)) = call(HostCall::Reveal { secret: label("webhook") }).await.unwrap()
    else {
        panic!()
    };
    assert_eq!(revealed.value.as_ref().unwrap().expose(), WEBHOOK.as_bytes());
    assert_eq!((revealed.version.as_str(), revealed.fingerprint.len()), ("3", 64));
    let written = serde_json::to_string(&HostReply::Reveal(Ok(revealed))).unwrap();
    assert!(!written.contains(WEBHOOK) && written.contains("fingerprint"), "{written}");
    let HostReply::Now(1_700_000_000_000) = call(HostCall::Now { clock: label("time") }).await.unwrap()
    else {
        panic!()
    };
    let random = |count| HostCall::Random { random: label("dice"), count };
    let HostReply::Random(bytes) = call(random(4096)).await.unwrap() else { panic!() };
    assert_eq!(bytes.0, vec![0x5a; 4096]);
    assert!(call(random(4097)).await.is_err());
    let line = HostCall::Log { level: LogLevel::Info, message: "hello\u{1b}[2J".to_owned() };
    assert!(matches!(call(line).await.unwrap(), HostReply::Log));
    let used = |name, version: &str, kind| SecretUse { name: label(name), version: version.to_owned(), kind };
    assert_eq!(
        broker.secrets_used(),
        [used("payment-key", "7", SecretUseKind::Signer), used("webhook", "3", SecretUseKind::Revealed)]
    );
    assert!(!format!("{broker:?}").contains(SEED));
}

#[tokio::test]
async fn what_is_missing_is_named() {
    let world = World::new(ok("")).await;
    let moved = world.environment().replace("trust/erp.pem", "trust/other.pem");
    let fault = world.bindings(&moved).unwrap().unusable().next().unwrap().clone();
    assert!(fault.to_string().contains("`trust/other.pem` of the endpoint `bank`"), "{fault}");
    #[expect(clippy::disallowed_methods, reason = "a test makes the real file")]
    std::fs::write(world.folder.path().join("trust/empty.pem"), "no certificate\n").unwrap();
    let empty = world.environment().replace("trust/erp.pem", "trust/empty.pem");
    // Only a step that is granted the endpoint is refused.
    let refused = world.broker(&empty, world::ERP).map(drop).unwrap_err();
    assert!(refused.to_string().contains("hold no certificate"), "{refused}");
    world.broker(&empty, r#"{"clock":{"wall":{}}}"#).unwrap();
    std::fs::remove_file(world.folder.path().join("secrets/erp-token")).unwrap();
    let fault = world.broker(&world.environment(), world::ERP).map(drop).unwrap_err();
    assert_eq!(fault.rule().as_str(), "secret-missing");
    let unbound = world.broker(&world.environment(), r#"{"signer":{"other":{}}}"#).map(drop).unwrap_err();
    assert!(unbound.remedy().contains("[signers.other]"), "{unbound:?}");
}
