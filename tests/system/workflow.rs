//! The main job: real invoices are read, checked and paid by three sealed steps, through a real
//! HTTPS service that keeps its data in a real database.
#![allow(clippy::disallowed_methods, reason = "whole-system tests make and read files as people do")]

mod faults;
mod grants;
mod secrets;

use crate::stage::{Ended, Payment, Stage, files};
use serde_json::{Value, json};
use std::fs;

/// A document that the ERP of a new stage pays.
const INVOICE: &str = "BIS3_Invoice_positive.XML";
const STEPS: [&str; 3] = ["read-invoice", "check-invoice", "post-payment"];

/// The names of the steps that ran, each with its status.
fn statuses(run: &Value) -> Vec<(&str, &str)> {
    let text = |value: &'_ Value| value.as_str().map(str::to_owned);
    let steps = run["steps"].as_array().unwrap();
    assert!(steps.iter().all(|step| text(&step["status"]).is_some()));
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

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[tokio::test]
async fn a_real_invoice_is_read_checked_and_paid_once() {
    let stage = Stage::new().await;
    let run = stage.approve(INVOICE).await.expect(0).json();
    assert_eq!(keys(&run), ["name", "output", "schema", "status", "steps"]);
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
        assert_eq!(keys(step), ["component", "name", "status", "trace", "usage"]);
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
async fn a_run_is_replayed_step_by_step_without_effects() {
    let stage = Stage::new().await;
    let run = stage.approve(INVOICE).await.expect(0).json();
    let (payments, requests) = (stage.payments(), stage.requests());
    for (number, calls) in [0, 2, 2].into_iter().enumerate() {
        let trace = run["steps"][number]["trace"].as_str().unwrap();
        let replay = stage.stepward(["runs", "replay", trace, "--json"]).await.expect(0).json();
        assert_eq!(
            (&replay["schema"], &replay["verdict"], &replay["calls"], &replay["component"]),
            (
                &json!("stepward.replay/1"),
                &json!("identical"),
                &json!(calls),
                &run["steps"][number]["component"]
            )
        );
    }
    assert_eq!((stage.payments(), stage.requests()), (payments, requests));
}

/// Evidence that was changed is exit code 8, and says in what.
#[tokio::test]
async fn a_changed_trace_is_not_replayed_as_the_run() {
    let stage = Stage::new().await;
    let run = stage.approve(INVOICE).await.expect(0).json();
    let trace = |step: usize| stage.project().join(run["steps"][step]["trace"].as_str().unwrap());
    // A supplier of another name, another answer, another end: each shows in what the step does.
    for (step, from, to) in
        [(1, "\"404\"", "\"200\""), (2, "782179.43", "782179.44"), (0, "\"fuel\": 1", "\"fuel\": 2")]
    {
        let text = fs::read_to_string(trace(step)).unwrap();
        let from = if from == "\"404\"" { "\"status\": 404" } else { from };
        let to = if to == "\"200\"" { "\"status\": 200" } else { to };
        assert!(text.contains(from), "{from}: {text}");
        // The last occurrence: for the fuel that is the use, not the limit.
        let at = text.rfind(from).unwrap();
        let changed = format!("{}{to}{}", &text[..at], &text[at + from.len()..]);
        let file = stage.beside("changed.json");
        fs::write(&file, changed).unwrap();
        let ended =
            stage.stepward(["runs", "replay", file.to_str().unwrap(), "--json"]).await.expect(8).json();
        assert_eq!(ended["error"]["rule"], "replay-diverged", "{step}: {ended}");
        assert!(ended["error"]["place"].as_str().unwrap().ends_with("changed.json"));
    }
}

#[tokio::test]
async fn a_recorded_case_answers_for_the_service() {
    let mut stage = Stage::new().await;
    let invoice = stage.project().join("documents").join(INVOICE);
    let (invoice, cases) = (invoice.to_str().unwrap(), stage.beside("cases"));
    let recorded = ["run", "approve", "--json", "--input", invoice, "--record", cases.to_str().unwrap()];
    let run = stage.stepward(recorded).await.expect(0).json();
    assert_eq!(files(&cases).len(), 3);
    stage.erp.take().unwrap().shutdown().await;

    let mut outputs = Vec::new();
    for step in STEPS {
        let case = cases.join(format!("{step}.json"));
        let script = ["run", &format!("approve/{step}"), "--json", "--script", case.to_str().unwrap()];
        outputs.push(stage.stepward(script).await.expect(0).json()["output"].clone());
        let recorded: Value = serde_json::from_str(&fs::read_to_string(case).unwrap()).unwrap();
        assert_eq!(outputs.last().unwrap(), &recorded["expect"]["output"]);
    }
    assert_eq!(outputs[2], run["output"]);
    // What one step gave is what the next one took.
    let checked: Value = serde_json::from_str(stage.trace(&run, 2)["input"].as_str().unwrap()).unwrap();
    assert_eq!(outputs[1], checked);
    assert_eq!(stage.payments().len(), 1);
}

/// A case that foresees another call ends the run and says which.
#[tokio::test]
async fn a_case_that_differs_from_the_step_is_refused() {
    let stage = Stage::new().await;
    let case = stage.project().join("steps/check-invoice/cases/valid-invoice.json");
    crate::stage::edit(&case, "\"suppliers\"", "\"customers\"");
    let arguments = ["run", "check-invoice", "--json", "--script", case.to_str().unwrap()];
    let run = stage.stepward(arguments).await.expect(4).json();
    assert_eq!(run["error"]["rule"], "case-call");
    let message = run["error"]["message"].as_str().unwrap();
    assert!(message.contains("customers") && message.contains("suppliers"), "{message}");
    let test = stage.stepward(["test", "check-invoice", "--json"]).await.expect(4).json();
    assert_eq!(test["failed"], 1, "{test}");
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
