//! Programs as people call them: started in a group of their own, bounded in time, waited for.
#![allow(clippy::disallowed_methods, reason = "whole-system tests start programs")]

use serde_json::Value;
use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};
use tokio::{
    process::{Child, Command},
    time::timeout,
};

/// How long a command that only runs steps may take: far longer than it needs.
pub(crate) const RUN: Duration = Duration::from_mins(1);
/// How long a command that compiles Rust may take, on a slow machine with an empty cache.
pub(crate) const COMPILE: Duration = Duration::from_mins(10);

/// Where the program under test keeps what is its user's: kept from one run of the tests to the next.
pub(crate) const USER_STATE: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/user-state");

/// A program that was waited for.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    /// The process group of it and its children.
    pub(crate) group: u32,
}

impl Ended {
    /// Asserts the exit code, showing everything when it is another.
    #[track_caller]
    pub(crate) fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{}\n{}", self.stdout, self.stderr);
        self
    }

    /// The one JSON document on standard output.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("{error}:\n{}\n{}", self.stdout, self.stderr))
    }
}

/// Starts a program in a process group of its own.
pub(crate) fn start(command: &mut Command) -> Child {
    let command = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.process_group(0).kill_on_drop(true).spawn().unwrap()
}

/// Runs a program to its end.
pub(crate) async fn program(command: &mut Command, most: Duration) -> Ended {
    end(start(command), most).await
}

/// Waits for a program that was started. Its whole group is ended when time is up.
pub(crate) async fn end(child: Child, most: Duration) -> Ended {
    // A group is known by the process that leads it.
    let group = child.id().unwrap();
    let Ok(output) = timeout(most, child.wait_with_output()).await else {
        signal("-9", &format!("-{group}")).await;
        panic!("the program took longer than {most:?}");
    };
    let output = output.unwrap();
    Ended {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
        group,
    }
}

/// Sends a signal to a process, or to a group where its number has a sign.
pub(crate) async fn signal(name: &str, process: &str) {
    assert!(Command::new("kill").args([name, "--", process]).status().await.unwrap().success());
}

/// Where the program under test is, which cargo builds before the tests of the workspace run.
pub(crate) fn program_path() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let path = test.parent().and_then(Path::parent).unwrap().join("stepward");
    assert!(
        path.is_file(),
        "{} is missing: run `cargo build -p stepward-runner`, or the tests with --workspace",
        path.display()
    );
    path
}

/// The program under test.
pub(crate) fn stepward() -> Command {
    let mut command = Command::new(program_path());
    // A person's own settings must not decide a test.
    command.env_remove("STEPWARD_STATE").env_remove("STEPWARD_LOG").env("NO_COLOR", "1");
    command.env("XDG_STATE_HOME", USER_STATE);
    command
}

/// Waits on a runtime of its own: for the fixtures that many tests share.
pub(crate) fn wait<T: Send>(work: impl Future<Output = T> + Send) -> T {
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.unwrap().block_on(work)
        });
        waiting.join().unwrap()
    })
}
