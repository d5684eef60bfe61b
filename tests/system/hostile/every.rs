//! What holds for every guest of `guest-examples/hostile`, whatever it tries.

use super::guests;
use crate::support::brokers::plain;
use crate::support::guest::Guest;
use crate::support::sandbox::{compile, grants_for, inspect, limits, run_ready};
use stepward_fault::Fault;
use stepward_sandbox::Outcome;
use stepward_seam::LimitName;

/// The whole of its way, and what a person is told at the end of it.
fn end(guest: Guest<'_>) -> Result<String, Fault> {
    let inspected = inspect(guest.bytes())?;
    let grants = grants_for(inspected.imports());
    let ready = compile(&inspected.admit(&grants)?)?;
    let small = limits(&[(LimitName::Fuel, 50_000_000), (LimitName::HostCalls, 50)]);
    let finished = run_ready(&ready, "\"input\"", small, plain);
    Ok(match finished.outcome {
        Outcome::Succeeded(text) => text,
        Outcome::Failed(error) => format!("{}: {}", error.code, error.message),
        Outcome::LimitExceeded(name) => name.to_string(),
        Outcome::Refused(fault) => return Err(fault),
    })
}

/// Not a path of this machine, a place in the source, an address, nor anything that moves a cursor.
#[test]
fn nothing_of_the_host_is_told() {
    for guest in guests::ALL {
        let told = match end(*guest) {
            Ok(told) => told,
            Err(fault) => {
                assert!(!fault.remedy().is_empty(), "{}: what to do about {fault}?", guest.name());
                format!("{fault:?}")
            }
        };
        for inner in [env!("CARGO_MANIFEST_DIR"), ".cargo", "wasmtime", "cranelift", "backtrace", "0x7f"] {
            assert!(!told.contains(inner), "{}: {told}", guest.name());
        }
        assert!(!told.replace('\n', " ").contains(char::is_control), "{}: {told}", guest.name());
    }
}

/// A reader learns from the file alone what it tries and what contains it.
#[test]
fn every_file_says_what_it_tries() {
    for guest in guests::ALL {
        let says: Vec<_> = guest.says().collect();
        assert!(says.iter().any(|line| line.starts_with("Tries: ")), "{}", guest.name());
        assert!(says.iter().any(|line| line.starts_with("Contained by: ")), "{}", guest.name());
    }
}

/// No limit, no compiler and no pool is between these and a refusal: what can be refused by looking
/// at the bytes is refused so, and the engine never meets it.
#[test]
fn what_compiles_was_meant_to_run() {
    for guest in guests::ALL {
        if let Err(fault) = end(*guest) {
            let rule = fault.rule().as_str();
            assert!(
                !["component-compile", "component-link", "engine-room", "engine-defect"].contains(&rule),
                "{}: {fault}",
                guest.name()
            );
        }
    }
}
