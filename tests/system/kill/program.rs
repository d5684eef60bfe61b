//! A `stepward` that a test can kill at a moment of its choice, with everything that it started.

use crate::process::{Ended, RUN};
use rusqlite::{Connection, OpenFlags};
use std::{
    fs::{self, File},
    os::unix::process::{CommandExt as _, ExitStatusExt as _},
    path::{Path, PathBuf},
    process::{Child, ExitStatus, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};
use tokio::process::Command;

/// How long between two looks at something that has no bell.
const LOOK: Duration = Duration::from_micros(200);

/// How a process came to its end.
pub(super) enum Fate {
    /// The test killed it.
    Killed,
    /// It ended before the moment came.
    Ended(Ended),
}

/// A process that was started, and where its words go.
pub(super) struct Program {
    child: Child,
    words: [PathBuf; 2],
    began: Instant,
}

impl Program {
    /// Starts it in a group of its own. Its words go to files, which never fill up as pipes do.
    pub(super) fn start(mut command: Command, folder: &Path) -> Self {
        let words = ["stdout", "stderr"].map(|name| folder.join(name));
        let command = command.as_std_mut().stdin(Stdio::null()).process_group(0);
        let [out, err] = words.each_ref().map(|path| File::create(path).unwrap());
        Self { child: command.stdout(out).stderr(err).spawn().unwrap(), words, began: Instant::now() }
    }

    /// Waits until `there` says so. False where the process ended before.
    pub(super) fn until(&mut self, mut there: impl FnMut() -> bool) -> bool {
        while !there() {
            if self.child.try_wait().unwrap().is_some() {
                return there();
            }
            assert!(self.began.elapsed() < RUN, "{:?} takes longer than {RUN:?}", self.words());
            sleep(LOOK);
        }
        true
    }

    /// Lets it run for this long.
    pub(super) fn wait(&mut self, time: Duration) {
        let end = Instant::now() + time;
        while self.child.try_wait().unwrap().is_none() && Instant::now() < end {
            sleep(LOOK.min(end.saturating_duration_since(Instant::now())));
        }
    }

    /// Waits until it ends by itself.
    pub(super) fn end(mut self) -> Ended {
        self.until(|| false);
        let status = self.child.wait().unwrap();
        self.ended(status)
    }

    /// Kills it at once and waits until it is dead.
    pub(super) fn kill(mut self) -> Fate {
        self.child.kill().unwrap();
        let status = self.child.wait().unwrap();
        if status.signal() == Some(9) { Fate::Killed } else { Fate::Ended(self.ended(status)) }
    }

    /// Kills it, and waits until the processes that it started are dead too.
    pub(super) fn kill_all(self) -> Fate {
        let workers = children(self.child.id());
        let fate = self.kill();
        let since = Instant::now();
        for worker in workers {
            while alive(worker) {
                assert!(since.elapsed() < RUN, "worker {worker} outlives its runner");
                sleep(LOOK);
            }
        }
        fate
    }

    fn ended(&self, status: ExitStatus) -> Ended {
        let [stdout, stderr] = self.words();
        Ended { code: status.code(), stdout, stderr, group: self.child.id() }
    }

    fn words(&self) -> [String; 2] {
        self.words.each_ref().map(|path| fs::read_to_string(path).unwrap())
    }
}

/// State and parent of a process, which follow its name in its status.
fn stat(process: u32) -> Option<(char, u32)> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let mut fields = stat.rsplit_once(") ")?.1.split(' ');
    Some((fields.next()?.chars().next()?, fields.next()?.parse().ok()?))
}

/// The processes that a process started.
fn children(parent: u32) -> Vec<u32> {
    let all = fs::read_dir("/proc").unwrap();
    let all = all.filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok());
    all.filter(|process| stat(*process).is_some_and(|(_, of)| of == parent)).collect()
}

/// Whether a process has not ended; one that nobody has waited for has.
fn alive(process: u32) -> bool {
    stat(process).is_some_and(|(state, _)| !matches!(state, 'Z' | 'X'))
}

/// The size of a log, looked at while another process writes it.
pub(super) struct Size {
    ledger: Option<Connection>,
    path: PathBuf,
    last: u64,
}

impl Size {
    pub(super) fn of(path: &Path) -> Self {
        Self { ledger: None, path: path.to_owned(), last: 0 }
    }

    /// Nothing as long as there is no log.
    pub(super) fn now(&mut self) -> Option<u64> {
        if self.ledger.is_none() && self.path.exists() {
            self.ledger = Connection::open_with_flags(&self.path, OpenFlags::SQLITE_OPEN_READ_ONLY).ok();
        }
        // A log that is being made has no tables yet.
        let size = self.ledger.as_ref()?.query_row("SELECT size FROM head", [], |row| row.get(0)).ok()?;
        self.last = size;
        Some(size)
    }

    /// The largest size that was seen.
    pub(super) fn last(&self) -> u64 {
        self.last
    }
}
