//! Which configuration a log is told of, and where nobody knows it.

use crate::{
    Ended, folder,
    reach::{DEV, WORKFLOW, component, error, project, run},
    stepward,
};
use serde_json::{Value, json};
use std::{fs, path::Path};

/// What the log says of the environment's configuration: what it was before, and what it is then.
fn configurations(here: &Path) -> Vec<(Value, Value)> {
    let shown = stepward(here, &["ledger", "show", "--json", "--action", "configuration-changed"]).must(0);
    let event = |line: &str| serde_json::from_str::<Value>(line).unwrap()["event"].take();
    let changes = shown.stdout.lines().map(event);
    changes.map(|event| (event["before"].clone(), event["now"].clone())).collect()
}

/// Runs the component's file that lies in `file`, recorded in the state `state`.
fn bare(here: &Path, file: &Path, state: &str, more: &[&str]) -> Ended {
    let file = file.to_str().unwrap();
    let digest = stepward(here, &["inspect", file, "--json"]).must(0).json()["digest"].clone();
    let words = [file, "--digest", digest.as_str().unwrap(), "--state", state];
    run(here, &[&words, more].concat())
}

#[test]
fn what_an_operator_does_from_elsewhere_changes_no_configuration() {
    let here = project(&component("", ""), &[WORKFLOW, DEV]);
    let name = run(here.path(), &["w"]).must(0).json()["run"].as_str().unwrap().to_owned();
    let (elsewhere, state) = (folder(&[]), here.path().join(".stepward"));
    let erase = ["--state", state.to_str().unwrap(), "runs", "erase", &name];
    let erased = stepward(elsewhere.path(), &erase).must(0);
    assert!(erased.stderr.contains("the file of the environment dev is not at hand"), "{}", erased.stderr);
    stepward(here.path(), &["backup", "--to", "b", "--keys-to", "k"]).must(0);
    assert!(run(here.path(), &["w"]).must(0).stderr.is_empty());
    assert_eq!(configurations(here.path()).len(), 1);
}

#[test]
fn no_run_starts_in_a_log_whose_environment_is_not_at_hand() {
    let here = project(&component("", ""), &[WORKFLOW, DEV]);
    run(here.path(), &["w"]).must(0);
    let (elsewhere, state) = (folder(&[("in.json", "1")]), here.path().join(".stepward"));
    let (file, state) = (here.path().join("a.wasm"), state.to_str().unwrap());
    let before = stepward(here.path(), &["ledger", "show", "--json"]).must(0).stdout;
    for more in [&[][..], &["--resume", "none"]] {
        let digest = stepward(here.path(), &["inspect", "a", "--json"]).must(0).json()["digest"].clone();
        let words = ["run", file.to_str().unwrap(), "--digest", digest.as_str().unwrap(), "--state", state];
        let input = if more.is_empty() { &["--input", "in.json"][..] } else { &[] };
        let refused = stepward(elsewhere.path(), &[&words, input, more, &["--json"]].concat());
        assert_eq!(error(&refused), (json!("environment-unknown"), 3), "{}", refused.stdout);
        let fault = &refused.json()["error"];
        assert!(fault["place"].as_str().unwrap().ends_with("ledger.db"), "{fault}");
        assert!(fault["hint"].as_str().unwrap().contains("--project"), "{fault}");
    }
    assert_eq!(stepward(here.path(), &["ledger", "show", "--json"]).must(0).stdout, before);
    // Where the file is gone it is no other way.
    fs::remove_dir_all(here.path().join("environments")).unwrap();
    assert_eq!(error(&run(here.path(), &["w"])), (json!("environment-unknown"), 3));
    // Its own project knows the environment, and so does a project that is named.
    fs::create_dir_all(here.path().join("environments/dev")).unwrap();
    fs::write(here.path().join(DEV.0), DEV.1).unwrap();
    bare(here.path(), &file, state, &[]).must(0);
    bare(elsewhere.path(), &file, state, &["--project", here.path().to_str().unwrap()]).must(0);
    assert_eq!(configurations(here.path()).len(), 1);
}

#[test]
fn a_component_file_runs_where_there_was_never_an_environment() {
    let here = folder(&[("in.json", "1")]);
    let file = here.path().join("a.wasm");
    fs::write(&file, component("", "")).unwrap();
    for _ in 0..2 {
        bare(here.path(), &file, ".stepward", &[]).must(0);
    }
    let name = bare(here.path(), &file, ".stepward", &[]).must(0).json()["run"].clone();
    let erased = stepward(here.path(), &["runs", "erase", name.as_str().unwrap()]).must(0);
    assert_eq!(erased.stderr, "");
    assert_eq!(configurations(here.path()).len(), 1);
    // The first environment that it gets is a change.
    fs::write(here.path().join("stepward.toml"), "[project]\nname = 'p'\n").unwrap();
    fs::create_dir_all(here.path().join("environments/dev")).unwrap();
    fs::write(here.path().join(DEV.0), DEV.1).unwrap();
    bare(here.path(), &file, ".stepward", &[]).must(0);
    let changes = configurations(here.path());
    assert_eq!((changes.len(), &changes[1].0), (2, &changes[0].1));
}

/// Whoever exchanges a root decides whom requests are sent to.
#[test]
fn another_root_is_another_configuration() {
    let environment = "name = 'dev'\n[endpoints.erp]\nurl = 'https://erp.example.com'\nmethods = ['GET']\n\
                       paths = ['/x']\nroots = ['trust/erp.pem']\n\
                       [endpoints.erp.credential]\nsecret = 'token'\nas = 'bearer'\n\
                       [secrets.token]\nversion = '1'\n";
    let here = project(&component("", ""), &[WORKFLOW, (DEV.0, environment)]);
    let trust = here.path().join("environments/dev/trust");
    fs::create_dir_all(&trust).unwrap();
    let after = |change: &dyn Fn()| {
        change();
        run(here.path(), &["w"]).must(0);
        configurations(here.path()).len()
    };
    assert_eq!(after(&|| ()), 1);
    assert_eq!(after(&|| fs::write(trust.join("erp.pem"), "one").unwrap()), 2);
    assert_eq!(after(&|| fs::write(trust.join("unnamed.pem"), "one").unwrap()), 2);
    assert_eq!(after(&|| fs::write(trust.join("erp.pem"), "two").unwrap()), 3);
    assert_eq!(after(&|| fs::remove_file(trust.join("erp.pem")).unwrap()), 4);
    // A component's file in this project runs under its environment, and needs nothing of it.
    let (file, state) = (here.path().join("a.wasm"), here.path().join(".stepward"));
    bare(here.path(), &file, state.to_str().unwrap(), &[]).must(0);
    let changes = configurations(here.path());
    assert_eq!(changes[3].1, changes[0].1, "a root that is gone again");
    assert!(changes.windows(2).all(|two| two[1].0 == two[0].1 && two[0].1 != two[1].1), "{changes:?}");
}
