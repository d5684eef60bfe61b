use stepward_sdk::{Endpoint, StepError};

#[stepward_sdk::step]
fn typed<T: Into<u32>>(input: T) -> Result<u32, StepError> {
    Ok(input.into())
}

#[stepward_sdk::step]
fn lifetime<'a>(input: u32, erp: &'a Endpoint) -> Result<u32, StepError> {
    erp.get(["a"]).send()?;
    Ok(input)
}

#[stepward_sdk::step]
fn opaque(input: impl Into<u32>) -> Result<u32, StepError> {
    Ok(input.into())
}

fn main() {}
