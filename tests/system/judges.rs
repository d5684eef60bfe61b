//! The second tier: other people's tools judge what Stepward says of itself. `.ci/tools` installs
//! them, and the tests look below `target/tools` before they look at `PATH`.
#![allow(clippy::disallowed_methods, reason = "the judges are programs, and read files")]

use crate::process::{Ended, program};
use crate::stage::{ROOT, Stage};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;
use std::{ffi::OsStr, fs, path::Path, time::Duration};
use tokio::process::Command;

const SOON: Duration = Duration::from_mins(1);

async fn judge(name: &str, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Ended {
    let own = Path::new(ROOT).join("target/tools/bin").join(name);
    let mut command = if own.is_file() { Command::new(own) } else { Command::new(name) };
    program(command.args(arguments), SOON).await
}

const STEPS: [(&str, &[&str]); 3] = [
    ("read-invoice", &[]),
    ("check-invoice", &["erp: stepward:step/http-endpoint@0.1.0"]),
    (
        "post-payment",
        &["erp: stepward:step/http-endpoint@0.1.0", "payment-signing: stepward:step/signer@0.1.0"],
    ),
];

#[tokio::test]
#[ignore = "judged by wasm-tools, curl and openssl: .ci/tools installs them"]
async fn wasm_tools_sees_exactly_the_granted_names() {
    let stage = Stage::new().await;
    for (step, labels) in STEPS {
        let component = stage.component(step);
        let wit =
            judge("wasm-tools", [OsStr::new("component"), OsStr::new("wit"), component.as_os_str()]).await;
        let wit = wit.expect(0).stdout;
        let (_, world) = wit.split_once("world root {").unwrap();
        let (world, _) = world.split_once("\n}").unwrap();
        let names = |kind: &str| {
            world
                .lines()
                .filter_map(|line| line.trim().strip_prefix(kind)?.strip_suffix(';').map(str::to_owned))
                .collect::<Vec<_>>()
        };
        let common = ["stepward:step/log@0.1.0", "stepward:step/types@0.1.0"];
        assert_eq!(names("import "), [&common, labels].concat(), "{step}");
        assert_eq!(names("export "), ["run: func(input: string) -> result<string, step-error>"], "{step}");
        assert!(!wit.contains("wasi"), "{wit}");
    }
}

/// Labelled imports of a named interface are the one feature beyond the default set.
#[tokio::test]
#[ignore = "judged by wasm-tools, curl and openssl: .ci/tools installs them"]
async fn wasm_tools_finds_the_components_valid() {
    let stage = Stage::new().await;
    for (step, labels) in STEPS {
        let component = stage.component(step);
        let path = component.to_str().unwrap();
        judge("wasm-tools", ["validate", "--features", "cm-implements", path]).await.expect(0);
        let plain = judge("wasm-tools", ["validate", path]).await;
        assert_eq!(plain.code == Some(0), labels.is_empty(), "{step}: {}", plain.stderr);
        let mut bytes = fs::read(&component).unwrap();
        bytes.truncate(bytes.len() / 2);
        fs::write(&component, bytes).unwrap();
        let half = judge("wasm-tools", ["validate", "--features", "cm-implements", path]).await;
        assert_ne!(half.code, Some(0), "the judge can say no");
    }
}

#[tokio::test]
#[ignore = "judged by wasm-tools, curl and openssl: .ci/tools installs them"]
async fn openssl_finds_the_digests_that_the_lock_pins() {
    let stage = Stage::new().await;
    let lock = fs::read_to_string(stage.project().join("stepward.lock")).unwrap();
    for (step, _) in STEPS {
        let component = stage.component(step);
        let digest = judge("openssl", ["dgst", "-sha256", "-r", component.to_str().unwrap()]).await.expect(0);
        let (digest, _) = digest.stdout.split_once(' ').unwrap();
        assert!(
            lock.contains(&format!("[steps.{step}]\ncomponent = \"sha256:{digest}\"")),
            "{step} {digest}"
        );
    }
}

#[tokio::test]
#[ignore = "judged by wasm-tools, curl and openssl: .ci/tools installs them"]
async fn curl_is_served_with_root_and_token_and_refused_without() {
    let stage = Stage::new().await;
    let erp = stage.erp.as_ref().unwrap();
    let url = format!("{}/suppliers/DK12345678", erp.url());
    let address = format!("erp.localhost:{}:127.0.0.1", erp.address().port());
    let token = format!("Authorization: Bearer {}", stage.token);
    let roots = stage.roots();
    let curl = ["--silent", "--show-error", "--resolve", &address, "--write-out", "\n%{http_code}", &url];
    let (root, header) = (["--cacert", roots.to_str().unwrap()], ["--header", &token]);

    let served = judge("curl", curl.iter().chain(&root).chain(&header)).await.expect(0);
    let (body, status) = served.stdout.rsplit_once('\n').unwrap();
    assert_eq!(status, "200");
    let supplier: Value = serde_json::from_str(body).unwrap();
    assert_eq!((&supplier["id"], &supplier["name"]), (&"DK12345678".into(), &"Company A".into()));

    let stranger = judge("curl", curl.iter().chain(&root)).await.expect(0);
    assert!(stranger.stdout.ends_with("\n401"), "{}", stranger.stdout);
    // 60: the peer's certificate cannot be authenticated with known roots.
    judge("curl", curl.iter().chain(&header)).await.expect(60);
    let answers = stage.requests().into_iter().map(|(_, _, answer)| answer).collect::<Vec<_>>();
    assert_eq!(answers, ["200", "401"]);
}

/// A public Ed25519 key as PEM: RFC 8410, section 4.
fn public_pem(key: &[u8; 32]) -> String {
    let prefix = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
    let text = STANDARD.encode([&prefix[..], key].concat());
    format!("-----BEGIN PUBLIC KEY-----\n{text}\n-----END PUBLIC KEY-----\n")
}

#[tokio::test]
#[ignore = "judged by wasm-tools, curl and openssl: .ci/tools installs them"]
async fn openssl_verifies_the_signature_over_the_order_that_the_erp_keeps() {
    let stage = Stage::new().await;
    let run = stage.approve("BIS3_Invoice_positive.XML").await.expect(0).json();
    let trace = stage.trace(&run, 2);
    let posted = trace["calls"][1]["call"]["request"]["body"]["text"].as_str().unwrap();
    let posted: Value = serde_json::from_str(posted).unwrap();
    let payments = stage.payments();
    let [payment] = payments.as_slice() else { panic!("{payments:?}") };
    assert_eq!(posted["order"], *payment.order_text);
    let signed = trace["calls"][0]["reply"]["value"]["Ok"]["bytes"]["base64"].as_str().unwrap();
    let mut signature = STANDARD.decode(signed).unwrap();
    assert_eq!(posted["signature"], hex::encode(&signature));

    let (key, order, file) = (stage.beside("key.pem"), stage.beside("order"), stage.beside("signature"));
    fs::write(&key, public_pem(&stage.public)).unwrap();
    let verify = async |text: &[u8], signature: &[u8]| {
        fs::write(&order, text).unwrap();
        fs::write(&file, signature).unwrap();
        let paths = [&key, &order, &file].map(|path| path.to_str().unwrap());
        let arguments = [
            "pkeyutl", "-verify", "-pubin", "-inkey", paths[0], "-rawin", "-in", paths[1], "-sigfile",
            paths[2],
        ];
        judge("openssl", arguments).await.code
    };
    let mut text = payment.order_text.clone().into_bytes();
    assert_eq!(verify(&text, &signature).await, Some(0));
    let last = text.len() - 1;
    for at in [0, text.len() / 2, last] {
        text[at] ^= 1;
        assert_eq!(verify(&text, &signature).await, Some(1), "byte {at}");
        text[at] ^= 1;
    }
    signature[40] ^= 1;
    assert_eq!(verify(&text, &signature).await, Some(1));
}
