use stepward_sdk::StepError;

struct Check;

impl Check {
    #[stepward_sdk::step]
    fn check(self) -> Result<u32, StepError> {
        Ok(1)
    }
}

fn main() {}
