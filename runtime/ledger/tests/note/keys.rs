//! Names, verifier keys and signers.

use crate::{ORIGIN, log, name, witness};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use sha2::{Digest as _, Sha256};
use std::num::NonZeroU32;
use stepward_ledger::note::{
    KeyName, LogSigner, LogVerifier, MAX_NAME_BYTES, NameError, SignerError, VerifierKey, VerifierKeyError,
    WitnessVerifier,
};

#[test]
fn names_are_what_the_specification_allows() {
    for good in [
        "example.com/log42",
        "PeterNeumann",
        "è",
        "stepward/dev/0011223344556677/g2",
        &"x".repeat(MAX_NAME_BYTES),
    ] {
        assert_eq!(KeyName::new(good).unwrap().as_str(), good);
    }
    let too_long = "x".repeat(MAX_NAME_BYTES + 1);
    for bad in
        ["", " ", "a b", "a+b", "a\nb", "a\tb", "a\u{a0}b", "a\u{2003}b", "a\u{85}b", "a\u{1b}[2J", &too_long]
    {
        assert_eq!(KeyName::new(bad), Err(NameError::NotAName), "{bad:?}");
    }
}

#[test]
fn an_origin_names_environment_key_and_generation() {
    let first = LogSigner::of_environment("dev", NonZeroU32::MIN, &[7; 32]).unwrap();
    let hash = hex::encode(Sha256::digest(first.verifier().public_key()));
    assert_eq!(first.origin().as_str(), format!("stepward/dev/{}", &hash[..16]));
    let third = LogSigner::of_environment("dev", NonZeroU32::new(3).unwrap(), &[7; 32]).unwrap();
    assert_eq!(third.origin().as_str(), format!("{}/g3", first.origin()));
    assert_ne!(third.verifier().id(), first.verifier().id());
}

#[test]
fn an_environment_cannot_pose_as_another_log() {
    let of =
        |environment: &str| LogSigner::of_environment(environment, NonZeroU32::MIN, &[7; 32]).unwrap_err();
    assert_eq!(of("dev/0011223344556677"), SignerError::Name(NameError::Slash));
    for bad in ["", "de v", "dev\n", "a+b"] {
        assert_eq!(of(bad), SignerError::Name(NameError::NotAName), "{bad:?}");
    }
}

#[test]
fn a_verifier_key_reads_back() {
    let log = log().verifier();
    assert_eq!(LogVerifier::parse(&log.to_string()).unwrap(), log);
    let witness = witness("witness.example/w1", 2).verifier();
    assert_eq!(WitnessVerifier::parse(&witness.to_string()).unwrap(), witness);
    assert_eq!(VerifierKey::parse(&witness.to_string()).unwrap(), VerifierKey::Witness(witness));
}

#[test]
fn one_key_has_another_id_for_each_kind() {
    let public = *log().verifier().public_key();
    let log = LogVerifier::new(name(ORIGIN), public);
    let witness = WitnessVerifier::new(name(ORIGIN), public);
    assert_ne!(log.id(), witness.id());
}

#[test]
fn texts_that_are_no_verifier_key_are_refused() {
    let good = log().verifier().to_string();
    let (prefix, key) = good.rsplit_once('+').unwrap();
    let id = &prefix[ORIGIN.len() + 1..];
    let upper = good.replace(id, &id.to_uppercase());
    assert_ne!(upper, good, "the ID has a letter");
    let unpadded = good.trim_end_matches('=');
    let form = |text: &str| assert_eq!(VerifierKey::parse(text), Err(VerifierKeyError::Form), "{text:?}");
    form("");
    form(ORIGIN);
    form(prefix);
    form(&upper);
    form(&format!("{prefix}+"));
    form(&format!("{good}\n"));
    form(&format!("{good}+"));
    form(&good.replace(id, &id[1..]));
    form(&good.replace(id, &format!("{id}00")));
    if unpadded != good {
        form(unpadded);
    }
    let kind = |kind: u8| {
        let material = STANDARD.decode(key).unwrap();
        VerifierKey::parse(&format!("{prefix}+{}", STANDARD.encode([&[kind], &material[1..]].concat())))
    };
    for unknown in [0x00, 0x02, 0x05, 0x06, 0xff] {
        assert_eq!(kind(unknown), Err(VerifierKeyError::Kind { kind: unknown }));
    }
    assert!(matches!(kind(0x04), Err(VerifierKeyError::Id { .. })));
    let short = VerifierKey::parse(&format!("{prefix}+{}", STANDARD.encode([1; 32])));
    assert_eq!(short, Err(VerifierKeyError::Length { bytes: 31 }));
    let renamed = VerifierKey::parse(&good.replace("log42", "log43")).unwrap_err();
    assert!(renamed.to_string().contains("mistyped or changed"), "{renamed}");
    assert_eq!(VerifierKey::parse(&format!(" {good}")), Err(VerifierKeyError::Name(NameError::NotAName)));
}

#[test]
fn a_signer_shows_nothing_but_its_name() {
    assert_eq!(format!("{:?}", log()), "LogSigner(example.com/log42)");
    assert_eq!(format!("{:?}", witness("witness.example/w1", 2)), "WitnessSigner(witness.example/w1)");
}
