//! Files that are replaced, linked, or open to others.
#![allow(clippy::disallowed_methods, reason = "the tests damage the files that people would")]

use super::{APPROVE, READ, error};
use crate::stage::Stage;
use std::{
    fs::{self, Permissions},
    os::unix::fs::{PermissionsExt as _, symlink},
};

/// A component that was good in the last run is checked anew in this one.
#[tokio::test]
async fn a_component_replaced_between_two_runs_is_refused() {
    let stage = Stage::new().await;
    let (ours, other) = (stage.component("read-invoice"), stage.component("post-payment"));
    stage.stepward(READ).await.expect(0);
    let good = fs::read(&ours).unwrap();
    fs::copy(&other, &ours).unwrap();
    let ended = stage.stepward(READ.iter().chain(&["--json"])).await.expect(3);
    let error = error(&ended);
    assert_eq!(error["rule"], "component-digest");
    let message = error["message"].as_str().unwrap();
    assert!(message.contains("imports") && message.contains("payment-signing"), "{message}");
    fs::write(&ours, good).unwrap();
    stage.stepward(READ).await.expect(0);
    // By a link too: the bytes count, wherever they lie.
    fs::remove_file(&ours).unwrap();
    symlink(&other, &ours).unwrap();
    stage.stepward(READ).await.expect(3);
}

#[tokio::test]
async fn a_secret_that_others_may_read_is_refused_with_the_remedy() {
    let stage = Stage::new().await;
    let secret = stage.secret("erp-token");
    for mode in [0o644, 0o640, 0o660, 0o604, 0o666] {
        fs::set_permissions(&secret, Permissions::from_mode(mode)).unwrap();
        let ended = stage.stepward(APPROVE.iter().chain(&["--json"])).await;
        // As root, a file of root's that its group may read is what secret mounts look like.
        if mode == 0o640 && ended.code == Some(0) {
            continue;
        }
        let ended = ended.expect(3);
        let error = error(&ended);
        assert_eq!(
            (&error["rule"], &error["owner"]),
            (&"secret-too-open".into(), &"operator".into()),
            "{mode:o}"
        );
        assert!(error["hint"].as_str().unwrap().contains("chmod 600"), "{error}");
        assert!(error["place"].as_str().unwrap().ends_with("dev/secrets/erp-token"), "{error}");
    }
    fs::set_permissions(&secret, Permissions::from_mode(0o400)).unwrap();
    let check = stage.stepward(["check", "--env", "dev", "--json"]).await.expect(0).json();
    assert_eq!(check["errors"], serde_json::json!([]));
}

#[tokio::test]
async fn a_secret_that_is_a_link_is_refused() {
    let stage = Stage::new().await;
    let (secret, elsewhere) = (stage.secret("erp-token"), stage.beside("token"));
    fs::rename(&secret, &elsewhere).unwrap();
    symlink(&elsewhere, &secret).unwrap();
    let ended = stage.stepward(APPROVE.iter().chain(&["--json"])).await.expect(3);
    let error = error(&ended);
    assert_eq!(error["rule"], "secret-not-a-file");
    assert!(error["message"].as_str().unwrap().contains("symbolic link"), "{error}");
}

#[tokio::test]
async fn a_state_folder_that_others_can_enter_is_refused() {
    let stage = Stage::new().await;
    for folder in ["dev", "dev/keys", "dev/secrets", "dev/cache"] {
        let folder = stage.state().join(folder);
        fs::set_permissions(&folder, Permissions::from_mode(0o750)).unwrap();
        let ended = stage.stepward(READ.iter().chain(&["--json"])).await.expect(3);
        let error = error(&ended);
        assert_eq!(error["rule"], "state-private");
        assert!(error["hint"].as_str().unwrap().starts_with("chmod 700 "), "{error}");
        fs::set_permissions(&folder, Permissions::from_mode(0o700)).unwrap();
    }
    stage.stepward(READ).await.expect(0);
}

/// Found before the first step runs: an effect that was done must not be hidden by what went wrong
/// after it.
#[tokio::test]
async fn a_case_that_cannot_be_written_stops_the_run_before_its_effects() {
    let stage = Stage::new().await;
    let (below_a_file, folder) = (stage.environment().join("cases"), stage.project());
    for (words, place, code, rule) in
        [(APPROVE, &below_a_file, 7, "file-write"), (READ, &folder, 9, "record-place")]
    {
        let record = ["--json", "--record", place.to_str().unwrap()];
        let ended = stage.stepward(words.iter().chain(&record)).await.expect(code);
        assert_eq!(error(&ended)["rule"], rule);
    }
    assert_eq!((stage.payments(), stage.requests()), (Vec::new(), Vec::new()));
}

/// A pipe in a file's place would hold the command up for ever.
#[tokio::test]
async fn a_pipe_is_not_waited_for() {
    let stage = Stage::new().await;
    let pipe = stage.beside("pipe.json");
    let made = tokio::process::Command::new("mkfifo").arg(&pipe).status().await.unwrap();
    assert!(made.success());
    for command in
        [&["run", "read-invoice", "--input"][..], &["run", "read-invoice", "--script"], &["runs", "replay"]]
    {
        let ended = stage.stepward(command.iter().chain(&[pipe.to_str().unwrap(), "--json"])).await.expect(9);
        assert_eq!(error(&ended)["rule"], "file-kind");
    }
}

/// What a person typed is answered in the same shape.
#[tokio::test]
async fn words_that_the_command_line_does_not_know() {
    let stage = Stage::new().await;
    for (words, code, rule) in [
        (&["fly"][..], 2, "command-line"),
        (&["run"], 2, "command-line"),
        (&["run", "approve", "--fast"], 2, "command-line"),
        (&["run", "approve"], 2, "input-missing"),
        (&["run", "nothing", "--input", super::DOCUMENT], 9, "target-unknown"),
        (&["run", "approve/nothing", "--input", super::DOCUMENT], 9, "target-unknown"),
        (&["run", "approve", "--input", super::DOCUMENT, "--env", "prod"], 9, "environment-missing"),
        (&["run", "approve", "--input", super::DOCUMENT, "--env", "../dev"], 2, "environment-name"),
        (&["inspect", "nothing"], 9, "step-unknown"),
        (&["test", "nothing"], 9, "step-unknown"),
        (&["demo", "--keep", "--no-input"], 2, "demo-keep"),
    ] {
        let ended = stage.stepward(words.iter().chain(&["--json"])).await.expect(code);
        assert_eq!(error(&ended)["rule"], rule, "{words:?}");
    }
}
