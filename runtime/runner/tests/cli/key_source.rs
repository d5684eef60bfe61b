//! Where the environment's key comes from: a file, a passphrase, a credential.

use crate::{
    Ended, command,
    reach::{DEV, WORKFLOW, component, error, project},
    stepward,
};
use serde_json::{Value, json};
use std::{
    fs,
    io::{Read as _, Write as _},
    os::unix::fs::{PermissionsExt as _, symlink},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

const RUN: &[&str] = &["run", "w", "--input", "in.json", "--json"];
const PASSPHRASE: &str = "correct horse battery staple";

fn keys(here: &Path) -> PathBuf {
    here.join(".stepward/dev/keys")
}

/// A file that its owner alone can read.
fn private(path: &Path, bytes: impl AsRef<[u8]>) -> String {
    fs::write(path, bytes).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
    path.to_str().unwrap().to_owned()
}

fn show(here: &Path, more: &[&str]) -> Value {
    stepward(here, &[&["key", "show", "--json"], more].concat()).must(0).json()
}

fn with_credentials(here: &Path, folder: &Path, arguments: &[&str]) -> Ended {
    Ended::of(command(here, arguments).env("CREDENTIALS_DIRECTORY", folder).output().unwrap())
}

#[test]
fn a_key_is_sealed_under_a_passphrase_and_opened_for_good() {
    let here = project(&component("", ""), &[WORKFLOW, DEV]);
    let here = here.path();
    stepward(here, RUN).must(0);
    let origin = show(here, &[])["origin"].clone();
    let (plain, sealed) = (keys(here).join("environment.key"), keys(here).join("environment.sealed"));
    let key = fs::read(&plain).unwrap();
    let file = private(&here.join("passphrase"), format!("{PASSPHRASE}\n"));
    let given = ["--passphrase-file", &file];
    let short = private(&here.join("short"), "fourteen chars\n");
    let ended = stepward(here, &["key", "protect", "--passphrase-file", &short, "--json"]);
    assert_eq!(
        (error(&ended), plain.exists(), sealed.exists()),
        ((json!("passphrase-length"), 3), true, false)
    );
    let protected = stepward(here, &[&["key", "protect", "--json"], &given[..]].concat()).must(0).json();
    assert!(!plain.exists());
    assert_eq!((&protected["recorded"], &protected["origin"]), (&json!(true), &origin));
    let bytes = fs::read(&sealed).unwrap();
    assert!(!bytes.windows(8).any(|window| key.windows(8).any(|part| part == window)), "the key shows");
    assert_eq!(fs::metadata(&sealed).unwrap().permissions().mode() & 0o777, 0o600);
    // The same log goes on, with the passphrase alone.
    stepward(here, &[RUN, &given[..]].concat()).must(0);
    let shown = show(here, &given);
    assert_eq!((&shown["source"], &shown["origin"], &shown["log"]), (&json!("sealed"), &origin, &origin));
    let ended = stepward(here, &[RUN, &["--no-input"]].concat());
    assert_eq!(error(&ended), (json!("passphrase-needed"), 3), "{}", ended.stdout);
    let wrong = private(&here.join("wrong"), "correct horse battery stable\n");
    let ended = stepward(here, &[RUN, &["--passphrase-file", &wrong]].concat());
    assert_eq!(error(&ended), (json!("sealed-key-unopened"), 3), "{}", ended.stdout);
    for arguments in [["key", "protect"], ["key", "unprotect"]] {
        let ended = stepward(here, &[&arguments[..], &["--passphrase-file", &wrong, "--json"]].concat());
        let rule = if arguments[1] == "protect" { "key-form" } else { "sealed-key-unopened" };
        assert_eq!(error(&ended), (json!(rule), 3), "{}", ended.stdout);
    }
    // A credential can hold the passphrase, too.
    let credentials = here.join("credentials");
    fs::create_dir(&credentials).unwrap();
    private(&credentials.join("stepward.passphrase"), PASSPHRASE);
    with_credentials(here, &credentials, &[RUN, &["--no-input"]].concat()).must(0);
    stepward(here, &[&["key", "unprotect"], &given[..]].concat()).must(0);
    assert_eq!((fs::read(&plain).unwrap(), sealed.exists()), (key, false));
    stepward(here, RUN).must(0);
    // Both stand in the log, by the person who did them.
    let shown = stepward(here, &["ledger", "show", "--json"]).must(0).stdout;
    for act in ["key-protected", "key-unprotected"] {
        let said = shown.lines().filter(|line| line.contains(&format!(r#""act":"{act}""#)));
        assert!(said.clone().all(|line| line.contains("os-account")) && said.count() == 1, "{act}: {shown}");
    }
}

/// Killed between writing one file and removing the other, both are there: that is refused, and
/// doing it again finishes it.
#[test]
fn a_protection_that_was_interrupted_is_finished() {
    let here = project(&component("", ""), &[WORKFLOW, DEV]);
    let here = here.path();
    stepward(here, RUN).must(0);
    let (plain, sealed) = (keys(here).join("environment.key"), keys(here).join("environment.sealed"));
    let key = fs::read(&plain).unwrap();
    let file = private(&here.join("passphrase"), PASSPHRASE);
    let protect = ["key", "protect", "--passphrase-file", &file, "--json"];
    stepward(here, &protect).must(0);
    private(&plain, &key);
    let ended = stepward(here, &[RUN, &["--passphrase-file", &file]].concat());
    assert_eq!(error(&ended), (json!("environment-key-ambiguous"), 3), "{}", ended.stdout);
    // Another key beside it is not removed.
    private(&plain, [9; 32]);
    let ended = stepward(here, &protect);
    assert_eq!((error(&ended), plain.exists()), ((json!("key-sealed"), 3), true), "{}", ended.stdout);
    private(&plain, &key);
    stepward(here, &protect).must(0);
    assert!(!plain.exists() && sealed.exists());
    stepward(here, &[RUN, &["--passphrase-file", &file]].concat()).must(0);
}

#[test]
fn a_credential_of_the_service_is_the_key() {
    let here = project(&component("", ""), &[WORKFLOW, DEV]);
    let here = here.path();
    let credentials = here.join("credentials");
    fs::create_dir(&credentials).unwrap();
    let given = credentials.join("stepward.environment-key");
    // The last byte is a line end: a key is taken as it is.
    let key: Vec<u8> = (1..32).chain([b'\n']).collect();
    private(&given, &key);
    with_credentials(here, &credentials, RUN).must(0);
    assert!(!keys(here).join("environment.key").exists(), "no key is made beside it");
    let shown = with_credentials(here, &credentials, &["key", "show", "--json"]).must(0).json();
    assert_eq!((&shown["source"], &shown["log"]), (&json!("credential"), &shown["origin"]));
    // Without the credential the log has no key, and none is made.
    let ended = stepward(here, RUN);
    assert_eq!(error(&ended), (json!("environment-key-absent"), 7), "{}", ended.stdout);
    let hint = ended.json()["error"]["hint"].as_str().unwrap().to_owned();
    assert!(hint.contains("environment.sealed") && hint.contains("credential"), "{hint}");
    // The same key in its file is no contradiction; another one is.
    private(&keys(here).join("environment.key"), &key);
    with_credentials(here, &credentials, RUN).must(0);
    stepward(here, RUN).must(0);
    private(&keys(here).join("environment.key"), [7; 32]);
    let ended = with_credentials(here, &credentials, RUN);
    assert_eq!(error(&ended), (json!("environment-key-ambiguous"), 3), "{}", ended.stdout);
    fs::remove_file(keys(here).join("environment.key")).unwrap();
    // The rules for files with secrets in them.
    for mode in [0o644, 0o660, 0o604] {
        fs::set_permissions(&given, fs::Permissions::from_mode(mode)).unwrap();
        let ended = with_credentials(here, &credentials, RUN);
        assert_eq!(error(&ended), (json!("private-file-open"), 3), "{mode:o}");
    }
    fs::set_permissions(&given, fs::Permissions::from_mode(0o400)).unwrap();
    with_credentials(here, &credentials, RUN).must(0);
    fs::rename(&given, here.join("elsewhere")).unwrap();
    symlink(here.join("elsewhere"), &given).unwrap();
    let ended = with_credentials(here, &credentials, RUN);
    assert_eq!(error(&ended), (json!("private-file-kind"), 3), "{}", ended.stdout);
    fs::remove_file(&given).unwrap();
    private(&given, "too short");
    let ended = with_credentials(here, &credentials, RUN);
    assert_eq!(error(&ended), (json!("environment-key"), 9), "{}", ended.stdout);
}

/// Runs the binary at a terminal, types each line when its prompt is there, and gives all that the
/// terminal showed. `script` of util-linux makes the terminal.
fn at_terminal(here: &Path, arguments: &str, typed: &[(&str, &str)]) -> String {
    let line = format!("{} {arguments}", env!("CARGO_BIN_EXE_stepward"));
    let mut script = Command::new("script");
    script
        .args(["-qec", &line, "/dev/null"])
        .current_dir(here)
        .env("NO_COLOR", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut child = script.spawn().unwrap();
    let (mut terminal, mut screen) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let (mut shown, mut byte) = (Vec::new(), [0]);
    for (prompt, line) in typed {
        let has_prompt =
            |shown: &[u8]| String::from_utf8_lossy(shown).contains(prompt) && shown.ends_with(b": ");
        while !has_prompt(&shown) {
            assert_eq!(screen.read(&mut byte).unwrap(), 1, "{}", String::from_utf8_lossy(&shown));
            shown.push(byte[0]);
        }
        terminal.write_all(line.as_bytes()).unwrap();
    }
    screen.read_to_end(&mut shown).unwrap();
    child.wait().unwrap();
    String::from_utf8_lossy(&shown).into_owned()
}

/// At a terminal, a passphrase is asked for, and what is typed is not shown.
#[test]
fn a_passphrase_is_typed_unseen() {
    let here = project(&component("", ""), &[WORKFLOW, DEV]);
    let here = here.path();
    stepward(here, RUN).must(0);
    let line = &format!("{PASSPHRASE}\n");
    let shown = at_terminal(here, "key protect", &[("New passphrase", line), ("The same again: ", line)]);
    assert!(!shown.contains("battery"), "{shown}");
    assert!(keys(here).join("environment.sealed").exists(), "{shown}");
    let shown = at_terminal(here, "key show", &[("Passphrase of the key of dev", line)]);
    assert!(!shown.contains("battery") && shown.contains("used: sealed"), "{shown}");
    // Ctrl-C ends the asking, and the terminal shows again what is typed.
    let shown = at_terminal(
        here,
        "key show; echo; echo code $?; stty",
        &[("Passphrase of the key of dev", "corr\u{3}")],
    );
    assert!(
        shown.contains("passphrase-cancelled") && !shown.contains("corr") && !shown.contains("-echo"),
        "{shown}"
    );
}

#[test]
fn rotating_says_what_became_of_erased_runs() {
    let here = project(&component("", ""), &[WORKFLOW, DEV]);
    let here = here.path();
    let ended = stepward(here, &["key", "rotate-wrapping", "--json"]);
    assert_eq!(error(&ended), (json!("log-missing"), 9));
    stepward(here, RUN).must(0);
    let rotated = stepward(here, &["key", "rotate-wrapping", "--json"]).must(0).json();
    assert_eq!((&rotated["destroyed"], &rotated["held"]), (&json!([]), &json!([])));
    let log = fs::read(here.join(".stepward/dev/ledger.db")).unwrap();
    let act = br#""action":"operator-acted","act":"keys-rotated""#;
    assert!(log.windows(act.len()).any(|window| window == act));
}
