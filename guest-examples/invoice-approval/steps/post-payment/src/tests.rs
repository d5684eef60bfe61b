//! The step with a scripted ERP and a real signature.

use crate::{Order, Outcome, operation, post_payment};
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use invoice_model::CheckedInvoice;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use stepward_sdk::{Algorithm, Cause, Endpoint, ErrorKind, Signer, script};

/// RFC 8032, section 7.1, test 1: a key that everybody knows.
const SEED: &str = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";

fn seed() -> Vec<u8> {
    (0..SEED.len()).step_by(2).map(|at| u8::from_str_radix(&SEED[at..at + 2], 16).unwrap()).collect()
}

fn signer() -> Signer {
    let pair = Ed25519KeyPair::from_seed_unchecked(&seed()).unwrap();
    Signer::scripted(Algorithm::Ed25519, "1", move |message| pair.sign(message).as_ref().to_vec())
}

fn invoice() -> CheckedInvoice {
    serde_json::from_value(json!({
        "kind": "invoice", "number": "12345", "supplier": "DK12345678", "supplier_name": "Company A",
        "buyer_name": "Buyer", "issue_date": "2019-01-25", "due_date": "2019-02-24", "amount_due": "782179.43",
        "currency": "DKK", "iban": "DK50", "remittance": "ref 7", "checks": ["en16931"],
    }))
    .unwrap()
}

const ORDER: &str = r#"{"amount":"782179.43","currency":"DKK","due_date":"2019-02-24","iban":"DK50","invoice":"12345","kind":"invoice","remittance":"ref 7","supplier":"DK12345678"}"#;

#[test]
fn the_order_is_canonical_json() {
    let text = Order::of(&invoice()).canonical().unwrap();
    assert_eq!(text, ORDER);
    let sorted: BTreeMap<String, Value> = serde_json::from_str(&text).unwrap();
    assert_eq!(serde_json::to_string(&sorted).unwrap(), text);
}

#[test]
fn a_credit_note_turns_the_sign() {
    let mut note = invoice();
    note.kind = invoice_model::Kind::CreditNote;
    let text = Order::of(&note).canonical().unwrap();
    assert!(
        text.starts_with(r#"{"amount":"-782179.43","#) && text.contains(r#""kind":"credit-note""#),
        "{text}"
    );
}

#[test]
fn an_operation_label_is_plain_text_and_tells_invoices_apart() {
    assert_eq!(operation("DK12345678", "12345"), "post-payment-DK12345678-12345");
    assert_eq!(operation("BE1", "018304 / 28865"), "post-payment-BE1-018304~20~2f~2028865");
    assert_ne!(operation("BE1", "1/2"), operation("BE1", "1~2f2"));
    let long = operation("BE1", &"é".repeat(500));
    assert!(long.len() == 200 && long.bytes().all(|b| b.is_ascii_graphic()), "{long}");
}

fn post() -> script::Expected {
    script::post(["payments"]).operation("post-payment-DK12345678-12345")
}

#[test]
fn a_signed_order_is_posted_once() {
    let (signature, signer) = (signer().sign(ORDER.as_bytes()).unwrap(), signer());
    let body =
        json!({"order": ORDER, "signature": signature.to_hex(), "algorithm": "ed25519", "key_version": "1"});
    let created = post().json(&body).reply(201).json(&json!({"payment_id": "P-1", "status": "posted"}));
    let erp = Endpoint::scripted([created]);
    let receipt = post_payment(invoice(), &erp, &signer).unwrap();
    erp.finish();
    assert_eq!((receipt.payment_id.as_str(), receipt.outcome), ("P-1", Outcome::Posted));
    assert_eq!(receipt.amount.to_string(), "782179.43");
    let public = Ed25519KeyPair::from_seed_unchecked(&seed()).unwrap();
    let public = UnparsedPublicKey::new(&ED25519, public.public_key().as_ref());
    public.verify(&signer.signed()[0], signature.bytes()).unwrap();
}

#[test]
fn an_order_that_was_there_already_is_told_apart() {
    let erp = Endpoint::scripted([post()
        .reply(200)
        .json(&json!({"payment_id": "P-1", "status": "already-posted"}))]);
    assert_eq!(post_payment(invoice(), &erp, &signer()).unwrap().outcome, Outcome::AlreadyPosted);
}

#[test]
fn refusals_keep_the_code_of_the_erp() {
    let paid = json!({"code": "invoice-already-paid", "message": "paid as P-1"});
    let forged = json!({"code": "A\u{1b}[2J", "message": "…"});
    for (exchange, kind, code) in [
        (post().reply(409).json(&paid), ErrorKind::Permanent, "invoice-already-paid"),
        (
            post().reply(503).json(&json!({"code": "unavailable", "message": "…"})),
            ErrorKind::Permanent,
            "call-in-doubt",
        ),
        (post().reply(502).bytes(*b"<html>"), ErrorKind::Permanent, "call-in-doubt"),
        (post().reply(429).bytes(*b""), ErrorKind::Retryable, "payment-refused"),
        (post().reply(422).json(&forged), ErrorKind::Permanent, "payment-refused"),
        (post().reply(302).bytes(*b""), ErrorKind::Permanent, "payment-refused"),
        (post().reply(204).bytes(*b""), ErrorKind::Permanent, "payment-refused"),
        (post().reply(201).bytes(*b"<html>"), ErrorKind::Permanent, "reply-invalid"),
        (post().unknown(Cause::Timeout), ErrorKind::Permanent, "call-in-doubt"),
        (post().not_applied(Cause::Connect), ErrorKind::Retryable, "call-not-applied"),
    ] {
        let erp = Endpoint::scripted([exchange]);
        let error = post_payment(invoice(), &erp, &signer()).unwrap_err();
        assert_eq!((error.kind(), error.code()), (kind, code), "{error}");
    }
}

#[test]
fn nothing_is_posted_without_a_signature() {
    let erp = Endpoint::scripted([]);
    let error = post_payment(invoice(), &erp, &Signer::refusing("signer-grant")).unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Permanent, "grant-refused"));
}
