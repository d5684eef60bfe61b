use stepward_sdk::{Endpoint, StepError};

#[stepward_sdk::step]
fn unused(input: u32, _erp: &Endpoint) -> Result<u32, StepError> {
    Ok(input)
}

#[stepward_sdk::step]
fn digit(input: u32, erp_2: &Endpoint) -> Result<u32, StepError> {
    erp_2.get(["a"]).send()?;
    Ok(input)
}

#[stepward_sdk::step]
#[allow(non_snake_case)]
fn capital(input: u32, Erp: &Endpoint) -> Result<u32, StepError> {
    Erp.get(["a"]).send()?;
    Ok(input)
}

#[stepward_sdk::step]
fn cyrillic(input: u32, еrp: &Endpoint) -> Result<u32, StepError> {
    еrp.get(["a"]).send()?;
    Ok(input)
}

#[stepward_sdk::step]
fn keyword(input: u32, r#type: &Endpoint) -> Result<u32, StepError> {
    r#type.get(["a"]).send()?;
    Ok(input)
}

#[stepward_sdk::step]
fn double__dash(input: u32) -> Result<u32, StepError> {
    Ok(input)
}

#[stepward_sdk::step]
fn a_name_that_has_more_bytes_than_any_host_would_take_for_a_label_of_a_step(input: u32) -> Result<u32, StepError> {
    Ok(input)
}

fn main() {}
