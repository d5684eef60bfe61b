//! Whose fault an error of the engine is: the step's, the machine's, or ours.

use crate::ending::{Ended, GuestEnd};
use std::fmt;
use stepward_fault::{Class, Fault, Owner, Rule};
use stepward_seam::LimitName;
use wasmtime::{OutOfMemory, PoolConcurrencyLimitError, Trap, WasmBacktrace, WasmtimeBug};

/// This machine does not have what the limits of the run allow. Another, or this one later, may have it.
pub const ENGINE_ROOM: Rule = Rule::new("engine-room");
/// The engine failed in a way that neither a guest nor a machine causes.
const DEFECT: Rule = Rule::new("engine-defect");

/// An error that ended a run, by what the engine was doing.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Nothing of `run` was executed yet: only what a start function did is the guest's.
    Starting(wasmtime::Error),
    /// `run` was executed, or what its arguments needed.
    Running(wasmtime::Error),
}

impl Failure {
    pub(crate) fn end(self) -> GuestEnd {
        // wasmtime notes where in the guest an error arose, if it arose there.
        let (error, by_the_guest) = match self {
            Self::Running(error) => (error, true),
            Self::Starting(error) => {
                let traced = error.is::<WasmBacktrace>();
                (error, traced)
            }
        };
        let error = match error.downcast::<Ended>() {
            Ok(Ended::Limit(name)) => return GuestEnd::Limit(name),
            Ok(Ended::Stopped(fault)) => return GuestEnd::Stopped(fault),
            Ok(Ended::Aborted { place, message }) => return GuestEnd::Aborted { place, message },
            Err(error) => error,
        };
        if let Some(fault) = of_the_host(&error) {
            return GuestEnd::Stopped(fault);
        }
        match error.downcast_ref::<Trap>() {
            Some(Trap::OutOfFuel) => return GuestEnd::Limit(LimitName::Fuel),
            Some(trap) => return GuestEnd::Trapped(format!("the step trapped: {trap}")),
            None => {}
        }
        // wasmtime keeps this error's type to itself, so it is told by its text; a test pins it. Inside
        // the guest it was the arguments of a call, outside the run's own result.
        if error.root_cause().to_string().contains("fuel allocated for hostcalls has been exhausted") {
            return GuestEnd::Limit(match error.downcast_ref::<WasmBacktrace>() {
                Some(_) => LimitName::BytesOutPerCall,
                None => LimitName::OutputBytes,
            });
        }
        if by_the_guest {
            // What is left are values that break the canonical ABI: a string that is not UTF-8, a
            // pointer out of bounds. wasmtime's text speaks of the value, never of the host.
            GuestEnd::Trapped(format!("the step broke the component ABI: {}", error.root_cause()))
        } else {
            GuestEnd::Stopped(defect(&error))
        }
    }
}

/// The failures that no guest is to blame for, wherever they arise.
fn of_the_host(error: &wasmtime::Error) -> Option<Fault> {
    if error.is::<PoolConcurrencyLimitError>() {
        return Some(unavailable("no room for another instance in the engine's pool"));
    }
    if error.is::<OutOfMemory>() || error.is::<std::io::Error>() {
        let cause = error.root_cause();
        return Some(unavailable(format_args!("this machine has no room for the run: {cause}")));
    }
    error.is::<WasmtimeBug>().then(|| defect(error))
}

fn defect(error: &wasmtime::Error) -> Fault {
    failed(format_args!("the engine failed, and not by anything that the step did: {error:#}"))
}

/// This machine does not have what the limits of the run allow.
pub(crate) fn unavailable(says: impl fmt::Display) -> Fault {
    Fault::new(Class::Unavailable, Owner::Operator, ENGINE_ROOM)
        .says(says)
        .hint("lower the number of runs at one time, or give this machine or its account more memory")
}

/// The engine failed, and nobody outside Stepward can put it right.
pub(crate) fn failed(says: impl fmt::Display) -> Fault {
    Fault::new(Class::Internal, Owner::Stepward, DEFECT)
        .says(says)
        .hint("please report this with the component")
}

#[cfg(test)]
mod tests {
    use super::Failure;
    use crate::ending::GuestEnd;
    use std::io;
    use stepward_fault::{Class, Owner};
    use wasmtime::{Error, OutOfMemory, Trap};

    #[track_caller]
    fn stopped(failure: Failure) -> (Class, Owner) {
        match failure.end() {
            GuestEnd::Stopped(fault) => (fault.class(), fault.owner()),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_the_machine_lacks_is_the_operators_whatever_ran() {
        let lacks: [fn() -> Error; 3] = [
            || Error::new(io::Error::from(io::ErrorKind::OutOfMemory)),
            || Error::new(io::Error::from(io::ErrorKind::OutOfMemory)).context("failed to make a memory"),
            || Error::from(OutOfMemory::new(1 << 20)),
        ];
        for error in lacks {
            for failure in [Failure::Starting(error()), Failure::Running(error())] {
                assert_eq!(stopped(failure), (Class::Unavailable, Owner::Operator));
            }
        }
    }

    #[test]
    fn an_error_is_the_steps_only_after_it_ran() {
        let broken = || Error::msg("pointer out of bounds of memory");
        assert_eq!(stopped(Failure::Starting(broken())), (Class::Internal, Owner::Stepward));
        let GuestEnd::Trapped(text) = Failure::Running(broken()).end() else { panic!("not the step's") };
        assert_eq!(text, "the step broke the component ABI: pointer out of bounds of memory");
        // A data segment that does not fit its memory traps with no frame of the guest.
        let trap = Error::from(Trap::MemoryOutOfBounds);
        assert!(matches!(Failure::Starting(trap).end(), GuestEnd::Trapped(_)));
    }
}
