//! Asks an endpoint once and waits for the answer.
#![forbid(unsafe_code)]

use stepward_sdk::{Endpoint, StepError};

/// Asks, and returns the status.
///
/// # Errors
/// When there is no answer.
#[stepward_sdk::step]
pub fn wait(item: String, service: &Endpoint) -> Result<u16, StepError> {
    Ok(service.get(["items", item.as_str()]).send()?.status())
}
