//! The README's first command: the main job, shown at work.
#![allow(
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "the test starts the program, looks for what it left running, and says what it skipped"
)]

use crate::process::{COMPILE, Ended, RUN, end, program, start, stepward};
use crate::stage::{EXAMPLE, ROOT};
use serde_json::json;
use std::{
    fs,
    path::{Path, PathBuf},
    pin::pin,
    time::Duration,
};
use tokio::{process::Command, sync::Mutex, time::sleep};

/// A checkout has one place for its demonstration.
static TURN: Mutex<()> = Mutex::const_new(());

/// The processes of a group, which a program's children belong to.
fn running(group: u32) -> Vec<String> {
    let stat = |folder: fs::DirEntry| fs::read_to_string(folder.path().join("stat")).ok();
    fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| stat(entry.unwrap()))
        // The name may hold anything; what follows its last parenthesis is state, parent and group.
        .filter(|stat| {
            stat.rsplit_once(") ").and_then(|(_, rest)| rest.split(' ').nth(2)) == Some(&group.to_string())
        })
        .collect()
}

#[tokio::test]
async fn the_demonstration_pays_an_invoice_and_shows_what_is_refused() {
    let _turn = TURN.lock().await;
    let lock = Path::new(ROOT).join(EXAMPLE).join("stepward.lock");
    let before = fs::read(&lock).unwrap();
    let mut command = stepward();
    let shown = program(command.args(["demo", "--no-input"]).current_dir(ROOT), COMPILE).await.expect(0);
    for said in [
        "read-invoice",
        "check-invoice",
        "post-payment",
        "reaches",
        "succeeded",
        "erp GET /suppliers/DK12345678 → 200",
        "payment-signing signed",
        "erp POST /payments → 201",
        "grant-missing",
        "component-digest",
        "endpoint-path",
        "BR-CO-16",
        "ERP-INVOICE-DUPLICATE",
        "call-intended",
        "call-answered",
        "ledger show --state",
    ] {
        assert!(shown.stdout.contains(said), "no {said:?} in:\n{}", shown.stdout);
    }
    assert_eq!(running(shown.group), [] as [&str; 0], "it leaves no process behind");
    assert!(fs::read(&lock).unwrap() == before, "the lock stays as it is committed");
    judge_log().await;
}

/// What the demonstration did is checked by the program itself and by the script that shares no code with
/// it: the log in its store, as it is published, as an export, and as the evidence of the run.
async fn judge_log() {
    let state = Path::new(ROOT).join(EXAMPLE).join("target/stepward/demo/state");
    let (out, ours) = (tempfile::tempdir().unwrap(), state.join("dev"));
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let call = async |arguments: Vec<String>| {
        let mut command = stepward();
        let command = command.args(arguments).arg("--state").arg(&state).current_dir(out.path());
        program(command, RUN).await.expect(0)
    };
    let text = |path: &Path| path.to_str().unwrap().to_owned();
    let report = call(words(&["verify", &text(&ours), "--bodies", "--json"])).await.json();
    let done = &report["parts"][0]["established"];
    assert!(done["effects_answered"].as_u64() > Some(0) && done["effects_unanswered"] == 0, "{done}");
    assert!(done["bodies"].as_u64() > Some(0) && done["bodies"] == done["bodies_opened"], "{done}");
    assert_eq!((&report["verdict"], &report["parts"][1]["kind"]), (&json!("holds"), &json!("tiles")));
    let runs = call(words(&["runs", "list", "--json"])).await.json();
    let run = runs["runs"][0]["run"].as_str().unwrap().to_owned();
    call(words(&["ledger", "export", "--out", "log"])).await;
    call(words(&["evidence", &run, "--out", "evidence"])).await;
    let key = call(words(&["ledger", "key"])).await.stdout.trim_end().to_owned();
    for (kind, what) in [
        ("tiles", text(&ours.join("tiles"))),
        ("export", "log".to_owned()),
        ("evidence", "evidence".to_owned()),
    ] {
        call(words(&["verify", &what, "--key", &key])).await;
        let script = Path::new(ROOT).join("tests/verify_log.py");
        let mut python = Command::new("python3");
        python.arg(script).args([kind, &what, "--key", &key]).current_dir(out.path());
        match python.output().await {
            Ok(output) => {
                let said = String::from_utf8_lossy(&output.stdout);
                assert!(output.status.success() && said.starts_with("HOLDS "), "{kind}: {said}");
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                eprintln!("SKIPPED: python3 is not installed");
            }
            Err(error) => panic!("python3 cannot be started: {error}"),
        }
    }
}

#[tokio::test]
async fn the_demonstration_speaks_json_too() {
    let _turn = TURN.lock().await;
    let mut command = stepward();
    let ended = program(command.args(["demo", "--no-input", "--json"]).current_dir(ROOT), COMPILE).await;
    let ended = ended.expect(0);
    let report = ended.json();
    assert_eq!(report["schema"], "stepward.demo/1");
    let names = report["steps"].as_array().unwrap().iter().map(|step| &step["name"]).collect::<Vec<_>>();
    assert_eq!(names, ["read-invoice", "check-invoice", "post-payment"]);
    let rules =
        report["refused"].as_array().unwrap().iter().map(|refused| &refused["rule"]).collect::<Vec<_>>();
    assert_eq!(
        rules,
        ["grant-missing", "component-digest", "endpoint-path", "invoice-invalid", "invoice-invalid"]
    );
    assert_eq!(running(ended.group), [] as [&str; 0]);
}

/// Two at once would share a service's database, an environment and its keys.
#[tokio::test]
async fn a_second_demonstration_beside_the_first_is_refused_and_disturbs_nothing() {
    let _turn = TURN.lock().await;
    let demo = || {
        let mut command = stepward();
        start(command.args(["demo", "--no-input", "--json"]).current_dir(ROOT))
    };
    let (one, other) = (demo(), demo());
    let (one, other): (Ended, Ended) = tokio::join!(end(one, COMPILE), end(other, COMPILE));
    let (shown, refused) = if one.code == Some(0) { (one, other) } else { (other, one) };
    assert_eq!(shown.expect(0).json()["schema"], "stepward.demo/1");
    let error = &refused.expect(7).json()["error"];
    assert_eq!(error["rule"], "demo-busy");
    assert!(error["message"].as_str().unwrap().contains("another demonstration is at work"), "{error}");
    assert!(error["hint"].as_str().unwrap().contains("wait until it ends"), "{error}");
}

/// The folders of the demonstration's traces, one for each run.
fn runs() -> Vec<PathBuf> {
    let folder = Path::new(ROOT).join(EXAMPLE).join("target/stepward/demo/state/dev/traces");
    let all = fs::read_dir(folder).into_iter().flatten();
    all.map(|entry| entry.unwrap().path()).collect()
}

/// A folder takes the name of the last step's trace while the steps before it run. Where the steps
/// were quicker, the next demonstration is tried.
#[tokio::test]
async fn a_demonstration_that_loses_its_evidence_fails_with_words() {
    let _turn = TURN.lock().await;
    for _ in 0..5 {
        let before = runs();
        let mut command = stepward();
        let child = start(command.args(["demo", "--no-input"]).current_dir(ROOT));
        let taken = async {
            loop {
                if let Some(run) = runs().into_iter().find(|run| !before.contains(run)) {
                    return fs::create_dir(run.join("post-payment.json")).is_ok();
                }
                sleep(Duration::from_micros(200)).await;
            }
        };
        let mut ending = pin!(end(child, COMPILE));
        let taken = tokio::select! {
            ended = &mut ending => panic!("{ended:?}"),
            taken = taken => taken,
        };
        let ended = ending.await;
        if taken {
            let ended = ended.expect(7);
            assert!(ended.stderr.contains("rule: demo-record"), "{}", ended.stderr);
            assert!(
                ended.stderr.contains("the step post-payment ran, but its trace is not kept"),
                "{}",
                ended.stderr
            );
            assert!(ended.stdout.contains("erp POST /payments → 201"), "{}", ended.stdout);
            return;
        }
        ended.expect(0);
    }
    panic!("the steps were quicker five times");
}

#[tokio::test]
async fn the_demonstration_needs_a_checkout_and_says_so() {
    let nowhere = tempfile::tempdir().unwrap();
    let ended =
        program(stepward().args(["demo", "--json"]).current_dir(nowhere.path()), COMPILE).await.expect(9);
    assert_eq!(ended.json()["error"]["rule"], "demo-checkout");
    assert_eq!(fs::read_dir(nowhere.path()).unwrap().count(), 0);
}
