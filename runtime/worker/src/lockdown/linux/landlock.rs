//! Landlock: a ruleset that handles every right and grants none.
//!
//! What each version of the interface brought decides which promise an older kernel keeps:
//!
//! | ABI | Linux | brought |
//! | --- | --- | --- |
//! | 1 | 5.13 | opening, making, removing, listing and executing files; tracing nothing outside |
//! | 2 | 5.19 | linking and renaming across folders |
//! | 3 | 6.2 | truncating |
//! | 4 | 6.7 | TCP: binding and connecting |
//! | 5 | 6.10 | `ioctl` on devices |
//! | 6 | 6.12 | scopes: signals and abstract Unix sockets |
//! | 7 | 6.15 | log flags only |
//!
//! Rights of ABI 8 and 9 are handled where the kernel has them. No version handles UDP, other
//! sockets, or what is opened already; seccomp and the limit on descriptors stand there.

use landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, LandlockStatus, RestrictionStatus, Ruleset,
    RulesetAttr, RulesetError, Scope,
};

/// The newest interface whose rights are asked for; an older kernel is asked for what it has.
const NEWEST: ABI = ABI::V9;
const FILES_SINCE: ABI = ABI::V5;
const NETWORK_SINCE: ABI = ABI::V4;
const SCOPES_SINCE: ABI = ABI::V6;

/// What became of each of the three promises.
pub(in super::super) struct Sealed {
    pub(in super::super) files: Result<(), String>,
    pub(in super::super) network: Result<(), String>,
    pub(in super::super) scopes: Result<(), String>,
}

/// Seals the calling thread, for good.
pub(in super::super) fn seal() -> Sealed {
    let abi = match restrict() {
        Ok(status) => in_force(&status),
        Err(error) => Err(format!("Landlock refuses the ruleset: {error}")),
    };
    let since = |needed: ABI, what: &str| match &abi {
        Ok(have) if *have >= needed => Ok(()),
        Ok(have) => Err(format!(
            "the kernel knows Landlock ABI {}, and {what} came with ABI {}",
            *have as i32, needed as i32
        )),
        Err(reason) => Err(reason.clone()),
    };
    Sealed {
        files: since(FILES_SINCE, "the last of the file rights (ioctl on devices)"),
        network: since(NETWORK_SINCE, "the rights over TCP"),
        scopes: since(SCOPES_SINCE, "the scopes of signals and abstract sockets"),
    }
}

fn restrict() -> Result<RestrictionStatus, RulesetError> {
    Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(NEWEST))?
        .handle_access(AccessNet::from_all(NEWEST))?
        .scope(Scope::from_all(NEWEST))?
        .create()?
        .restrict_self()
}

fn in_force(status: &RestrictionStatus) -> Result<ABI, String> {
    if !status.no_new_privs {
        return Err("no-new-privileges does not hold".to_owned());
    }
    match status.landlock {
        LandlockStatus::NotEnabled => {
            Err("Landlock is built into the kernel and switched off at boot".to_owned())
        }
        LandlockStatus::NotImplemented => {
            Err("the kernel has no Landlock (Linux 5.13 brought it)".to_owned())
        }
        LandlockStatus::Available { effective_abi, .. } => Ok(effective_abi),
    }
}
