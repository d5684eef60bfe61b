//! The verifier in Python agrees with what this crate writes, and finds every changed byte.
//!
//! `tests/verify_log.py` was written from the specifications, shares no code with this crate and uses
//! nothing but Python's standard library.

use crate::{ENTRIES, Memory, ROOTS, cosigned, index, log, open, size, witness};
use serde_json::{Value, json};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use stepward_ledger::merkle::{Inclusion, LeafHash};
use stepward_ledger::note::SignedCheckpoint;
use stepward_ledger::proof::LogProof;
use stepward_ledger::tiles::Subtrees;

/// Events of every kind, as a log of version 1 has them.
const EVENTS: &str = include_str!("../event/v1.jsonl");

/// Runs the verifier on files of which one byte at a time is changed, in one process.
const DRIVER: &str = r"
import contextlib, importlib.util, io, json, sys
spec = importlib.util.spec_from_file_location('verify_log', sys.argv[1])
verify_log = importlib.util.module_from_spec(spec)
spec.loader.exec_module(verify_log)
job, said = json.load(sys.stdin), []
sys.argv[1:] = job['arguments']
for path, offset, value in job['changes']:
    with open(path, 'rb') as file:
        good = file.read()
    with open(path, 'wb') as file:
        file.write(good[:offset] + bytes([value]) + good[offset + 1:])
    out = io.StringIO()
    try:
        with contextlib.redirect_stdout(out):
            verify_log.main()
    except SystemExit as end:
        said.append([int(end.code), out.getvalue()])
    with open(path, 'wb') as file:
        file.write(good)
json.dump(said, sys.stdout)
";

fn verifier() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/verify_log.py")
}

/// What python3 says to a script on its standard input, and its exit code; nothing where it is missing,
/// which is said past the test harness.
fn python(arguments: &[&str], input: &str) -> Option<(i32, String)> {
    let child = Command::new("python3")
        .args(arguments)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let mut child = match child {
        Ok(child) => child,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            std::io::stderr().write_all(b"SKIPPED: python3 is not installed\n").unwrap();
            return None;
        }
        Err(error) => panic!("python3 cannot be started: {error}"),
    };
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    Some((output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap()))
}

fn verify(arguments: &[&str]) -> Option<(i32, String)> {
    let script = verifier();
    python(&[&[script.to_str().unwrap()], arguments].concat(), "")
}

/// The golden events, and after them a run of `more` events that are calls with their answers.
fn events(more: usize) -> Memory {
    // One of every kind; what comes after them has the other words, and no log would hold it in this order.
    let mut golden = EVENTS.lines().take(23).map(str::to_owned).collect::<Vec<_>>();
    // They show the kinds; in a log an attempt is answered once.
    golden[17] = golden[14].replacen("\"seq\":14,", "\"seq\":17,", 1);
    let first = golden.len();
    let made = (0..more).map(|place| {
        let action = if place % 2 == 0 { "call-intended" } else { "call-answered" };
        let (sequence, call) = (first + place, place / 2);
        call_event(sequence, if place % 10 < 6 { "run-a" } else { "run-b" }, call, action, 1)
    });
    Memory::of(golden.into_iter().chain(made).map(String::into_bytes))
}

/// An event about an attempt at a call; of an action that there is not, with the fields of another.
fn call_event(sequence: usize, run: &str, call: usize, action: &str, attempt: u64) -> String {
    let fields = match action {
        "call-intended" => format!(
            r#""object":"endpoint:erp","method":"POST","attempt":{attempt},"idempotent":true,"decision":"permitted","workflow_rule":"POST /pay","environment_rule":"POST /*","policy":"sha256:00""#
        ),
        _ => format!(r#""object":"endpoint:erp","attempt":{attempt},"effect":"applied","status":201"#),
    };
    format!(
        r#"{{"v":1,"seq":{sequence},"env":"prod","time_us":{sequence},"mono_us":{sequence},"actor":{{"kind":"step","name":"pay"}},"run":"{run}","step":"pay","call":{call},"action":"{action}",{fields}}}"#
    )
}

fn keys() -> [String; 2] {
    [log().verifier().to_string(), witness().verifier().to_string()]
}

fn export(path: &Path, memory: &Memory, checkpoint: &SignedCheckpoint) {
    let header = json!({
        "schema": "stepward.export/1", "vkeys": keys(), "checkpoint": checkpoint.to_string(),
    });
    let mut text = format!("{header}\n").into_bytes();
    for entry in &memory.entries {
        text.extend_from_slice(format!("{} ", LeafHash::of(entry)).as_bytes());
        text.extend_from_slice(entry);
        text.push(b'\n');
    }
    std::fs::write(path, text).unwrap();
}

fn proof(memory: &Memory, checkpoint: &SignedCheckpoint, place: u64) -> String {
    let leaves = size(memory.entries.len() as u64);
    let inclusion = Inclusion::prove(&Subtrees(memory), index(place), leaves).unwrap();
    LogProof::new(inclusion, checkpoint).to_string()
}

/// The evidence of one run.
fn evidence(folder: &Path, memory: &Memory, checkpoint: &SignedCheckpoint, run: &str) {
    std::fs::create_dir(folder.join("proofs")).unwrap();
    let mut leaves = Vec::new();
    for (place, entry) in (0..).zip(&memory.entries) {
        let event: Value = serde_json::from_slice(entry).unwrap();
        if event["run"] == run {
            leaves.extend_from_slice(entry);
            leaves.push(b'\n');
            let proof = proof(memory, checkpoint, place);
            std::fs::write(folder.join(format!("proofs/{place}.tlog-proof")), proof).unwrap();
        }
    }
    std::fs::write(folder.join("events.jsonl"), leaves).unwrap();
    std::fs::write(folder.join("checkpoint"), checkpoint.to_string()).unwrap();
    std::fs::write(folder.join("keys.txt"), keys().map(|key| key + "\n").concat()).unwrap();
}

/// Changes about `count` bytes of each file, one at a time, and checks that each is found and its place
/// named: by one of the words that belong to the file.
fn every_change_is_found(arguments: &[&str], files: &[(PathBuf, &[&str])], count: usize) {
    let mut changes = Vec::new();
    let mut expected = Vec::new();
    for (place, (path, words)) in files.iter().enumerate() {
        let bytes = std::fs::read(path).unwrap();
        let step = (bytes.len() / count).max(1);
        // From another remainder in every file, and the last byte always.
        for offset in (place % step..bytes.len()).step_by(step).chain([bytes.len() - 1]) {
            let value = bytes[offset] ^ (1 << (offset % 7));
            changes.push(json!([path, offset, value]));
            expected.push((path, offset, *words));
        }
    }
    let job = json!({ "arguments": arguments, "changes": changes }).to_string();
    let Some((code, said)) = python(&["-c", DRIVER, verifier().to_str().unwrap()], &job) else { return };
    assert_eq!(code, 0);
    let said: Vec<(i32, String)> = serde_json::from_str(&said).unwrap();
    assert_eq!(said.len(), expected.len());
    for ((code, said), (path, offset, words)) in said.iter().zip(expected) {
        let place = format!("byte {offset} of {}: {said}", path.display());
        assert_eq!(*code, 1, "{place}");
        let mut fails = said.lines().filter(|line| line.starts_with("FAILS "));
        assert!(fails.any(|line| words.iter().any(|word| line.contains(word))), "{place}");
        assert!(!said.contains("HOLDS"), "{place}");
    }
}

#[test]
fn it_follows_the_published_vectors() {
    let vectors = json!({
        "entries": ENTRIES.map(hex::encode),
        "roots": ROOTS,
        // RFC 8032, section 7.1, tests 1 to 3.
        "signatures": [
            ["d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
             "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"],
            ["3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
             "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"],
            ["fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
             "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"],
        ],
    });
    let script = r#"
import hashlib, importlib.util, json, sys
spec = importlib.util.spec_from_file_location("verify_log", sys.argv[1])
v = importlib.util.module_from_spec(spec)
spec.loader.exec_module(v)
vectors, log = json.load(sys.stdin), v.Log([])
leaves = [hashlib.sha256(b"\0" + bytes.fromhex(entry)).digest() for entry in vectors["entries"]]
for size, root in enumerate(vectors["roots"]):
    assert log.root_of(leaves[:size]).hex() == root
# The paths of the reference implementation: of leaf 5 in 8 leaves, of leaf 2 in 3, of leaf 1 in 5.
h = lambda a, b: hashlib.sha256(b"\1" + a + b).digest()
node = lambda begin, end: log.root_of(leaves[begin:end])
for index, size, path in [(0, 1, []), (5, 8, [node(4, 5), node(6, 8), node(0, 4)]),
                          (2, 3, [node(0, 2)]), (1, 5, [node(0, 1), node(2, 4), node(4, 5)])]:
    root = log.root_of(leaves[:size])
    assert log.climb(index, size, leaves[index], path) == root
    assert log.climb(index, size, leaves[index], path + [root]) != root
    assert log.climb(index + 1, size, leaves[index], path) != root
    assert log.climb(index, size, leaves[7], path) != root
    if path:
        assert log.climb(index, size, leaves[index], path[1:]) != root
        assert log.climb(index, size, leaves[index], path[:-1]) != root
assert log.climb(0, 0, leaves[0], []) != log.root_of([])
for key, text, mark in vectors["signatures"]:
    key, text, mark = b"\1" + bytes.fromhex(key), bytes.fromhex(text), bytes.fromhex(mark)
    assert v.signed(key, text, mark)
    assert not v.signed(key, text + b"!", mark)
    for at in range(0, 64, 5):
        assert not v.signed(key, text, mark[:at] + bytes([mark[at] ^ 1]) + mark[at + 1:])
    # A scalar beyond the order, and a signature of another length.
    large = int.from_bytes(mark[32:], "little") + v.ORDER
    assert not v.signed(key, text, mark[:32] + large.to_bytes(32, "little"))
    assert not v.signed(key, text, mark + b"\0") and not v.signed(key, text, mark[:63])
# A key of small order signs everything.
weak = (1).to_bytes(32, "little")
assert not v.signed(b"\1" + weak, b"any", weak + bytes(32))
"#;
    let Some((code, _)) = python(&["-c", script, verifier().to_str().unwrap()], &vectors.to_string()) else {
        return;
    };
    assert_eq!(code, 0);
}

#[test]
fn it_is_small_and_has_no_dependencies() {
    let script = std::fs::read_to_string(verifier()).unwrap();
    assert!(script.lines().count() <= 200, "it is there to be read");
    let imports = script.lines().filter(|line| line.starts_with("import ") || line.starts_with("from "));
    let standard = ["argparse", "base64", "hashlib", "json", "re", "time"];
    for import in imports {
        assert!(standard.contains(&import.split(' ').nth(1).unwrap()), "{import}");
    }
}

#[test]
fn an_export_holds_and_each_changed_byte_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.export");
    let name = path.to_str().unwrap();
    let memory = events(300);
    export(&path, &memory, &cosigned(memory.head()));
    let Some((code, said)) = verify(&["export", name]) else { return };
    assert_eq!(code, 0, "{said}");
    assert!(said.starts_with("HOLDS "), "{said}");
    // A witness whose key came along could be anyone: nobody vouches by it.
    assert!(said.contains("no known witness cosigned"), "{said}");
    for key in keys() {
        let unknown = format!("NOT ESTABLISHED: whose key this is, for it came along: {key}");
        assert!(said.contains(&unknown), "{said}");
    }
    let [log_key, witness_key] = keys();
    let known = ["export", name, "--key", &log_key, "--key", &witness_key];
    let (code, said) = verify(&known).unwrap();
    assert_eq!((code, said.contains("came along")), (0, false), "{said}");
    assert!(said.contains("after 2025-11-21 10:01:07 UTC"), "{said}");
    every_change_is_found(&known, &[(path.clone(), &["log.export"])], 90);
    every_change_is_found(&["export", name], &[(path.clone(), &["log.export"])], 30);
}

#[test]
fn a_proof_holds_and_each_changed_byte_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let memory = events(300);
    let path = folder.path().join("77.tlog-proof");
    let leaf = folder.path().join("77.tlog-proof.leaf");
    std::fs::write(&path, proof(&memory, &cosigned(memory.head()), 77)).unwrap();
    std::fs::write(&leaf, &memory.entries[77]).unwrap();
    let [log_key, witness_key] = keys();
    let arguments = ["proof", path.to_str().unwrap(), "--key", &log_key, "--key", &witness_key];
    let Some((code, said)) = verify(&arguments) else { return };
    assert_eq!(code, 0, "{said}");
    let beside = [&arguments[..], &["--leaf", leaf.to_str().unwrap()]].concat();
    assert_eq!(verify(&beside).unwrap().0, 0);
    // A proof brings no keys along.
    assert_eq!(verify(&arguments[..2]).unwrap().0, 1);
    let words: &[&str] = &["77.tlog-proof"];
    every_change_is_found(&arguments, &[(path.clone(), words), (leaf.clone(), words)], 90);
}

#[test]
fn evidence_holds_and_each_changed_byte_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let memory = events(20);
    evidence(folder.path(), &memory, &cosigned(memory.head()), "run-a");
    let name = folder.path().to_str().unwrap();
    let [log_key, witness_key] = keys();
    let Some((code, said)) = verify(&["evidence", name]) else { return };
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("came along") && said.contains("that the run has no other events"), "{said}");
    let arguments = ["evidence", name, "--key", &log_key, "--key", &witness_key];
    assert_eq!(verify(&arguments).unwrap().0, 0);
    let at = |file: &str| folder.path().join(file);
    let files: [(PathBuf, &[&str]); 5] = [
        (at("events.jsonl"), &["events.jsonl", "proofs/"]),
        (at("checkpoint"), &["/checkpoint"]),
        (at("keys.txt"), &["key "]),
        (at("proofs/23.tlog-proof"), &["proofs/23.tlog-proof"]),
        (at("proofs/38.tlog-proof"), &["proofs/38.tlog-proof"]),
    ];
    every_change_is_found(&arguments, &files, 25);
    every_change_is_found(&["evidence", name], &files, 8);
}

#[test]
fn tiles_hold_and_each_changed_byte_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let memory = events(580);
    let tiles = open(folder.path());
    for leaves in [100, 256, 603] {
        tiles.publish(&memory, &log().verifier(), &cosigned(memory.head_at(leaves))).unwrap();
    }
    let name = folder.path().to_str().unwrap();
    let [log_key, witness_key] = keys();
    let arguments = ["tiles", name, "--key", &log_key, "--key", &witness_key];
    let Some((code, said)) = verify(&arguments) else { return };
    assert_eq!(code, 0, "{said}");
    let at = |file: &str| folder.path().join(file);
    let files: [(PathBuf, &[&str]); 8] = [
        (at("checkpoint"), &["/checkpoint"]),
        (at("tile/0/000"), &["tile/0/000"]),
        (at("tile/0/001"), &["tile/0/001"]),
        (at("tile/0/002.p/91"), &["tile/0/002.p/91"]),
        (at("tile/1/000.p/2"), &["tile/1/000.p/2"]),
        (at("tile/entries/000"), &["tile/0/000", "event "]),
        (at("tile/entries/001"), &["tile/0/001", "event "]),
        (at("tile/entries/002.p/91"), &["tile/0/002.p/91", "event "]),
    ];
    every_change_is_found(&arguments, &files, 20);
}

#[test]
fn sizes_at_the_ends_of_tiles_hold() {
    let [log_key, _] = keys();
    for more in [0, 232, 233, 234, 489] {
        let folder = tempfile::tempdir().unwrap();
        let memory = events(more);
        let checkpoint = log().sign(memory.head());
        open(folder.path()).publish(&memory, &log().verifier(), &checkpoint).unwrap();
        let Some((code, said)) = verify(&["tiles", folder.path().to_str().unwrap(), "--key", &log_key])
        else {
            return;
        };
        assert_eq!(code, 0, "{said}");
        assert!(said.contains("no known witness cosigned"), "{said}");
    }
    let empty = tempfile::tempdir().unwrap();
    let memory = Memory::default();
    open(empty.path()).publish(&memory, &log().verifier(), &log().sign(memory.head())).unwrap();
    let name = empty.path().to_str().unwrap();
    assert_eq!(verify(&["tiles", name, "--key", &log_key]).unwrap().0, 0);
}

/// A log of more than 256 tiles, so that there is a second level of them and a path with two elements.
#[test]
fn a_long_log_holds() {
    let folder = tempfile::tempdir().unwrap();
    let memory = Memory::of((0..65_600).map(|place| format!(r#"{{"v":2,"seq":{place}}}"#).into_bytes()));
    open(folder.path()).publish(&memory, &log().verifier(), &log().sign(memory.head())).unwrap();
    assert!(folder.path().join("tile/2/000.p/1").is_file());
    let [log_key, _] = keys();
    let Some((code, said)) = verify(&["tiles", folder.path().to_str().unwrap(), "--key", &log_key]) else {
        return;
    };
    assert_eq!(code, 0, "{said}");
}

/// What the log signed can be wrong too.
#[test]
fn a_log_that_breaks_its_own_rules_is_told() {
    let event = |sequence, action: &str, attempt| call_event(sequence, "r", 1, action, attempt);
    let golden = EVENTS.lines().next().unwrap();
    let with = |from: &str, to: &str| {
        assert!(golden.contains(from), "{from}");
        vec![golden.replacen(from, to, 1)]
    };
    let cases = [
        (vec![event(0, "call-answered", 1)], "not one intent"),
        (vec![event(0, "call-intended", 1), event(1, "call-answered", 2)], "not one intent"),
        (vec![event(0, "call-answered", 1), event(1, "call-intended", 1)], "not one intent"),
        (vec![event(0, "x", 1)], "not an event's fields"),
        (with("\"version\":", "\"document\":"), "not an event's fields"),
        (with("}", "},\"run\":[\"document\"]"), "not an event's fields"),
        (with("\"service\"", "\"service\",\"name\":\"document\""), "not an event's fields"),
        (with("0.1.0", &"x".repeat(201)), "not an event's fields"),
        (vec![event(0, "x", 1), event(0, "x", 1)], "another sequence number"),
        (vec![event(1, "x", 1)], "another sequence number"),
        (vec![r#"{"v":1,"seq":0.0}"#.to_owned()], "another sequence number"),
        (vec![r#"{"v":1,"seq":false}"#.to_owned()], "another sequence number"),
        (vec![r#"{"v":1,"seq":0,"seq":0}"#.to_owned()], "not the one spelling"),
        (vec![r#"{"v":1,"seq":0,"x":NaN}"#.to_owned()], "not in its format"),
        (vec![r#"[["seq",0]]"#.to_owned()], "not in its format"),
        (vec!["[".repeat(3000)], "not in its format"),
        (vec!["\u{1b}]0;title\u{7}".to_owned()], "not in its format"),
    ];
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.export");
    for (events, words) in cases {
        let memory = Memory::of(events.iter().map(|event| event.clone().into_bytes()));
        export(&path, &memory, &cosigned(memory.head()));
        let Some((code, said)) = verify(&["export", path.to_str().unwrap()]) else { return };
        assert_eq!(code, 1, "{events:?}");
        assert!(said.contains(words), "{events:?}: {said}");
    }
}

#[test]
fn a_log_is_not_believed_for_the_keys_it_brings() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.export");
    let name = path.to_str().unwrap();
    let memory = events(4);
    export(&path, &memory, &cosigned(memory.head()));
    // The auditor's key is another log's of the same name.
    let impostor =
        stepward_ledger::note::LogSigner::new(log().origin().clone(), &[9; 32]).unwrap().verifier();
    let Some((code, said)) = verify(&["export", name, "--key", &impostor.to_string()]) else { return };
    assert_eq!(code, 1);
    assert!(
        said.contains(&format!("FAILS no true signature by this key, {name}, header, key {impostor}")),
        "{said}"
    );
}

#[test]
fn evidence_that_was_put_together_wrongly_is_told() {
    let memory = events(20);
    let good = cosigned(memory.head());
    let case = |change: &dyn Fn(&Path), words: &str| {
        let folder = tempfile::tempdir().unwrap();
        evidence(folder.path(), &memory, &good, "run-a");
        change(folder.path());
        let Some((code, said)) = verify(&["evidence", folder.path().to_str().unwrap()]) else { return };
        assert_eq!(code, 1, "{words}");
        assert!(
            said.lines().any(|line| line.starts_with("FAILS ") && line.contains(words)),
            "{words}: {said}"
        );
    };
    case(&|at| std::fs::remove_file(at.join("proofs/23.tlog-proof")).unwrap(), "proofs/23.tlog-proof");
    case(&|at| std::fs::remove_file(at.join("checkpoint")).unwrap(), "/checkpoint");
    case(
        &|at| {
            std::fs::copy(at.join("proofs/24.tlog-proof"), at.join("proofs/23.tlog-proof")).unwrap();
        },
        "another sequence number",
    );
    // A true proof, but from another checkpoint of the same log.
    let older = |at: &Path| {
        let shorter = events(12);
        let proof = proof(&shorter, &cosigned(shorter.head()), 23);
        std::fs::write(at.join("proofs/23.tlog-proof"), proof).unwrap();
    };
    case(&older, "another checkpoint");
    let mixed = |at: &Path| {
        let mut leaves = std::fs::read(at.join("events.jsonl")).unwrap();
        leaves.extend_from_slice(&memory.entries[39]);
        leaves.push(b'\n');
        std::fs::write(at.join("events.jsonl"), leaves).unwrap();
        std::fs::write(at.join("proofs/39.tlog-proof"), proof(&memory, &good, 39)).unwrap();
    };
    case(&mixed, "events of more than one run");
    let twice = |at: &Path| {
        let leaves = std::fs::read(at.join("events.jsonl")).unwrap().repeat(2);
        std::fs::write(at.join("events.jsonl"), leaves).unwrap();
    };
    case(&twice, "events out of order");
}
