//! The work as a small program.

use std::io::{self, Read as _, Write as _};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut document = String::new();
    io::stdin().read_to_string(&mut document)?;
    io::stdout().write_all(peer_work::price(&document)?.as_bytes())?;
    Ok(())
}
