use stepward_sdk::{Endpoint, Signer, StepError};

#[stepward_sdk::step]
fn owned(input: u32, erp: Endpoint) -> Result<u32, StepError> {
    erp.get(["a"]).send()?;
    Ok(input)
}

#[stepward_sdk::step]
fn mutable(input: u32, erp: &mut Endpoint) -> Result<u32, StepError> {
    erp.get(["a"]).send()?;
    Ok(input)
}

#[stepward_sdk::step]
fn unknown(input: u32, files: &std::fs::File) -> Result<u32, StepError> {
    let _ = files;
    Ok(input)
}

#[stepward_sdk::step]
fn unnamed(input: u32, _: &Signer) -> Result<u32, StepError> {
    Ok(input)
}

#[stepward_sdk::step]
fn twice(input: u32, erp: &Endpoint, erp: &Signer) -> Result<u32, StepError> {
    Ok(input)
}

fn main() {}
