//! What a worker is started with must not reach a guest, and it must not outlive who started it.

use super::ATTACKER;
use rustix::io::FdFlags;
use rustix::process::{Pid, Signal, getpgid, kill_process, test_kill_process};
use std::io::{BufRead, BufReader, Read};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use stepward_worker::lockdown::{Promise, Promises};

/// Starts the attacker as a prober would, and lets the test spoil it first.
#[expect(clippy::disallowed_methods, reason = "a test starts what it tests")]
fn start(word: &str, parent: u32, layers: &str, spoil: impl FnOnce(&mut Command)) -> (Child, UnixStream) {
    let (here, there) = UnixStream::pair().unwrap();
    here.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut command = Command::new(ATTACKER);
    command
        .args([layers, "runner", word, &parent.to_string(), "1", "nobody-listens"])
        .env_clear()
        .stdin(Stdio::from(OwnedFd::from(there)))
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    spoil(&mut command);
    (command.spawn().unwrap(), here)
}

fn promises(parent: u32, spoil: impl FnOnce(&mut Command)) -> Promises {
    let (mut child, mut pipe) = start("promises", parent, "all", spoil);
    let mut said = Vec::new();
    pipe.read_to_end(&mut said).unwrap();
    assert!(child.wait().unwrap().success());
    postcard::from_bytes(&said).unwrap()
}

fn missing(promises: &Promises) -> Vec<Promise> {
    Promise::ALL.iter().copied().filter(|&promise| promises.why_missing(promise).is_some()).collect()
}

#[test]
fn a_descriptor_that_the_parent_left_open_is_closed() {
    let left_open = tempfile::tempfile().unwrap();
    rustix::io::fcntl_setfd(&left_open, FdFlags::empty()).unwrap();
    let promises = promises(std::process::id(), |_| ());
    assert_eq!(missing(&promises), []);
}

#[test]
fn a_file_in_the_pipes_place_is_told() {
    let promises = promises(std::process::id(), |command| {
        command.stderr(Stdio::from(tempfile::tempfile().unwrap()));
    });
    assert_eq!(missing(&promises), [Promise::OnlyThePipe]);
}

#[test]
fn a_variable_in_the_environment_is_told() {
    let promises = promises(std::process::id(), |command| {
        command.env("TOKEN", "0123");
    });
    assert_eq!(missing(&promises), [Promise::CleanEnvironment]);
}

#[test]
fn another_parent_than_the_one_that_was_named_is_told() {
    let promises = promises(1, |_| ());
    assert_eq!(missing(&promises), [Promise::DiesWithParent]);
}

/// Starts a worker by way of a parent that is then killed. The pipe stays open on this side, so only
/// the kernel's signal can end the worker.
fn orphan(layers: &str) -> (Pid, UnixStream) {
    let (mut parent, mut pipe) = start("parent-of:stand-by", std::process::id(), layers, |command| {
        command.stdout(Stdio::piped());
    });
    let mut line = String::new();
    BufReader::new(parent.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let worker = Pid::from_raw(line.trim().parse().unwrap()).unwrap();
    // It stands by, so it is as locked as it will be.
    pipe.read_exact(&mut [0]).unwrap();
    if layers == "all" {
        assert_eq!(getpgid(Some(worker)).unwrap(), worker, "it leads its own group");
    }
    parent.kill().unwrap();
    parent.wait().unwrap();
    (worker, pipe)
}

#[test]
fn a_worker_ends_when_its_parent_is_killed() {
    let (_, mut pipe) = orphan("all");
    // The end of the stream is the worker's end: it alone held the other side.
    assert_eq!(pipe.read(&mut [0; 1]).unwrap(), 0);
}

#[test]
fn a_process_without_protection_outlives_its_parent() {
    let (worker, pipe) = orphan("none");
    test_kill_process(worker).unwrap();
    drop(pipe);
    let _ = kill_process(worker, Signal::KILL);
}
