//! The README's first command: the main job, shown at work.
#![allow(
    clippy::disallowed_methods,
    reason = "the test starts the program and looks for what it left running"
)]

use crate::process::{COMPILE, program, stepward};
use crate::stage::{EXAMPLE, ROOT};
use std::{fs, path::Path};
use tokio::sync::Mutex;

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
    ] {
        assert!(shown.stdout.contains(said), "no {said:?} in:\n{}", shown.stdout);
    }
    assert_eq!(running(shown.group), [] as [&str; 0], "it leaves no process behind");
    assert!(fs::read(&lock).unwrap() == before, "the lock stays as it is committed");
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

#[tokio::test]
async fn the_demonstration_needs_a_checkout_and_says_so() {
    let nowhere = tempfile::tempdir().unwrap();
    let ended =
        program(stepward().args(["demo", "--json"]).current_dir(nowhere.path()), COMPILE).await.expect(9);
    assert_eq!(ended.json()["error"]["rule"], "demo-checkout");
    assert_eq!(fs::read_dir(nowhere.path()).unwrap().count(), 0);
}
