//! Help, usage errors, schemas, completions.

use crate::{folder, schemas::must_conform, stepward};
use insta::assert_snapshot;

#[test]
fn help_names_every_command_and_the_exit_codes() {
    let here = folder(&[]);
    let help = stepward(here.path(), &["--help"]).must(0).stdout;
    for command in [
        "new",
        "build",
        "test",
        "check",
        "inspect",
        "measure",
        "run",
        "runs",
        "backup",
        "restore",
        "key",
        "ledger",
        "evidence",
        "verify",
        "doctor",
        "demo",
        "schema",
        "completions",
    ] {
        assert!(help.contains(&format!("\n  {command} ")), "{command}\n{help}");
        assert!(stepward(here.path(), &[command, "--help"]).must(0).stdout.len() > 200, "{command}");
    }
    assert!(help.contains("3 refused, 4 step failed, 5 limit exceeded"), "{help}");
}

/// These start processes that guests live in; typed alone they are words like any other.
#[test]
fn what_only_the_program_itself_says_is_no_command() {
    let here = folder(&[]);
    for word in ["worker", "worker-probe"] {
        let said = stepward(here.path(), &[word]).must(2).stderr;
        assert!(said.contains(&format!("unrecognized subcommand '{word}'")), "{said}");
    }
}

#[test]
fn a_wrong_command_line_is_a_usage_error_in_both_forms() {
    let here = folder(&[]);
    let text = stepward(here.path(), &["rum"]).must(2);
    assert!(text.stdout.is_empty() && text.stderr.contains("'run'"), "{}", text.stderr);
    let json = stepward(here.path(), &["rum", "--json"]).must(2).json();
    must_conform("error", &json);
    assert_eq!(
        (json["schema"].as_str(), json["error"]["rule"].as_str()),
        (Some("stepward.error/1"), Some("command-line"))
    );
    assert_eq!(stepward(here.path(), &[]).code, 2);
    let limit = stepward(here.path(), &["run", "x", "--limit", "fule=1"]).must(2);
    assert!(limit.stderr.contains("no limit is called `fule`"), "{}", limit.stderr);
    assert!(
        stepward(here.path(), &["run", "x", "--digest", "abc"])
            .must(2)
            .stderr
            .contains("64 lower-case hex digits")
    );
}

#[test]
fn schemas_are_json_and_the_contract_is_wit() {
    let here = folder(&[]);
    for name in
        ["project", "workflow", "environment", "case", "trace", "late", "run", "inspect", "doctor", "error"]
    {
        let schema = stepward(here.path(), &["schema", name]).must(0).json();
        assert!(schema["properties"].is_object(), "{name}");
    }
    assert!(stepward(here.path(), &["schema", "wit"]).must(0).stdout.contains("package stepward:step@0.1.0"));
}

#[test]
fn completions_name_the_commands() {
    let here = folder(&[]);
    for shell in ["bash", "zsh", "fish"] {
        assert!(stepward(here.path(), &["completions", shell]).must(0).stdout.contains("inspect"), "{shell}");
    }
}

#[test]
fn an_error_says_what_where_which_rule_and_what_to_do() {
    let here = folder(&[("stepward.toml", "[project]\nname = 'p'\n[steps.a]\ncrat = 'a'\n")]);
    let ended = stepward(here.path(), &["build"]).must(9);
    assert!(ended.stdout.is_empty());
    assert_snapshot!(ended.stderr, @r"
error: unknown field `crat`, expected `crate` or `component`
  at:   stepward.toml:4:1
  rule: project-definition (workflow author)
  hint: `stepward schema project` prints what a project file may say
");
}
