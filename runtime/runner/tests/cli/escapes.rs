//! What others wrote cannot steer the terminal that it is shown on.

use crate::{
    Ended, command, folder,
    reach::{DEV, WORKFLOW, component, project, run},
    stepward,
};
use serde_json::{Value, json};
use std::fs;

#[test]
fn a_path_is_shown_without_its_escapes() {
    let here = folder(&[]);
    let name = "a\u{1b}[2J\u{202e}.wasm";
    fs::write(here.path().join(name), component("", "")).unwrap();
    let shown = stepward(here.path(), &["inspect", name]).must(0).stdout;
    assert!(shown.starts_with("a\\u{1b}[2J\\u{202e}.wasm") && !shown.contains('\u{1b}'), "{shown:?}");
    let mut coloured = command(here.path(), &["inspect", name]);
    let coloured = Ended::of(coloured.env("CLICOLOR_FORCE", "1").output().unwrap()).must(0).stdout;
    assert!(coloured.contains("\u{1b}[1m") && !coloured.contains("\u{1b}[2J"), "{coloured:?}");
}

#[test]
fn a_trace_is_shown_without_its_escapes() {
    let here = project(&component("", ""), &[WORKFLOW, DEV]);
    let ran = run(here.path(), &["w"]).must(0).json();
    let trace = here.path().join(ran["steps"][0]["trace"].as_str().unwrap());
    let mut forged: Value = serde_json::from_slice(&fs::read(&trace).unwrap()).unwrap();
    forged["step"] = json!("a\u{1b}]0;x\u{7}\u{9b}2J");
    fs::write(&trace, forged.to_string()).unwrap();
    // Compiled code that was changed makes a warning that names the step.
    let cached = fs::read_dir(here.path().join(".stepward/dev/cache")).unwrap().next().unwrap().unwrap();
    for more in [&[][..], &["--json"]] {
        fs::write(cached.path(), "changed").unwrap();
        let mut replay = command(here.path(), &["runs", "replay", trace.to_str().unwrap()]);
        let ended = Ended::of(replay.args(more).env("CLICOLOR_FORCE", "1").output().unwrap()).must(0);
        assert!(
            ended.stderr.contains("a\\u{1b}]0;x\\u{7}\\u{9b}2J: the compiled code"),
            "{:?}",
            ended.stderr
        );
        for text in [&ended.stdout, &ended.stderr] {
            assert!(!text.contains(['\u{7}', '\u{9b}']) && !text.contains("\u{1b}]"), "{text:?}");
        }
    }
}

#[test]
fn a_document_is_printed_as_json_that_cannot_deceive() {
    let here = project(&component("", ""), &[WORKFLOW, DEV]);
    let document = json!({ "n": "\u{9b}2J\u{202e}\u{e0041}\n東京" });
    fs::write(here.path().join("in.json"), document.to_string()).unwrap();
    let ended = run(here.path(), &["w"]).must(0);
    assert_eq!(ended.json()["output"], document);
    let escaped = r#""\u009b2J\u202e\udb40\udc41\n東京""#;
    assert!(ended.stdout.contains(escaped), "{}", ended.stdout);
    assert!(!ended.stdout.contains(['\u{9b}', '\u{202e}', '\u{e0041}']), "{:?}", ended.stdout);
}
