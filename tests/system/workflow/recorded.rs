//! What the log has of a run's decisions, read as an auditor reads it.

use super::INVOICE;
use crate::stage::{Stage, edit};
use rusqlite::{Connection, OpenFlags};
use serde_json::{Value, json};
use std::fs;

/// The events of the log, in order.
async fn events(stage: &Stage) -> Vec<Value> {
    let shown = stage.stepward(["ledger", "show", "--json"]).await.expect(0);
    let event = |line: &str| serde_json::from_str::<Value>(line).unwrap()["event"].take();
    shown.stdout.lines().map(event).collect()
}

/// Some fields of every event of an action.
fn told(events: &[Value], action: &str, fields: &[&str]) -> Vec<Value> {
    let of = events.iter().filter(|event| event["action"] == action);
    of.map(|event| fields.iter().map(|field| event[*field].clone()).collect()).collect()
}

const DECISION: [&str; 5] = ["step", "call", "object", "decision", "rule"];

#[tokio::test]
async fn each_grant_each_secret_and_each_refused_call_is_in_the_log_with_its_rule() {
    let stage = Stage::new().await;
    edit(&stage.workflow(), ", \"/invoices/*\"]", "]");
    stage.approve(INVOICE).await.expect(4);
    let all = events(&stage).await;
    let granted = |step: &str, object: &str| json!([step, null, object, "permitted", "granted-and-bound"]);
    assert_eq!(
        told(&all, "grant-decided", &DECISION),
        [
            granted("check-invoice", "endpoint:erp"),
            granted("post-payment", "endpoint:erp"),
            granted("post-payment", "signer:payment-signing"),
            json!(["check-invoice", 1, "endpoint:erp", "refused", "endpoint-path"]),
        ]
    );
    assert_eq!(
        told(&all, "secret-used", &["step", "secret", "version", "purpose"]),
        [
            json!(["check-invoice", "erp-token", "1", "credential"]),
            json!(["post-payment", "erp-token", "1", "credential"]),
            json!(["post-payment", "payment-key", "1", "signer"]),
        ]
    );
}

#[tokio::test]
async fn a_step_that_may_not_run_says_in_the_log_by_which_rule() {
    let stage = Stage::new().await;
    fs::remove_file(stage.secret("payment-key")).unwrap();
    stage.approve(INVOICE).await.expect(3);
    let signer = "[signers.payment-signing]\nalgorithm = \"ed25519\"\nsecret = \"payment-key\"\n";
    edit(&stage.environment(), signer, "");
    stage.approve(INVOICE).await.expect(3);
    let all = events(&stage).await;
    let refused = told(&all, "grant-decided", &DECISION);
    let refused = refused.into_iter().filter(|decided| decided[3] == "refused").collect::<Vec<_>>();
    let step = "post-payment";
    assert_eq!(
        refused,
        [
            json!([step, null, step, "refused", "secret-missing"]),
            json!([step, null, step, "refused", "grant-unbound"]),
        ]
    );
    assert_eq!(told(&all, "run-ended", &["outcome"]), [json!(["refused"]), json!(["refused"])]);
    assert_eq!(told(&all, "step-started", &["step"]), Vec::<Value>::new());
}

#[tokio::test]
async fn an_address_that_is_denied_is_a_decision_of_the_call() {
    let stage = Stage::new().await;
    edit(&stage.environment(), "networks = [\"loopback\"]\n", "");
    stage.approve(INVOICE).await.expect(4);
    let denied = json!(["check-invoice", 0, "endpoint:erp", "refused", "endpoint-address-denied"]);
    assert!(told(&events(&stage).await, "grant-decided", &DECISION).contains(&denied));
}

#[tokio::test]
async fn a_limit_that_ends_a_run_before_its_step_runs_is_in_the_log() {
    let stage = Stage::new().await;
    fs::remove_dir_all(stage.state().join("dev/cache")).unwrap();
    let document = format!("documents/{INVOICE}");
    let run = ["run", "approve", "--json", "--input", &document, "--limit", "compile-time-ms=1"];
    stage.stepward(run).await.expect(5);
    let all = events(&stage).await;
    assert_eq!(told(&all, "limit-reached", &["step", "limit"]), [json!(["read-invoice", "compile-time-ms"])]);
    assert_eq!(told(&all, "run-ended", &["outcome"]), [json!(["limit-exceeded"])]);
}

/// Names, rules and commitments: nothing of what the run was about.
#[tokio::test]
async fn no_leaf_and_no_line_of_the_json_log_holds_data_of_the_run() {
    let stage = Stage::new().await;
    let document = format!("documents/{INVOICE}");
    let run = ["run", "approve", "--input", &document, "--log=trace", "--log-json"];
    let ended = stage.stepward(run).await.expect(0);
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
    let database = Connection::open_with_flags(stage.state().join("dev/ledger.db"), flags).unwrap();
    let mut leaves = database.prepare("SELECT CAST(bytes AS TEXT) FROM leaf ORDER BY sequence").unwrap();
    let leaves = leaves.query_map([], |row| row.get::<_, String>(0)).unwrap().map(Result::unwrap);
    let logged = ended.stderr.lines().filter(|line| serde_json::from_str::<Value>(line).is_ok());
    let mut all = leaves.collect::<Vec<_>>();
    assert!(all.len() > 15, "{} leaves", all.len());
    all.extend(logged.map(str::to_owned));
    assert!(all.iter().any(|line| line.contains("stepward::event")), "nothing was logged");
    let key = hex::encode(stage.seed);
    for line in &all {
        for data in ["DK12345678", "782179", "1234567891234", "PAY-000001", &stage.token, &key] {
            assert!(!line.contains(data), "{data} stands in {line}");
        }
    }
}
