//! The key that compiled code is believed by: it is native code, so no project may bring its own.

use crate::{
    Ended, command, folder,
    reach::{DEV, WORKFLOW, component, error, project},
};
use serde_json::json;
use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::Path,
};

const RUN: &[&str] = &["run", "w", "--input", "in.json", "--json"];

/// A run for a user whose environment says this alone of where state lies.
fn run(here: &Path, more: &[&str], variables: &[(&str, &str)]) -> Ended {
    let mut run = command(here, &[RUN, more].concat());
    run.env_remove("HOME").env_remove("XDG_STATE_HOME").envs(variables.iter().copied());
    Ended::of(run.output().unwrap())
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

fn kept(here: &Path) -> usize {
    fs::read_dir(here.join(".stepward/dev/cache")).unwrap().count()
}

#[test]
fn code_that_came_with_a_project_is_not_believed() {
    let here = project(&component("", ""), &[WORKFLOW, DEV]);
    let users = folder(&[]);
    let user = |name: &str| users.path().join(name).to_str().unwrap().to_owned();
    let (sender, other) = (user("sender"), user("other"));
    let quiet = |ended: Ended| assert_eq!(ended.must(0).stderr, "");
    quiet(run(here.path(), &[], &[("XDG_STATE_HOME", &sender)]));
    let key = users.path().join("sender/stepward/code.key");
    assert_eq!((mode(&key), mode(key.parent().unwrap())), (0o600, 0o700));
    assert!(!here.path().join(".stepward/dev/keys/code.key").exists());
    assert_eq!(kept(here.path()), 1);
    quiet(run(here.path(), &[], &[("XDG_STATE_HOME", &sender)]));
    // A key in the project, as an archive would bring it, is not looked at.
    fs::copy(&key, here.path().join(".stepward/dev/keys/code.key")).unwrap();
    let ended = run(here.path(), &[], &[("XDG_STATE_HOME", &other)]).must(0);
    assert!(ended.stderr.contains("compiled again"), "{}", ended.stderr);
    // A state folder that is named does not move the key.
    let state = user("state");
    quiet(run(here.path(), &["--state", &state], &[("XDG_STATE_HOME", &other)]));
    assert!(!users.path().join("state/dev/keys/code.key").exists());
}

#[test]
fn without_a_place_of_the_user_no_code_is_kept() {
    let here = project(&component("", ""), &[WORKFLOW, DEV]);
    // A file has no folder in it, whoever asks.
    let nowhere = here.path().join("in.json/home");
    for variables in
        [&[][..], &[("XDG_STATE_HOME", "relative"), ("HOME", "")], &[("HOME", nowhere.to_str().unwrap())]]
    {
        let ended = run(here.path(), &[], variables).must(0);
        assert_eq!(ended.stderr.matches("compiled code is not kept").count(), 1, "{}", ended.stderr);
        assert_eq!((kept(here.path()), here.path().join("relative").exists()), (0, false));
    }
    let home = folder(&[]);
    let at_home = [("HOME", home.path().to_str().unwrap()), ("XDG_STATE_HOME", "relative")];
    assert_eq!(run(here.path(), &[], &at_home).must(0).stderr, "");
    assert_eq!(mode(&home.path().join(".local/state/stepward/code.key")), 0o600);
    assert_eq!(kept(here.path()), 1);
}

#[test]
fn a_key_that_others_can_reach_is_refused() {
    let here = project(&component("", ""), &[WORKFLOW, DEV]);
    let user = folder(&[]);
    let variables = [("XDG_STATE_HOME", user.path().to_str().unwrap())];
    let refused = |hint: &str| {
        let ended = run(here.path(), &[], &variables);
        assert_eq!(error(&ended), (json!("state-private"), 3), "{}", ended.stdout);
        assert!(ended.json()["error"]["hint"].as_str().unwrap().contains(hint), "{}", ended.stdout);
    };
    run(here.path(), &[], &variables).must(0);
    let folder = user.path().join("stepward");
    let (key, moved) = (folder.join("code.key"), user.path().join("moved"));
    fs::set_permissions(&key, fs::Permissions::from_mode(0o640)).unwrap();
    refused("chmod 600");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    fs::rename(&key, &moved).unwrap();
    symlink(&moved, &key).unwrap();
    refused("rm ");
    fs::remove_file(&key).unwrap();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o750)).unwrap();
    refused("chmod 700");
    fs::rename(&folder, &moved).unwrap_err();
    fs::remove_dir(&folder).unwrap();
    symlink(user.path(), &folder).unwrap();
    refused("rm ");
}
