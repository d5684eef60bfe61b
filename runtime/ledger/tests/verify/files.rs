//! Exports, proofs, evidence and tiles: what holds and what does not, also in the eyes of the Python verifier,
//! which shares no code with this crate.

use crate::{
    findings, keys,
    support::{World, world},
};
use cap_std::{ambient_authority, fs::Dir};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use stepward_ledger::export::{self, TakeLeaf};
use stepward_ledger::merkle::{Frontier, Inclusion, LeafHash, LeafIndex, MemoryTree};
use stepward_ledger::note::{KeyName, UnixSeconds, VerifierKey, WitnessSigner};
use stepward_ledger::proof::LogProof;
use stepward_ledger::store::{Nodes, Records};
use stepward_ledger::tiles::TileDir;
use stepward_ledger::verify::{self, Copy, Evidence, Keys, Open, Report, Trust, Verdict};

const VERIFIER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/verify_log.py");

struct Files {
    folder: tempfile::TempDir,
    world: World,
}

impl Files {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let world = world(folder.path(), 70);
        Self { folder, world }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn vkey(&self) -> String {
        self.world.signer.verifier().to_string()
    }

    /// What the Python verifier says: whether it holds.
    fn python(&self, arguments: &[&str]) -> (bool, String) {
        let output =
            Command::new("python3").arg(VERIFIER).args(arguments).current_dir(&self.folder).output().unwrap();
        (output.status.success(), String::from_utf8(output.stdout).unwrap())
    }

    fn export(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let newest = self.world.checkpoints.last().unwrap();
        export::write(&self.world.reader(), newest, &[self.vkey()], &mut bytes).unwrap();
        bytes
    }

    /// Both verifiers on an export; they must agree.
    fn judge_export(&self, bytes: &[u8]) -> Report {
        fs::write(self.path("log.export"), bytes).unwrap();
        let report = verify::export(&mut &*bytes, "log.export", &Keys::default()).unwrap();
        let (holds, said) = self.python(&["export", "log.export"]);
        assert_eq!(report.verdict() == Verdict::Holds, holds, "{said} {:?}", report.findings());
        report
    }

    fn prove(&self, index: u64) -> String {
        let (reader, newest) = (self.world.reader(), self.world.checkpoints.last().unwrap());
        let records: &dyn Records = &reader;
        let inclusion =
            Inclusion::prove(&Nodes::of(records), LeafIndex::new(index).unwrap(), newest.head().size)
                .unwrap();
        LogProof::new(inclusion, newest).to_string()
    }

    fn leaf(&self, index: u64) -> Vec<u8> {
        self.world.events[usize::try_from(index).unwrap()].encode()
    }
}

/// An event as it stands in an export.
fn line(event: &str) -> String {
    format!("{} {event}\n", LeafHash::of(event.as_bytes()))
}

#[test]
fn an_export_holds_by_the_keys_in_it_and_says_so() {
    let files = Files::new();
    let report = files.judge_export(&files.export());
    assert_eq!(findings(&report), []);
    assert_eq!((report.established.events, report.established.tree), (562, Some(files.world.head())));
    assert_eq!(report.open, [Open::NoWitness, Open::KeyFound { key: files.vkey() }]);
    let bytes = files.export();
    let report = verify::export(&mut &*bytes, "log.export", &keys(&files.world)).unwrap();
    assert_eq!(report.open, [Open::NoWitness]);
}

const WITNESS: &str = "witness.example/w1";

/// A witness of that name. Anyone can make a key under a name.
fn witness(seed: u8) -> WitnessSigner {
    WitnessSigner::new(KeyName::new(WITNESS).unwrap(), &[seed; 32]).unwrap()
}

/// Who holds the log's key forks the log and cosigns the fork with a key under the witness's name.
#[test]
fn a_forged_witness_does_not_pass_for_the_one_that_was_named() {
    let files = Files::new();
    let (real, forged) = (witness(1), witness(2));
    let newest = files.world.checkpoints.last().unwrap();
    let note = format!("{newest}{}", forged.cosign(newest, UnixSeconds::new(1_763_719_300).unwrap()));
    let (real, forged) = (real.verifier().to_string(), forged.verifier().to_string());
    let log = files.vkey();
    let text = String::from_utf8(files.export()).unwrap();
    let (_, events) = text.split_once('\n').unwrap();
    let header = serde_json::json!({
        "schema": "stepward.export/1", "checkpoint": note, "vkeys": [&log, &forged],
    });
    fs::write(files.path("log.export"), format!("{header}\n{events}")).unwrap();
    evidence(&files, &files.path("evidence"));
    fs::write(files.path("evidence/keys.txt"), format!("{log}\n{forged}\n")).unwrap();
    fs::write(files.path("evidence/checkpoint"), &note).unwrap();
    for index in 82..90 {
        let proof = files.prove(index).replace(&newest.to_string(), &note);
        fs::write(files.path(&format!("evidence/proofs/{index}.tlog-proof")), proof).unwrap();
    }
    let given = |key: &str| Keys::new([&log, key].map(|key| VerifierKey::parse(key).unwrap()));
    let export = |keys: &Keys| {
        let bytes = fs::read(files.path("log.export")).unwrap();
        verify::export(&mut &*bytes, "log.export", keys).unwrap()
    };
    let evidence = |keys: &Keys| judge_folder(&files.path("evidence"), keys);
    let python = |what: &str, path: &str, key: &str| files.python(&[what, path, "--key", &log, "--key", key]);
    let posing = ["verify-key-of-another", "verify-not-cosigned"];
    for report in [export(&given(&real)), evidence(&given(&real))] {
        let rules: Vec<_> = findings(&report).into_iter().map(|found| found.0).collect();
        assert_eq!(rules, posing, "{:?}", report.findings());
        assert!(report.open.contains(&Open::NoWitness), "{:?}", report.open);
    }
    for (what, path) in [("export", "log.export"), ("evidence", "evidence")] {
        let (holds, said) = python(what, path, &real);
        assert!(!holds && said.contains("a key that poses"), "{said}");
        assert!(python(what, path, &forged).0, "to whom the key is the witness's, it holds");
    }
    // Without a name to compare with, it is a key that came along, and vouches for nothing.
    for report in [export(&Keys::default()), evidence(&Keys::default())] {
        assert_eq!(findings(&report), []);
        let found = |key: &String| Open::KeyFound { key: key.clone() };
        let expected = [Open::NoWitness, found(&log), found(&forged)];
        assert!(expected.iter().all(|open| report.open.contains(open)), "{:?}", report.open);
        assert_eq!(report.established.signed.unwrap().cosigned[0].trust, Trust::Found);
    }
    assert!(files.python(&["export", "log.export"]).1.contains("for no known witness cosigned"));
    for report in [export(&given(&forged)), evidence(&given(&forged))] {
        assert_eq!(findings(&report), []);
        assert!(report.open.iter().any(|open| matches!(open, Open::CosignedUntil { .. })));
    }
}

/// What of an edited event the checkpoint alone does not tell, a second copy does.
#[test]
fn another_copy_names_the_edited_event_of_an_export() {
    let files = Files::new();
    let good = files.export();
    let text = String::from_utf8(good.clone()).unwrap();
    let mut lines: Vec<String> = text.lines().map(|line| format!("{line}\n")).collect();
    let (_, event) = lines[301].trim_end().split_once(' ').unwrap();
    lines[301] = line(&event.replacen("\"time_us\":1", "\"time_us\":2", 1));
    let edited = lines.concat().into_bytes();
    let compared = |bytes: &[u8], copy: &[u8]| {
        let keys = keys(&files.world);
        let mut report = verify::export(&mut &*bytes, "log.export", &keys).unwrap();
        let leaves = |take: TakeLeaf<'_>| {
            let mut source = copy;
            export::header(&mut source)?;
            export::leaves(&mut source, take)
        };
        let copy = Copy { name: "other.export".to_owned(), leaves: &leaves };
        verify::compare(&mut &*bytes, &keys, &copy, &mut report).unwrap();
        report
    };
    let report = compared(&edited, &good);
    assert_eq!(findings(&report), [("export-root", "log.export, all events"), ("log-differs", "event 300")]);
    assert!(report.findings()[1].message().contains("the one that the log signed: it was changed here"));
    assert_eq!(report.established.compared, 561);
    let report = compared(&good, &good);
    assert_eq!((findings(&report), report.established.compared), (vec![], 562));
    let report = compared(&good, &edited);
    assert_eq!(findings(&report), [("log-differs", "event 300")]);
    assert!(report.findings()[0].message().contains("nothing tells which of the two was changed"));
}

/// Edits event 300 in the store, with its own hash or without.
fn edit(files: &mut Files, with_hash: bool) {
    files.world.close();
    let edited = [files.leaf(300), b" ".to_vec()].concat();
    let connection = rusqlite::Connection::open(files.world.path()).unwrap();
    connection.execute("UPDATE leaf SET bytes = ?1 WHERE sequence = 300", [&edited]).unwrap();
    if with_hash {
        let hash = LeafHash::of(&edited);
        let sql = "UPDATE leaf SET hash = ?1 WHERE sequence = 300";
        connection.execute(sql, [hash.as_bytes().as_slice()]).unwrap();
    }
}

#[test]
fn what_was_edited_is_neither_exported_nor_published() {
    let signed = "the checkpoint over 562 events";
    for (with_hash, exported, published) in [
        (false, ("log-leaf-edited", "event 300"), ("log-leaf-edited", "event 300")),
        (true, ("export-root", signed), ("log-hashes", "tile/0/001")),
    ] {
        let mut files = Files::new();
        edit(&mut files, with_hash);
        let (reader, newest) = (files.world.reader(), files.world.checkpoints.last().unwrap());
        let fault = export::write(&reader, newest, &[files.vkey()], &mut Vec::new()).unwrap_err();
        assert_eq!((fault.rule().as_str(), fault.place()), exported);

        fs::create_dir(files.path("tiles")).unwrap();
        let tiles = TileDir::new(Dir::open_ambient_dir(files.path("tiles"), ambient_authority()).unwrap());
        let records: &dyn Records = &reader;
        let fault = tiles.publish(records, &files.world.signer.verifier(), newest).unwrap_err();
        assert_eq!((fault.rule().as_str(), fault.place()), published);
        assert!(tiles.checkpoint(&files.world.signer.verifier()).unwrap().is_none());
        assert!(!files.path("tiles/tile/entries/001").exists(), "the edited event is in no file");
    }
}

#[test]
fn a_changed_export_fails_for_both_verifiers() {
    let files = Files::new();
    let good = files.export();
    let lines: Vec<&[u8]> = good.split_inclusive(|byte| *byte == b'\n').collect();
    let without = |number: usize| [&lines[..number], &lines[number + 1..]].concat().concat();
    let mut swapped = lines.clone();
    swapped.swap(5, 300);
    let cases: Vec<(Vec<u8>, &str, &str)> = vec![
        (without(301), "log-event-misplaced", "event 300"),
        (without(562), "export-root", "log.export, all events"),
        ([good.as_slice(), lines[562]].concat(), "log-event-misplaced", "event 562"),
        (swapped.concat(), "log-events-swapped", "events 4 and 299"),
        (good[..good.len() - 1].to_vec(), "export-line", "log.export, event 561"),
        ([good.as_slice(), b"\n"].concat(), "export-line", "log.export, event 562"),
        (
            [good.as_slice(), format!("{} \n", LeafHash::of(b"")).as_bytes()].concat(),
            "event-format",
            "event 562",
        ),
        ([&good[..], &[b'x'; 5000]].concat(), "export-line", "log.export, event 562"),
        (lines[1..].concat(), "export-header", "log.export, header"),
        (Vec::new(), "export-header", "log.export, header"),
    ];
    for (bytes, rule, place) in cases {
        let report = files.judge_export(&bytes);
        assert_eq!(findings(&report).first(), Some(&(rule, place)), "{:?}", report.findings());
    }
}

#[test]
fn a_flipped_byte_of_an_export_is_found_and_located() {
    let files = Files::new();
    let good = files.export();
    let header = good.iter().position(|byte| *byte == b'\n').unwrap();
    // The byte itself, and some that both verifiers look at.
    let both: Vec<usize> = (0..good.len()).step_by(good.len() / 16).chain([20, 60, 100, 200, 300]).collect();
    for at in (0..good.len()).step_by(797).chain(header - 3..header + 500).chain(both.clone()) {
        let mut bytes = good.clone();
        bytes[at] ^= 1;
        let report = if both.contains(&at) {
            files.judge_export(&bytes)
        } else {
            verify::export(&mut &*bytes, "log.export", &Keys::default()).unwrap()
        };
        assert_eq!(report.verdict(), Verdict::Fails, "byte {at}");
        let lines = good[..at].split(|byte| *byte == b'\n').count() - 1;
        let places: Vec<_> = findings(&report).into_iter().map(|found| found.1.to_owned()).collect();
        let located = match lines.checked_sub(1) {
            None => places.iter().any(|place| place.contains("header") || place.contains("all events")),
            Some(event) => places.iter().any(|place| place.ends_with(&format!("event {event}"))),
        };
        assert!(located, "byte {at}: {places:?}");
    }
}

#[test]
fn an_edited_event_of_an_export_is_named_with_what_was_changed() {
    let files = Files::new();
    let good = String::from_utf8(files.export()).unwrap();
    let lines: Vec<&str> = good.lines().collect();
    let (hash, event) = lines[301].split_once(' ').unwrap();
    let other = event.replacen("\"time_us\":1", "\"time_us\":2", 1);
    let said = |changed: &str| {
        let report = files.judge_export(good.replacen(lines[301], changed, 1).as_bytes());
        let found = findings(&report).into_iter().map(|(rule, place)| format!("{rule} at {place}"));
        (found.collect::<Vec<_>>().join(", "), report.findings()[0].message().to_owned())
    };
    let (found, words) = said(&format!("{hash} {other}"));
    assert_eq!(found, "log-leaf-edited at event 300");
    assert!(words.starts_with("the event was changed"), "{words}");
    let (found, words) = said(&format!("{} {event}", LeafHash::of(b"")));
    assert_eq!(found, "log-leaf-edited at event 300");
    assert!(words.starts_with("the event is the one that was signed"), "{words}");
    // Of what comes after the signed events nothing says which of the two was changed.
    let added = files.judge_export(format!("{good}{hash} {other}\n").as_bytes());
    assert_eq!(findings(&added)[0], ("log-leaf-edited", "event 562"));
    assert!(added.findings()[0].message().contains("one of them was changed"), "{:?}", added.findings());
    let (found, words) = said(line(&other).trim_end());
    assert_eq!(found, "export-root at log.export, all events");
    assert!(words.contains("changed together with its hash"), "{words}");
}

#[test]
fn a_proof_is_small_and_holds_for_its_event_alone() {
    let files = Files::new();
    let (text, leaf, vkey) = (files.prove(300), files.leaf(300), files.vkey());
    assert!(text.len() < 2048, "{} bytes", text.len());
    let judge = |text: &str, leaf: &[u8]| {
        fs::write(files.path("e"), text).unwrap();
        fs::write(files.path("e.leaf"), leaf).unwrap();
        let report = verify::proof(text.as_bytes(), leaf, "e", &keys(&files.world));
        let (holds, said) = files.python(&["proof", "e", "--key", &vkey]);
        assert_eq!(report.verdict() == Verdict::Holds, holds, "{said} {:?}", report.findings());
        report
    };
    let report = judge(&text, &leaf);
    assert_eq!((findings(&report), report.established.events), (vec![], 1));
    assert_eq!(
        findings(&judge(&text, &files.leaf(301))),
        [("proof-root", "e"), ("log-event-misplaced", "event 300")]
    );
    assert_eq!(findings(&judge(&text.replace("index 300", "index 301"), &leaf))[0], ("proof-root", "e"));
    let mut places: Vec<usize> = (0..text.len()).step_by(89).collect();
    places.push(text.len() - 1);
    for at in places.into_iter().filter(|at| text.as_bytes()[*at].is_ascii()) {
        let mut bytes = text.clone().into_bytes();
        bytes[at] ^= 1;
        let Ok(text) = String::from_utf8(bytes) else { continue };
        assert_eq!(judge(&text, &leaf).verdict(), Verdict::Fails, "byte {at}");
    }
}

/// An answer alone, without its intent, is no fault of the log.
#[test]
fn a_proof_of_an_answer_holds_for_both_verifiers() {
    let files = Files::new();
    let (text, leaf) = (files.prove(302), files.leaf(302));
    assert!(String::from_utf8_lossy(&leaf).contains("call-answered"));
    fs::write(files.path("e"), &text).unwrap();
    fs::write(files.path("e.leaf"), &leaf).unwrap();
    let report = verify::proof(text.as_bytes(), &leaf, "e", &keys(&files.world));
    let (holds, said) = files.python(&["proof", "e", "--key", &files.vkey()]);
    assert_eq!((findings(&report), holds), (vec![], true), "{said}");
}

/// What the log itself signed can be wrong: each case is a whole tree with a true signature over it.
#[test]
fn a_log_that_signed_what_it_may_not_fails_for_both_verifiers() {
    let files = Files::new();
    let text = |index| String::from_utf8(files.leaf(index)).unwrap();
    let good: Vec<String> = (0..18).map(text).collect();
    let renumbered = |from: usize, to: usize| {
        let again = good[from].replacen(&format!("\"seq\":{from},"), &format!("\"seq\":{to},"), 1);
        again.replacen(&format!("\"mono_us\":{from}0,"), &format!("\"mono_us\":{to}0,"), 1)
    };
    let with = |place: usize, from: &str, to: &str| {
        assert!(good[place].contains(from), "{from}");
        let mut events = good.clone();
        events[place] = events[place].replacen(from, to, 1);
        events
    };
    let then = |more: &[String]| [&good[..], more].concat();
    let cases = [
        (good.clone(), None),
        (with(11, "\"v\":1", "\"v\":2"), None),
        (then(&[renumbered(6, 18)]), Some("log-answer-without-intent")),
        (then(&[renumbered(5, 18), renumbered(5, 19)]), Some("log-intent-twice")),
        (with(11, "\"env\":\"dev\"", "\"env\":\"prod\""), Some("log-event-foreign")),
        (with(11, "\"v\":1", "\"v\": 1"), Some("event-format")),
        (with(11, "\"v\":1", "\"v\":true"), Some("event-format")),
        (with(11, "\"v\":1", "\"v\":1.0"), Some("event-format")),
        (with(11, "\"v\":1,", ""), Some("event-format")),
        (with(11, "\"v\":1", "\"v\":1,\"v\":1"), Some("event-format")),
        (with(11, "\"kind\":", "\"kind\":\"x\",\"kind\":"), Some("event-format")),
        (with(11, "dev", "d\\u0065v"), Some("event-format")),
        (with(11, "\"v\":1,\"seq\":11", "\"v\":2,\"seq\":12"), Some("log-event-misplaced")),
        (with(11, "\"v\":1,\"seq\":11,", "\"v\":2,"), Some("log-event-misplaced")),
        (
            with(0, "service-started\",\"version\":\"0.1.0\"", "no-such-action\",\"document\":\"secret\""),
            Some("event-format"),
        ),
        (
            with(0, "\"version\":\"0.1.0\"", "\"version\":\"0.1.0\",\"document\":\"secret\""),
            Some("event-format"),
        ),
        (with(0, "\"version\":\"0.1.0\"", "\"version\":{\"document\":\"secret\"}"), Some("event-format")),
        (
            with(0, "\"kind\":\"service\"", "\"kind\":\"service\",\"document\":\"secret\""),
            Some("event-format"),
        ),
        (with(0, "\"kind\":\"service\"", "\"kind\":\"service\",\"name\":\"secret\""), Some("event-format")),
        (with(0, ",\"version\":\"0.1.0\"", ""), Some("event-format")),
    ];
    for (events, rule) in cases {
        let mut tree = Frontier::default();
        for event in &events {
            tree.append(LeafHash::of(event.as_bytes())).unwrap();
        }
        let note = files.world.signer.sign(tree.head()).to_string();
        let header = serde_json::json!({
            "schema": "stepward.export/1", "checkpoint": note, "vkeys": [files.vkey()],
        });
        let events: String = events.iter().map(|event| line(event)).collect();
        let export = format!("{header}\n{events}");
        let report = files.judge_export(export.as_bytes());
        assert_eq!(findings(&report).first().map(|found| found.0), rule, "{:?}", report.findings());
        let twice = export.replacen('{', "{\"schema\":\"stepward.export/1\",", 1);
        assert_eq!(findings(&files.judge_export(twice.as_bytes()))[0].0, "export-header");
    }
}

/// The folder of the evidence of one run.
fn evidence(files: &Files, folder: &Path) {
    fs::create_dir_all(folder.join("proofs")).unwrap();
    fs::write(folder.join("keys.txt"), files.vkey() + "\n").unwrap();
    fs::write(folder.join("checkpoint"), files.world.checkpoints.last().unwrap().to_string()).unwrap();
    let mut events = Vec::new();
    for index in 82..90 {
        events.extend(files.leaf(index));
        events.push(b'\n');
        fs::write(folder.join(format!("proofs/{index}.tlog-proof")), files.prove(index)).unwrap();
    }
    fs::write(folder.join("events.jsonl"), events).unwrap();
}

/// Verifies a folder of evidence.
fn judge_folder(folder: &Path, keys: &Keys) -> Report {
    let read = |name: &str| fs::read(folder.join(name)).unwrap();
    let proof = |number: u64| {
        fs::read(folder.join(format!("proofs/{number}.tlog-proof"))).map_err(|error| {
            stepward_fault::Fault::new(
                stepward_fault::Class::EvidenceInvalid,
                stepward_fault::Owner::Operator,
                stepward_fault::Rule::new("file-read"),
            )
            .says(error)
        })
    };
    let text = String::from_utf8(read("keys.txt")).unwrap();
    let (checkpoint, events) = (read("checkpoint"), read("events.jsonl"));
    let parts = Evidence { keys: &text, checkpoint: &checkpoint, events: &events, proof: &proof };
    verify::evidence(&parts, "evidence", keys)
}

#[test]
fn evidence_holds_and_every_change_of_it_fails_for_both_verifiers() {
    let files = Files::new();
    let folder = files.path("evidence");
    let judge = || {
        let report = judge_folder(&folder, &Keys::default());
        let (holds, said) = files.python(&["evidence", "evidence"]);
        assert_eq!(report.verdict() == Verdict::Holds, holds, "{said} {:?}", report.findings());
        report
    };
    evidence(&files, &folder);
    let report = judge();
    assert_eq!((findings(&report), report.established.events, report.established.effects), (vec![], 8, 1));
    assert!(report.open.contains(&Open::OtherEventsOfRun));
    let edit = |name: &str, from: &str, to: &str| {
        let path = folder.join(name);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{name}: {from}");
        fs::write(path, text.replacen(from, to, 1)).unwrap();
    };
    for (name, from, to, rule) in [
        ("events.jsonl", "\"seq\":83", "\"seq\":84", "proof-root"),
        ("events.jsonl", "run-10", "run-11", "evidence-two-runs"),
        ("events.jsonl", "\"fuel\":1234", "\"fuel\":1235", "proof-root"),
        ("proofs/85.tlog-proof", "index 85", "index 86", "proof-of-another-event"),
        ("proofs/85.tlog-proof", "stepward/dev", "stepward/prod", "evidence-checkpoint"),
        ("checkpoint", "562", "563", "note-signature-wrong"),
        ("keys.txt", "+", "+0", "verify-key"),
        ("keys.txt", "\n", "\r\n", "verify-key"),
        ("keys.txt", "\n", "\n\n", "verify-key"),
    ] {
        evidence(&files, &folder);
        edit(name, from, to);
        let report = judge();
        assert!(findings(&report).iter().any(|(found, _)| *found == rule), "{name}: {:?}", report.findings());
    }
    evidence(&files, &folder);
    let events = fs::read(folder.join("events.jsonl")).unwrap();
    fs::write(folder.join("events.jsonl"), [&events[..], b"\n"].concat()).unwrap();
    assert_eq!(findings(&judge()), [("event-format", "evidence/events.jsonl:9")]);
    // True proofs, of an event that belongs to no run.
    evidence(&files, &folder);
    fs::write(folder.join("events.jsonl"), [files.leaf(0), b"\n".to_vec()].concat()).unwrap();
    fs::write(folder.join("proofs/0.tlog-proof"), files.prove(0)).unwrap();
    assert_eq!(findings(&judge()), [("evidence-two-runs", "evidence/events.jsonl:1")]);
    evidence(&files, &folder);
    fs::remove_file(folder.join("proofs/86.tlog-proof")).unwrap();
    assert_eq!(findings(&judge()).first().unwrap().0, "file-read");
}

/// An event of a newer version is proven like others; what it says is open, as it is in an export.
#[test]
fn evidence_with_an_event_of_a_newer_version_blames_nobody() {
    let files = Files::new();
    let mut events: Vec<Vec<u8>> = (0..10).map(|index| files.leaf(index)).collect();
    events[7] = String::from_utf8(events[7].clone()).unwrap().replacen("\"v\":1", "\"v\":2", 1).into_bytes();
    let mut tree = MemoryTree::default();
    for event in &events {
        tree.append(LeafHash::of(event)).unwrap();
    }
    let signed = files.world.signer.sign(tree.head());
    let folder = files.path("evidence");
    fs::create_dir_all(folder.join("proofs")).unwrap();
    fs::write(folder.join("keys.txt"), files.vkey() + "\n").unwrap();
    fs::write(folder.join("checkpoint"), signed.to_string()).unwrap();
    fs::write(folder.join("events.jsonl"), [events[2..].join(&b'\n'), b"\n".to_vec()].concat()).unwrap();
    for index in 2..10 {
        let proof = Inclusion::prove(&tree, LeafIndex::new(index).unwrap(), tree.head().size).unwrap();
        let text = LogProof::new(proof, &signed).to_string();
        fs::write(folder.join(format!("proofs/{index}.tlog-proof")), text).unwrap();
    }
    let report = judge_folder(&folder, &keys(&files.world));
    assert_eq!(findings(&report), []);
    assert!(report.open.contains(&Open::NewerEvents { events: 1, first: 7 }), "{:?}", report.open);
    let (holds, said) = files.python(&["evidence", "evidence", "--key", &files.vkey()]);
    assert!(holds, "{said}");
}

#[test]
fn tiles_hold_and_every_change_of_them_fails_for_both_verifiers() {
    let files = Files::new();
    let place = files.path("tiles");
    let (vkey, newest) = (files.vkey(), files.world.checkpoints.last().unwrap());
    let publish = || {
        let _ = fs::remove_dir_all(&place);
        fs::create_dir(&place).unwrap();
        let folder = TileDir::new(Dir::open_ambient_dir(&place, ambient_authority()).unwrap());
        let reader = files.world.reader();
        let records: &dyn Records = &reader;
        folder.publish(records, &files.world.signer.verifier(), newest).unwrap();
        folder
    };
    let judge = |folder: &TileDir| {
        let note = fs::read(place.join("checkpoint")).unwrap();
        let report = verify::tiles(folder, &note, "tiles", &keys(&files.world)).unwrap();
        let (holds, said) = files.python(&["tiles", "tiles", "--key", &vkey]);
        assert_eq!(report.verdict() == Verdict::Holds, holds, "{said} {:?}", report.findings());
        report
    };
    let report = judge(&publish());
    assert_eq!((findings(&report), report.established.events), (vec![], 562));
    for (name, at, rule, found) in [
        ("tile/entries/000", 1000, "log-leaf-edited", None),
        ("tile/entries/001", 1, "tiles-file-malformed", Some("tile/entries/001, events 256 to 511")),
        ("tile/0/001", 32 * 44, "log-leaf-edited", Some("event 300")),
        ("tile/1/000.p/2", 0, "log-hashes", Some("events 0 to 255")),
        ("tile/0/002.p/50", 3, "log-leaf-edited", Some("event 512")),
        ("checkpoint", 40, "note-signature-wrong", Some("tiles/checkpoint")),
    ] {
        let folder = publish();
        let mut bytes = fs::read(place.join(name)).unwrap();
        bytes[at] ^= 1;
        fs::write(place.join(name), bytes).unwrap();
        let report = judge(&folder);
        let first = findings(&report)[0];
        assert_eq!((first.0, found.unwrap_or(first.1)), (rule, first.1), "{name}: {:?}", report.findings());
    }
    let folder = publish();
    fs::remove_file(place.join("tile/entries/001")).unwrap();
    assert_eq!(findings(&judge(&folder)), [("log-events-missing", "events 256 to 511")]);
}
