//! Rights: root's account, capabilities, and programs that would bring rights back.
//!
//! A worker that root started becomes account and group 65534, which every Linux knows as the one
//! that owns nothing. That is also what makes the limit on processes bite: the kernel does not apply
//! it to root. Where the worker was not started by root there is nothing to leave, and the sets are
//! emptied all the same. Secure bits are left alone: they say what a program that is started as root
//! gets, and with an empty bounding set and no new privileges it gets nothing.

use rustix::io::Errno;
use rustix::process::{DumpableBehavior, Gid, Uid, getuid, set_dumpable_behavior};
use rustix::thread::{
    CapabilitySet, CapabilitySets, capabilities, capability_is_in_bounding_set, clear_ambient_capability_set,
    no_new_privs, remove_capability_from_bounding_set, set_capabilities, set_no_new_privs, set_thread_groups,
    set_thread_res_gid, set_thread_res_uid,
};

/// The account and group that own nothing: the kernel's own overflow id
/// (`/proc/sys/kernel/overflowuid`).
const NOBODY: u32 = 65_534;

/// The kernel numbers capabilities from 0; asking beyond the last one it knows is an error.
const MOST_CAPABILITIES: u32 = 64;

/// Gives up root and every capability, for good.
pub(in super::super) fn leave() -> Result<(), String> {
    // Needs a capability itself, so it comes first. Without it the set stays as it is, and with no
    // new privileges and nothing permitted it grants nothing.
    empty_bounding_set();
    let left = if getuid().is_root() { leave_root() } else { Ok(()) };
    clear_ambient_capability_set().map_err(|error| format!("the ambient set cannot be cleared: {error}"))?;
    let none = CapabilitySets {
        effective: CapabilitySet::empty(),
        permitted: CapabilitySet::empty(),
        inheritable: CapabilitySet::empty(),
    };
    set_capabilities(None, none).map_err(|error| format!("capabilities cannot be dropped: {error}"))?;
    match capabilities(None) {
        Ok(sets) if sets.effective.is_empty() && sets.permitted.is_empty() && sets.inheritable.is_empty() => {
            left
        }
        Ok(_) => Err("capabilities are left after dropping them".to_owned()),
        Err(error) => Err(format!("capabilities cannot be read: {error}")),
    }
}

fn empty_bounding_set() {
    for number in 0..MOST_CAPABILITIES {
        let one = CapabilitySet::from_bits_retain(1 << number);
        match capability_is_in_bounding_set(one) {
            Ok(true) => {
                if remove_capability_from_bounding_set(one).is_err() {
                    return;
                }
            }
            Ok(false) => {}
            Err(_) => return,
        }
    }
}

fn leave_root() -> Result<(), String> {
    let says = |what: &'static str| move |error: Errno| format!("root's {what} cannot be left: {error}");
    let (group, account) = (Gid::from_raw(NOBODY), Uid::from_raw(NOBODY));
    set_thread_groups(&[]).map_err(says("groups"))?;
    set_thread_res_gid(group, group, group).map_err(says("group"))?;
    set_thread_res_uid(account, account, account).map_err(says("account"))?;
    // A change of account hides the process's own folder in /proc from itself, and the engine reads
    // its page map there. Locking hides it again.
    set_dumpable_behavior(DumpableBehavior::Dumpable).map_err(says("folder in /proc"))
}

/// Nothing that this process could start has more rights than it.
pub(in super::super) fn no_new_privileges() -> Result<(), String> {
    set_no_new_privs(true).map_err(|error| format!("the kernel refuses it: {error}"))?;
    match no_new_privs() {
        Ok(true) => Ok(()),
        Ok(false) => Err("it does not hold after setting it".to_owned()),
        Err(error) => Err(format!("it cannot be read back: {error}")),
    }
}
