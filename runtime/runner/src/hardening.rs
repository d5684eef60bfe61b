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
