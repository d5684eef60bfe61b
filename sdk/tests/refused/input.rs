use stepward_sdk::{Endpoint, StepError};

#[stepward_sdk::step]
fn none() -> Result<u32, StepError> {
    Ok(1)
}

#[stepward_sdk::step]
fn borrowed(input: &str) -> Result<u32, StepError> {
    input.parse().map_err(|_| StepError::permanent("no-number", "not a number"))
}

#[stepward_sdk::step]
fn endpoint_first(erp: &Endpoint) -> Result<u16, StepError> {
    Ok(erp.get(["a"]).send()?.status())
}

#[stepward_sdk::step]
fn two(first: u32, second: u32) -> Result<u32, StepError> {
    Ok(first + second)
}

#[stepward_sdk::step]
fn pattern((first, second): (u32, u32)) -> Result<u32, StepError> {
    Ok(first + second)
}

fn main() {}
