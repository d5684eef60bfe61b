//! The worker's side: what runs behind the lockdown.
//!
//! One thread, one descriptor. The worker reads its orders, runs guests or compiles one component,
//! and writes what they ask and how they end. It believes its parent and nobody else is there.

mod broker;
mod compiler;
mod pipe;
mod runner;

use crate::lockdown::{Ceilings, Kind, Lockdown, Locked, Required};
use crate::protocol::{Down, Hello, PROTOCOL, Start, StartKind, Up};
use pipe::{Gone, Pipe};
use std::ffi::OsString;
use std::process::ExitCode;
use stepward_fault::Fault;
use stepward_sandbox::{Compiler, Engine, EngineOptions};
use stepward_trust::Digest;

/// What a worker program does, from its first line to its last: call this before the program reads
/// its environment, opens anything or starts a thread. `arguments` are those that the parent appended
/// to the [`Program`](crate::Program)'s own.
///
/// Standard input must be the pipe of a parent that was made by this crate.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let Some((kind, parent)) = told(arguments) else { return ExitCode::from(EXIT_USAGE) };
    let lockdown = Lockdown::enter(kind, parent);
    match serve(lockdown, &mut Pipe::default()) {
        // The parent closed the pipe: it needs no more.
        Ok(()) | Err(Ended::Gone(Gone::Closed)) => ExitCode::SUCCESS,
        Err(Ended::Gone(Gone::Broken)) => ExitCode::from(EXIT_PIPE),
        Err(Ended::Start) => ExitCode::from(EXIT_START),
    }
}

fn told(arguments: impl IntoIterator<Item = OsString>) -> Option<(Kind, u32)> {
    let mut arguments = arguments.into_iter();
    let kind = arguments.next()?;
    let kind = Kind::ALL.into_iter().find(|one| kind == one.name())?;
    let parent = arguments.next()?.to_str()?.parse().ok()?;
    match arguments.next() {
        None => Some((kind, parent)),
        Some(_) => None,
    }
}

/// The arguments are not a parent's.
const EXIT_USAGE: u8 = 2;
/// The pipe failed or said what no parent says.
const EXIT_PIPE: u8 = 71;
/// The engine could not be made.
const EXIT_START: u8 = 72;

/// Why a worker ends.
enum Ended {
    Gone(Gone),
    Start,
}

impl From<Gone> for Ended {
    fn from(gone: Gone) -> Self {
        Self::Gone(gone)
    }
}

impl From<Fault> for Ended {
    /// What went wrong stays here: the parent knows the machine better, and asks `doctor`.
    fn from(_: Fault) -> Self {
        Self::Start
    }
}

fn serve(lockdown: Lockdown, pipe: &mut Pipe) -> Result<(), Ended> {
    let Down::Start(Start { kind, ceilings }) = pipe.receive()? else {
        return Err(Gone::Broken.into());
    };
    match kind {
        // Everything that needs more than the lockdown leaves is done before it.
        StartKind::Compiler => {
            let compiler = Compiler::new()?;
            let locked = lock(lockdown, ceilings)?;
            greet(pipe, &locked, compiler.fingerprint())?;
            compiler::serve(pipe, &locked, &compiler)?;
        }
        StartKind::Runner { concurrency, key } => {
            let engine = Engine::new(EngineOptions { concurrency })?;
            Engine::prepare_thread();
            let locked = lock(lockdown, ceilings)?;
            greet(pipe, &locked, engine.fingerprint())?;
            runner::serve(pipe, &locked, &engine, key)?;
        }
    }
    Ok(())
}

/// The parent judges what it reads in the greeting, so nothing is required here.
fn lock(lockdown: Lockdown, ceilings: Ceilings) -> Result<Locked, Ended> {
    lockdown.lock(ceilings, &Required::none()).map_err(|_| Ended::Start)
}

fn greet(pipe: &mut Pipe, locked: &Locked, engine: Digest) -> Result<(), Gone> {
    let hello = Hello { protocol: PROTOCOL, engine: *engine.as_bytes(), promises: locked.promises().clone() };
    pipe.queue(&Up::Hello(hello))?;
    pipe.flush()
}
