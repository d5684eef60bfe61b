//! Starting worker processes: a clean environment, one descriptor, and a thread that outlives them.

use crate::lockdown::Kind;
use std::ffi::OsString;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use stepward_fault::{Class, Fault, Owner, Rule};
use tokio::sync::oneshot;

/// A worker process could not be started.
const START: Rule = Rule::new("worker-start");

/// The program that workers run: one whose first act, when it is started with these arguments and
/// the ones that this crate appends, is [`crate::main`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    path: PathBuf,
    arguments: Vec<OsString>,
}

impl Program {
    /// A program by its path. `arguments` come before the ones that say what the worker is for.
    pub fn new(path: impl Into<PathBuf>, arguments: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        Self { path: path.into(), arguments: arguments.into_iter().map(Into::into).collect() }
    }

    /// The path.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// A worker that was started. It ends with this value.
#[derive(Debug)]
pub(super) struct Process {
    child: Option<Child>,
    reaper: mpsc::Sender<Reap>,
}

/// What the thread that waits for ended workers is told.
#[derive(Debug)]
enum Reap {
    /// Wait for this one, which was killed.
    Child(Child),
    /// Say when all of those before are gone.
    Tell(mpsc::Sender<()>),
}

impl Process {
    /// Its number. It is no other's before it is waited for.
    pub(super) fn id(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// Ends it and says how it ended: by itself where it already had. Waits until its memory is free.
    pub(super) fn end(mut self) -> String {
        let Some(mut child) = self.child.take() else { return String::new() };
        match kill(&mut child) {
            Ok(status) => status.to_string(),
            Err(error) => error.to_string(),
        }
    }
}

fn kill(child: &mut Child) -> std::io::Result<ExitStatus> {
    // A process that has ended cannot be killed, and need not be.
    drop(child.kill());
    child.wait()
}

impl Drop for Process {
    /// Ends it at once. Taking its memory down is left to another thread: it takes milliseconds, and
    /// other runs need this one.
    fn drop(&mut self) {
        let Some(mut child) = self.child.take() else { return };
        drop(child.kill());
        if let Err(mpsc::SendError(Reap::Child(mut child))) = self.reaper.send(Reap::Child(child)) {
            drop(child.wait());
        }
    }
}

type Started = Result<(Process, UnixStream), Fault>;

/// The thread that starts workers. The kernel ends a worker when the *thread* that started it ends,
/// so threads that come and go must not do it.
#[derive(Clone, Debug)]
pub(super) struct Starter {
    orders: mpsc::Sender<(Kind, oneshot::Sender<Started>)>,
    reaper: mpsc::Sender<Reap>,
}

impl Starter {
    /// Starts the thread, and one that waits for workers that were ended. They end when the last clone
    /// of the starter is dropped.
    pub(super) fn new(program: Program) -> Result<Self, Fault> {
        let (orders, ordered) = mpsc::channel::<(Kind, oneshot::Sender<Started>)>();
        let (reaper, ended) = mpsc::channel();
        thread("stepward-reaper", move || {
            for reap in ended {
                match reap {
                    Reap::Child(mut child) => drop(child.wait()),
                    // Whoever asked waits for it, or has gone.
                    Reap::Tell(tell) => drop(tell.send(())),
                }
            }
        })?;
        let starts = reaper.clone();
        thread("stepward-workers", move || {
            for (kind, answer) in ordered {
                // Whoever asked may have given up; the process ends with the value then.
                drop(answer.send(start(&program, kind, &starts)));
            }
        })?;
        Ok(Self { orders, reaper })
    }

    /// Waits until the workers that were ended before are gone, which takes milliseconds.
    pub(super) fn settle(&self) {
        let (tell, told) = mpsc::channel();
        if self.reaper.send(Reap::Tell(tell)).is_ok() {
            // Without an answer the thread has ended, and nothing is left to wait for.
            let _ = told.recv();
        }
    }

    /// Starts a worker and gives the parent's end of its pipe.
    pub(super) async fn start(&self, kind: Kind) -> Started {
        let (answer, answered) = oneshot::channel();
        let gone = || not_started("the thread that starts workers has ended");
        self.orders.send((kind, answer)).map_err(|_| gone())?;
        answered.await.map_err(|_| gone())?
    }
}

fn thread(name: &str, work: impl FnOnce() + Send + 'static) -> Result<(), Fault> {
    match std::thread::Builder::new().name(name.to_owned()).spawn(work) {
        Ok(_) => Ok(()),
        Err(error) => Err(not_started(&format!("no thread to start workers on: {error}"))),
    }
}

fn start(program: &Program, kind: Kind, reaper: &mpsc::Sender<Reap>) -> Started {
    let wrong = |error: std::io::Error| not_started(&format!("{}: {error}", program.path.display()));
    let (ours, theirs) = UnixStream::pair().map_err(wrong)?;
    ours.set_nonblocking(true).map_err(wrong)?;
    #[expect(clippy::disallowed_methods, reason = "starting workers is what this module is for")]
    let child = Command::new(&program.path)
        .args(&program.arguments)
        .arg(kind.name())
        .arg(std::process::id().to_string())
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::from(OwnedFd::from(theirs)))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(wrong)?;
    Ok((Process { child: Some(child), reaper: reaper.clone() }, ours))
}

fn not_started(why: &str) -> Fault {
    Fault::new(Class::Unavailable, Owner::Operator, START)
        .says(format_args!("a worker process cannot be started: {why}"))
        .hint(
            "look at the limits on processes, memory and open files (`ulimit -a`), and at the program's path",
        )
}
