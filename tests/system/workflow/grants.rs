//! Three owners, and none can widen another's right: each refusal names the file of the one who
//! could, and the line to add.

use super::{INVOICE, known, statuses, step_error};
use crate::stage::{Stage, edit};
use serde_json::{Value, json};

/// The refusals that a run reported, in its log for operators and to whoever started it: rule and
/// remedy. Those in the log quote nothing that the step wrote.
async fn refusals(stage: &Stage, expected: &str) -> (String, Vec<(String, String)>) {
    let document = format!("documents/{INVOICE}");
    let arguments = ["run", "approve", "--json", "--input", &document, "--log=warn", "--log-json"];
    let ended = stage.stepward(arguments).await;
    let logged = ended
        .stderr
        .lines()
        // Warnings for people stand beside the log.
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|line| line["fields"]["hint"].is_string())
        .map(|line| {
            let text = |name: &str| line["fields"][name].as_str().unwrap().to_owned();
            (text("rule"), text("hint"))
        })
        .collect::<Vec<_>>();
    let run = ended.json();
    let steps = run["steps"].as_array().unwrap().iter();
    let refused =
        steps.flat_map(|step| step["refusals"].as_array().into_iter().flatten().map(move |one| (step, one)));
    let told = refused.map(|(step, one)| {
        let call = usize::try_from(one["call"].as_u64().unwrap()).unwrap();
        let number = run["steps"].as_array().unwrap().iter().position(|other| other == step).unwrap();
        let reply = &stage.trace(&run, number)["calls"][call]["reply"]["value"]["Err"]["refused"];
        assert_eq!(reply["rule"], one["rule"]);
        assert!(one["place"].as_str().unwrap().contains("erp") && one["message"] != "", "{one}");
        (one["rule"].as_str().unwrap().to_owned(), one["hint"].as_str().unwrap().to_owned())
    });
    let told = told.collect::<Vec<_>>();
    assert_eq!(told.len(), logged.len());
    for ((rule, hint), (logged_rule, logged_hint)) in told.iter().zip(&logged) {
        let asked_for = hint.replace("\"/invoices/*\"", "the path that the call asked for");
        assert_eq!((rule, &asked_for), (logged_rule, logged_hint));
    }
    let one = run["steps"].as_array().unwrap().iter().find_map(|step| step["refusals"].get(0)).unwrap();
    known(stage, "run", "/properties/steps/items/properties/refusals/items", one).await;
    let (code, _, message) = step_error(ended);
    assert_eq!(code, expected);
    (message, told)
}

/// Narrows a grant, and asserts which rule refuses and what to add where.
async fn narrowed(file: &str, from: &str, to: &str, rule: &str, said: &str, hint: &str) {
    let stage = Stage::new().await;
    edit(&stage.project().join(file), from, to);
    let (message, logged) = refusals(&stage, "call-refused").await;
    assert_eq!(message, format!("call-refused: the host refused the request: {said} ({rule})"));
    assert_eq!(logged, [(rule.to_owned(), hint.to_owned())]);
    assert_eq!(stage.payments(), []);
}

const WORKFLOW: &str = "workflows/approve.toml";
const ENVIRONMENT: &str = "environments/dev/environment.toml";

#[tokio::test]
async fn a_path_that_the_workflow_does_not_grant() {
    narrowed(
        WORKFLOW,
        "paths = [\"/suppliers/*\", \"/invoices/*\"]",
        "paths = [\"/suppliers/*\"]",
        "endpoint-path",
        "the workflow does not allow this path at `erp`",
        "add \"/invoices/*\" to `paths` under [steps.grants.endpoint.erp] in the workflow file, under this step",
    )
    .await;
}

#[tokio::test]
async fn a_person_is_told_the_line_that_would_allow_a_refused_call() {
    let stage = Stage::new().await;
    edit(&stage.project().join(WORKFLOW), ", \"/invoices/*\"]", "]");
    let document = format!("documents/{INVOICE}");
    let ended = stage.stepward(["run", "approve", "--input", &document]).await;
    assert_eq!(ended.code, Some(4));
    let told = "→ refused by endpoint-path\n      add \"/invoices/*\" to `paths` under \
                [steps.grants.endpoint.erp] in the workflow file, under this step\n";
    assert!(ended.stdout.contains(told), "{}", ended.stdout);
    assert!(!ended.stderr.contains("/invoices/*"), "{}", ended.stderr);
}

#[tokio::test]
async fn a_method_that_the_workflow_does_not_grant() {
    narrowed(
        WORKFLOW,
        "methods = [\"POST\"]",
        "methods = [\"GET\"]",
        "endpoint-method",
        "the workflow does not allow POST at `erp`",
        "add \"POST\" to `methods` under [steps.grants.endpoint.erp] in the workflow file, under this step",
    )
    .await;
}

#[tokio::test]
async fn a_path_that_the_environment_does_not_allow() {
    narrowed(
        ENVIRONMENT,
        "\"/suppliers/*\", \"/invoices/*\", \"/payments\"",
        "\"/suppliers/*\", \"/payments\"",
        "endpoint-path",
        "the environment does not allow this path at `erp`",
        "add \"/invoices/*\" to `paths` under [endpoints.erp] in environments/dev/environment.toml",
    )
    .await;
}

#[tokio::test]
async fn a_method_that_the_environment_does_not_allow() {
    narrowed(
        ENVIRONMENT,
        "methods = [\"GET\", \"POST\"]",
        "methods = [\"GET\"]",
        "endpoint-method",
        "the environment does not allow POST at `erp`",
        "add \"POST\" to `methods` under [endpoints.erp] in environments/dev/environment.toml",
    )
    .await;
}

/// Without the network's name, loopback is denied like every address that is not public. The lines
/// that the refusal says to add are the ones that allow it.
#[tokio::test]
async fn an_address_that_the_environment_does_not_allow() {
    let stage = Stage::new().await;
    edit(&stage.environment(), "networks = [\"loopback\"]\n", "");
    let [(rule, hint)] = <[_; 1]>::try_from(refusals(&stage, "call-refused").await.1).unwrap();
    assert_eq!(rule, "endpoint-address-denied");
    assert_eq!(stage.requests(), []);

    let (_, lines) = hint.split_once('\n').unwrap();
    let (within, table) = lines.split_once('\n').unwrap();
    assert_eq!(
        (within, table),
        ("networks = [\"internal\"]", "[networks.internal]\ncidrs = [\"127.0.0.1/32\"]")
    );
    edit(&stage.environment(), "idempotent = true", &format!("idempotent = true\n{within}"));
    edit(&stage.environment(), "[networks.loopback]", &format!("{table}\n[networks.loopback]"));
    stage.approve(INVOICE).await.expect(0);
}

#[tokio::test]
async fn an_import_that_nobody_granted_stops_the_run_before_its_first_step() {
    let stage = Stage::new().await;
    edit(&stage.workflow(), "[steps.grants.signer.payment-signing]\n", "");
    let run = stage.approve(INVOICE).await.expect(3).json();
    let error = &run["error"];
    assert_eq!((&run["status"], &error["rule"]), (&json!("refused"), &json!("grant-missing")));
    assert_eq!(error["owner"], "workflow-author");
    assert_eq!(error["place"], "workflows/approve.toml: step post-payment");
    let hint = error["hint"].as_str().unwrap();
    assert!(hint.ends_with("\n[steps.grants.signer.payment-signing]"), "{hint}");
    assert_eq!((statuses(&run), stage.requests()), (Vec::new(), Vec::new()));

    let check = stage.stepward(["check", "--json"]).await.expect(3).json();
    assert_eq!(check["errors"], json!([error]));
}

#[tokio::test]
async fn a_label_that_the_environment_does_not_bind_prints_the_lines_to_add() {
    let stage = Stage::new().await;
    let signer = "[signers.payment-signing]\nalgorithm = \"ed25519\"\nsecret = \"payment-key\"\n";
    edit(&stage.environment(), signer, "");
    let run = stage.approve(INVOICE).await.expect(3).json();
    assert_eq!(run["error"]["rule"], "grant-unbound");
    let hint = run["error"]["hint"].as_str().unwrap();
    assert!(
        hint.starts_with("add to environments/dev/environment.toml:\n[signers.payment-signing]\n"),
        "{hint}"
    );
    assert_eq!(stage.requests(), []);
}

/// Least privilege works in both directions.
#[tokio::test]
async fn a_grant_that_no_import_uses_is_a_warning() {
    let stage = Stage::new().await;
    edit(
        &stage.workflow(),
        "[steps.grants.signer.payment-signing]",
        "[steps.grants.signer.payment-signing]\n[steps.grants.clock.time]",
    );
    let check = stage.stepward(["check", "--json"]).await.expect(0).json();
    let said =
        "workflows/approve.toml: step post-payment: `time` is granted, but the step does not import it";
    assert_eq!((&check["errors"], &check["warnings"]), (&json!([]), &json!([said])));
    let run = stage.stepward(["run", "approve", "--input", &format!("documents/{INVOICE}")]).await.expect(0);
    assert!(run.stderr.contains(said), "{}", run.stderr);
}

/// A declared limit that cannot have its effect is an error, not a number that is ignored.
#[tokio::test]
async fn a_limit_above_the_environments_ceiling_is_refused() {
    let stage = Stage::new().await;
    edit(&stage.workflow(), "fuel = 1_000_000_000", "fuel = 2_000_000_001");
    let run = stage.approve(INVOICE).await.expect(3).json();
    assert_eq!(run["error"]["rule"], "limit-above-ceiling");
    assert_eq!(run["error"]["place"], "workflows/approve.toml: step check-invoice");
    assert!(run["error"]["hint"].as_str().unwrap().contains("`ceilings.fuel`"));
}

#[tokio::test]
async fn what_check_finds_sound_is_sound_on_this_machine_too() {
    let stage = Stage::new().await;
    let check = stage.stepward(["check", "--env", "dev", "--json"]).await.expect(0).json();
    let unwatched = "the environment dev has no witnesses: an older copy of the log that somebody put in its place \
                     cannot be told from the log";
    let sound = json!({ "schema": "stepward.check/1", "errors": [], "warnings": [], "notes": [unwatched] });
    assert_eq!(check, sound);
}
