//! What is the machine's own: the memory of the process, and the folder of its state.

use crate::{
    folder,
    reach::{DEV, WORKFLOW, component, error, project, run},
};
use rustix::process::{Pid, Signal, geteuid, kill_process};
use serde_json::json;
use std::{
    fs,
    io::ErrorKind,
    os::unix::{
        fs::{MetadataExt as _, PermissionsExt as _, chown, symlink},
        process::CommandExt as _,
    },
    path::Path,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

/// An account that owns nothing here: `nobody`, and 65534 on most systems.
const NOBODY: u32 = 65_534;
/// Far longer than a process takes to start.
const SOON: Duration = Duration::from_mins(1);

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// The program waits for its input, and has no capability of root's. Whoever has the same account
/// can neither read its memory or environment, nor make it leave a core.
#[cfg(target_os = "linux")]
#[test]
fn the_memory_of_the_process_is_closed_to_its_neighbours() {
    let here = folder(&[]);
    set_mode(here.path(), 0o755);
    // A place that every account can enter: a checkout may lie in a home that it cannot.
    let binary = here.path().join("stepward");
    fs::copy(env!("CARGO_BIN_EXE_stepward"), &binary).unwrap();
    let digest = format!("sha256:{}", "0".repeat(64));
    let words = ["run", "none.wasm", "--digest", digest.as_str(), "--input", "-"];
    let as_account = |command: &mut Command| {
        if geteuid().is_root() {
            command.uid(NOBODY).gid(NOBODY);
        }
    };
    let mut program = Command::new(&binary);
    program.args(words).current_dir(here.path()).stdin(Stdio::piped());
    as_account(&mut program);
    let mut child = program.spawn().unwrap();
    let of = |name: &str| format!("/proc/{}/{name}", child.id());
    let late = Instant::now() + SOON;
    loop {
        let limits = fs::read_to_string(of("limits")).unwrap();
        let cores = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
        if cores.split_whitespace().eq(["Max", "core", "file", "size", "0", "0", "bytes"]) {
            break;
        }
        assert!(Instant::now() < late, "{cores}");
        thread::yield_now();
    }
    // What is not dumpable belongs to root: proc(5).
    for name in ["mem", "environ", "maps"] {
        assert_eq!(fs::metadata(of(name)).unwrap().uid(), 0, "{name}");
        let mut neighbour = Command::new("head");
        neighbour.args(["-c", "1", &of(name)]);
        as_account(&mut neighbour);
        let neighbour = neighbour.output().unwrap();
        let said = String::from_utf8(neighbour.stderr).unwrap();
        assert!(!neighbour.status.success() && said.contains("Permission denied"), "{name}: {said}");
        if !geteuid().is_root() {
            assert_eq!(fs::File::open(of(name)).unwrap_err().kind(), ErrorKind::PermissionDenied);
        }
    }
    kill_process(Pid::from_child(&child), Signal::KILL).unwrap();
    child.wait().unwrap();
}

#[test]
fn the_folder_of_the_state_is_nobody_elses() {
    let here = project(&component("", ""), &[WORKFLOW, DEV]);
    let (base, moved) = (here.path().join(".stepward"), here.path().join("moved"));
    run(here.path(), &["w"]).must(0);
    assert_eq!(fs::metadata(&base).unwrap().mode() & 0o777, 0o700);
    let refused = |more: &[&str], hint: &str| {
        let ended = run(here.path(), &[&["w"], more].concat());
        assert_eq!(error(&ended), (json!("state-private"), 3), "{}", ended.stdout);
        let fault = &ended.json()["error"];
        assert!(fault["hint"].as_str().unwrap().contains(hint), "{fault}");
        assert_eq!(fault["owner"], "operator");
    };
    for mode in [0o777, 0o720, 0o702, 0o1777] {
        set_mode(&base, mode);
        refused(&[], "chmod go-w ");
    }
    // Others may look at names: the folders of keys and traces are closed on their own.
    set_mode(&base, 0o755);
    run(here.path(), &["w"]).must(0);

    // A project that brings a link would work with the keys and secrets of another one.
    fs::rename(&base, &moved).unwrap();
    symlink(&moved, &base).unwrap();
    refused(&[], "rm ");
    // A person who names a link means what it leads to, which is looked at.
    run(here.path(), &["w", "--state", ".stepward"]).must(0);
    set_mode(&moved, 0o777);
    refused(&["--state", ".stepward"], "chmod go-w ");
    fs::remove_file(&base).unwrap();
    fs::write(&base, "").unwrap();
    refused(&[], "rm ");

    if geteuid().is_root() {
        set_mode(&moved, 0o755);
        chown(&moved, Some(NOBODY), Some(NOBODY)).unwrap();
        refused(&["--state", "moved"], "chown -R 0 ");
    }
}
