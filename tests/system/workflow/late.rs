//! An effect that ends when its step is gone: the person who waits is told what came of it, and it
//! is kept.

use super::{INVOICE, known, statuses};
use crate::process::{Ended, RUN, end, signal, start};
use crate::relay::{Passing, Relay, until};
use crate::stage::{Stage, edit, files};
use serde_json::{Value, json};
use std::{fs, path::PathBuf, time::Duration};
use tokio::{process::Child, time::sleep};

/// A stage whose service answers a payment only when the test says so: what it sends after it has
/// booked one waits on the way.
type Slow = Relay<bool>;

impl Slow {
    async fn slow() -> Self {
        let booked = |stage: &Stage| !stage.payments().is_empty();
        Self::new(false, Passing { known_by: booked, passes: |open, booked| *open || !booked }).await
    }

    fn start(&self, more: &[&str]) -> Child {
        let input = format!("documents/{INVOICE}");
        start(&mut self.stage.command([&["run", "approve", "--input", &input], more].concat()))
    }

    async fn booked(&self) {
        until(|| !self.stage.payments().is_empty()).await;
        assert_eq!(self.stage.payments().len(), 1);
    }

    fn left(&self, name: &str) -> Option<PathBuf> {
        let all = fs::exists(self.stage.state().join("dev/traces")).unwrap();
        let all = if all { files(&self.stage.state().join("dev/traces")) } else { Vec::new() };
        all.into_iter().find(|path| path.ends_with(name))
    }

    fn read(&self, name: &str) -> Value {
        serde_json::from_str(&fs::read_to_string(self.left(name).unwrap()).unwrap()).unwrap()
    }
}

/// The deadline ends the step while the answer is out. The run waits for the effect all the same,
/// and what came stands in the trace and in the report.
#[tokio::test]
async fn an_answer_after_the_deadline_is_told_and_kept_in_the_trace() {
    let slow = Slow::slow().await;
    let (before, wall) =
        ("memory-bytes = 8_388_608\nhost-calls = 10\nbytes-in-per-call = 65_536\n", "wall-time-ms");
    edit(&slow.stage.workflow(), &format!("{before}{wall} = 20_000"), &format!("{before}{wall} = 5_000"));
    let child = slow.start(&["--json"]);
    slow.booked().await;
    // The step's trace is written when the step has ended.
    until(|| slow.left("post-payment.json").is_some()).await;
    slow.says.send_replace(true);
    let ended: Ended = end(child, RUN).await.expect(5);
    let run = ended.json();
    assert_eq!(run["error"]["limit"], "wall-time-ms");
    assert_eq!(statuses(&run)[2], ("post-payment", "limit-exceeded"));
    let [late] = run["late"].as_array().unwrap().as_slice() else { panic!("{run}") };
    let after = late["after_ms"].as_u64().unwrap();
    assert_eq!(
        late,
        &json!({
            "step": "post-payment", "call": 1, "asked": "erp POST /payments", "operation": late["operation"],
            "effect": "applied", "status": 201, "after_ms": after,
        })
    );

    known(&slow.stage, "run", "/properties/late/items", late).await;

    let trace = slow.read("post-payment.json");
    known(&slow.stage, "trace", "", &trace).await;
    known(&slow.stage, "trace", "/$defs/late", &trace["late"][0]).await;
    let recorded = &trace["calls"][1];
    assert_eq!(
        (&recorded["call"]["request"]["operation"], recorded.get("reply")),
        (&late["operation"], None)
    );
    let [kept] = trace["late"].as_array().unwrap().as_slice() else { panic!("{trace}") };
    assert_eq!((&kept["call"], &kept["after_ms"]), (&json!(1), &json!(after)));
    assert_eq!(kept["answer"]["reply"]["value"]["Ok"]["status"], 201);

    let file = slow.left("post-payment.json").unwrap();
    let replayed = slow.stage.stepward(["runs", "replay", "--json", file.to_str().unwrap()]).await.expect(0);
    assert_eq!(replayed.json()["verdict"], "as-far-as-recorded");
    // A late answer belongs to an effect that has none.
    let mut forged = trace.clone();
    forged["late"][0]["call"] = json!(0);
    fs::write(&file, forged.to_string()).unwrap();
    let replayed = slow.stage.stepward(["runs", "replay", "--json", file.to_str().unwrap()]).await.expect(9);
    assert_eq!(replayed.json()["error"]["rule"], "trace-format");
}

/// Ctrl-c leaves the step without a trace, and its effect with an answer.
#[tokio::test]
async fn an_answer_after_a_cancel_is_told_and_kept() {
    let slow = Slow::slow().await;
    let child = slow.start(&[]);
    slow.booked().await;
    signal("-INT", &child.id().unwrap().to_string()).await;
    // Nothing shows from outside that the program has taken the signal up.
    sleep(Duration::from_secs(1)).await;
    slow.says.send_replace(true);
    let ended = end(child, RUN).await.expect(130);
    let line = ended.stdout.lines().find(|line| line.contains("post-payment erp POST /payments (")).unwrap();
    assert!(ended.stdout.contains("late: ") && line.contains("→ 201 after "), "{}", ended.stdout);
    assert!(line.ends_with(": it was applied"), "{line}");
    assert_eq!(slow.left("post-payment.json"), None);
    let kept = slow.read("post-payment.late.json");
    assert_eq!(
        (&kept["schema"], &kept["step"], &kept["call"], &kept["asked"]),
        (&json!("stepward.late/1"), &json!("post-payment"), &json!(1), &json!("erp POST /payments"))
    );
    assert_eq!(kept["answer"]["reply"]["value"]["Ok"]["status"], 201);
    known(&slow.stage, "late", "", &kept).await;
}

/// Who sends a second signal does not wait for the answer: then nobody knows.
#[tokio::test]
async fn an_effect_that_nobody_waits_for_is_unknown() {
    let slow = Slow::slow().await;
    let child = slow.start(&["--json"]);
    slow.booked().await;
    let process = child.id().unwrap().to_string();
    signal("-INT", &process).await;
    signal("-TERM", &process).await;
    let run = end(child, RUN).await.expect(130).json();
    let [late] = run["late"].as_array().unwrap().as_slice() else { panic!("{run}") };
    assert_eq!((&late["effect"], late.get("cause"), late.get("status")), (&json!("unknown"), None, None));
    assert_eq!(slow.read("post-payment.late.json")["answer"], "unknown");
}
