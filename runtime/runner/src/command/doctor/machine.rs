//! The kernel, and what this process forbids about itself.

use super::OWN;
use crate::{
    files::{self, Purpose},
    hardening,
};
use serde::Serialize;
use std::{
    env::consts::{ARCH, OS},
    path::Path,
};
use stepward_fault::{Class, Fault, Owner};

/// Where Linux tells its release: proc(5).
const RELEASE: &str = "/proc/sys/kernel/osrelease";

/// What workers are locked by.
#[derive(Serialize)]
pub(super) struct Machine {
    pub(super) system: &'static str,
    pub(super) architecture: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) kernel: Option<String>,
    /// None where the kernel has no Landlock, or a sandbox around this process keeps it away.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) landlock_abi: Option<i32>,
}

impl Machine {
    pub(super) fn look() -> Self {
        let kernel = files::read_text(Path::new(RELEASE), Purpose::Environment).ok();
        Self {
            system: OS,
            architecture: ARCH,
            kernel: kernel.map(|text| text.trim().to_owned()),
            landlock_abi: landlock_abi(),
        }
    }
}

/// The version of the kernel's interface. The library tells it to who restricts itself, so a thread
/// does and ends.
#[cfg(target_os = "linux")]
fn landlock_abi() -> Option<i32> {
    use landlock::{ABI, Access as _, AccessFs, LandlockStatus, Ruleset, RulesetAttr as _};
    let restrict =
        || Ruleset::default().handle_access(AccessFs::from_all(ABI::V1))?.create()?.restrict_self();
    match std::thread::spawn(restrict).join().ok()?.ok()?.landlock {
        LandlockStatus::NotEnabled | LandlockStatus::NotImplemented => None,
        LandlockStatus::Available { effective_abi, kernel_abi } => {
            Some(kernel_abi.unwrap_or(effective_abi as i32))
        }
    }
}

#[cfg(not(target_os = "linux"))]
fn landlock_abi() -> Option<i32> {
    None
}

/// Something that this process forbids about itself.
#[derive(Serialize)]
pub(super) struct Own {
    pub(super) name: &'static str,
    pub(super) meaning: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) why_missing: Option<String>,
}

impl Own {
    pub(super) fn is_held(&self) -> bool {
        self.why_missing.is_none()
    }

    pub(super) fn fault(&self) -> Fault {
        Fault::new(Class::Unavailable, Owner::Operator, OWN)
            .says(format_args!(
                "this process works with credentials, and `{}` does not hold: {}",
                self.name,
                self.why_missing.as_deref().unwrap_or_default()
            ))
            .hint("a sandbox around this process must allow prctl(2) with PR_SET_DUMPABLE, and setrlimit(2)")
    }
}

/// Each, read back from the kernel.
pub(super) fn own() -> Vec<Own> {
    let of = |name, meaning, held: Result<(), String>| Own { name, meaning, why_missing: held.err() };
    vec![
        of(
            "no-core-file",
            "A crash of the process that holds credentials writes its memory to no file.",
            hardening::core_dumps_forbidden(),
        ),
        of(
            "closed-memory",
            "Other processes of its account, root's apart, cannot read its memory or trace it.",
            hardening::memory_closed(),
        ),
    ]
}
