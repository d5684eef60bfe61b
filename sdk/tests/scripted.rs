//! Steps run natively with scripted things as plain arguments.
#![allow(clippy::unwrap_used, reason = "tests")]

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use stepward_sdk::{
    Algorithm, CallError, Cause, Clock, Endpoint, ErrorKind, Random, Secret, Signer, StepError, script,
};

#[derive(Deserialize, Serialize, JsonSchema)]
struct Order {
    number: u32,
    supplier: String,
}

#[derive(Debug, PartialEq, Serialize, JsonSchema)]
struct Receipt {
    id: String,
    at: u64,
    nonce: Vec<u8>,
}

#[stepward_sdk::step]
fn post_order(
    mut order: Order,
    erp: &Endpoint,
    order_signing: &Signer,
    salt: &Secret,
    clock: &Clock,
    random: &Random,
) -> Result<Receipt, StepError> {
    if erp.get(["suppliers", &order.supplier]).query("active", "yes").send()?.status() == 404 {
        return Err(StepError::permanent("supplier-unknown", "no such supplier"));
    }
    order.supplier.insert_str(0, "s-");
    let mut signed = salt.reveal()?.expose().to_vec();
    signed.extend_from_slice(order.supplier.as_bytes());
    let reply = erp
        .post(["orders"])
        .operation(format!("post-order-{}", order.number))
        .header("X-Signature", order_signing.sign(&signed)?.to_hex())
        .json(&order)
        .send()?
        .success()?;
    let id = reply.header("Location").unwrap_or_default().to_owned();
    Ok(Receipt { id, at: clock.now().0, nonce: random.bytes(3) })
}

fn order() -> Order {
    Order { number: 7, supplier: "acme".to_owned() }
}

fn run(erp: &Endpoint) -> Result<Receipt, StepError> {
    let signer =
        Signer::scripted(Algorithm::HmacSha256, "v1", |message| message.iter().copied().take(2).collect());
    post_order(order(), erp, &signer, &Secret::scripted("1", "k"), &Clock::fixed(5), &Random::fixed([1, 2]))
}

#[test]
fn a_step_runs_natively() {
    let erp = Endpoint::scripted([
        script::get(["suppliers", "acme"]).query("active", "yes").reply(200),
        script::post(["orders"])
            .operation("post-order-7")
            .header("x-signature", "6b73")
            .json(&json!({"supplier": "s-acme", "number": 7}))
            .reply(201)
            .header("Location", "/orders/1"),
    ]);
    assert_eq!(run(&erp).unwrap(), Receipt { id: "/orders/1".to_owned(), at: 5, nonce: vec![1, 2, 1] });
    erp.finish();
}

#[test]
fn answers_become_errors_that_workflows_can_sort() {
    let cases = [
        (
            script::get(["suppliers", "acme"]).query("active", "yes").not_applied(Cause::Connect),
            "call-not-applied",
        ),
        (script::get(["suppliers", "acme"]).query("active", "yes").unknown(Cause::Timeout), "call-in-doubt"),
        (script::get(["suppliers", "acme"]).query("active", "yes").refused("r", "m"), "call-refused"),
        (script::get(["suppliers", "acme"]).query("active", "yes").reply(404), "supplier-unknown"),
    ];
    for (exchange, code) in cases {
        let error = run(&Endpoint::scripted([exchange])).unwrap_err();
        assert_eq!(error.code(), code);
        assert_eq!(error.kind() == ErrorKind::Retryable, code == "call-not-applied");
    }
}

#[test]
fn a_status_is_sorted_by_what_time_can_cure() {
    for (status, expected) in [
        (200, None),
        (299, None),
        (302, Some(ErrorKind::Permanent)),
        (429, Some(ErrorKind::Retryable)),
        (500, Some(ErrorKind::Retryable)),
        (503, Some(ErrorKind::Retryable)),
    ] {
        let erp = Endpoint::scripted([script::get(["x"]).reply(status)]);
        assert_eq!(erp.get(["x"]).send().unwrap().success().err().map(|e| e.kind()), expected, "{status}");
    }
}

#[test]
fn an_effect_that_a_service_failed_on_is_in_doubt() {
    for (status, kind, code) in [
        (409, ErrorKind::Permanent, "reply-status"),
        (429, ErrorKind::Retryable, "reply-status"),
        (500, ErrorKind::Permanent, "call-in-doubt"),
        (502, ErrorKind::Permanent, "call-in-doubt"),
        (503, ErrorKind::Permanent, "call-in-doubt"),
        (504, ErrorKind::Permanent, "call-in-doubt"),
    ] {
        let erp = Endpoint::scripted([
            script::post(["x"]).reply(status),
            script::put(["x"]).reply(status),
            script::patch(["x"]).reply(status),
            script::delete(["x"]).reply(status),
        ]);
        for request in [erp.post(["x"]), erp.put(["x"]), erp.patch(["x"]), erp.delete(["x"])] {
            let error = request.operation("x").send().unwrap().success().unwrap_err();
            assert_eq!((error.kind(), error.code()), (kind, code), "{status}");
        }
    }
}

#[test]
fn a_reply_that_is_not_of_the_type_says_so() {
    let erp = Endpoint::scripted([script::get(["x"]).reply(200).bytes(*b"{\"a\": \xff}")]);
    let reply = erp.get(["x"]).send().unwrap();
    assert_eq!(reply.text().unwrap_err().code(), "reply-invalid");
    assert_eq!(reply.json::<u32>().unwrap_err().code(), "reply-invalid");
}

#[test]
fn a_body_that_cannot_be_written_never_leaves() {
    let erp = Endpoint::scripted([]);
    let unwritable = std::collections::HashMap::from([((1, 2), 3)]);
    let error = erp.post(["x"]).operation("x").json(&unwritable).send().unwrap_err();
    assert!(matches!(error, CallError::Refused { rule, .. } if rule == "request-json"));
}

#[test]
fn refused_grants_are_permanent_and_nothing_secret_is_shown() {
    let error = StepError::from(Signer::refusing("signer-quota").sign(b"m").unwrap_err());
    assert_eq!((error.kind(), error.code()), (ErrorKind::Permanent, "grant-refused"));
    assert!(error.message().contains("signer-quota"));
    assert_eq!(Secret::refusing("r").reveal().unwrap_err().rule(), "r");
    assert_eq!(
        format!("{:?}", Secret::scripted("7", "pass").reveal().unwrap()),
        "Revealed { version: \"7\", .. }"
    );
}

#[test]
#[should_panic(expected = "unexpected request GET /b: expected GET /a")]
fn another_path_panics() {
    let _ = Endpoint::scripted([script::get(["a"]).reply(200)]).get(["b"]).send();
}

#[test]
#[should_panic(expected = "unexpected request GET /a?x=1: expected GET /a\nmethod, path or query differ")]
fn another_query_panics() {
    let _ = Endpoint::scripted([script::get(["a"]).reply(200)]).get(["a"]).query("x", "1").send();
}

#[test]
#[should_panic(expected = "expected the body {\"n\":1}")]
fn another_body_panics() {
    let erp = Endpoint::scripted([script::post(["a"]).json(&json!({"n": 1})).reply(200)]);
    let _ = erp.post(["a"]).operation("a").json(&json!({"n": 2})).send();
}

#[test]
#[should_panic(expected = "expected the header `x: 1`")]
fn a_missing_header_panics() {
    let _ = Endpoint::scripted([script::get(["a"]).header("x", "1").reply(200)]).get(["a"]).send();
}

#[test]
#[should_panic(expected = "add `.operation(")]
fn an_effect_without_a_name_panics() {
    let _ = Endpoint::scripted([script::delete(["a"]).reply(200)]).delete(["a"]).send();
}

#[test]
#[should_panic(expected = "expected operation Some(\"a\"), sent Some(\"b\")")]
fn another_operation_panics() {
    let _ =
        Endpoint::scripted([script::put(["a"]).operation("a").reply(200)]).put(["a"]).operation("b").send();
}

#[test]
#[should_panic(expected = "the script has no exchange left")]
fn a_request_too_many_panics() {
    let _ = Endpoint::scripted([]).patch(["a"]).operation("a").send();
}

#[test]
#[should_panic(expected = "the script expected more requests:\n  GET /a?b=c\n  HEAD /d")]
fn a_request_too_few_panics_at_the_end() {
    drop(Endpoint::scripted([script::get(["a"]).query("b", "c").reply(200), script::head(["d"]).reply(200)]));
}
