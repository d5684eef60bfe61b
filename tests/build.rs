//! Lists `guest-examples/hostile/*.wat`, so that a file without a test, or a test without a file,
//! does not build.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a build script reads the folder it lists, and ends the build when it cannot"
)]

use std::fmt::Write as _;
use std::path::Path;

fn main() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../guest-examples/hostile");
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut names: Vec<String> = std::fs::read_dir(&folder)
        .unwrap()
        .filter_map(|entry| {
            Some(entry.unwrap().file_name().into_string().unwrap().strip_suffix(".wat")?.to_owned())
        })
        .collect();
    names.sort();
    let mut code = String::new();
    for name in &names {
        let constant = name.to_uppercase().replace('-', "_");
        let path = folder.join(format!("{name}.wat")).into_os_string().into_string().unwrap();
        writeln!(
            code,
            "pub(crate) const {constant}: Guest<'static> = Guest::new({name:?}, include_str!({path:?}));"
        )
        .unwrap();
    }
    code.push_str("pub(crate) const ALL: &[Guest<'static>] = &[\n");
    for name in &names {
        let path = folder.join(format!("{name}.wat")).into_os_string().into_string().unwrap();
        writeln!(code, "Guest::new({name:?}, include_str!({path:?})),").unwrap();
    }
    code.push_str("];\n");
    code.push_str("macro_rules! each_hostile_guest { ($act:ident) => {\n");
    for name in &names {
        writeln!(code, "$act!({});", name.replace('-', "_")).unwrap();
    }
    code.push_str("} }\n");
    std::fs::write(Path::new(&std::env::var_os("OUT_DIR").unwrap()).join("hostile.rs"), code).unwrap();
}
