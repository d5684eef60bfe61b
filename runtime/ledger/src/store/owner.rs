//! One process owns a store.

use std::fmt;
use std::fs::{File, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use stepward_fault::{Class, Fault, Owner, Rule};

/// Bytes of a lock file that are shown: room for a process id, a time and the words of a command. What
/// lies there was written by another process and is shown escaped.
const MAX_TEXT: u64 = 512;

const OWNED: Rule = Rule::new("log-owned");
const LOCK: Rule = Rule::new("log-lock");

/// The right to write a store, for as long as it lives. The operating system takes it back when the
/// process ends, however it ends.
///
/// ```compile_fail,E0451
/// # fn forge(file: std::fs::File) -> stepward_ledger::store::owner::Ownership {
/// stepward_ledger::store::owner::Ownership { file }
/// # }
/// ```
#[derive(Debug)]
pub struct Ownership {
    file: File,
}

/// A child process that is just being started shares the open file until it runs its own program;
/// closing it here would leave the lock there for that moment.
impl Drop for Ownership {
    fn drop(&mut self) {
        // While it is locked: it is this owner's name that goes. It is said again by the next one.
        let _ = self.file.set_len(0);
        // The lock goes with the process at the latest.
        let _ = self.file.unlock();
    }
}

impl Ownership {
    /// Takes the lock of a file that was opened for reading and writing and not truncated, and
    /// writes into it who holds it. `place` is the file's name as people know it.
    ///
    /// # Errors
    /// When another process (or another open file of this one) holds it; the fault quotes what that
    /// one wrote. When the file cannot be locked or written.
    pub fn claim(mut file: File, place: impl fmt::Display, holder: &Holder<'_>) -> Result<Self, Fault> {
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(owned(&file, place)),
            Err(TryLockError::Error(error)) => return Err(unlockable(&error, place)),
        }
        match inscribe(&mut file, holder) {
            Ok(()) => Ok(Self { file }),
            Err(error) => Err(unlockable(&error, place)),
        }
    }
}

/// Who takes a lock, in words for the person who finds it taken.
#[derive(Clone, Copy, Debug)]
pub struct Holder<'a> {
    /// The process id.
    pub pid: u32,
    /// Since when, as text.
    pub since: &'a str,
    /// What it does, in words that everybody may read: a command without its values.
    pub what: &'a str,
}

impl fmt::Display for Holder<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "process {}, since {}: {}", self.pid, self.since, self.what)
    }
}

fn inscribe(file: &mut File, holder: &Holder<'_>) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{holder}")?;
    file.flush()
}

fn owned(file: &File, place: impl fmt::Display) -> Fault {
    let mut bytes = Vec::new();
    let read = file.take(MAX_TEXT).read_to_end(&mut bytes);
    let text = String::from_utf8_lossy(&bytes);
    let holder = match (read, text.trim()) {
        (Err(_), _) | (_, "") => "a process that did not say its name",
        (Ok(_), text) => text,
    };
    Fault::new(Class::Unavailable, Owner::Operator, OWNED)
        .at(place)
        .says(format_args!("the log is already open for writing: {holder}"))
        .hint("stop that process, or use a command that only reads")
}

fn unlockable(error: &io::Error, place: impl fmt::Display) -> Fault {
    Fault::new(Class::Unavailable, Owner::Operator, LOCK)
        .at(place)
        .says(format_args!("the log's lock cannot be taken: {error}"))
        .hint("check that the folder can be written and that its file system knows locks")
}
