//! The binary as people and scripts use it: what it prints, where, and its exit codes.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]
#![allow(clippy::disallowed_methods, reason = "tests start the binary and make the files that it reads")]

mod backup;
mod doctor;
mod documents;
mod escapes;
mod evidence;
mod key_source;
mod keys;
mod ledger;
mod life;
mod logged;
mod own;
mod policy;
mod reach;
mod refused;
mod runs;
mod schemas;
mod shown;
mod toolchain;
mod verify;
mod witness;
mod words;

use serde_json::Value;
use std::{
    fs,
    io::Write as _,
    path::Path,
    process::{Child, Command, Output, Stdio},
};
use tempfile::TempDir;

/// What a call of the binary left.
struct Ended {
    code: i32,
    stdout: String,
    stderr: String,
}

impl Ended {
    fn of(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Standard output as the one JSON object that it must be. One that names its schema conforms to it.
    fn json(&self) -> Value {
        let document: Value = serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("{error}\n{}\n{}", self.stdout, self.stderr));
        if let Some(name) = document["schema"].as_str() {
            schemas::must_conform(schemas::of_document(name), &document);
        }
        document
    }

    /// The exit code, and standard error where it is not 0.
    fn must(self, code: i32) -> Self {
        assert_eq!(self.code, code, "\n{}\n{}", self.stdout, self.stderr);
        self
    }
}

/// Runs the binary in a folder with nothing of this process's environment that could matter.
fn stepward(folder: &Path, arguments: &[&str]) -> Ended {
    with_input(folder, arguments, "")
}

fn with_input(folder: &Path, arguments: &[&str], input: &str) -> Ended {
    let mut child = spawn(folder, arguments);
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    Ended::of(child.wait_with_output().unwrap())
}

fn spawn(folder: &Path, arguments: &[&str]) -> Child {
    command(folder, arguments).spawn().unwrap()
}

/// The binary, with a place of the tests' own for what it keeps for its user.
fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_stepward"));
    command
        .args(arguments)
        .current_dir(folder)
        .env_remove("STEPWARD_STATE")
        .env_remove("STEPWARD_LOG")
        .env_remove("CLICOLOR_FORCE")
        .env("XDG_STATE_HOME", concat!(env!("CARGO_TARGET_TMPDIR"), "/user-state"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// A folder with these files.
fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}
