//! Trying each protection on this machine, in locked workers of its own.
//!
//! The parent side is [`Prober`]: it starts a program once for each attempt, with a clean environment
//! and one socket, and hears what the kernel let happen. The child side is [`probe_main`], which
//! that program calls in its probing mode. Nothing here speaks the protocol of real workers, and no
//! guest is ever loaded.
//!
//! ```no_run
//! use stepward_worker::lockdown::{Attempt, Kind, probe::{Prober, Probed}};
//!
//! # fn main() -> std::io::Result<()> {
//! let prober = Prober::start("/usr/bin/stepward", ["worker-probe"])?;
//! for &attempt in Attempt::ALL {
//!     match prober.probe(Kind::Runner, attempt) {
//!         Probed::Succeeded(got) => println!("{}: OPEN, got {got}", attempt.name()),
//!         closed => println!("{}: closed ({closed})", attempt.name()),
//!     }
//! }
//! # Ok(())
//! # }
//! ```

use super::{Around, Attempt, Attempted, Ceilings, Kind, Lockdown, Promises, Required, machine};
use std::ffi::OsString;
use std::fmt;
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// What a probe may use: little, so that exhausting it is quick.
pub const PROBE_CEILINGS: Ceilings = Ceilings { memory_bytes: 128 << 20, cpu_seconds: 1 };

/// How long the parent waits for one attempt. The longest uses a second of processor time.
const PATIENCE: Duration = Duration::from_secs(20);

/// The most that a probe may say.
const MOST_SAID_BYTES: u64 = 64 << 10;

/// The word in an attempt's place that asks the child to lock itself, say so, and wait.
const STAND_BY: &str = "stand-by";

/// The signal by which seccomp ends a process; the same on every architecture that has it here.
const SIGSYS: i32 = 31;

/// How one attempt ended, seen from the parent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Probed {
    /// The attacker has what it wanted: this protection is missing.
    Succeeded(String),
    /// The kernel refused, and the worker went on.
    Refused(String),
    /// The kernel ended the worker with this signal.
    Ended(i32),
    /// The attempt could not be made, so nothing is known.
    Unknown(String),
}

impl fmt::Display for Probed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Succeeded(got) => write!(f, "it got {got}"),
            Self::Refused(how) => write!(f, "refused: {how}"),
            Self::Ended(SIGSYS) => f.write_str("the kernel ended the worker (seccomp)"),
            Self::Ended(signal) => write!(f, "the kernel ended the worker (signal {signal})"),
            Self::Unknown(why) => write!(f, "not known: {why}"),
        }
    }
}

/// The parent's side. Ends its child when dropped.
#[derive(Debug)]
pub struct Prober {
    program: PathBuf,
    arguments: Vec<OsString>,
    around: Around,
    /// What [`Attempt::UnixSocket`] tries to reach.
    _listener: Option<UnixListener>,
    /// What [`Attempt::SignalSibling`] tries to reach; it ends when its pipe closes.
    sibling: Option<(Child, UnixStream)>,
}

impl Prober {
    /// Prepares the surroundings of the attempts: a local service, and another worker.
    ///
    /// The other worker lives as long as the calling thread, see [`Lockdown::enter`]: start, probe and
    /// drop a prober on one.
    ///
    /// `program` with `arguments` must call [`probe_main`] with the words that follow them.
    ///
    /// # Errors
    /// The program does not start, or does not do that.
    pub fn start<A: Into<OsString>>(
        program: impl Into<PathBuf>,
        arguments: impl IntoIterator<Item = A>,
    ) -> io::Result<Self> {
        static PROBERS: AtomicU32 = AtomicU32::new(0);
        let parent = std::process::id();
        let listener = format!("stepward-probe-{parent}-{}", PROBERS.fetch_add(1, Ordering::Relaxed));
        let mut prober = Self {
            program: program.into(),
            arguments: arguments.into_iter().map(Into::into).collect(),
            _listener: listen(&listener)?,
            around: Around { parent, sibling: 0, listener },
            sibling: None,
        };
        let (child, mut pipe) = prober.spawn(Kind::Runner, STAND_BY)?;
        prober.around.sibling = child.id();
        // One byte says that it stands by; nothing says that it does not.
        let mut ready = [0];
        let heard = pipe.read_exact(&mut ready);
        prober.sibling = Some((child, pipe));
        heard.map(|()| prober)
    }

    /// Makes one attempt in a worker of its own.
    pub fn probe(&self, kind: Kind, attempt: Attempt) -> Probed {
        match self.hear(kind, attempt.name()) {
            Ok((said, status)) => judge(attempt, &said, status),
            Err(error) => Probed::Unknown(error.to_string()),
        }
    }

    /// What a worker of this kind promises on this machine.
    ///
    /// # Errors
    /// The worker could not be started or did not say.
    pub fn promises(&self, kind: Kind) -> io::Result<Promises> {
        let (said, status) = self.hear(kind, "promises")?;
        postcard::from_bytes(&said)
            .map_err(|_| io::Error::other(format!("the probe did not say what it promises ({status})")))
    }

    /// Starts a child with this word in the attempt's place and hears it to its end. For programs that
    /// understand more words than attempts.
    ///
    /// # Errors
    /// The child could not be started or heard, or went on for too long.
    pub fn hear(&self, kind: Kind, word: &str) -> io::Result<(Vec<u8>, ExitStatus)> {
        let (mut child, pipe) = self.spawn(kind, word)?;
        let mut said = Vec::new();
        let heard = pipe.take(MOST_SAID_BYTES).read_to_end(&mut said);
        if let Err(error) = heard {
            // Reset is how a socket ends whose peer died with something unread.
            if error.kind() != io::ErrorKind::ConnectionReset {
                child.kill()?;
                child.wait()?;
                return Err(error);
            }
        }
        Ok((said, child.wait()?))
    }

    #[expect(clippy::disallowed_methods, reason = "the caller names the program; probing is starting it")]
    fn spawn(&self, kind: Kind, word: &str) -> io::Result<(Child, UnixStream)> {
        let (here, there) = UnixStream::pair()?;
        here.set_read_timeout(Some(PATIENCE))?;
        let child = Command::new(&self.program)
            .args(&self.arguments)
            .args([kind.name(), word])
            .args([self.around.parent.to_string(), self.around.sibling.to_string()])
            .arg(&self.around.listener)
            .env_clear()
            .stdin(Stdio::from(OwnedFd::from(there)))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        Ok((child, here))
    }
}

impl Drop for Prober {
    fn drop(&mut self) {
        if let Some((mut child, pipe)) = self.sibling.take() {
            drop(pipe);
            // It ends by itself; that it did already is the only failure.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

#[cfg(target_os = "linux")]
fn listen(name: &str) -> io::Result<Option<UnixListener>> {
    use std::os::linux::net::SocketAddrExt;
    let address = std::os::unix::net::SocketAddr::from_abstract_name(name)?;
    UnixListener::bind_addr(&address).map(Some)
}

#[cfg(not(target_os = "linux"))]
#[expect(clippy::unnecessary_wraps, reason = "the same shape as where there is something to listen on")]
fn listen(_name: &str) -> io::Result<Option<UnixListener>> {
    Ok(None)
}

fn judge(attempt: Attempt, said: &[u8], status: ExitStatus) -> Probed {
    match (postcard::from_bytes(said), status.signal(), status.code()) {
        (Ok(Attempted::Succeeded(got)), _, _) => Probed::Succeeded(got),
        (Ok(Attempted::Refused(how)), _, _) => Probed::Refused(how),
        (Err(_), Some(signal), _) => Probed::Ended(signal),
        (Err(_), None, code)
            if attempt == Attempt::BecomeProgram && code == Some(machine::BECAME_PROGRAM) =>
        {
            Probed::Succeeded("another program in its place".to_owned())
        }
        (Err(_), None, _) => Probed::Unknown(format!("the probe said nothing ({status})")),
    }
}

/// What a probe is asked to do, from the words after the program's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// As which kind of worker.
    pub kind: Kind,
    /// The attempt's name, or another word of [`Prober::hear`].
    pub word: String,
    /// The processes around it.
    pub around: Around,
}

impl Asked {
    /// Reads the words that [`Prober`] appends to the program's arguments.
    pub fn from_words(words: &[String]) -> Option<Self> {
        let [kind, word, parent, sibling, listener] = words else { return None };
        let kind = Kind::ALL.into_iter().find(|known| known.name() == kind)?;
        let around = Around {
            parent: parent.parse().ok()?,
            sibling: sibling.parse().ok()?,
            listener: listener.clone(),
        };
        Some(Self { kind, word: word.clone(), around })
    }
}

/// The child's side: locks this process as a worker is locked, makes the attempt, and tells on
/// descriptor 0 how it ended. Call it on the first line of `main`, with the words that follow the
/// program's own arguments; then end.
///
/// # Errors
/// The words are not a [`Prober`]'s, or nobody listens on descriptor 0.
pub fn probe_main(words: &[String]) -> io::Result<()> {
    let asked = Asked::from_words(words)
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "not started by a prober"))?;
    let lockdown = Lockdown::enter(asked.kind, asked.around.parent);
    // A prober wants to see what is missing too.
    let locked = lockdown.lock(PROBE_CEILINGS, &Required::none()).map_err(io::Error::other)?;
    match asked.word.as_str() {
        "promises" => tell(locked.promises()),
        word => answer(word, &asked.around),
    }
}

/// Does what the word asks for, in a process that is locked as far as it will be.
///
/// # Errors
/// As for [`probe_main`].
pub fn answer(word: &str, around: &Around) -> io::Result<()> {
    if word == STAND_BY {
        return stand_by();
    }
    let attempt =
        Attempt::named(word).ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "no such attempt"))?;
    tell(&attempt.make(around))
}

fn stand_by() -> io::Result<()> {
    write_all(&[1])?;
    // Until the prober closes its end.
    rustix::io::read(io::stdin(), &mut [0; 1])?;
    Ok(())
}

fn tell<T: serde::Serialize>(said: &T) -> io::Result<()> {
    write_all(&postcard::to_stdvec(said).map_err(io::Error::other)?)
}

/// Descriptor 0 is a socket: what is read from can be written to.
fn write_all(bytes: &[u8]) -> io::Result<()> {
    struct Pipe;
    impl Write for Pipe {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            Ok(rustix::io::write(io::stdin(), bytes)?)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    Pipe.write_all(bytes)
}
