//! The main job: real invoices are read, checked and paid by three sealed steps, through a real
//! HTTPS service that keeps its data in a real database.
#![allow(clippy::disallowed_methods, reason = "whole-system tests make and read files as people do")]

mod again;
mod faults;
mod grants;
mod late;
mod recorded;
mod resume;
mod secrets;

use crate::process::Ended;
use crate::stage::{Payment, Stage, files};
use serde_json::{Value, json};
use std::fs;

/// A document that the ERP of a new stage pays.
const INVOICE: &str = "BIS3_Invoice_positive.XML";
const STEPS: [&str; 3] = ["read-invoice", "check-invoice", "post-payment"];

/// The names of the steps that ran, each with its status.
fn statuses(run: &Value) -> Vec<(&str, &str)> {
    let steps = run["steps"].as_array().unwrap();
    steps.iter().map(|step| (step["name"].as_str().unwrap(), step["status"].as_str().unwrap())).collect()
}

/// The error of a run that ended with a step's own error.
#[track_caller]
fn step_error(ended: Ended) -> (String, String, String) {
    let run = ended.expect(4).json();
    assert_eq!((run["status"].as_str(), run.get("output")), (Some("failed"), None));
    let error = &run["error"];
    assert_eq!((error["rule"].as_str(), error["class"].as_str()), (Some("step-failed"), Some("step-failed")));
    let text = |name: &str| error[name].as_str().unwrap().to_owned();
    (text("code"), text("kind"), text("message"))
}

/// Asserts that a schema knows every key of an object.
async fn known(stage: &Stage, schema: &str, pointer: &str, object: &Value) {
    let schema = stage.stepward(["schema", schema]).await.expect(0).json();
    let properties = schema.pointer(pointer).unwrap()["properties"].as_object().unwrap();
    for key in keys(object) {
        assert!(properties.contains_key(key), "{pointer} has no {key}: {object}");
    }
    for required in schema.pointer(pointer).unwrap()["required"].as_array().unwrap() {
        assert!(object.get(required.as_str().unwrap()).is_some(), "{required} is missing: {object}");
    }
}

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[tokio::test]
async fn a_real_invoice_is_read_checked_and_paid_once() {
    let stage = Stage::new().await;
    let run = stage.approve(INVOICE).await.expect(0).json();
    assert_eq!(keys(&run), ["isolation", "name", "output", "run", "schema", "status", "steps"]);
    assert_eq!(
        (&run["schema"], &run["name"], &run["status"]),
        (&json!("stepward.run/1"), &json!("approve"), &json!("succeeded"))
    );
    let receipt = json!({
        "payment_id": "PAY-000001", "outcome": "posted", "supplier": "DK12345678", "invoice": "12345",
        "amount": "782179.43", "currency": "DKK", "key_version": "1",
    });
    assert_eq!(run["output"], receipt);
    assert_eq!(statuses(&run), STEPS.map(|step| (step, "succeeded")));

    let payments = stage.payments();
    let [Payment { supplier, invoice, amount, currency, order_text }] = payments.as_slice() else {
        panic!("{payments:?}")
    };
    assert_eq!([supplier, invoice, amount, currency], ["DK12345678", "12345", "782179.43", "DKK"]);
    let order = json!({
        "amount": "782179.43", "currency": "DKK", "due_date": "2019-02-24", "iban": "1234567891234",
        "invoice": "12345", "kind": "invoice", "remittance": "12345667890", "supplier": "DK12345678",
    });
    assert_eq!(serde_json::from_str::<Value>(order_text).unwrap(), order);
    let asked = |method: &str, target: &str, answer: &str| (method.into(), target.into(), answer.into());
    assert_eq!(
        stage.requests(),
        [
            asked("GET", "/api/suppliers/DK12345678", "200"),
            asked("GET", "/api/invoices/DK12345678?number=12345", "404"),
            asked("POST", "/api/payments", "201"),
        ]
    );
}

#[tokio::test]
async fn a_run_says_what_each_step_was_used_and_left() {
    let stage = Stage::new().await;
    let run = stage.approve(INVOICE).await.expect(0).json();
    let lock = fs::read_to_string(stage.project().join("stepward.lock")).unwrap();
    for (number, (name, calls)) in STEPS.into_iter().zip([0, 2, 2]).enumerate() {
        let step = &run["steps"][number];
        assert_eq!(keys(step), ["component", "name", "reached", "status", "trace", "usage"]);
        assert_eq!(step["name"], name);
        let component = step["component"].as_str().unwrap();
        assert!(lock.contains(&format!("[steps.{name}]\ncomponent = \"{component}\"")), "{lock}");
        let usage = &step["usage"];
        assert_eq!(
            keys(usage),
            [
                "bytes_in",
                "bytes_out",
                "fuel",
                "host_calls",
                "log_bytes",
                "log_lines",
                "output_bytes",
                "peak_memory_bytes",
                "table_elements",
                "wall_us"
            ]
        );
        assert_eq!(usage["host_calls"], calls, "{name}");
        assert_eq!(usage["bytes_in"] == 0, calls == 0, "{name}");
        for used in ["fuel", "peak_memory_bytes", "table_elements", "output_bytes", "wall_us"] {
            assert!(usage[used].as_u64().unwrap() > 0, "{name} {used}");
        }
        let trace = stage.trace(&run, number);
        assert_eq!((&trace["schema"], &trace["step"]), (&json!("stepward.trace/1"), &json!(name)));
        assert_eq!((&trace["component"], &trace["usage"]), (&step["component"], usage));
        assert_eq!(trace["calls"].as_array().unwrap().len(), calls);
        assert_eq!(trace["end"]["status"], "succeeded");
    }
}

/// Read from the bytes: the names that each step was granted, and nothing else.
#[tokio::test]
async fn inspect_shows_exactly_what_each_step_can_reach() {
    let stage = Stage::new().await;
    let lock = fs::read_to_string(stage.project().join("stepward.lock")).unwrap();
    let erp = json!({ "label": "erp", "interface": "stepward:step/http-endpoint@0.1.0" });
    let signer = json!({ "label": "payment-signing", "interface": "stepward:step/signer@0.1.0" });
    for (step, imports) in STEPS.into_iter().zip([json!([]), json!([erp]), json!([erp, signer])]) {
        let shown = stage.stepward(["inspect", step, "--json"]).await.expect(0).json();
        assert_eq!(
            keys(&shown),
            ["digest", "exports", "imports", "input_schema", "output_schema", "schema", "size"]
        );
        assert_eq!((&shown["imports"], &shown["exports"]), (&imports, &json!(["run"])), "{step}");
        let bytes = fs::read(stage.component(step)).unwrap();
        assert_eq!(shown["size"], bytes.len());
        assert!(lock.contains(&format!("[steps.{step}]\ncomponent = {}\n", shown["digest"])), "{step}");
        assert!(!bytes.windows(5).any(|window| window == b"wasi:"), "{step}");
        assert!(shown["input_schema"].is_object() && shown["output_schema"].is_object(), "{step}");
    }
    // What one step gives is what the next one takes.
    let schema = async |step: &str, which: &str| {
        stage.stepward(["inspect", step, "--json"]).await.expect(0).json()[which].clone()
    };
    assert_eq!(schema("check-invoice", "output_schema").await, schema("post-payment", "input_schema").await);
}

/// Documents of four megabytes fit the limits that the workflow declares: one that carries its PDF,
/// and one of thousands of lines.
#[tokio::test]
async fn large_documents_run_under_production_limits() {
    const LARGE: usize = 4 << 20;
    let stage = Stage::new().await;
    let file = stage.project().join("documents").join(INVOICE);
    let good = fs::read_to_string(&file).unwrap();

    let (from, to) = (good.find("<cac:InvoiceLine>").unwrap(), good.rfind("</cac:InvoiceLine>").unwrap());
    let line = &good[from..to + "</cac:InvoiceLine>".len()];
    let lines = line.repeat((LARGE - good.len()) / line.len());
    fs::write(&file, good.replace(line, &lines)).unwrap();
    let (code, _, message) = step_error(stage.approve(INVOICE).await);
    assert_eq!(code, "invoice-invalid");
    assert!(message.contains("BR-CO-10"), "{message}");

    let (before, after) = good.split_at(good.find("<cac:AccountingSupplierParty").unwrap());
    let pdf = "QUJD".repeat((LARGE - good.len() - 400) / 4);
    let attached = format!(
        "{before}<cac:AdditionalDocumentReference><cbc:ID>1</cbc:ID><cac:Attachment>\
         <cbc:EmbeddedDocumentBinaryObject mimeCode=\"application/pdf\" filename=\"a.pdf\">{pdf}\
         </cbc:EmbeddedDocumentBinaryObject></cac:Attachment></cac:AdditionalDocumentReference>{after}"
    );
    assert!((LARGE - 400..=LARGE).contains(&attached.len()), "{}", attached.len());
    fs::write(&file, attached).unwrap();
    assert_eq!(stage.approve(INVOICE).await.expect(0).json()["output"]["amount"], "782179.43");
}

/// In order, on one ERP: two of the documents carry the number of another, and are refused then.
#[tokio::test]
async fn every_real_document_ends_as_it_must() {
    let stage = Stage::new().await;
    let duplicate = |number: &str, supplier: &str| {
        Err(format!(
            "invoice-invalid: ERP-INVOICE-DUPLICATE (document): the invoice `{number}` of supplier `{supplier}` is posted already"
        ))
    };
    for (document, expected) in [
        (INVOICE, Ok("782179.43 DKK")),
        ("BIS3_Invoice_negativ.XML", duplicate("12345", "DK12345678")),
        ("guide-example3.xml", Ok("1125.00 DKK")),
        ("ubl-tc434-example3.xml", duplicate("TOSL108", "DK16356706")),
        ("ubl-tc434-creditnote1.xml", Ok("-100.11 EUR")),
        ("ubl-tc434-example1.xml", Ok("250.33 EUR")),
    ] {
        let ended = stage.approve(document).await;
        match expected {
            Ok(amount) => {
                let output = &ended.expect(0).json()["output"];
                let paid = format!(
                    "{} {}",
                    output["amount"].as_str().unwrap(),
                    output["currency"].as_str().unwrap()
                );
                assert_eq!((paid.as_str(), &output["outcome"]), (amount, &json!("posted")), "{document}");
            }
            Err(expected) => {
                let (code, kind, message) = step_error(ended);
                assert_eq!((code.as_str(), kind.as_str()), ("invoice-invalid", "permanent"), "{document}");
                assert_eq!(message, expected, "{document}");
            }
        }
    }
    let amounts = stage.payments().into_iter().map(|payment| payment.amount).collect::<Vec<_>>();
    assert_eq!(amounts, ["782179.43", "1125.00", "-100.11", "250.33"]);
}

#[tokio::test]
async fn the_documents_that_share_a_number_are_paid_where_they_come_first() {
    let stage = Stage::new().await;
    for (document, amount) in
        [("BIS3_Invoice_negativ.XML", "-782179.43"), ("ubl-tc434-example3.xml", "2005.00")]
    {
        assert_eq!(stage.approve(document).await.expect(0).json()["output"]["amount"], amount);
    }
    assert_eq!(stage.payments().len(), 2);
}

#[tokio::test]
async fn a_changed_amount_is_found_and_nothing_is_posted() {
    let stage = Stage::new().await;
    let document = stage.project().join("documents").join(INVOICE);
    crate::stage::edit(&document, ">782179.43</cbc:PayableAmount>", ">882179.43</cbc:PayableAmount>");
    let (code, _, message) = step_error(stage.approve(INVOICE).await);
    assert_eq!(code, "invoice-invalid");
    assert!(message.contains("BR-CO-16"), "{message}");
    assert_eq!((stage.payments(), stage.requests()), (Vec::new(), Vec::new()));
}

#[tokio::test]
async fn every_case_of_the_example_passes_under_production_limits() {
    let stage = Stage::new().await;
    let report = stage.stepward(["test", "--json"]).await.expect(0).json();
    let cases = |step: &str| files(&stage.project().join("steps").join(step).join("cases")).len();
    let all = STEPS.into_iter().map(cases).sum::<usize>();
    assert!(all > 0);
    assert_eq!((&report["passed"], &report["failed"]), (&json!(all), &json!(0)));
    for case in report["cases"].as_array().unwrap() {
        let closest = &case["headroom"][0];
        assert!(closest["used"].as_u64().unwrap() <= closest["most"].as_u64().unwrap(), "{case}");
    }
}

#[tokio::test]
async fn the_command_line_lowers_a_limit_and_never_raises_one() {
    let stage = Stage::new().await;
    let document = format!("documents/{INVOICE}");
    let limited = |limit: &'static str| {
        let document = &document;
        let stage = &stage;
        async move { stage.stepward(["run", "approve", "--json", "--input", document, "--limit", limit]).await }
    };
    let run = limited("fuel=100_000").await.expect(5).json();
    assert_eq!(
        (&run["status"], statuses(&run)),
        (&json!("limit-exceeded"), vec![("read-invoice", "limit-exceeded")])
    );
    assert_eq!(
        (&run["steps"][0]["limit"], &run["error"]["rule"]),
        (&json!("fuel"), &json!("limit-exceeded"))
    );
    assert_eq!(run["steps"][0]["usage"]["fuel"], 100_000);

    let run = limited("host-calls=1").await.expect(5).json();
    assert_eq!(statuses(&run), [("read-invoice", "succeeded"), ("check-invoice", "limit-exceeded")]);
    assert_eq!(run["steps"][1]["limit"], "host-calls");

    for raised in ["fuel=3_000_000_000", "host-calls=11", "memory-bytes=67_108_865"] {
        let run = limited(raised).await.expect(3).json();
        assert_eq!((&run["status"], &run["error"]["rule"]), (&json!("refused"), &json!("limit-raised")));
        assert_eq!(run["steps"], json!([]));
    }
    for (malformed, said) in
        [("fuel", "NAME=VALUE"), ("speed=1", "speed"), ("fuel=0", "1"), ("fuel=all", "whole")]
    {
        let error = limited(malformed).await.expect(2).json();
        assert_eq!(error["error"]["rule"], "command-line");
        assert!(error["error"]["message"].as_str().unwrap().contains(said), "{error}");
    }
    assert_eq!(stage.payments(), []);
}
