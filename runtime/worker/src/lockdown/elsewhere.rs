//! Machines that are not Linux on x86-64 or arm64: nothing is tried and every promise is missing.

use super::layer::Layer;
use super::{Allowed, Around, Attempt, Ceilings, Kind, Promises};

const REASON: &str = "workers can only be locked on Linux on x86-64 or arm64";

pub(super) fn enter(_parent: u32, promises: &mut Promises) {
    *promises = Promises::missing(REASON);
}

pub(super) fn lock(_kind: Kind, _ceilings: Ceilings, promises: &mut Promises) {
    *promises = Promises::missing(REASON);
}

pub(super) fn seccomp_table(_kind: Kind) -> Vec<Allowed> {
    Vec::new()
}

pub(super) fn attempt(_attempt: Attempt, _around: &Around) -> Result<String, String> {
    Err(REASON.to_owned())
}

pub(super) fn layer(_layer: Layer, _kind: Kind, _ceilings: Ceilings) -> Result<(), String> {
    Err(REASON.to_owned())
}

/// No program is ever become here.
#[cfg(unix)]
pub(super) const BECAME_PROGRAM: i32 = -1;
