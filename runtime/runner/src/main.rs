//! The stepward binary.
fn main() {}
