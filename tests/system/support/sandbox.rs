//! The path of a component through the sandbox, for tests: in this process and in worker processes,
//! with the same end.

use super::ways::{Compiled, Way, in_process, in_workers, same};
use std::future::pending;
use std::sync::Arc;
use stepward_fault::Fault;
use stepward_sandbox::{Admitted, Finished, Import, ImportKind, Inspected, Job, Outcome};
use stepward_seam::{
    Broker, EndpointGrant, Grant, Grants, Interface, LimitName, Limits, Method, PathPattern,
};
use stepward_trust::Pinned;

/// Limits that differ from the defaults in these.
pub(crate) fn limits(changes: &[(LimitName, u64)]) -> Limits {
    let mut limits = Limits::default();
    for (name, value) in changes {
        limits.set(*name, *value).unwrap();
    }
    limits
}

/// What a grant of this kind is when it allows everything.
pub(crate) fn grant(interface: Interface) -> Grant {
    match interface {
        Interface::HttpEndpoint => Grant::Endpoint(EndpointGrant {
            methods: vec![Method::Get, Method::Post],
            paths: vec![PathPattern::new("/**").unwrap()],
        }),
        Interface::Signer => Grant::Signer,
        Interface::Secret => Grant::Secret,
        Interface::Clock => Grant::Clock,
        Interface::Random => Grant::Random,
    }
}

/// Grants for exactly these imports.
pub(crate) fn grants_for(imports: &[Import]) -> Grants {
    let mut grants = Grants::default();
    for import in imports {
        if let ImportKind::Granted { label, interface } = &import.kind {
            grants.add(label.clone(), grant(*interface)).unwrap();
        }
    }
    grants
}

/// Everything that is checked before compiling, under the default limits.
pub(crate) fn inspect(bytes: Vec<u8>) -> Result<Inspected, Fault> {
    Inspected::read(Pinned::trust_on_first_use(bytes), &Limits::default())
}

/// The rule and the text of the refusal before compiling.
#[track_caller]
pub(crate) fn refused(bytes: Vec<u8>) -> (&'static str, String) {
    match inspect(bytes) {
        Ok(_) => panic!("the component must be refused before it is compiled"),
        Err(fault) => (fault.rule().as_str(), fault.message().to_owned()),
    }
}

/// Admits a component with a grant for each of its imports.
pub(crate) fn admit(bytes: Vec<u8>) -> Admitted {
    let inspected = inspect(bytes).unwrap();
    let grants = grants_for(inspected.imports());
    inspected.admit(&grants).unwrap()
}

/// A component that both ways have compiled.
pub(crate) struct Ready {
    in_process: Compiled,
    in_workers: Compiled,
}

/// Compiles a component in both ways with a grant for each of its imports.
pub(crate) fn ready(bytes: Vec<u8>) -> Ready {
    compile(&admit(bytes)).unwrap()
}

/// Compiles a component in both ways; what one refuses, the other refuses in the same words.
pub(crate) fn compile(admitted: &Admitted) -> Result<Ready, Fault> {
    match (in_process().compile(admitted), in_workers().compile(admitted)) {
        (Ok(in_process), Ok(in_workers)) => Ok(Ready { in_process, in_workers }),
        (Err(one), Err(other)) => {
            assert_eq!(format!("{one:?}"), format!("{other:?}"));
            Err(one)
        }
        (one, other) => panic!("in process {:?}, in a worker {:?}", one.err(), other.err()),
    }
}

/// A JSON document of this many bytes.
pub(crate) fn padded(bytes: usize) -> String {
    format!("{:<bytes$}", "null")
}

/// A job under names that tests do not look at.
pub(crate) fn job(input: &str, limits: Limits, broker: Arc<dyn Broker>) -> Job<'_> {
    Job {
        run: "run-1".into(),
        step: "step".into(),
        input,
        limits,
        broker,
        record: stepward_sandbox::Record::Here,
    }
}

/// Runs a component once in each way, without a deadline and each time with a broker of its own, and
/// asserts that both come to the same.
#[track_caller]
pub(crate) fn run(bytes: Vec<u8>, limits: Limits, broker: impl Fn() -> Arc<dyn Broker>) -> Finished {
    run_ready(&ready(bytes), "null", limits, broker)
}

/// As [`run`], for a component that was compiled before.
#[track_caller]
pub(crate) fn run_ready(
    ready: &Ready,
    input: &str,
    limits: Limits,
    broker: impl Fn() -> Arc<dyn Broker>,
) -> Finished {
    let run = |way: &Way, compiled, limits| {
        way.block_on(way.run(compiled, job(input, limits, broker()), pending()))
    };
    let finished = run(in_process(), &ready.in_process, limits.clone());
    same(&finished, &run(in_workers(), &ready.in_workers, limits));
    finished
}

/// The limit that ended a run.
#[track_caller]
pub(crate) fn limit(finished: &Finished) -> LimitName {
    match &finished.outcome {
        Outcome::LimitExceeded(name) => *name,
        other => panic!("a limit should have ended the run, not {other:?}"),
    }
}

/// The document that a run returned.
#[track_caller]
pub(crate) fn document(finished: &Finished) -> &str {
    match &finished.outcome {
        Outcome::Succeeded(text) => text,
        other => panic!("the run should have succeeded, not {other:?}"),
    }
}

/// The code and message of a step's error.
#[track_caller]
pub(crate) fn failure(finished: &Finished) -> (&str, &str) {
    match &finished.outcome {
        Outcome::Failed(error) => (&error.code, &error.message),
        other => panic!("the step should have failed, not {other:?}"),
    }
}

/// The fault with which the host ended a run.
#[track_caller]
pub(crate) fn stopped(finished: &Finished) -> &Fault {
    match &finished.outcome {
        Outcome::Refused(fault) => fault,
        other => panic!("the host should have ended the run, not {other:?}"),
    }
}
