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

/// Words that somebody else chose: a file's name that a script passes on, a command that was pasted.
#[test]
fn a_usage_error_repeats_words_without_their_escapes() {
    let here = folder(&[]);
    let evil = "x\u{1b}]0;t\u{7}\u{1b}[2J\u{9b}2J\u{202e}\u{200b}\nerror: forged\r";
    let (option, limit) = (format!("--{evil}"), format!("{evil}=1"));
    let lines: [&[&str]; 7] = [
        &[evil],
        &[&option],
        &["run", &option],
        &["run", "a", evil],
        &["schema", evil],
        &["run", "a", "--limit", &limit],
        &["run", "a", "--digest", evil],
    ];
    for words in lines {
        for colour in [None, Some("1")] {
            let mut wrong = command(here.path(), words);
            let ended =
                Ended::of(wrong.envs(colour.map(|on| ("CLICOLOR_FORCE", on))).output().unwrap()).must(2);
            let said = ended.stderr.replace("\u{1b}[", "");
            let steers = |c: char| c != '\n' && (c.is_control() || matches!(c, '\u{202e}' | '\u{200b}'));
            assert!(!said.contains(steers) && !said.contains("2J\u{9b}"), "{words:?}: {:?}", ended.stderr);
            assert!(!said.contains("\nerror: forged"), "{words:?}: {:?}", ended.stderr);
            assert_eq!(ended.stderr.contains("\u{1b}["), colour.is_some(), "{words:?}: {:?}", ended.stderr);
            assert!(said.contains("Usage:") || said.contains("--help"), "{words:?}: {:?}", ended.stderr);
            assert_eq!(ended.stdout, "");
        }
        let json = stepward(here.path(), &[words, &["--json"]].concat()).must(2);
        assert!(!json.stdout.contains(|c: char| c != '\n' && c.is_control()), "{:?}", json.stdout);
    }
    // Help shows the value of a variable.
    let mut help = command(here.path(), &["run", "--help"]);
    let help =
        Ended::of(help.env("STEPWARD_STATE", evil).env("CLICOLOR_FORCE", "1").output().unwrap()).must(0);
    assert!(!help.stdout.contains(['\u{7}', '\u{9b}', '\u{202e}', '\r']), "{:?}", help.stdout);
}
