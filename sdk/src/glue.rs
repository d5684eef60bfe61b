//! The sealed side: bindings of the contract, and what joins them to the types of this crate.

use crate::document::{Input, Output};
use crate::{Algorithm, CallError, Clock, Endpoint, Method, Random, Refused, Request, Response};
use crate::{ErrorKind, Revealed, Secret, Signature, Signer, StepError};
use std::panic;

pub use wit_bindgen;

#[expect(
    missing_docs,
    clippy::same_length_and_capacity,
    reason = "generated from the contract in `wit/`, which is documented"
)]
pub mod bindings {
    //! The world `step`: the export `run` and the import `log`.
    ::wit_bindgen::generate!({
        path: "../wit",
        world: "step",
        pub_export_macro: true,
        export_macro_name: "export_step",
        default_bindings_module: "::stepward_sdk::__private::bindings",
        runtime_path: "::stepward_sdk::__private::wit_bindgen::rt",
    });
}

use bindings::stepward::step::{log, types};

/// The export `run`.
///
/// # Errors
/// Those of the step, and that its input is not of the step's type.
pub fn run<I: Input, O: Output>(
    input: &str,
    step: impl FnOnce(I) -> Result<O, StepError>,
) -> Result<String, types::StepError> {
    tell_panics();
    crate::document::run(input, step).map_err(|error| types::StepError {
        kind: match error.kind() {
            ErrorKind::Retryable => types::ErrorKind::Retryable,
            ErrorKind::Permanent => types::ErrorKind::Permanent,
        },
        code: error.code().to_owned(),
        message: error.message().to_owned(),
    })
}

/// Panics end the run with their place and message instead of a bare trap.
fn tell_panics() {
    panic::set_hook(Box::new(|info| {
        let place = info.location().map(ToString::to_string).unwrap_or_default();
        log::abort(&place, info.payload_as_str().unwrap_or("a panic without a message"));
    }));
}

/// The export `stepward-describe`: the address of the address and the length of the description.
pub fn describe<I: Input, O: Output>(name: &str, _: impl FnOnce(I) -> Result<O, StepError>) -> usize {
    let text: &'static str = String::leak(crate::document::describe::<I, O>(name));
    let answer: &'static [usize; 2] = Box::leak(Box::new([text.as_ptr().expose_provenance(), text.len()]));
    answer.as_ptr().expose_provenance()
}

/// Stands for a handle where a call is only written for its types.
pub fn never<T>() -> T {
    unreachable!()
}

/// An endpoint behind an import.
pub fn host_endpoint(send: fn(Request) -> Result<Response, CallError>) -> Endpoint {
    Endpoint::host(send)
}

/// A signer behind an import.
pub fn host_signer(sign: fn(&[u8]) -> Result<Signature, Refused>) -> Signer {
    Signer::host(sign)
}

/// A secret behind an import.
pub fn host_secret(reveal: fn() -> Result<Revealed, Refused>) -> Secret {
    Secret::host(reveal)
}

/// A clock behind an import.
pub fn host_clock(now: fn() -> u64) -> Clock {
    Clock::host(now)
}

/// Random bytes behind an import.
pub fn host_random(bytes: fn(u32) -> Vec<u8>) -> Random {
    Random::host(bytes)
}

/// What an endpoint answered.
pub fn response(method: Method, status: u16, headers: Vec<(String, String)>, body: Vec<u8>) -> Response {
    Response { method, status, headers, body }
}

/// What a signer answered.
pub fn signature(algorithm: Algorithm, key_version: String, bytes: Vec<u8>) -> Signature {
    Signature { algorithm, key_version, bytes }
}

/// What a secret answered.
pub fn revealed(version: String, value: Vec<u8>) -> Revealed {
    Revealed { version, value }
}

/// A rule that refused.
pub fn refused(rule: String) -> Refused {
    Refused::new(rule)
}
