use stepward_sdk::StepError;

#[stepward_sdk::step]
async fn asynchronous(input: u32) -> Result<u32, StepError> {
    Ok(input)
}

#[stepward_sdk::step]
const fn constant(input: u32) -> Result<u32, StepError> {
    Ok(input)
}

#[stepward_sdk::step]
extern "C" fn external(input: u32) -> Result<u32, StepError> {
    Ok(input)
}

#[stepward_sdk::step]
unsafe fn dangerous(input: u32) -> Result<u32, StepError> {
    Ok(input)
}

fn main() {}
