//! What a build says on a machine without Rust, without the target, without a C compiler. The
//! stand-ins for `rustc`, `cargo` and `rustup` do as little as each test needs, and write down what
//! they were asked.

use crate::{Ended, command, folder};
use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::Path,
};
use tempfile::TempDir;

const PROJECT: (&str, &str) = ("stepward.toml", "[project]\nname = 'p'\n[steps.a]\ncrate = 'a'\n");
const CRATE: (&str, &str) =
    ("a/Cargo.toml", "[package]\nname = 'a'\nedition = '2024'\n[lib]\ncrate-type = ['cdylib']\n");
const ADDED: &str = "adding the target wasm32-unknown-unknown to the Rust toolchain";
const TARGET_LIB: &str = "sysroot/lib/rustlib/wasm32-unknown-unknown/lib";

/// `rustc` as it is asked for its version and its folder.
const RUSTC: &str = r#"case "$*" in
  -vV) printf 'rustc 1.95.0 (stand-in)\nhost: x\ncommit-hash: 0\n' ;;
  '--print sysroot') echo "$HOME/sysroot" ;;
  *) exit 9 ;;
esac"#;
/// `cargo` knows the crate, and says where it got to when it is to build.
const CARGO: &str = r#"case "$1" in
  metadata) printf '{"packages":[{"id":"a","name":"a","manifest_path":"%s/a/Cargo.toml","targets":[{"kind":["cdylib"]}]}],"workspace_root":"%s/a","target_directory":"%s/t"}' "$HOME" "$HOME" "$HOME" ;;
  build) echo 'cargo was asked to build' >&2; exit 1 ;;
esac"#;

/// A project with a crate, and a folder `bin` with these programs.
fn machine(programs: &[(&str, &str)]) -> TempDir {
    let here = folder(&[PROJECT, CRATE, ("a/src/lib.rs", ""), ("bin/.keep", ""), ("sysroot/.keep", "")]);
    for (name, text) in programs {
        let path = here.path().join("bin").join(name);
        fs::write(
            &path,
            format!("#!/bin/sh\nPATH=/usr/bin:/bin\necho \"{name} $*\" >> \"$HOME/asked\"\n{text}\n"),
        )
        .unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    here
}

/// `stepward build` where `bin` is all there is.
fn build(here: &Path, words: &[&str]) -> Ended {
    let here = here.canonicalize().unwrap();
    let mut build = command(&here, &[&["build"], words].concat());
    build.env("PATH", here.join("bin")).env("HOME", &here).env_remove("RUSTUP_HOME").env_remove("CARGO_HOME");
    Ended::of(build.output().unwrap())
}

fn asked(here: &Path) -> String {
    fs::read_to_string(here.join("asked")).unwrap_or_default()
}

#[track_caller]
fn refused(ended: &Ended, rule: &str, message: &str, hints: &[&str]) {
    let error = &ended.json()["error"];
    assert_eq!(
        (&error["rule"], &error["class"], ended.code),
        (&rule.into(), &"unavailable".into(), 7),
        "{error}"
    );
    assert!(error["message"].as_str().unwrap().contains(message), "{error}");
    for hint in hints {
        assert!(error["hint"].as_str().unwrap().contains(hint), "{error}");
    }
}

#[test]
fn without_rust_it_says_where_rust_comes_from() {
    const HINT: &[&str] = &["install Rust with rustup (https://rustup.rs)", "cargo and rustc"];
    let nothing = machine(&[]);
    refused(&build(nothing.path(), &["--json"]), "toolchain-missing", "`cargo` cannot be started", HINT);
    let no_rustc = machine(&[("cargo", CARGO)]);
    refused(&build(no_rustc.path(), &["--json"]), "toolchain-missing", "`rustc` cannot be started", HINT);
    // Where rustup has no toolchain, its stand-ins for both start, and say so themselves.
    let says = "echo 'error: rustup could not choose a version of cargo to run' >&2; exit 1";
    let no_default = machine(&[("cargo", says)]);
    let ended = build(no_default.path(), &["--json"]);
    let error = &ended.json()["error"];
    assert!(error["message"].as_str().unwrap().contains("could not choose a version of cargo"), "{error}");
}

#[test]
fn without_rustup_it_says_which_target_is_missing() {
    let here = machine(&[("cargo", CARGO), ("rustc", RUSTC)]);
    let hints = ["`rustup target add wasm32-unknown-unknown`", "where Rust did not come with rustup"];
    refused(
        &build(here.path(), &["--json"]),
        "toolchain-target",
        "the target wasm32-unknown-unknown is missing: `rustup` cannot be started",
        &hints,
    );
    let ended = build(here.path(), &[]).must(7);
    assert!(ended.stderr.starts_with(ADDED), "{}", ended.stderr);
}

#[test]
fn the_target_is_added_where_rustup_can() {
    let add = format!("mkdir -p \"$HOME/{TARGET_LIB}\"");
    let here = machine(&[("cargo", CARGO), ("rustc", RUSTC), ("rustup", &add)]);
    let first = build(here.path(), &[]);
    assert!(
        first.stderr.contains(ADDED) && first.stderr.contains("cargo was asked to build"),
        "{}",
        first.stderr
    );
    assert_eq!(asked(here.path()).matches("rustup target add wasm32-unknown-unknown\n").count(), 1);
    // It is there now: nobody is asked again.
    let again = build(here.path(), &[]);
    assert!(!again.stderr.contains(ADDED), "{}", again.stderr);
    assert_eq!(asked(here.path()).matches("rustup ").count(), 1);
}

#[test]
fn a_target_that_cannot_be_added_is_told_in_rustups_words() {
    // As rustup says it without a network.
    let offline = "echo 'info: downloading component rust-std' >&2\n\
                   echo 'error: component download failed for rust-std-wasm32-unknown-unknown' >&2; exit 1";
    let here = machine(&[("cargo", CARGO), ("rustc", RUSTC), ("rustup", offline)]);
    refused(
        &build(here.path(), &["--json"]),
        "toolchain-target",
        "`rustup` failed: component download failed for rust-std-wasm32-unknown-unknown",
        &["`rustup target add wasm32-unknown-unknown`"],
    );
    // It says that it did, for another toolchain than the one that builds.
    let here = machine(&[("cargo", CARGO), ("rustc", RUSTC), ("rustup", "exit 0")]);
    refused(
        &build(here.path(), &["--json"]),
        "toolchain-target",
        "is missing from ",
        &["`rustup target add wasm32-unknown-unknown`"],
    );
}

/// The real compiler, which asks for a linker as soon as a crate has a build script.
#[test]
fn without_a_c_compiler_it_says_which_one() {
    let here = machine(&[]);
    fs::write(here.path().join("a/build.rs"), "fn main() {}").unwrap();
    let path = std::env::var_os("PATH").unwrap();
    for name in ["cargo", "rustc", "rustup"] {
        let mut path = std::env::split_paths(&path).map(|folder| folder.join(name));
        if let Some(found) = path.find(|path| path.is_file()) {
            symlink(found, here.path().join("bin").join(name)).unwrap();
        }
    }
    let mut command = command(here.path(), &["build", "--json"]);
    let ended = Ended::of(command.env("PATH", here.path().join("bin")).output().unwrap()).must(9);
    assert!(ended.stderr.contains("linker `cc` not found"), "{}", ended.stderr);
    let error = &ended.json()["error"];
    assert_eq!(error["rule"], "step-compiles");
    let hint = error["hint"].as_str().unwrap();
    assert!(hint.starts_with("there is no C compiler `cc` on this machine"), "{hint}");
}
