//! What a step could learn of a secret by asking cleverly, and does not: whether it exists, how long
//! it is, what is in it.

use crate::{
    capture::captured,
    label,
    world::{Act, ERP, TOKEN, World, get, ok, post, site},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use std::{fmt::Write as _, fs, os::unix::fs::PermissionsExt as _, os::unix::net::UnixListener};
use stepward_broker::LiveBroker;
use stepward_fault::Owner;
use stepward_seam::{Broker as _, HostCall, HttpRequest, LogLevel, Pair};

/// Largest credential that goes out, and largest path and query that a step may ask for, in bytes.
const CREDENTIAL_BYTES: usize = 16 << 10;
const TARGET_BYTES: usize = 8 << 10;
/// Largest sum of a step's headers in bytes.
const HEADER_BYTES: usize = 16 << 10;

fn pairs(name: &str, bytes: usize) -> Vec<Pair> {
    vec![Pair { name: name.to_owned(), value: "v".repeat(bytes) }]
}

/// Requests at the borders of every size that the host measures, and one past them.
fn borders() -> Vec<HttpRequest> {
    let mut requests = vec![get("a"), post("pay-1"), HttpRequest { operation: None, ..post("x") }];
    for over in [0, 1] {
        let query = pairs("q", TARGET_BYTES + over - "/api/a?q=".len());
        let headers = pairs("x-note", HEADER_BYTES + over - "x-note".len());
        let both = HttpRequest { query: query.clone(), headers: headers.clone(), ..get("a") };
        requests.extend([
            HttpRequest { query, ..get("a") },
            HttpRequest { headers, ..get("a") },
            both,
            HttpRequest { body: Some(vec![b'b'; 1000 + over].into()), ..post("pay-2") },
        ]);
    }
    requests
}

/// Everything that a step, its caller and the record of its run see of these requests: from call and
/// reply alone the sandbox counts bytes and takes fuel.
async fn transcript(broker: &LiveBroker, world: &World) -> String {
    let mut seen = String::new();
    let mut calls: Vec<_> =
        borders().into_iter().map(|request| HostCall::Http { endpoint: label("erp"), request }).collect();
    calls.push(HostCall::Log { level: LogLevel::Info, message: "a line".to_owned() });
    for (number, call) in calls.into_iter().enumerate() {
        // Answers that are as long as the cap lets them be, and one that never comes.
        world.act(if number == 0 { Act::Close } else { ok(&"y".repeat(2000)) });
        writeln!(seen, "{}", serde_json::to_string(&broker.recorded(call.clone())).unwrap()).unwrap();
        match broker.call(site(), call).await {
            Ok(reply) => writeln!(seen, "{}", serde_json::to_string(&reply.recorded()).unwrap()).unwrap(),
            Err(stop) => writeln!(seen, "{:?}", stop.0).unwrap(),
        }
    }
    writeln!(seen, "{:?}", broker.released("{\"done\":true}".to_owned())).unwrap();
    writeln!(seen, "{:?}", world.record.take()).unwrap();
    seen
}

fn with_caps(world: &World) -> String {
    let caps = "caps = { request-body-bytes = 1000, response-body-bytes = 2000 }\n[endpoints.bank]";
    world.environment().replacen("[endpoints.bank]", caps, 1)
}

#[tokio::test]
async fn the_length_of_a_credential_shows_nowhere() {
    let world = World::new(ok("")).await;
    let letters = |bytes: usize| "Zq8".chars().cycle().take(bytes).collect::<String>();
    for (form, lead) in [
        ("as = \"bearer\" }", ""),
        ("as = \"basic\" }", "robot:"),
        ("as = \"header\", header = \"X-Api-Key\" }", ""),
        ("as = \"query\", parameter = \"key\" }", ""),
    ] {
        let environment = with_caps(&world).replacen("as = \"bearer\" }", form, 1);
        let mut seen = Vec::new();
        for bytes in [8, 9, 300, 12_000] {
            let secret = format!("{lead}{}", letters(bytes));
            world.rotate("erp-token", secret.as_bytes());
            let (lines, events) =
                captured(async { transcript(&world.broker(&environment, ERP).unwrap(), &world).await }).await;
            let arrived = if lead.is_empty() { secret } else { STANDARD.encode(secret) };
            assert!(world.last().contains(&arrived), "{form}: it was sent");
            assert!(events.contains("permitted") && events.contains("refused"), "{events}");
            seen.push((lines, events));
        }
        assert!(
            seen[0].0.contains("endpoint-request-size") && seen[0].0.contains("unknown"),
            "{}",
            seen[0].0
        );
        assert!(seen.iter().all(|other| *other == seen[0]), "{form}");
    }
}

#[tokio::test]
async fn no_request_fails_on_the_length_of_what_the_host_adds() {
    let world = World::new(ok("{}")).await;
    let environment =
        world.environment().replacen("as = \"bearer\" }", "as = \"query\", parameter = \"key\" }", 1);
    let largest = CREDENTIAL_BYTES - "key=".len();
    world.rotate("erp-token", "%".repeat(largest / 3).as_bytes());
    let broker = world.broker(&environment, ERP).unwrap();
    for request in borders().into_iter().filter(|request| request.query.len() + request.headers.len() > 0) {
        let call = HostCall::Http { endpoint: label("erp"), request: request.clone() };
        let reply = serde_json::to_string(&broker.call(site(), call).await.unwrap()).unwrap();
        assert!(reply.contains("200") || reply.contains("endpoint-request-size"), "{reply}");
    }
    // Where a step could come to the end of what a URI holds, the operator hears of it first.
    for secret in ["%".repeat(largest / 3 + 1), "x".repeat(60_000)] {
        world.rotate("erp-token", secret.as_bytes());
        let fault = world.broker(&environment, ERP).map(drop).unwrap_err();
        assert_eq!(fault.rule().as_str(), "credential-form");
        assert!(!format!("{fault:?}").contains("xxx") && !fault.to_string().contains("60000"), "{fault}");
    }
}

#[tokio::test]
async fn the_guard_says_one_sentence_whatever_it_found_and_where() {
    let world = World::new(ok("")).await;
    let long: String = (0..700).flat_map(|number| [number.to_string(), ".".to_owned()]).collect();
    let (mut answers, mut outputs, mut lines) = (Vec::new(), Vec::new(), Vec::new());
    for secret in [TOKEN, "8-bytes!", &long] {
        world.rotate("erp-token", secret.as_bytes());
        let broker = world.erp();
        let hex = hex::encode(secret);
        let percent = secret.bytes().map(|byte| format!("%{byte:02X}")).collect::<Vec<_>>().concat();
        let base64 = (0..3).map(|offset| STANDARD.encode(["", "x", "xy"][offset].to_owned() + secret));
        for text in [secret.to_owned(), hex, percent].into_iter().chain(base64) {
            for before in [0, 1, 5000] {
                let body = format!("{}{text} and more", ".".repeat(before));
                let chunk = |text: &str| format!("{:x}\r\n{text}\r\n", text.len()).into_bytes();
                let (one, two) = body.split_at(before + text.len() / 2);
                let head = |fields: &str| format!("HTTP/1.1 200 OK\r\n{fields}\r\n\r\n").into_bytes();
                for act in [
                    ok(&body),
                    Act::Answer(vec![head(&format!("content-length: 0\r\nx-debug: {text}"))]),
                    Act::Answer(vec![head("transfer-encoding: chunked"), chunk(one), chunk(two), chunk("")]),
                ] {
                    world.act(act);
                    let call = HostCall::Http { endpoint: label("erp"), request: get("a") };
                    answers.push(format!("{:?}", broker.call(site(), call).await.unwrap_err().0));
                }
                let line = HostCall::Log { level: LogLevel::Info, message: body.clone() };
                lines.push(format!("{:?}", broker.call(site(), line).await.unwrap_err().0));
                outputs.push(format!("{:?}", broker.released(body).unwrap_err().0));
            }
        }
    }
    for told in [answers, outputs, lines] {
        assert!(told.len() >= 50 && told[0].contains("secret-leak"), "{}", told[0]);
        assert!(told.iter().all(|other| *other == told[0]), "{told:?}");
    }
}

/// Makes a secret's file unfit in one of the ways that there are, and says how that is told.
fn spoil(world: &World, name: &str, how: &str) -> &'static str {
    let place = world.secret(name);
    let narrow = |mode| fs::set_permissions(&place, fs::Permissions::from_mode(mode)).unwrap();
    world.rotate(name, b"a-token-of-some-length");
    match how {
        "missing" => {
            fs::remove_file(&place).unwrap();
            "secret-missing"
        }
        "unreadable" => {
            fs::remove_file(&place).unwrap();
            drop(UnixListener::bind(&place).unwrap());
            "secret-unreadable"
        }
        "too wide" => {
            narrow(0o644);
            "secret-too-open"
        }
        "a link" => {
            fs::remove_file(&place).unwrap();
            std::os::unix::fs::symlink("webhook", &place).unwrap();
            "secret-not-a-file"
        }
        "empty" => {
            world.rotate(name, b"\n");
            "secret-size"
        }
        "too large" => {
            world.rotate(name, &vec![b'x'; (64 << 10) + 1]);
            "secret-size"
        }
        "too short" => {
            world.rotate(name, b"7-bytes");
            "secret-too-short"
        }
        other => {
            assert_eq!(other, "no token");
            world.rotate(name, b"two words and more");
            "credential-form"
        }
    }
}

const WAYS: [&str; 8] =
    ["missing", "unreadable", "too wide", "a link", "empty", "too large", "too short", "no token"];

#[tokio::test]
async fn what_is_wrong_with_a_secret_the_operator_learns_and_no_step() {
    let world = World::new(ok("")).await;
    let environment = with_caps(&world);
    let healthy = transcript(&world.broker(&environment, ERP).unwrap(), &world).await;
    for how in WAYS {
        // Bound elsewhere: a step that does not use it sees what it always saw.
        spoil(&world, "bank-token", how);
        let seen = transcript(&world.broker(&environment, ERP).unwrap(), &world).await;
        assert_eq!(seen, healthy, "{how}");
    }
    for how in WAYS {
        // Its own: it never starts, so that there is nobody who could ask.
        let rule = spoil(&world, "erp-token", how);
        let fault = world.broker(&environment, ERP).map(drop).unwrap_err();
        assert_eq!((fault.rule().as_str(), fault.owner()), (rule, Owner::Operator), "{how}");
        assert!(format!("{fault}{}", fault.remedy()).contains("erp-token"), "{how}: {fault:?}");
        assert!(!format!("{fault:?}").contains("two words") && !format!("{fault:?}").contains("7-bytes"));
    }
}

type Ask = fn(&str) -> HostCall;

#[tokio::test]
async fn a_name_bound_elsewhere_reads_like_one_that_nobody_uses() {
    let world = World::new(ok("{}")).await;
    let broker = world.erp();
    let kinds: [Ask; 3] = [
        |name| HostCall::Http { endpoint: label(name), request: get("a") },
        |name| HostCall::Reveal { secret: label(name) },
        |name| HostCall::Sign { signer: label(name), message: b"m".to_vec().into() },
    ];
    for ask in kinds {
        let mut told = Vec::new();
        for name in ["bank", "bank-token", "payment-signing", "payment-key", "webhook", "nobody"] {
            let stop = broker.call(site(), ask(name)).await.unwrap_err();
            told.push(format!("{:?}", stop.0).replace(&format!("`{name}`"), "NAME"));
        }
        assert!(told.iter().all(|other| *other == told[0]), "{told:#?}");
    }
    assert!(world.requests.lock().unwrap().is_empty());
    assert_eq!(*world.fetched.lock().unwrap(), ["erp-token@1"]);
}

#[tokio::test]
async fn a_guess_is_never_confirmed_in_silence() {
    let world = World::new(ok("{}")).await;
    let secret = "token-0123456789";
    world.rotate("erp-token", secret.as_bytes());
    let ask = async |guess: &str| {
        let broker = world.erp();
        let header = |name: &str| vec![Pair { name: name.to_owned(), value: "x".to_owned() }];
        let twice = HttpRequest { headers: [header(guess), header(guess)].concat(), ..get("a") };
        let other = HttpRequest { body: None, ..post(guess) };
        let mut told = Vec::new();
        for request in [twice, post(guess), other, post(guess), get(guess)] {
            let call = HostCall::Http { endpoint: label("erp"), request };
            told.push(match broker.call(site(), call).await {
                Ok(reply) => serde_json::to_string(&reply).unwrap().replace(guess, "GUESS"),
                Err(stop) => stop.0.rule().to_string(),
            });
        }
        told
    };
    let (wrong, right) = (ask("token-0123456780").await, ask(secret).await);
    assert!(wrong.iter().all(|told| !told.contains("secret")), "{wrong:?}");
    for (wrong, right) in wrong.iter().zip(&right) {
        assert!(
            right == wrong || right == "secret-leak",
            "{wrong}, {right}: an alert and the end, or no difference"
        );
    }
    assert_eq!(right.iter().filter(|told| *told == "secret-leak").count(), 3, "{right:?}");
}
