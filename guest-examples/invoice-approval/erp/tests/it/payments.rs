//! Payments: signed, booked once, answered the same again.

use crate::client::{order, signed, start};
use invoice_erp::Misbehaviour;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::{task::JoinSet, time::timeout};

#[tokio::test]
async fn a_payment_is_booked_once_and_answered_again() {
    let service = start(&[]).await;
    let client = service.client();
    let body = signed(&order("TOSL108"));
    let unpaid = client.get("/api/invoices/DK16356706/TOSL108").await;
    assert_eq!(unpaid.refusal(), (404, "invoice-unknown".to_owned()));

    let first = client.pay("key-1", &body).await.unwrap();
    assert_eq!(
        (first.status.as_u16(), first.json()),
        (201, json!({"payment_id": "PAY-000001", "status": "posted"}))
    );
    let again = client.pay("key-1", &body).await.unwrap();
    let expected = json!({"payment_id": "PAY-000001", "status": "already-posted"});
    assert_eq!((again.status.as_u16(), again.json()), (200, expected));

    let mismatch = client.pay("key-1", &signed(&order("TOSL109"))).await.unwrap();
    assert_eq!(mismatch.refusal(), (422, "idempotency-mismatch".to_owned()));
    let paid = client.pay("key-2", &body).await.unwrap();
    assert_eq!(paid.refusal(), (409, "invoice-already-paid".to_owned()));
}

#[tokio::test]
async fn one_supplier_under_two_spellings_is_paid_once() {
    let service = start(&[]).await;
    let client = service.client();
    assert_eq!(client.pay("key-1", &signed(&order("7"))).await.unwrap().status, 201);
    let mut spelt = order("7");
    spelt["supplier"] = "dk 1635.6706".into();
    assert_eq!(client.pay("key-2", &signed(&spelt)).await.unwrap().refusal().1, "invoice-already-paid");
}

#[tokio::test]
async fn a_number_with_a_slash_is_found_by_path_and_by_query() {
    let service = start(&[]).await;
    let client = service.client();
    let mut credit = order("018304 / 28865");
    credit["supplier"] = "BE0000000196".into();
    credit["amount"] = "-1625.04".into();
    assert_eq!(client.pay("key-1", &signed(&credit)).await.unwrap().status, 201);
    for target in ["BE0000000196/018304%20%2F%2028865", "BE0000000196?number=018304%20%2F%2028865"] {
        let found = client.get(&format!("/api/invoices/{target}")).await;
        assert_eq!(
            (found.status.as_u16(), &found.json()["number"]),
            (200, &"018304 / 28865".into()),
            "{target}"
        );
    }
}

#[tokio::test]
async fn fifty_equal_posts_at_once_make_one_payment() {
    let service = start(&[]).await;
    let body = signed(&order("TOSL108"));
    let mut posts = JoinSet::new();
    for _ in 0..50 {
        let (client, body) = (service.client(), body.clone());
        posts.spawn(async move { client.pay("key-1", &body).await.unwrap() });
    }
    let replies = posts.join_all().await;
    let count = |status: u16| replies.iter().filter(|reply| reply.status == status).count();
    assert_eq!((count(201), count(200)), (1, 49));
    assert!(replies.iter().all(|reply| reply.json()["payment_id"] == "PAY-000001"));
    let database = rusqlite::Connection::open(service.erp.database_path()).unwrap();
    let rows: i64 = database.query_row("SELECT count(*) FROM payment", [], |row| row.get(0)).unwrap();
    assert_eq!(rows, 1);
}

#[tokio::test]
async fn only_the_registered_key_over_the_exact_text_counts() {
    let service = start(&[]).await;
    let client = service.client();
    let good: Value = serde_json::from_str(&signed(&order("9"))).unwrap();
    let change = |field: &str, value: Value| {
        let mut body = good.clone();
        body[field] = value;
        body.to_string()
    };
    let text = good["order"].as_str().unwrap();
    let mut signature = good["signature"].as_str().unwrap().to_owned();
    let flipped = if signature.pop() == Some('0') { "1" } else { "0" };
    for body in [
        change("order", text.replace("3500.00", "9500.00").into()),
        change("order", format!("{text} ").into()),
        change("signature", format!("{signature}{flipped}").into()),
        change("signature", "".into()),
        change("signature", "zz".into()),
        change("algorithm", "hmac-sha256".into()),
        change("key_version", "2".into()),
    ] {
        assert_eq!(
            client.pay("k", &body).await.unwrap().refusal(),
            (422, "signature-invalid".to_owned()),
            "{body}"
        );
    }
    assert_eq!(
        client.pay("k", &good.to_string()).await.unwrap().status,
        201,
        "no refusal has used up the key"
    );
}

#[tokio::test]
async fn orders_that_make_no_sense_are_refused_by_name() {
    let service = start(&[]).await;
    let client = service.client();
    let with = |field: &str, value: Value| {
        let mut order = order("5");
        order[field] = value;
        signed(&order)
    };
    for body in [
        with("amount", "1,000".into()),
        with("amount", "1e9".into()),
        with("amount", "".into()),
        with("amount", "1".repeat(25).into()),
        with("currency", "kr".into()),
        with("invoice", " ".into()),
        with("supplier", Value::Null),
        with("iban", "x".repeat(200).into()),
    ] {
        assert_eq!(
            client.pay("k", &body).await.unwrap().refusal(),
            (422, "order-malformed".to_owned()),
            "{body}"
        );
    }
    let stranger = with("supplier", "XX1".into());
    assert_eq!(client.pay("k", &stranger).await.unwrap().refusal(), (422, "supplier-unknown".to_owned()));
    for body in ["", "{}", "[]", "{\"order\":1}", "\u{0}"] {
        assert_eq!(
            client.pay("k", body).await.unwrap().refusal(),
            (400, "body-malformed".to_owned()),
            "{body:?}"
        );
    }
}

#[tokio::test]
async fn keys_and_bodies_have_bounds() {
    let service = start(&[]).await;
    let client = service.client();
    let body = signed(&order("5"));
    let missing = client.send("POST", "/api/payments", &[], &body).await.unwrap();
    let twice = [("idempotency-key", "a"), ("idempotency-key", "b")];
    let twice = client.send("POST", "/api/payments", &twice, &body).await.unwrap();
    let long = client.pay(&"k".repeat(129), &body).await.unwrap();
    let empty = client.pay("", &body).await.unwrap();
    for reply in [missing, twice, long, empty] {
        assert_eq!(reply.refusal(), (400, "idempotency-key-missing".to_owned()));
    }
    let huge = client.pay("k", &" ".repeat((1 << 20) + 1)).await.unwrap();
    assert_eq!(huge.refusal(), (413, "body-too-large".to_owned()));
}

#[tokio::test]
async fn a_dropped_connection_after_the_commit_leaves_one_payment() {
    let service = start(&[Misbehaviour::ResetAfterCommit]).await;
    let client = service.client();
    let body = signed(&order("TOSL108"));
    assert!(client.pay("key-1", &body).await.is_err(), "no answer came");
    assert_eq!(client.get("/api/invoices/DK16356706/TOSL108").await.status, 200, "but the payment is booked");
    assert_eq!(client.pay("key-1", &body).await.unwrap().json()["status"], "already-posted");
}

#[tokio::test]
async fn a_hang_after_the_commit_leaves_one_payment_and_lets_the_service_end() {
    let service = start(&[Misbehaviour::HangAfterCommit]).await;
    let client = service.client();
    let body = signed(&order("TOSL108"));
    let waiting = tokio::spawn({
        let (client, body) = (client.clone(), body.clone());
        async move { client.pay("key-1", &body).await.map(drop) }
    });
    // The commit can be seen while the answer is still missing.
    while client.get("/api/invoices/DK16356706/TOSL108").await.status != 200 {
        tokio::task::yield_now().await;
    }
    assert_eq!(client.pay("key-1", &body).await.unwrap().json()["status"], "already-posted");
    assert!(!waiting.is_finished());
    timeout(Duration::from_secs(20), service.erp.shutdown()).await.expect("the service ends all the same");
    assert!(waiting.await.unwrap().is_err());
}
