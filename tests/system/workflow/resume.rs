//! Runs that were interrupted while a payment was under way, and go on.

use super::{INVOICE, statuses};
use crate::process::{Ended, RUN, end, signal, start};
use crate::relay::{Passing, Relay, until};
use crate::stage::{Stage, edit};
use serde_json::{Value, json};
use std::{fs, time::Duration};
use tokio::{process::Child, time::sleep};

/// A stage whose service answers a payment only when the test says so: what it sends after it has
/// booked one waits on the way.
struct Slow(Relay<bool>);

impl Slow {
    async fn new() -> Self {
        let booked = |stage: &Stage| !stage.payments().is_empty();
        Self(Relay::new(false, Passing { known_by: booked, passes: |open, booked| *open || !booked }).await)
    }

    /// Says that the service does not act once for equal keys.
    fn forgetful(&self) {
        edit(&self.0.stage.environment(), "idempotent = true", "idempotent = false");
    }

    /// Starts a run and waits until its payment is booked.
    async fn paying(&self) -> Child {
        let input = format!("documents/{INVOICE}");
        let child = start(&mut self.0.stage.command(["run", "approve", "--json", "--input", &input]));
        until(|| !self.0.stage.payments().is_empty()).await;
        child
    }

    /// The same, killed before it hears of it. Gives the name of the run.
    async fn killed(&self) -> String {
        let mut child = self.paying().await;
        child.kill().await.unwrap();
        self.0.says.send_replace(true);
        self.list().await["run"].as_str().unwrap().to_owned()
    }

    async fn ask(&self, arguments: &[&str]) -> Ended {
        self.0.stage.stepward(arguments.iter().copied().chain(["--json"])).await
    }

    /// The newest run.
    async fn list(&self) -> Value {
        self.ask(&["runs", "list"]).await.expect(0).json()["runs"][0].clone()
    }

    async fn events(&self, run: &str) -> Vec<String> {
        let shown = self.ask(&["runs", "show", run]).await.expect(0).json();
        let word = |event: &Value| event["action"].as_str().unwrap().to_owned();
        shown["events"].as_array().unwrap().iter().map(word).collect()
    }

    /// How often a payment was asked for.
    fn posts(&self) -> usize {
        self.0.stage.requests().iter().filter(|(method, ..)| method == "POST").count()
    }

    fn booked_once(&self) {
        assert_eq!(self.0.stage.payments().len(), 1);
    }
}

fn count(events: &[String], action: &str) -> usize {
    events.iter().filter(|event| *event == action).count()
}

/// The answer came while the program was ending: it is in the log, and the run goes on from there.
#[tokio::test]
async fn a_cancelled_run_goes_on_with_the_answer_that_came_late() {
    let slow = Slow::new().await;
    slow.forgetful();
    let child = slow.paying().await;
    signal("-INT", &child.id().unwrap().to_string()).await;
    // Nothing shows from outside that the program has taken the signal up.
    sleep(Duration::from_secs(1)).await;
    slow.0.says.send_replace(true);
    let cancelled = end(child, RUN).await.expect(130).json();
    let run = cancelled["run"].as_str().unwrap();
    assert_eq!(slow.list().await["standing"], "can-go-on");
    let ended = slow.ask(&["runs", "resume", run]).await.expect(0).json();
    assert_eq!(
        (&ended["taken"], statuses(&ended)),
        (&json!(["read-invoice", "check-invoice"]), vec![("post-payment", "succeeded")])
    );
    assert_eq!((&ended["run"], &ended["output"]["outcome"]), (&json!(run), &json!("posted")));
    assert_eq!(slow.posts(), 1);
    slow.booked_once();
    let events = slow.events(run).await;
    assert_eq!(count(&events, "call-intended"), 1);
}

/// The service acts once for equal keys, so the payment is asked for again under the same key.
#[tokio::test]
async fn a_killed_run_goes_on_by_itself_where_that_is_safe() {
    let slow = Slow::new().await;
    let run = slow.killed().await;
    assert_eq!(slow.list().await["standing"], "can-go-on");
    let ended = slow.ask(&["runs", "resume", &run]).await.expect(0).json();
    assert_eq!(ended["output"]["outcome"], "already-posted");
    assert_eq!(slow.posts(), 2);
    slow.booked_once();
}

/// Nobody knows whether the payment was booked, until a person looks.
#[tokio::test]
async fn a_payment_in_doubt_waits_for_a_person() {
    let slow = Slow::new().await;
    slow.forgetful();
    let run = slow.killed().await;
    let listed = slow.list().await;
    assert_eq!(listed["standing"], "in-doubt");
    let command = format!("`stepward runs resolve {run} 1 --as applied|not-applied --reason TEXT`");
    assert!(listed["next"].as_str().unwrap().contains(&command), "{listed}");
    let shown = slow.ask(&["runs", "show", &run]).await.expect(0).json();
    assert_eq!(shown["in_doubt"], json!([{"step": "post-payment", "call": 1, "object": "endpoint:erp"}]));
    let waiting = slow.ask(&["runs", "resume", &run]).await.expect(6).json();
    assert_eq!(
        (&waiting["status"], &waiting["error"]["rule"]),
        (&json!("waiting"), &json!("run-cannot-go-on"))
    );
    let wrong = ["runs", "resolve", &run, "0", "--as", "applied", "--reason", "x"];
    assert_eq!(slow.ask(&wrong).await.expect(3).json()["error"]["hint"], "in doubt is: 1");
    assert_eq!(slow.posts(), 1);

    let answer = slow.0.stage.beside("answer.json");
    let receipt = json!({
        "payment_id": "PAY-000001", "outcome": "posted", "key_version": "1", "supplier": "DK12345678",
        "invoice": "12345", "amount": "782179.43", "currency": "DKK",
    });
    let content_type = json!({"name": "content-type", "value": "application/json"});
    let text = json!({"status": 201, "headers": [content_type], "body": {"text": receipt.to_string()}});
    fs::write(&answer, text.to_string()).unwrap();
    let decided = [
        "runs",
        "resolve",
        &run,
        "1",
        "--as",
        "applied",
        "--reason",
        "PAY-000001 is booked",
        "--answer",
        answer.to_str().unwrap(),
    ];
    let decided = slow.ask(&decided).await.expect(0).json();
    assert_eq!((&decided["effect"], &decided["standing"]), (&json!("applied"), &json!("can-go-on")));
    let ended = slow.ask(&["runs", "resume", &run]).await.expect(0).json();
    assert_eq!(ended["output"]["payment_id"], "PAY-000001");
    assert_eq!(slow.posts(), 1);
    slow.booked_once();
    let opened = slow.ask(&["runs", "show", &run, "--bodies"]).await.expect(0).json();
    let why = opened["bodies"].as_array().unwrap().iter().find(|body| body["action"] == "call-resolved");
    assert_eq!(why.unwrap()["body"]["reason"], "PAY-000001 is booked");
}

/// The person found nothing: then it is asked for again, and what the service says counts.
#[tokio::test]
async fn a_payment_that_was_not_applied_is_asked_for_again() {
    let slow = Slow::new().await;
    slow.forgetful();
    let run = slow.killed().await;
    let decided = ["runs", "resolve", &run, "1", "--as", "not-applied", "--reason", "no such payment"];
    slow.ask(&decided).await.expect(0);
    let ended = slow.ask(&["runs", "resume", &run]).await.expect(0).json();
    assert_eq!(ended["output"]["outcome"], "already-posted");
    assert_eq!(slow.posts(), 2);
    slow.booked_once();
    let events = slow.events(&run).await;
    assert_eq!((count(&events, "call-intended"), count(&events, "call-answered")), (2, 1));
}

/// The service acted once for equal keys when the payment was sent, and the environment says so no
/// more: the step must not be told that nothing happened.
#[tokio::test]
async fn what_may_not_be_repeated_any_more_waits() {
    let slow = Slow::new().await;
    let run = slow.killed().await;
    slow.forgetful();
    let waiting = slow.ask(&["runs", "resume", &run]).await.expect(6).json();
    assert!(waiting.to_string().contains("continue-not-repeatable"), "{waiting}");
    assert_eq!((slow.posts(), slow.list().await["standing"].as_str()), (1, Some("can-go-on")));
    edit(&slow.0.stage.environment(), "idempotent = false", "idempotent = true");
    let ended = slow.ask(&["runs", "resume", &run]).await.expect(0).json();
    assert_eq!(ended["output"]["outcome"], "already-posted");
    slow.booked_once();
}

/// The environment was narrowed meanwhile: the payment is as open as it was, so the run does not end.
#[tokio::test]
async fn what_would_be_refused_now_waits_until_it_is_allowed_again() {
    let slow = Slow::new().await;
    let run = slow.killed().await;
    edit(&slow.0.stage.environment(), ", \"/payments\"]", "]");
    let waiting = slow.ask(&["runs", "resume", &run]).await.expect(6).json();
    assert!(waiting.to_string().contains("endpoint-path"), "{waiting}");
    assert_eq!((slow.posts(), slow.list().await["standing"].as_str()), (1, Some("can-go-on")));
    edit(&slow.0.stage.environment(), "\"/invoices/*\"]", "\"/invoices/*\", \"/payments\"]");
    let ended = slow.ask(&["runs", "resume", &run]).await.expect(0).json();
    assert_eq!(ended["output"]["outcome"], "already-posted");
    slow.booked_once();
}

/// What an operator can put right does not end a run that may have acted.
#[tokio::test]
async fn a_run_that_cannot_go_on_just_now_has_not_ended() {
    let slow = Slow::new().await;
    let run = slow.killed().await;
    let (key, aside) = (slow.0.stage.secret("payment-key"), slow.0.stage.beside("payment-key"));
    fs::rename(&key, &aside).unwrap();
    let refused = slow.ask(&["runs", "resume", &run]).await;
    assert_ne!(refused.code, Some(0));
    assert!(refused.stdout.contains("secret-missing"), "{}", refused.stdout);
    assert_eq!(slow.list().await["standing"], "can-go-on");
    fs::rename(&aside, &key).unwrap();
    let ended = slow.ask(&["runs", "resume", &run]).await.expect(0).json();
    assert_eq!(ended["output"]["outcome"], "already-posted");
    slow.booked_once();
}
