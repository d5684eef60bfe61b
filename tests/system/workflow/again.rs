//! A run once more: replayed from its traces, or answered from the cases that it recorded.
#![allow(clippy::disallowed_methods, reason = "the tests change what a run left")]

use super::{INVOICE, STEPS};
use crate::stage::{Stage, edit, files};
use serde_json::{Value, json};
use std::fs;

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

/// Evidence that was changed is exit code 8, and says so: another use of fuel, another answer of the
/// service, another order.
#[tokio::test]
async fn a_changed_trace_is_not_replayed_as_the_run() {
    let stage = Stage::new().await;
    let run = stage.approve(INVOICE).await.expect(0).json();
    let file = stage.beside("changed.json");
    for (step, from, to) in [
        (0, "\"fuel\": 1", "\"fuel\": 2"),
        (1, "\"status\": 404", "\"status\": 200"),
        (2, "782179.43", "782179.44"),
    ] {
        let text = fs::read_to_string(stage.project().join(run["steps"][step]["trace"].as_str().unwrap()));
        let text = text.unwrap();
        // The last occurrence: for the fuel that is the use, not the limit.
        let (before, after) = text.rsplit_once(from).unwrap();
        fs::write(&file, format!("{before}{to}{after}")).unwrap();
        let replay = ["runs", "replay", file.to_str().unwrap(), "--json"];
        let error = stage.stepward(replay).await.expect(8).json()["error"].clone();
        assert_eq!(error["rule"], "replay-diverged", "{step}: {error}");
        assert!(error["place"].as_str().unwrap().ends_with("changed.json"), "{error}");
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
    edit(&case, "\"suppliers\"", "\"customers\"");
    let arguments = ["run", "check-invoice", "--json", "--script", case.to_str().unwrap()];
    let run = stage.stepward(arguments).await.expect(4).json();
    assert_eq!(run["error"]["rule"], "case-call");
    let message = run["error"]["message"].as_str().unwrap();
    assert!(message.contains("customers") && message.contains("suppliers"), "{message}");
    let test = stage.stepward(["test", "check-invoice", "--json"]).await.expect(4).json();
    assert_eq!(test["failed"], 1, "{test}");
}
