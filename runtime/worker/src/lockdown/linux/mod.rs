//! Linux on x86-64 and arm64. One module for each mechanism; the order is this file's.

pub(super) mod account;
mod attempt;
pub(super) mod landlock;
pub(super) mod limits;
pub(super) mod process;
pub(super) mod seccomp;

use super::layer::Layer;
use super::{Allowed, Ceilings, Kind, Promise, Promises};

pub(super) use attempt::{BECAME_PROGRAM, attempt};

pub(super) fn enter(parent: u32, promises: &mut Promises) {
    promises.note(Promise::CleanEnvironment, process::environment_is_clean());
    promises.note(Promise::Capabilities, account::leave());
    promises.note(Promise::NoNewPrivileges, account::no_new_privileges());
    // After the account: a change of account takes the parent-death signal back.
    promises.note(Promise::DiesWithParent, process::die_with(parent));
    promises.note(Promise::OwnProcessGroup, process::own_group());
    promises.note(Promise::OnlyThePipe, process::close_inherited());
}

pub(super) fn lock(kind: Kind, ceilings: Ceilings, promises: &mut Promises) {
    // First what needs the process's own folder in /proc, which the next lines close to it.
    let own = process::Own::read();
    let limits = limits::Limits::from_now(ceilings);
    let volunteered = limits::first_to_end();

    if promises.why_missing(Promise::OnlyThePipe).is_none() {
        promises.note(Promise::OnlyThePipe, own.holds_only_the_pipe());
    }
    promises.note(Promise::NotDumpable, process::not_dumpable());
    // Before the limits: making a ruleset opens a descriptor.
    let sealed = landlock::seal();
    promises.note(Promise::LandlockFiles, own.alone().and(sealed.files));
    promises.note(Promise::LandlockNetwork, own.alone().and(sealed.network));
    promises.note(Promise::LandlockScopes, own.alone().and(sealed.scopes));
    promises.note(Promise::MemoryLimit, limits.and_then(limits::Limits::apply).and(volunteered));
    promises.note(Promise::CpuLimit, limits::processor(ceilings));
    promises.note(Promise::FileLimit, limits::files());
    promises.note(Promise::ProcessLimit, limits::processes());
    promises.note(Promise::Seccomp, own.alone().and(seccomp::confine(kind, &own)));
}

pub(super) fn seccomp_table(kind: Kind) -> Vec<Allowed> {
    seccomp::table(kind)
}

pub(super) fn layer(layer: Layer, kind: Kind, ceilings: Ceilings) -> Result<(), String> {
    match layer {
        Layer::Account => account::leave(),
        Layer::Limits => limits::Limits::from_now(ceilings)?
            .apply()
            .and_then(|()| limits::processor(ceilings))
            .and_then(|()| limits::files())
            .and_then(|()| limits::processes()),
        Layer::Landlock => {
            account::no_new_privileges()?;
            let sealed = landlock::seal();
            sealed.files.and(sealed.network).and(sealed.scopes)
        }
        Layer::Seccomp => seccomp::confine(kind, &process::Own::read()),
    }
}
