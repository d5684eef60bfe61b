//! Starting worker processes: a clean environment, one descriptor, and a thread that outlives them.

use crate::lockdown::Kind;
use std::ffi::OsString;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
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
    child: Child,
}

impl Process {
    /// Ends it and says how it ended: by itself where it already had.
    pub(super) fn end(&mut self) -> String {
        // A process that has ended cannot be killed, and need not be.
        drop(self.child.kill());
        match self.child.wait() {
            Ok(status) => status.to_string(),
            Err(error) => error.to_string(),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
    }
}

type Started = Result<(Process, UnixStream), Fault>;

/// The thread that starts workers. The kernel ends a worker when the *thread* that started it ends,
/// so threads that come and go must not do it.
#[derive(Clone, Debug)]
pub(super) struct Starter(mpsc::Sender<(Kind, oneshot::Sender<Started>)>);

impl Starter {
    /// Starts the thread. It ends when the last clone of the starter is dropped.
    pub(super) fn new(program: Program) -> Result<Self, Fault> {
        let (orders, ordered) = mpsc::channel::<(Kind, oneshot::Sender<Started>)>();
        let work = move || {
            for (kind, answer) in ordered {
                // Whoever asked may have given up; the process ends with the value then.
                drop(answer.send(start(&program, kind)));
            }
        };
        match std::thread::Builder::new().name("stepward-workers".to_owned()).spawn(work) {
            Ok(_) => Ok(Self(orders)),
            Err(error) => Err(not_started(&format!("no thread to start workers on: {error}"))),
        }
    }

    /// Starts a worker and gives the parent's end of its pipe.
    pub(super) async fn start(&self, kind: Kind) -> Started {
        let (answer, answered) = oneshot::channel();
        let gone = || not_started("the thread that starts workers has ended");
        self.0.send((kind, answer)).map_err(|_| gone())?;
        answered.await.map_err(|_| gone())?
    }
}

fn start(program: &Program, kind: Kind) -> Started {
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
    Ok((Process { child }, ours))
}

fn not_started(why: &str) -> Fault {
    Fault::new(Class::Unavailable, Owner::Operator, START)
        .says(format_args!("a worker process cannot be started: {why}"))
        .hint(
            "look at the limits on processes, memory and open files (`ulimit -a`), and at the program's path",
        )
}
