//! Witnesses that nobody would ask, because the file that names them is not at hand.

use super::{copy, events, put_back, state, watched};
use crate::{
    folder,
    reach::{error, run},
    stepward,
    witness::server::Witness,
};
use serde_json::json;

#[test]
fn an_older_copy_of_the_state_does_not_go_on_with_a_component_file() {
    let witness = Witness::start(1);
    let (here, _) = watched(&witness, "");
    run(here.path(), &["w"]).must(0);
    let (older, newest) = (folder(&[]), folder(&[]));
    copy(&state(here.path()), older.path());
    run(here.path(), &["w"]).must(0);
    copy(&state(here.path()), newest.path());
    put_back(here.path(), older.path());
    let before = events(here.path());
    let (file, all) = (here.path().join("a.wasm"), here.path().join(".stepward"));
    let digest = stepward(here.path(), &["inspect", "a", "--json"]).must(0).json()["digest"].clone();
    let words = [file.to_str().unwrap(), "--digest", digest.as_str().unwrap()];
    let elsewhere = folder(&[("in.json", "1")]);
    let refused = run(elsewhere.path(), &[&words[..], &["--state", all.to_str().unwrap()]].concat());
    assert_eq!(error(&refused), (json!("environment-unknown"), 3), "{}", refused.stdout);
    // In the project its witnesses are asked.
    let refused = run(here.path(), &words);
    assert_eq!(error(&refused), (json!("log-older-than-witness"), 8), "{}", refused.stdout);
    assert_eq!(events(here.path()), before, "nothing was written");
    put_back(here.path(), newest.path());
    run(here.path(), &words).must(0);
}
