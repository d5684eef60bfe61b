#[stepward_sdk::step]
struct Check;

fn main() {}
