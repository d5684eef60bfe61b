//! The process itself: what it inherited, whom it belongs to, and what it holds.

use rustix::fd::{AsFd, BorrowedFd};
use rustix::fs::{FileType, Mode, fstat, major, minor};
use rustix::process::{
    DumpableBehavior, Pid, Resource, Rlimit, Signal, chdir, dumpable_behavior, getpgrp, getpid, getppid,
    set_dumpable_behavior, set_parent_process_death_signal, setpgid, setrlimit, setsid, umask,
};
use rustix::thread::gettid;
use std::path::{Path, PathBuf};

/// Descriptors above this one are not the worker's.
const LAST_OWN: i32 = 2;

/// Where the kernel lists a process's own descriptors.
const OWN_DESCRIPTORS: &str = "/proc/self/fd";

/// Where it lists its threads.
const OWN_THREADS: &str = "/proc/self/task";

/// The null device's numbers, `Documentation/admin-guide/devices.txt` of the kernel.
const NULL_DEVICE: (u32, u32) = (1, 3);

/// A worker is started with no variable at all: what is in the environment could be read by a guest.
pub(in super::super) fn environment_is_clean() -> Result<(), String> {
    match std::env::vars_os().count() {
        0 => Ok(()),
        count => Err(format!("the worker was started with {count} environment variables")),
    }
}

/// Ends with the parent, also where the parent ended before this was said.
pub(in super::super) fn die_with(parent: u32) -> Result<(), String> {
    set_parent_process_death_signal(Some(Signal::KILL))
        .map_err(|error| format!("the kernel refuses it: {error}"))?;
    let now = getppid().map_or(0, |pid| pid.as_raw_nonzero().get());
    if u32::try_from(now) == Ok(parent) {
        Ok(())
    } else {
        Err(format!("the parent is process {now} and not {parent}"))
    }
}

/// Leads its own session, or at least its own group where the parent gave it one already; a leader of
/// a group cannot found a session.
pub(in super::super) fn own_group() -> Result<(), String> {
    umask(Mode::all());
    chdir("/").map_err(|error| format!("the working folder cannot be left: {error}"))?;
    if setsid().is_err() {
        setpgid(None, None).map_err(|error| format!("the kernel refuses it: {error}"))?;
    }
    if getpgrp() == getpid() { Ok(()) } else { Err("the worker is in another's process group".to_owned()) }
}

/// Closes whatever the parent left open above the three standard descriptors.
pub(in super::super) fn close_inherited() -> Result<(), String> {
    // Listing opens a descriptor of its own; it is among the closed ones, or gone before.
    for number in
        open_descriptors()?.into_iter().map(|(number, _)| number).filter(|number| *number > LAST_OWN)
    {
        // The only failure is that it is not open any more.
        let _ = nix::unistd::close(number);
    }
    Ok(())
}

/// The descriptors that are open now, with what each refers to, the listing's own left out.
fn open_descriptors() -> Result<Vec<(i32, PathBuf)>, String> {
    let says = |error: std::io::Error| format!("{OWN_DESCRIPTORS} cannot be listed: {error}");
    let mut open = Vec::new();
    for entry in std::fs::read_dir(OWN_DESCRIPTORS).map_err(says)? {
        let entry = entry.map_err(says)?;
        let number = entry.file_name().to_str().and_then(|name| name.parse::<i32>().ok());
        let Some(number) = number else {
            return Err(format!("{OWN_DESCRIPTORS} lists something that is no descriptor"));
        };
        open.push((number, std::fs::read_link(entry.path()).unwrap_or_default()));
    }
    let listing = PathBuf::from(format!("/proc/{}/fd", getpid().as_raw_nonzero()));
    open.retain(|(_, target)| *target != listing);
    Ok(open)
}

/// No core file, and no tracer of the same account.
pub(in super::super) fn not_dumpable() -> Result<(), String> {
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })
        .map_err(|error| format!("core files cannot be limited: {error}"))?;
    set_dumpable_behavior(DumpableBehavior::NotDumpable)
        .map_err(|error| format!("the kernel refuses it: {error}"))?;
    match dumpable_behavior() {
        Ok(DumpableBehavior::NotDumpable) => Ok(()),
        Ok(_) => Err("it does not hold after setting it".to_owned()),
        Err(error) => Err(format!("it cannot be read back: {error}")),
    }
}

/// What the seccomp filter and the report must know of this process.
#[derive(Debug)]
pub(in super::super) struct Own {
    /// The process.
    pub(super) process: Pid,
    /// Its only thread.
    pub(super) thread: Pid,
    /// The engine's descriptor of `/proc/self/pagemap`, where it holds one.
    pub(super) pagemap: Option<i32>,
    descriptors: Result<(), String>,
    threads: Result<(), String>,
}

impl Own {
    /// Reads it, while `/proc` can still be read.
    pub(in super::super) fn read() -> Self {
        let process = getpid();
        let pagemap = format!("/proc/{}/pagemap", process.as_raw_nonzero());
        let open = open_descriptors();
        let others = |open: &[(i32, PathBuf)]| {
            open.iter().filter(|(number, _)| *number > LAST_OWN).cloned().collect::<Vec<_>>()
        };
        let held = open.as_deref().map(others).unwrap_or_default();
        let found: Vec<i32> = held
            .iter()
            .filter(|(_, target)| target == Path::new(&pagemap))
            .map(|(number, _)| *number)
            .collect();
        let descriptors = open.map(drop).and_then(|()| match (held.as_slice(), found.as_slice()) {
            ([], []) | ([_], [_]) => standard_descriptors(),
            _ => Err(format!("{} more descriptors are open: {}", held.len(), shown(&held))),
        });
        Self {
            process,
            thread: gettid(),
            pagemap: found.first().copied(),
            descriptors,
            threads: one_thread(),
        }
    }

    /// Nothing is open but the pipe, the null device and the engine's page map.
    ///
    /// The page map may stay. It was opened after every capability was gone, so reading it shows no
    /// physical address; the allow-list lets no call read it at all, and the one call that takes it
    /// (`PAGEMAP_SCAN`, Linux 6.7) tells a process which of its own pages it has touched.
    pub(in super::super) fn holds_only_the_pipe(&self) -> Result<(), String> {
        self.descriptors.clone()
    }

    /// Landlock and seccomp bind the thread that asks for them: another one would stay free.
    pub(in super::super) fn alone(&self) -> Result<(), String> {
        self.threads.clone()
    }
}

fn shown(held: &[(i32, PathBuf)]) -> String {
    let each: Vec<_> =
        held.iter().map(|(number, target)| format!("{number} ({})", target.display())).collect();
    each.join(", ")
}

fn standard_descriptors() -> Result<(), String> {
    let says =
        |name: &'static str| move |error: rustix::io::Errno| format!("{name} cannot be looked at: {error}");
    let (input, output, errors) = (std::io::stdin(), std::io::stdout(), std::io::stderr());
    let pipe = fstat(input.as_fd()).map_err(says("descriptor 0"))?;
    if FileType::from_raw_mode(pipe.st_mode) != FileType::Socket {
        return Err("descriptor 0 is no socket".to_owned());
    }
    is_null(output.as_fd(), "descriptor 1")?;
    is_null(errors.as_fd(), "descriptor 2")
}

fn is_null(descriptor: BorrowedFd<'_>, name: &'static str) -> Result<(), String> {
    let stat = fstat(descriptor).map_err(|error| format!("{name} cannot be looked at: {error}"))?;
    let device = (major(stat.st_rdev), minor(stat.st_rdev));
    let is_device = FileType::from_raw_mode(stat.st_mode) == FileType::CharacterDevice;
    if is_device && device == NULL_DEVICE { Ok(()) } else { Err(format!("{name} is not the null device")) }
}

fn one_thread() -> Result<(), String> {
    let entries =
        std::fs::read_dir(OWN_THREADS).map_err(|error| format!("{OWN_THREADS} cannot be listed: {error}"))?;
    match entries.count() {
        1 => Ok(()),
        count => Err(format!("the worker has {count} threads, and one alone can be locked")),
    }
}
