//! Packs the guest SDK into the binary, so that `stepward new` needs neither this repository nor a
//! registry that carries the SDK.
#![expect(clippy::disallowed_methods, reason = "a build script reads files and variables; that is its work")]

use std::{
    env,
    error::Error,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

/// What a new project needs of this repository, relative to its root. Folders are taken with all
/// they hold, but for tests.
const PACKED: [&str; 6] =
    ["sdk/Cargo.toml", "sdk/src", "sdk/macros/Cargo.toml", "sdk/macros/src", "wit", "LICENSE"];

fn main() -> Result<(), Box<dyn Error>> {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("../..").canonicalize()?;
    let mut files = Vec::new();
    for entry in PACKED {
        collect(&root.join(entry), &mut files)?;
        println!("cargo::rerun-if-changed={}", root.join(entry).display());
    }
    files.sort();
    let mut list = String::from("&[\n");
    for file in &files {
        let name = file.strip_prefix(&root)?.display().to_string();
        writeln!(list, "    ({name:?}, include_str!({:?})),", file.display().to_string())?;
    }
    list.push_str("]\n");
    fs::write(Path::new(&env::var("OUT_DIR")?).join("sdk_files.rs"), list)?;
    Ok(())
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) -> Result<(), Box<dyn Error>> {
    if path.is_dir() {
        for entry in fs::read_dir(path)? {
            collect(&entry?.path(), files)?;
        }
    } else {
        files.push(path.to_owned());
    }
    Ok(())
}
