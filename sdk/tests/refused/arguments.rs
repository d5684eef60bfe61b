use stepward_sdk::StepError;

#[stepward_sdk::step(name = "other")]
fn check(input: u32) -> Result<u32, StepError> {
    Ok(input)
}

fn main() {}
