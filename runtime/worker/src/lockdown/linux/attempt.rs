//! How each attempt is made. Everything here is what any program can do, without `unsafe`.

use super::super::{Around, Attempt};
use nix::sched::CloneFlags;
use rustix::process::{Pid, PidfdFlags, PidfdGetfdFlags, Signal, kill_process, pidfd_getfd, pidfd_open};
use std::fs::File;
use std::io::{IoSliceMut, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream, UdpSocket};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::FileExt;
use std::os::unix::net::{SocketAddr, UnixStream};
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::time::Duration;

/// A file that every account of every Linux may read.
const COMMON_FILE: &str = "/etc/passwd";
/// Memory to take: more than any probe's ceiling, little enough for a small machine without one.
const MUCH_MEMORY_BYTES: usize = 384 << 20;
/// Memory taken at a time.
const PIECE_BYTES: usize = 16 << 20;
/// Descriptors to open.
const MANY_DESCRIPTORS: usize = 128;
/// Threads to start.
const MANY_THREADS: usize = 64;
/// Processor time to use: beyond the second that a probe is granted.
const LONG: Duration = Duration::from_secs(2);
/// How the program ends that [`Attempt::BecomeProgram`] becomes.
pub(in super::super) const BECAME_PROGRAM: i32 = 42;
/// Where no program keeps anything: the kernel maps nothing so low.
const NO_ADDRESS: usize = 0x1000;

type Done = Result<String, String>;

pub(in super::super) fn attempt(attempt: Attempt, around: &Around) -> Done {
    match attempt {
        Attempt::ReadFile => read_file(),
        Attempt::WriteFile => write_file(),
        Attempt::ListFolder => list_folder(),
        Attempt::ReadEnvironment => read_environment(around),
        Attempt::ReadParentMemory => read_parent_memory(around),
        Attempt::PeekParentMemory => peek_parent_memory(around),
        Attempt::ListParentDescriptors => list_parent_descriptors(around),
        Attempt::TakeParentDescriptor => take_parent_descriptor(around),
        Attempt::TcpSocket => tcp_socket(),
        Attempt::UdpSocket => udp_socket(),
        Attempt::UnixSocket => unix_socket(around),
        Attempt::StartProcess => start_process(),
        Attempt::StartThread => start_thread(),
        Attempt::BecomeProgram => become_program(),
        Attempt::TraceParent => trace_parent(around),
        Attempt::SignalParent => signal(around.parent),
        Attempt::SignalSibling => signal(around.sibling),
        Attempt::ExhaustMemory => exhaust_memory(),
        Attempt::MemoryFile => memory_file(),
        Attempt::ExhaustProcessor => Ok(exhaust_processor()),
        Attempt::ExhaustDescriptors => exhaust_descriptors(),
        Attempt::ExhaustProcesses => exhaust_processes(),
        Attempt::MapExecutable => map_executable(),
        Attempt::OpenNamespace => open_namespace(),
        Attempt::ChangeRoot => change_root(),
    }
}

/// Any error of the operating system, as the attacker saw it.
fn refused(error: impl std::fmt::Display) -> String {
    error.to_string()
}

fn pid(number: u32) -> Result<Pid, String> {
    i32::try_from(number).ok().and_then(Pid::from_raw).ok_or_else(|| format!("{number} is no process"))
}

fn read_file() -> Done {
    let mut text = String::new();
    File::open(COMMON_FILE).and_then(|mut file| file.read_to_string(&mut text)).map_err(refused)?;
    Ok(format!("{} bytes of {COMMON_FILE}", text.len()))
}

fn write_file() -> Done {
    let path = std::env::temp_dir().join(format!("stepward-attempt-{}", std::process::id()));
    let made = File::create_new(&path).and_then(|mut file| file.write_all(b"here"));
    // Whatever was made must not stay behind.
    let _ = std::fs::remove_file(&path);
    made.map_err(refused)?;
    Ok(path.display().to_string())
}

fn list_folder() -> Done {
    let entries = std::fs::read_dir("/").map_err(refused)?;
    Ok(format!("{} entries", entries.count()))
}

#[expect(clippy::disallowed_methods, reason = "this is the attempt")]
fn read_environment(around: &Around) -> Done {
    if let Some((name, _)) = std::env::vars_os().next() {
        return Ok(format!("its own, with {}", name.display()));
    }
    let bytes = std::fs::read(format!("/proc/{}/environ", around.parent)).map_err(refused)?;
    Ok(format!("{} bytes of the parent's", bytes.len()))
}

/// A place in the parent's memory that it can read itself.
#[expect(clippy::disallowed_methods, reason = "this is the attempt")]
fn place_in(parent: u32) -> Result<usize, String> {
    let maps = std::fs::read_to_string(format!("/proc/{parent}/maps")).map_err(refused)?;
    let place = maps.lines().find_map(|line| {
        let (start, rest) = line.split_once('-')?;
        let readable = rest.split_ascii_whitespace().nth(1)?.starts_with('r');
        readable.then(|| usize::from_str_radix(start, 16).ok())?
    });
    place.ok_or_else(|| "the parent has no readable memory".to_owned())
}

fn read_parent_memory(around: &Around) -> Done {
    let memory = File::open(format!("/proc/{}/mem", around.parent)).map_err(refused)?;
    let place = place_in(around.parent)?;
    let mut bytes = [0; 16];
    memory.read_exact_at(&mut bytes, place as u64).map_err(refused)?;
    Ok(format!("{} bytes at {place:#x}", bytes.len()))
}

fn peek_parent_memory(around: &Around) -> Done {
    let mut bytes = [0; 16];
    let known = place_in(around.parent);
    let place = known.unwrap_or(NO_ADDRESS);
    let from = nix::sys::uio::RemoteIoVec { base: place, len: bytes.len() };
    let parent = nix::unistd::Pid::from_raw(pid(around.parent)?.as_raw_nonzero().get());
    match nix::sys::uio::process_vm_readv(parent, &mut [IoSliceMut::new(&mut bytes)], &[from]) {
        Ok(count) => Ok(format!("{count} bytes at {place:#x}")),
        // The kernel looks at the right first and at the address after.
        Err(nix::errno::Errno::EFAULT) => Ok("the right to it; only the address was wrong".to_owned()),
        Err(error) => Err(refused(error)),
    }
}

fn list_parent_descriptors(around: &Around) -> Done {
    let entries = std::fs::read_dir(format!("/proc/{}/fd", around.parent)).map_err(refused)?;
    let mut targets = Vec::new();
    for entry in entries {
        targets.push(std::fs::read_link(entry.map_err(refused)?.path()).map_err(refused)?);
    }
    Ok(format!("{} descriptors", targets.len()))
}

fn take_parent_descriptor(around: &Around) -> Done {
    let parent = pidfd_open(pid(around.parent)?, PidfdFlags::empty()).map_err(refused)?;
    pidfd_getfd(&parent, 0, PidfdGetfdFlags::empty()).map_err(refused)?;
    Ok("the parent's descriptor 0".to_owned())
}

fn tcp_socket() -> Done {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(refused)?;
    let address = listener.local_addr().map_err(refused)?;
    TcpStream::connect(address).map_err(refused)?;
    Ok(format!("a connection to port {}", address.port()))
}

fn udp_socket() -> Done {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).map_err(refused)?;
    let address = socket.local_addr().map_err(refused)?;
    socket.send_to(b"out", address).map_err(refused)?;
    Ok(format!("a datagram to port {}", address.port()))
}

fn unix_socket(around: &Around) -> Done {
    let address = SocketAddr::from_abstract_name(&around.listener).map_err(refused)?;
    UnixStream::connect_addr(&address).map_err(refused)?;
    Ok("a connection to the parent's socket".to_owned())
}

#[expect(clippy::disallowed_methods, reason = "this is the attempt")]
fn start_process() -> Done {
    match Command::new("/proc/self/no-such-program").spawn() {
        // The other process was there, and only the program was not.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok("another process".to_owned()),
        Err(error) => Err(refused(error)),
        Ok(_) => Ok("another program".to_owned()),
    }
}

fn start_thread() -> Done {
    let thread = std::thread::Builder::new().spawn(|| ()).map_err(refused)?;
    thread.join().map_err(|_| "the thread broke off".to_owned())?;
    Ok("another thread".to_owned())
}

#[expect(clippy::disallowed_methods, reason = "this is the attempt")]
fn become_program() -> Done {
    Err(refused(Command::new("/bin/sh").arg("-c").arg(format!("exit {BECAME_PROGRAM}")).exec()))
}

fn trace_parent(around: &Around) -> Done {
    let parent = nix::unistd::Pid::from_raw(pid(around.parent)?.as_raw_nonzero().get());
    // Seizing, unlike attaching, leaves the parent running; it is let go when this process ends.
    nix::sys::ptrace::seize(parent, nix::sys::ptrace::Options::empty()).map_err(refused)?;
    Ok("the parent is traced".to_owned())
}

fn signal(process: u32) -> Done {
    // Ignored by every process that did not ask for it.
    kill_process(pid(process)?, Signal::URG).map_err(refused)?;
    Ok(format!("a signal to process {process}"))
}

fn exhaust_memory() -> Done {
    let mut taken: Vec<Vec<u8>> = Vec::new();
    while taken.len() * PIECE_BYTES < MUCH_MEMORY_BYTES {
        let mut piece = Vec::new();
        if piece.try_reserve_exact(PIECE_BYTES).is_err() {
            return Err(format!("no more than {} MiB", (taken.len() * PIECE_BYTES) >> 20));
        }
        piece.resize(PIECE_BYTES, 1);
        taken.push(std::hint::black_box(piece));
    }
    Ok(format!("{} MiB", MUCH_MEMORY_BYTES >> 20))
}

fn memory_file() -> Done {
    let file = rustix::fs::memfd_create(c"attempt", rustix::fs::MemfdFlags::CLOEXEC).map_err(refused)?;
    rustix::io::write(&file, b"here").map_err(refused)?;
    Ok("a file in memory".to_owned())
}

fn exhaust_processor() -> String {
    let used = || {
        let now = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
        Duration::new(now.tv_sec.unsigned_abs(), u32::try_from(now.tv_nsec).unwrap_or(0))
    };
    while used() < LONG {
        std::hint::spin_loop();
    }
    format!("{} seconds", LONG.as_secs())
}

fn exhaust_descriptors() -> Done {
    let pipe = std::io::stdin();
    let mut opened = Vec::new();
    while opened.len() < MANY_DESCRIPTORS {
        opened.push(rustix::io::dup(&pipe).map_err(refused)?);
    }
    Ok(format!("{MANY_DESCRIPTORS} descriptors"))
}

fn exhaust_processes() -> Done {
    let mut started = Vec::new();
    while started.len() < MANY_THREADS {
        // They stay until the process ends.
        started.push(std::thread::Builder::new().spawn(std::thread::park).map_err(refused)?);
    }
    Ok(format!("{MANY_THREADS} threads"))
}

fn map_executable() -> Done {
    let memory = memmap2::MmapMut::map_anon(1).map_err(refused)?;
    memory.make_exec().map_err(refused)?;
    Ok("executable memory".to_owned())
}

fn open_namespace() -> Done {
    nix::sched::unshare(CloneFlags::CLONE_NEWUSER).map_err(refused)?;
    Ok("a namespace of its own".to_owned())
}

fn change_root() -> Done {
    rustix::process::chroot("/").map_err(refused)?;
    Ok("another root folder".to_owned())
}
