//! Asks an endpoint many times.
#![forbid(unsafe_code)]

use stepward_sdk::{Endpoint, StepError};

/// Asks as often as it is told, and returns the last status.
///
/// # Errors
/// When there is no answer.
#[stepward_sdk::step]
pub fn ask(times: u32, service: &Endpoint) -> Result<u16, StepError> {
    let mut status = 0;
    for _ in 0..times {
        status = service.get(["items", "7"]).send()?.status();
    }
    Ok(status)
}
