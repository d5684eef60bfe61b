use stepward_sdk::StepError;

struct Plain;

#[stepward_sdk::step]
fn takes(input: Plain) -> Result<u32, StepError> {
    let Plain = input;
    Ok(1)
}

#[stepward_sdk::step]
fn gives(input: u32) -> Result<Plain, StepError> {
    let _ = input;
    Ok(Plain)
}

fn main() {}
