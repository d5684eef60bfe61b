//! Every document that a command prints with `--json` names its schema: programs match on it.

use crate::{
    reach::run,
    runs::{end, endless, started},
    stepward,
};
use rustix::process::Signal;
use serde_json::json;

/// One state folder, from a run that was killed to its erasure.
#[test]
fn each_document_names_its_schema() {
    let here = endless();
    let (child, name) = started(here.path());
    end(child, Signal::KILL);
    run(here.path(), &["w", "--limit", "fuel=1000"]).must(5);
    let name = &*name;
    let restore = ["restore", "--from", "b", "--keys-from", "k", "--replace"];
    let documents: &[(&[&str], &str)] = &[
        (&["runs", "list"], "stepward.runs/1"),
        (&["runs", "show", name], "stepward.run-events/1"),
        (&["ledger", "key"], "stepward.ledger-key/1"),
        (&["ledger", "checkpoint"], "stepward.checkpoint/1"),
        (&["ledger", "prove", "0"], "stepward.proof/1"),
        (&["ledger", "export", "--out", "e"], "stepward.exported/1"),
        (&["ledger", "show", "-n", "1"], "stepward.event/1"),
        (&["evidence", name, "--out", "proof"], "stepward.evidence/1"),
        (&["verify", "e"], "stepward.verify/1"),
        (&["key", "show"], "stepward.key/1"),
        (&["key", "rotate-wrapping"], "stepward.rotation/1"),
        (&["backup", "--to", "b", "--keys-to", "k"], "stepward.backup-made/1"),
        (&restore, "stepward.restore/1"),
        (
            &["runs", "resolve", name, "since-restore", "--as", "not-applied", "--reason", "seen"],
            "stepward.resolved/1",
        ),
        (&["runs", "cancel", name], "stepward.cancelled/1"),
        (&["runs", "erase", name], "stepward.erased/1"),
        (&["check", "--env", "dev"], "stepward.check/1"),
        (&["runs", "show", "nobody"], "stepward.error/1"),
    ];
    for (words, schema) in documents {
        let told = stepward(here.path(), &[*words, &["--json"]].concat()).json();
        assert_eq!(told["schema"], json!(schema), "{words:?}");
    }
}
