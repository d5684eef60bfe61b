//! Verification: what was changed is found, and where.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]
#![allow(clippy::disallowed_methods, reason = "tests make the files that they read")]

mod files;
mod support;
mod tampered;
mod whole;

use stepward_fault::Fault;
use stepward_ledger::note::VerifierKey;
use stepward_ledger::store::Records;
use stepward_ledger::verify::{self, Beside, Keys, Report};
use support::World;

/// The keys of a world's log.
fn keys(world: &World) -> Keys {
    Keys::new([VerifierKey::Log(world.signer.verifier())])
}

fn verified(world: &World) -> Report {
    verified_with(&world.reader(), world, &Beside::default())
}

fn verified_with(records: &dyn Records, world: &World, beside: &Beside<'_>) -> Report {
    verify::store(records, &keys(world), beside).unwrap()
}

/// Rule and place of each finding.
fn findings(report: &Report) -> Vec<(&str, &str)> {
    report.findings().iter().map(|fault: &Fault| (fault.rule().as_str(), fault.place())).collect()
}
