//! The guests: built by the product itself, so that what is measured is what users run.

use std::path::{Path, PathBuf};
use std::process::Command;
use stepward::{Admitted, Deadline, Digest, Engine, Grant, Grants, Inspected, Label, Limits, Pinned, Step};

pub(crate) struct Guests {
    pub(crate) price: Vec<u8>,
    pub(crate) wait: Vec<u8>,
    pub(crate) ask: Vec<u8>,
}

fn project() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("project")
}

pub(crate) fn build() -> Guests {
    let status = Command::new(env!("CARGO"))
        .args(["run", "--quiet", "-p", "stepward-runner", "--bin", "stepward", "--", "build", "--project"])
        .arg(project())
        .stdout(std::process::Stdio::null())
        .status()
        .expect("cargo starts");
    assert!(status.success(), "the guests do not build");
    built()
}

/// The guests as [`build`] left them.
pub(crate) fn built() -> Guests {
    let project = project();
    let read = |name: &str| {
        let path = project.join("target/stepward/components").join(format!("{name}.wasm"));
        std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    };
    Guests { price: read("price"), wait: read("wait"), ask: read("ask") }
}

/// Grants for `wait`; `price` needs none of them.
pub(crate) fn grants() -> Grants {
    let mut grants = Grants::default();
    let endpoint = stepward::EndpointGrant {
        methods: vec![stepward::Method::Get],
        paths: vec![stepward::PathPattern::new("/items/*").unwrap()],
    };
    grants.add(Label::new("service").unwrap(), Grant::Endpoint(endpoint)).unwrap();
    grants
}

pub(crate) fn admitted(bytes: &[u8]) -> Admitted {
    let limits = Limits::default();
    let pinned = Pinned::check(bytes.to_vec(), Digest::of(bytes)).unwrap();
    Inspected::read(pinned, &limits).unwrap().admit(&grants()).unwrap()
}

pub(crate) fn prepare(runtime: &tokio::runtime::Runtime, engine: &Engine, bytes: &[u8]) -> Step {
    let limits = Limits::default();
    let work = async { engine.prepare(admitted(bytes), None, &limits, Deadline::start(&limits)).await };
    runtime.block_on(work).unwrap()
}
