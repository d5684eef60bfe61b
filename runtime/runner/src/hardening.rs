//! What this process forbids about itself before it reads a key: that its memory is written to a
//! disk or read by its neighbours.

use rustix::process::{Resource, Rlimit, setrlimit};
use stepward_fault::{Class, Fault, Owner, Rule};

/// The rule that the memory of this process stays in it.
const MEMORY: Rule = Rule::new("process-memory");

/// Forbids core dumps, and other processes of the same account to read or steer this one
/// (`PR_SET_DUMPABLE` in prctl(2)). Programs that are started later inherit the first, not the second.
pub(crate) fn apply() -> Result<(), Fault> {
    let refused = |what: &str, error: rustix::io::Errno| {
        Fault::new(Class::Unavailable, Owner::Operator, MEMORY)
            .says(format_args!("{what}, and this process works with credentials: {error}"))
            .hint("a sandbox around this process must allow prctl(2) with PR_SET_DUMPABLE, and setrlimit(2)")
    };
    // First, since a core dump that is piped to a program does not look at the limit: core(5).
    #[cfg(target_os = "linux")]
    rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable)
        .map_err(|error| refused("other processes cannot be kept from the memory of this one", error))?;
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })
        .map_err(|error| refused("core dumps cannot be forbidden", error))
}

/// Whether a crash leaves no file with what is in memory: read back, not remembered.
pub(crate) fn core_dumps_forbidden() -> Result<(), String> {
    match rustix::process::getrlimit(Resource::Core) {
        Rlimit { current: Some(0), maximum: Some(0) } => Ok(()),
        Rlimit { .. } => Err("the limit on core files is not 0".to_owned()),
    }
}

/// Whether the memory is closed to other processes of the account.
pub(crate) fn memory_closed() -> Result<(), String> {
    #[cfg(target_os = "linux")]
    return match rustix::process::dumpable_behavior() {
        Ok(rustix::process::DumpableBehavior::NotDumpable) => Ok(()),
        Ok(_) => Err("this process can be traced by others of its account".to_owned()),
        Err(error) => Err(format!("it cannot be read back: {error}")),
    };
    #[cfg(not(target_os = "linux"))]
    Err("this system has no PR_SET_DUMPABLE".to_owned())
}
