//! `stepward new`: a project that builds and tests outside this repository too.
#![allow(clippy::disallowed_methods, reason = "the tests do what a person does with a new project")]

use crate::process::{COMPILE, Ended, program, stepward};
use crate::stage::{edit, files};
use serde_json::json;
use std::{
    fs,
    path::{Path, PathBuf},
};
use tempfile::TempDir;
use tokio::process::Command;

/// A folder outside the repository. Cargo's own configuration above the project makes it share one
/// target directory from test to test, so that crates are compiled once.
struct Outside(TempDir);

impl Outside {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        assert!(!folder.path().starts_with(Path::new(crate::stage::ROOT).canonicalize().unwrap()));
        fs::create_dir(folder.path().join(".cargo")).unwrap();
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("new-project");
        let config = format!("[build]\ntarget-dir = {:?}\n", target.display().to_string());
        fs::write(folder.path().join(".cargo/config.toml"), config).unwrap();
        Self(folder)
    }

    fn project(&self) -> PathBuf {
        self.0.path().join("order-intake")
    }

    async fn new_project(&self) -> Ended {
        let mut command = stepward();
        command.args(["new", "order-intake", "--json"]).current_dir(self.0.path());
        program(&mut command, COMPILE).await
    }

    /// A command in the project's folder, with nothing but its words.
    async fn stepward(&self, words: &[&str]) -> Ended {
        program(stepward().args(words).current_dir(self.project()), COMPILE).await
    }
}

#[tokio::test]
async fn a_new_project_builds_tests_and_runs_outside_the_repository() {
    let outside = Outside::new();
    let made = outside.new_project().await.expect(0).json();
    assert_eq!((&made["schema"], &made["project"]), (&json!("stepward.new/1"), &json!("order-intake")));
    let project = outside.project();
    for file in made["files"].as_array().unwrap() {
        assert!(project.join(file.as_str().unwrap()).is_file(), "{file}");
    }
    assert_eq!(made["files"].as_array().unwrap().len(), files(&project).len());
    // What the SDK's macro writes into the author's crate compiles under this.
    let step = fs::read_to_string(project.join("steps/hello/src/lib.rs")).unwrap();
    assert!(step.contains("#![forbid(unsafe_code)]"));

    let built = outside.stepward(&["build", "--json"]).await.expect(0).json();
    assert_eq!(built["steps"][0]["imports"], json!([]));
    let tested = outside.stepward(&["test", "--json"]).await.expect(0).json();
    assert_eq!((&tested["passed"], &tested["failed"]), (&json!(2), &json!(0)));
    let run = ["run", "hello", "--input", "steps/hello/ada.json", "--json"];
    let run = outside.stepward(&run).await.expect(0).json();
    assert_eq!(run["output"], json!({ "text": "Hello, Ada!" }));
    let check = outside.stepward(&["check", "--json"]).await.expect(0).json();
    assert_eq!((&check["errors"], &check["warnings"]), (&json!([]), &json!([])));
    let locked = outside.stepward(&["build", "--locked", "--json"]).await.expect(0).json();
    assert_eq!(locked["changes"], json!([]));

    let inspect = outside.stepward(&["inspect", "hello", "--json"]).await.expect(0).json();
    assert_eq!((&inspect["imports"], &inspect["exports"]), (&json!([]), &json!(["run"])));
    assert_eq!(inspect["digest"], built["steps"][0]["component"]);
    assert_eq!(inspect["input_schema"]["required"], json!(["name"]));
    let component = fs::read(project.join("target/stepward/components/hello.wasm")).unwrap();
    assert!(!component.windows(5).any(|window| window == b"wasi:"));

    let mut native = Command::new(env!("CARGO"));
    let native = program(native.arg("test").arg("--locked").current_dir(&project), COMPILE).await.expect(0);
    assert!(native.stdout.contains("1 passed"), "{}", native.stdout);
}

#[tokio::test]
async fn a_new_project_takes_no_place_that_is_taken() {
    let outside = Outside::new();
    fs::create_dir(outside.project()).unwrap();
    let refused = outside.new_project().await.expect(3).json();
    assert_eq!(
        (&refused["error"]["rule"], &refused["error"]["owner"]),
        (&json!("project-exists"), &json!("caller"))
    );
    assert_eq!(files(&outside.project()), <[PathBuf; 0]>::default());
    assert_eq!(fs::read_dir(outside.0.path()).unwrap().count(), 2, "nothing is left beside it");
}

/// A step that does not compile, or asks for what it cannot have, leaves lock and components as they
/// are.
#[tokio::test]
async fn a_step_that_does_not_build_changes_nothing() {
    let outside = Outside::new();
    outside.new_project().await.expect(0);
    outside.stepward(&["build"]).await.expect(0);
    let project = outside.project();
    let state = |name: &str| fs::read(project.join(name)).unwrap();
    let all = || {
        [
            state("stepward.lock"),
            state("target/stepward/components/hello.wasm"),
            state("steps/hello/wit/world.wit"),
        ]
    };
    let before = all();
    let source = project.join("steps/hello/src/lib.rs");
    let good = fs::read(&source).unwrap();
    for (from, to, said) in [
        ("Hello, {}!", "Hello, {}{}!", "format string"),
        ("pub fn hello(person: Person)", "pub fn hello(person: Person, port: u16)", "u16"),
        ("    Ok(Greeting", "    unsafe { std::hint::unreachable_unchecked() };\n    Ok(Greeting", "unsafe"),
    ] {
        edit(&source, from, to);
        let ended = outside.stepward(&["build", "--json"]).await.expect(9);
        assert_eq!(ended.json()["error"]["rule"], "step-compiles");
        assert!(ended.stderr.contains(said), "{}", ended.stderr);
        assert!(all() == before, "{said}");
        fs::write(&source, &good).unwrap();
    }
}
