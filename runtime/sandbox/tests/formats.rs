//! What is offered in place of a component, and components that were damaged.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test ends at the first surprise"
)]

mod support;

use proptest::prelude::*;
use stepward_sandbox::{CodeKey, Inspected};
use stepward_seam::{LimitName, Limits};
use stepward_trust::{Digest, Pinned};
use support::{NULL, admit, engine, inspect, null};

#[track_caller]
fn refused(bytes: &[u8], rule: &str, says: &str) {
    let Err(fault) = inspect(bytes.to_vec()) else { panic!("{says}") };
    assert_eq!(fault.rule().as_str(), rule, "{fault}");
    assert!(fault.message().contains(says), "{fault}");
}

#[test]
fn each_kind_of_file_is_called_by_its_name() {
    refused(b"", "component-format", "empty");
    refused(NULL.as_bytes(), "component-format", "in the text format");
    refused(b"\n (component)", "component-format", "in the text format");
    refused(&wat::parse_str("(module)").unwrap(), "component-format", "a core module");
    refused(b"\0asm\x0e\0\x01\0", "component-format", "another version");
    refused(b"\0asm", "component-format", "another version");
    refused(b"\x7fELF\x02\x01\x01", "component-format", "native code");
    refused(b"#!/bin/sh\n", "component-format", "an unknown kind");
    refused(b"MZ\x90\0", "component-format", "an unknown kind");
}

/// Compiled code is an ELF file, sealed or not: no way leads from it to an engine but the sealed one.
#[test]
fn compiled_code_is_no_component() {
    let engine = engine();
    let ready = engine.compile(&admit(null())).unwrap();
    let sealed = engine.seal(&ready, &CodeKey::new([1; 32])).unwrap();
    refused(&sealed, "component-format", "an unknown kind");
    let native = &sealed[sealed.windows(4).position(|bytes| bytes == b"\x7fELF").unwrap()..];
    refused(native, "component-format", "native code");
}

/// A reader of ours and one of somebody else's must not differ in what a step's schemas are.
#[test]
fn schemas_stand_in_a_component_once() {
    let section = |text: &str| {
        let name = "stepward:schemas";
        let size = 1 + name.len() + text.len();
        [&[0, u8::try_from(size).unwrap(), 16], name.as_bytes(), text.as_bytes()].concat()
    };
    let once = [null(), section("{}")].concat();
    assert_eq!(inspect(once.clone()).unwrap().schemas(), Some("{}"));
    refused(&[once, section("[]")].concat(), "component-invalid", "`stepward:schemas` twice");
}

/// A component is whole or refused, wherever it was cut.
#[test]
fn every_truncation_is_refused() {
    let whole = null();
    for end in 0..whole.len() {
        if let Ok(inspected) = inspect(whole[..end].to_vec()) {
            // The custom section at the end holds names alone. Without it the component is whole.
            let names = whole.windows(14).rposition(|bytes| bytes == b"component-name").unwrap();
            assert!(end < names && end > names - 8, "cut at {end} of {}: {inspected:?}", whole.len());
        }
    }
}

#[test]
fn a_flipped_byte_anywhere_is_refused_by_its_digest() {
    let bytes = null();
    let pin = Digest::of(&bytes);
    for at in 0..bytes.len() {
        for bit in [0x01, 0x80, 0xff] {
            let mut flipped = bytes.clone();
            flipped[at] ^= bit;
            assert_eq!(Pinned::check(flipped, pin).unwrap_err().rule().as_str(), "component-digest");
        }
    }
    let mut longer = bytes.clone();
    longer.push(0);
    assert!(Pinned::check(longer, pin).is_err());
    assert_eq!(Pinned::check(bytes, pin).unwrap().digest(), pin);
}

#[test]
fn the_size_is_checked_first() {
    let mut limits = Limits::default();
    let bytes = null();
    let size = bytes.len() as u64;
    limits.set(LimitName::ComponentBytes, size).unwrap();
    assert!(Inspected::read(Pinned::trust_on_first_use(bytes.clone()), &limits).is_ok());
    limits.set(LimitName::ComponentBytes, size - 1).unwrap();
    let fault = Inspected::read(Pinned::trust_on_first_use(bytes), &limits).unwrap_err();
    assert_eq!(fault.rule().as_str(), "component-size");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    /// Damage is refused or changes nothing that matters; it never ends the process.
    #[test]
    fn damaged_components_never_panic(
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        cut in any::<prop::sample::Index>(),
        truncated in any::<bool>(),
    ) {
        let mut bytes = null();
        for (at, value) in damage {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        if truncated {
            bytes.truncate(cut.index(bytes.len()));
        }
        drop(inspect(bytes));
    }

    #[test]
    fn random_sections_never_panic(body in prop::collection::vec(any::<u8>(), 0..256)) {
        let mut bytes = b"\0asm\x0d\0\x01\0".to_vec();
        bytes.extend(body);
        drop(inspect(bytes));
    }
}
