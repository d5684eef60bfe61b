#[stepward_sdk::step]
fn nothing(input: u32) {
    let _ = input;
}

#[stepward_sdk::step]
fn plain(input: u32) -> u32 {
    input
}

#[stepward_sdk::step]
fn other_error(input: u32) -> Result<u32, String> {
    Ok(input)
}

fn main() {}
