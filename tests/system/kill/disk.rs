//! A disk that fills up or can only be read, and two processes on one state.

use super::{
    program::Program,
    round::{POST, Round, Tally},
    wire::Stop,
    world::World,
};
use crate::stage::copy;
use serde_json::Value;
use std::{
    fs::{self, File},
    io::Write as _,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
};

/// Mebibytes of the small disk: the example's compiled code takes three.
const MIB: u32 = 8;

/// A file system of its own for the environment's state.
struct SmallDisk(PathBuf);

impl SmallDisk {
    /// Puts the state of a world onto a disk of its own; nothing where this account may not.
    fn under(world: &World) -> Option<Self> {
        let state = world.stage.state().join("dev");
        let aside = world.stage.beside("aside");
        copy(&state, &aside, &[]);
        let size = format!("size={MIB}m,mode=0700");
        let mounted = mount(&["-t", "tmpfs", "-o", &size, "stepward-test"], &state);
        if !mounted {
            eprintln!("skipped: this account may not mount a disk to fill");
            return None;
        }
        copy(&aside, &state, &[]);
        for folder in ["secrets", "keys", "cache"] {
            fs::set_permissions(state.join(folder), fs::Permissions::from_mode(0o700)).unwrap();
        }
        Some(Self(state))
    }

    /// Takes all the space that is left, until this is dropped.
    fn fill(&self) -> Ballast {
        let path = self.0.join("ballast");
        let mut file = File::create(&path).unwrap();
        // Down to the last byte: the end of a page counts as well.
        for block in [1 << 16, 1 << 12, 1] {
            while file.write_all(&vec![0; block]).is_ok() {}
        }
        Ballast(path)
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: a test that failed may have left something open.
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

struct Ballast(PathBuf);

impl Drop for Ballast {
    fn drop(&mut self) {
        fs::remove_file(&self.0).unwrap();
    }
}

fn mount(options: &[&str], folder: &Path) -> bool {
    Command::new("mount").args(options).arg(folder).output().is_ok_and(|output| output.status.success())
}

/// Says what to do about a state that cannot be written.
#[track_caller]
fn unavailable(ended: crate::process::Ended) -> Value {
    let error = ended.expect(7).json()["error"].clone();
    assert_eq!((&error["class"], &error["owner"]), (&"unavailable".into(), &"operator".into()), "{error}");
    assert!(!error["hint"].as_str().unwrap().is_empty(), "{error}");
    error
}

fn paid_once_more(world: &mut World, tally: &mut Tally, number: usize) {
    Round::new(world, tally, "a disk that works again", number).finish();
}

/// The disk is full when the payment is to be intended: it is not sent, and is when there is space.
#[test]
fn nothing_is_sent_when_its_intent_does_not_fit_the_disk() {
    for idempotent in [true, false] {
        let (mut world, mut tally) = (World::new(idempotent), Tally::default());
        let Some(disk) = SmallDisk::under(&world) else { return };
        paid_once_more(&mut world, &mut tally, 1);
        let mut round = Round::new(&mut world, &mut tally, "a full disk", 2);
        let ended = round.hampered(POST - 1, Stop::Handled, |_| disk.fill());
        unavailable(ended);
        assert!(round.world().paid(round.number()).is_none() && round.keys().is_empty());
        round.finish();
    }
}

/// The disk is full when the payment's answer is to be recorded: it is in doubt, or sent again.
#[test]
fn an_answer_that_does_not_fit_the_disk_is_no_answer() {
    for idempotent in [true, false] {
        let (mut world, mut tally) = (World::new(idempotent), Tally::default());
        let Some(disk) = SmallDisk::under(&world) else { return };
        paid_once_more(&mut world, &mut tally, 1);
        let mut round = Round::new(&mut world, &mut tally, "a full disk", 2);
        let ended = round.hampered(POST, Stop::Handled, |_| disk.fill());
        unavailable(ended);
        assert!(round.world().paid(round.number()).is_some());
        round.finish();
    }
}

/// On a disk that is full from the start no run starts, and nobody is asked anything.
#[test]
fn nothing_starts_on_a_full_disk() {
    let (mut world, mut tally) = (World::new(true), Tally::default());
    let Some(disk) = SmallDisk::under(&world) else { return };
    paid_once_more(&mut world, &mut tally, 1);
    let input = world.invoice("K-2");
    let ballast = disk.fill();
    let (ended, seen) = world.run(&["run", "approve", "--json", "--input", input.to_str().unwrap()]);
    unavailable(ended);
    assert!(seen.iter().all(|seen| seen.method == "GET") && world.paid("K-2").is_none(), "{seen:?}");
    drop(ballast);
    paid_once_more(&mut world, &mut tally, 3);
}

#[test]
fn nothing_starts_on_a_disk_that_can_only_be_read() {
    let (mut world, mut tally) = (World::new(true), Tally::default());
    let Some(disk) = SmallDisk::under(&world) else { return };
    paid_once_more(&mut world, &mut tally, 1);
    let input = world.invoice("K-2");
    assert!(mount(&["-o", "remount,ro"], &disk.0));
    let (ended, seen) = world.run(&["run", "approve", "--json", "--input", input.to_str().unwrap()]);
    assert!(seen.is_empty());
    unavailable(ended);
    assert!(mount(&["-o", "remount,rw"], &disk.0));
    paid_once_more(&mut world, &mut tally, 3);
}

/// Of runs that start at the same moment each has the log for itself or is refused.
#[test]
fn runs_that_start_at_once_are_one_or_are_refused() {
    const RUNS: usize = 4;
    let (mut world, mut tally) = (World::new(true), Tally::default());
    let numbers = (0..RUNS).map(|number| format!("K-{number}")).collect::<Vec<_>>();
    // No trap, so that all are served.
    world.wire.arm(None);
    let runs = numbers.iter().map(|number| {
        let (input, folder) = (world.invoice(number), world.stage.beside(&format!("of-{number}")));
        fs::create_dir(&folder).unwrap();
        let command = ["run", "approve", "--json", "--input", input.to_str().unwrap()];
        Program::start(world.stage.command(command), &folder)
    });
    let ended = runs.collect::<Vec<_>>().into_iter().map(Program::end).collect::<Vec<_>>();
    for (ended, number) in ended.into_iter().zip(&numbers) {
        match ended.code {
            Some(0) => assert!(world.paid(number).is_some()),
            _ => assert_eq!(unavailable(ended)["rule"], "log-owned"),
        }
    }
    world.wire.settle();
    world.book.read();
    let booked = numbers.iter().filter(|number| world.paid(number).is_some()).count();
    let started = world.book.events().iter().filter(|event| event["action"] == "run-started").count();
    assert!(booked > 0 && booked == started, "{booked} of {started}");
    paid_once_more(&mut world, &mut tally, RUNS);
}

/// While a run is under way, its log is its own: who else wants to write is told who has it.
#[test]
fn a_second_process_is_told_who_owns_the_log() {
    let (mut world, mut tally) = (World::new(false), Tally::default());
    let other = world.invoice("K-other");
    let mut round = Round::new(&mut world, &mut tally, "two processes", 1);
    let ended = round.hampered(POST, Stop::Received, |round| {
        let lock = fs::read_to_string(round.world().stage.state().join("dev/ledger.lock")).unwrap();
        let owner = lock.split([' ', ',']).nth(1).unwrap();
        let ask = |arguments: &[&str]| {
            let command = round.world().stage.command(arguments);
            Program::start(command, &round.world().stage.beside("project")).end()
        };
        let list = ask(&["runs", "list", "--json"]).expect(0).json();
        let run = list["runs"][0]["run"].as_str().unwrap().to_owned();
        let run = run.as_str();
        for arguments in [
            &["run", "approve", "--json", "--input", other.to_str().unwrap()][..],
            &["runs", "resume", run, "--json"],
            &["runs", "resolve", run, "1", "--as", "not-applied", "--reason", "in haste", "--json"],
            &["runs", "cancel", run, "--json"],
        ] {
            let error = unavailable(ask(arguments));
            assert_eq!(error["rule"], "log-owned");
            let message = error["message"].as_str().unwrap();
            assert!(message.contains(owner) && message.ends_with(": stepward run"), "{message}");
        }
    });
    ended.expect(0);
    round.finish();
    drop(round);
    assert!(world.paid("K-other").is_none());
}
