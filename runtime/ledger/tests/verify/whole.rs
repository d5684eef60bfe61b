//! Logs that hold, and what cannot be told about them.

use crate::{
    findings, keys,
    support::{RUN, World, name, sealed, world},
    verified, verified_with,
};
use std::num::NonZeroU32;
use stepward_fault::{Class, Fault, Owner, Rule};
use stepward_ledger::event::{Draft, Event, What};
use stepward_ledger::note::{KeyName, LogSigner, UnixSeconds, VerifierKey, WitnessSigner};
use stepward_ledger::verify::{self, Beside, Keys, Open, Opening, Trust, Verdict};

#[test]
fn a_whole_log_holds_and_says_what_it_cannot_show() {
    let folder = tempfile::tempdir().unwrap();
    let world = world(folder.path(), 100);
    let report = verified(&world);
    assert_eq!((findings(&report), report.verdict()), (vec![], Verdict::Holds));
    let size = 2 + 100 * RUN;
    let done = &report.established;
    assert_eq!(done.tree, Some(world.head()));
    assert_eq!((done.events, done.effects, done.unanswered), (size, 100, 0));
    assert_eq!((done.checkpoints, done.bodies, done.opened), (11, 600, 0));
    let signed = done.signed.as_ref().unwrap();
    assert_eq!((signed.head, signed.trust), (world.head(), Trust::Given));
    assert_eq!(report.open, [Open::BodiesSealed { bodies: 600 }, Open::NoWitness]);
}

#[test]
fn an_empty_log_and_one_without_checkpoint_say_that_nobody_signed() {
    let folder = tempfile::tempdir().unwrap();
    let mut world = World::new(folder.path(), [7; 32]);
    let report = verified(&world);
    assert_eq!((report.verdict(), &report.open), (Verdict::Holds, &vec![Open::Unsigned, Open::NoWitness]));
    world.start();
    let report = verified(&world);
    assert_eq!((report.verdict(), report.open[0].clone()), (Verdict::Holds, Open::Unsigned));
    let _ = world.checkpoint(&[]);
    world.run("late");
    let report = verified(&world);
    assert_eq!(report.open[1], Open::AfterCheckpoint { from: 2, events: RUN });
}

#[test]
fn a_witness_vouches_until_it_cosigned_and_must_have() {
    let folder = tempfile::tempdir().unwrap();
    let mut world = World::new(folder.path(), [7; 32]);
    let witness = |label: &str, seed| WitnessSigner::new(KeyName::new(label).unwrap(), &[seed; 32]).unwrap();
    let (one, two) = (witness("witness.example/one", 1), witness("witness.example/two", 2));
    world.start();
    let _ = world.checkpoint(&[(&one, 1_763_719_300), (&two, 1_763_719_301)]);
    world.run("a");
    let _ = world.checkpoint(&[(&one, 1_763_719_400)]);
    let keys_with = |keys: &[&WitnessSigner]| {
        let log = VerifierKey::Log(world.signer.verifier());
        Keys::new(keys.iter().map(|key| VerifierKey::Witness(key.verifier())).chain([log]))
    };
    let report = verify::store(&world.reader(), &keys_with(&[&one, &two]), &Beside::default()).unwrap();
    assert_eq!(findings(&report), []);
    let until = UnixSeconds::new(1_763_719_400).unwrap();
    let name = KeyName::new("witness.example/one").unwrap();
    assert_eq!(report.open.last(), Some(&Open::CosignedUntil { witness: name, time: until }));
    assert!(report.open.last().unwrap().to_string().contains("until 2025-11-21T10:03:20Z"));
    let sizes: Vec<_> = report.established.signed.unwrap().cosigned.iter().map(|seen| seen.size).collect();
    assert_eq!(sizes, [10, 2]);
    let other = witness("witness.example/three", 3);
    let report = verify::store(&world.reader(), &keys_with(&[&other]), &Beside::default()).unwrap();
    assert_eq!(findings(&report), [("verify-not-cosigned", "the checkpoints")]);
}

/// After a restore the same key signs under another name.
#[test]
fn one_key_checks_every_generation_and_no_other_key_does() {
    let folder = tempfile::tempdir().unwrap();
    let mut world = World::new(folder.path(), [7; 32]);
    world.start();
    let _ = world.checkpoint(&[]);
    let first = world.signer.verifier();
    world.signer = LogSigner::of_environment("dev", NonZeroU32::new(2).unwrap(), &[7; 32]).unwrap();
    world.run("a");
    let _ = world.checkpoint(&[]);
    for key in [first, world.signer.verifier()] {
        let keys = Keys::new([VerifierKey::Log(key)]);
        let report = verify::store(&world.reader(), &keys, &Beside::default()).unwrap();
        assert_eq!((findings(&report), report.established.checkpoints), (vec![], 2));
    }
    let other = LogSigner::of_environment("dev", NonZeroU32::MIN, &[8; 32]).unwrap().verifier();
    let keys = Keys::new([VerifierKey::Log(other)]);
    let report = verify::store(&world.reader(), &keys, &Beside::default()).unwrap();
    let rule = "note-not-signed-by-a-known-key";
    assert_eq!(
        findings(&report),
        [(rule, "the checkpoint over 2 events"), (rule, "the checkpoint over 10 events")]
    );
}

#[test]
fn bodies_are_opened_where_somebody_can() {
    let folder = tempfile::tempdir().unwrap();
    let world = world(folder.path(), 3);
    let open = |event: &Event, bytes: &[u8]| match () {
        () if event.run.as_ref().is_some_and(|run| run.as_str() == "run-2") => Ok(Opening::KeyErased),
        () if sealed(&event.body.unwrap()) == bytes => Ok(Opening::Opened),
        () => Err(Fault::new(Class::EvidenceInvalid, Owner::Operator, Rule::new("body-unreadable"))),
    };
    let beside = Beside { open_body: Some(&open), ..Beside::default() };
    let report = verified_with(&world.reader(), &world, &beside);
    assert_eq!((findings(&report), report.established.opened), (vec![], 12));
    assert_eq!(report.open[0], Open::BodiesSealed { bodies: 6 });
    rusqlite::Connection::open(world.path())
        .unwrap()
        .execute("UPDATE body SET sealed = zeroblob(93) WHERE sequence = 5", [])
        .unwrap();
    let report = verified_with(&world.reader(), &world, &beside);
    assert_eq!(findings(&report), [("body-unreadable", "the body of event 5")]);
}

/// The clock starts again with each owner, and erased bodies are not missed.
#[test]
fn a_second_service_and_an_erasure_are_no_findings() {
    let folder = tempfile::tempdir().unwrap();
    let mut world = World::new(folder.path(), [7; 32]);
    world.start();
    world.run("a");
    let erased = Draft { run: Some(name("a")), ..Draft::service(What::BodyErased { complete_at_ms: 1 }) };
    let told = stepward_ledger::store::Fact { name: "erased".to_owned(), value: b"a".to_vec() };
    world.append(vec![(erased, Some(stepward_ledger::store::RunChange::Closes), vec![told])]);
    let _ = world.checkpoint(&[]);
    world.close();
    rusqlite::Connection::open(world.path()).unwrap().execute("DELETE FROM body", []).unwrap();
    assert_eq!(findings(&verified(&world)), []);
    assert_eq!(verify::tree(&world.reader(), &keys(&world)).unwrap().verdict(), Verdict::Holds);
}
