//! The example's ERP as a child of this process: it ends when this process does.

use super::stage::{Stage, broken};
use crate::{
    build::{cargo, toolchain::program},
    project::Project,
};
use serde::Deserialize;
use std::{
    fs::File,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Stdio},
};
use stepward_fault::{Class, Fault, Owner, Rule};

/// The rule that the example's service starts.
const START: Rule = Rule::new("demo-service");
/// Most bytes of the line that says where the service is.
const READY_BYTES: u64 = 64 << 10;

/// What the service says when it is ready.
#[derive(Deserialize)]
pub(crate) struct Ready {
    /// The base of its API.
    pub(crate) url: String,
    /// Its root certificate.
    pub(crate) root: PathBuf,
    /// Its bearer token.
    pub(crate) token: PathBuf,
}

/// A service that runs.
pub(crate) struct Service {
    child: Child,
    /// Where it is.
    pub(crate) ready: Ready,
}

fn failed(what: impl std::fmt::Display) -> Fault {
    Fault::new(Class::Unavailable, Owner::Operator, START)
        .says(format_args!("the example's ERP does not start: {what}"))
        .hint("its messages are in target/stepward/demo/erp.log of the example")
}

impl Service {
    /// Builds and starts the service on a free port of this machine.
    pub(crate) fn start(project: &Project, stage: &Stage, payer_key: &Path) -> Result<Self, Fault> {
        let binary = cargo::build_program(project.root(), "invoice-erp")?;
        let log = File::create(stage.file("erp.log")).map_err(broken)?;
        let mut child = program(&binary.to_string_lossy(), project.root())
            .arg("--data")
            .arg(stage.erp())
            .args(["--listen", "127.0.0.1:0", "--until-stdin-closes", "--payer-key"])
            .arg(payer_key)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .map_err(failed)?;
        let mut line = String::new();
        let read = child.stdout.take().map(|stdout| {
            use std::io::Read as _;
            BufReader::new(stdout.take(READY_BYTES)).read_line(&mut line)
        });
        match (read, serde_json::from_str(&line)) {
            (Some(Ok(_)), Ok(ready)) => Ok(Self { child, ready }),
            (_, _) => {
                drop(child.kill());
                drop(child.wait());
                Err(failed("it ended before it was ready"))
            }
        }
    }
}

/// Closing its standard input ends it.
impl Drop for Service {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        drop(self.child.wait());
    }
}
