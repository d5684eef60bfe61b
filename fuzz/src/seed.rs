//! Writes the seeds, kept as text so that they can be read, as the bytes that the fuzzer starts from:
//! `cargo run --bin seed` in this folder fills `corpus/`. What a worker says is encoded here.

mod messages;

use std::path::Path;
use std::{fs, io};

fn main() -> io::Result<()> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    for target in fs::read_dir(here.join("seeds"))? {
        let target = target?;
        let corpus = here.join("corpus").join(target.file_name());
        fs::create_dir_all(&corpus)?;
        for entry in fs::read_dir(target.path())? {
            let path = entry?.path();
            let text = fs::read_to_string(&path)?;
            let bytes = match path.extension().and_then(|extension| extension.to_str()) {
                Some("wat") => wat::parse_str(&text).map_err(io::Error::other)?,
                Some("hex") => unhex(&text),
                Some("toml" | "json" | "txt") => text.into_bytes(),
                _ => continue,
            };
            fs::write(corpus.join(path.file_stem().unwrap_or_default()), bytes)?;
        }
    }
    for (name, bytes) in messages::seeds() {
        fs::write(here.join("corpus/protocol").join(name), bytes)?;
    }
    Ok(())
}

/// Hex digits in pairs; `#` starts a comment.
fn unhex(text: &str) -> Vec<u8> {
    text.lines()
        .flat_map(|line| line.split('#').next().unwrap_or_default().split_whitespace())
        .filter_map(|pair| u8::from_str_radix(pair, 16).ok())
        .collect()
}
