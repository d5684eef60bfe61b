//! Logs and their witnesses: what is cosigned, and what stops a run.

mod server;
mod unknown;

use crate::{
    Ended, folder,
    reach::{WORKFLOW, component, error, project, run},
    stepward,
};
use serde_json::json;
use server::{Flaw, Witness};
use signed_note::{Note, StandardVerifier, Verifier, VerifierList};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};
use tempfile::TempDir;

const ENVIRONMENT: &str = "environments/dev/environment.toml";
/// Far longer than any answer takes that is waited for.
const SOON: Duration = Duration::from_mins(2);

/// An environment with these witnesses, one of which is enough.
fn environment(witnesses: &[&Witness], unreachable: &str, more: &str) -> String {
    let one = |(number, witness): (usize, &&Witness)| {
        format!(
            "[witnesses.w{number}]\nurl = \"{}\"\nkey = \"{}\"\nroots = [\"trust/w{number}.pem\"]\n\
             networks = [\"loopback\"]\n{more}\n",
            witness.url(),
            witness.key()
        )
    };
    let policy = format!(
        "name = \"dev\"\n[networks.loopback]\ncidrs = [\"127.0.0.0/8\"]\n\
         [witness-policy]\nquorum = 1\nunreachable = \"{unreachable}\"\n"
    );
    std::iter::once(policy).chain(witnesses.iter().enumerate().map(one)).collect()
}

fn set_environment(here: &Path, witnesses: &[&Witness], unreachable: &str, more: &str) {
    fs::create_dir_all(here.join("environments/dev/trust")).unwrap();
    for (number, witness) in witnesses.iter().enumerate() {
        fs::write(here.join(format!("environments/dev/trust/w{number}.pem")), witness.root()).unwrap();
    }
    fs::write(here.join(ENVIRONMENT), environment(witnesses, unreachable, more)).unwrap();
}

/// A project whose log has these witnesses. They do not watch it yet.
fn unwatched(witnesses: &[&Witness], unreachable: &str, more: &str) -> TempDir {
    let here = project(&component("", ""), &[WORKFLOW]);
    set_environment(here.path(), witnesses, unreachable, more);
    here
}

/// The log's key, as a refusal tells it for the witnesses.
fn log_key(refused: &Ended) -> String {
    let hint = refused.json()["error"]["hint"].as_str().unwrap().to_owned();
    hint.rsplit_once("has to be given its key: ").unwrap().1.to_owned()
}

/// A project whose log this witness watches from the start.
fn watched(witness: &Witness, more: &str) -> (TempDir, String) {
    let here = unwatched(&[witness], "stop", more);
    let refused = run(here.path(), &["w"]);
    assert_eq!(error(&refused), (json!("witnesses-too-few"), 7), "{}", refused.stdout);
    let key = log_key(&refused);
    witness.watch(&key);
    assert!(witness.answered().iter().all(|status| *status == 404));
    (here, key)
}

fn state(here: &Path) -> PathBuf {
    here.join(".stepward/dev")
}

/// How many events the log has.
fn events(here: &Path) -> u64 {
    let reader = rusqlite::Connection::open_with_flags(
        state(here).join("ledger.db"),
        rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY,
    );
    reader.unwrap().query_row("SELECT size FROM head", [], |row| row.get(0)).unwrap()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let (path, to) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            copy(&path, &to);
        } else {
            fs::copy(path, to).unwrap();
        }
    }
    fs::set_permissions(to, fs::metadata(from).unwrap().permissions()).unwrap();
}

/// Puts a copy of the whole state in its place.
fn put_back(here: &Path, copied: &Path) {
    fs::remove_dir_all(state(here)).unwrap();
    copy(copied, &state(here));
}

/// The published checkpoint, verified by `signed_note` with these keys: its size.
fn published(here: &Path, log_key: &str, witnesses: &[&Witness]) -> u64 {
    let note = fs::read(state(here).join("tiles/checkpoint")).unwrap();
    let note = Note::from_bytes(&note).unwrap();
    let mut keys: Vec<Box<dyn Verifier>> = vec![Box::new(StandardVerifier::new(log_key).unwrap())];
    for witness in witnesses {
        keys.push(Box::new(witness.verifier()));
    }
    let (verified, unknown) = note.verify(&VerifierList::new(keys)).unwrap();
    assert_eq!((verified.len(), unknown.len()), (1 + witnesses.len(), 0));
    tlog_tiles::Checkpoint::from_bytes(note.text()).unwrap().size()
}

/// Whether an event with these words is among those that are published.
fn is_in_log(here: &Path, words: &str) -> bool {
    fn search(folder: &Path, words: &[u8]) -> bool {
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).any(|path| {
            if path.is_dir() {
                search(&path, words)
            } else {
                fs::read(path).unwrap().windows(words.len()).any(|window| window == words)
            }
        })
    }
    search(&state(here).join("tiles/tile/entries"), words.as_bytes())
}

#[test]
fn a_log_that_only_grows_is_cosigned() {
    let witness = Witness::start(1);
    let (here, key) = watched(&witness, "");
    let mut last = 0;
    for _ in 0..3 {
        let ended = run(here.path(), &["w"]).must(0);
        assert!(!ended.stderr.contains("witness"), "{}", ended.stderr);
        let size = published(here.path(), &key, &[&witness]);
        assert_eq!(size, events(here.path()));
        assert_eq!(witness.sizes(), [(key.split('+').next().unwrap().to_owned(), size)]);
        assert!(size > last);
        last = size;
        // At the start and at the end, and each time with the size that the witness has.
        assert_eq!(witness.answered(), [200, 200]);
    }
    let checkpoint = stepward(here.path(), &["ledger", "checkpoint", "--json"]).must(0).json();
    assert_eq!(checkpoint["cosignatures"][0]["witness"], witness.name(), "{checkpoint}");
    assert!(checkpoint["cosignatures"][0]["at"].as_str().unwrap().ends_with('Z'), "{checkpoint}");
    assert_eq!((&checkpoint["size"], &checkpoint["after"]), (&json!(last), &json!(0)));
    // What an operator does is seen, too.
    let path = |name: &str| here.path().join(name).to_str().unwrap().to_owned();
    let (log, keys) = (path("backup/log"), path("backup/keys"));
    stepward(here.path(), &["backup", "--to", &log, "--keys-to", &keys]).must(0);
    assert!(published(here.path(), &key, &[&witness]) > last);
    assert_eq!(stepward(here.path(), &["check", "--json"]).must(0).json().get("notes"), None);
}

/// Everything is older, so that nothing on this machine can know.
#[test]
fn an_older_copy_of_the_whole_state_is_refused() {
    let witness = Witness::start(1);
    let (here, key) = watched(&witness, "");
    run(here.path(), &["w"]).must(0);
    let (older, newest) = (folder(&[]), folder(&[]));
    copy(&state(here.path()), older.path());
    run(here.path(), &["w"]).must(0);
    copy(&state(here.path()), newest.path());
    put_back(here.path(), older.path());
    let before = events(here.path());
    let seen = witness.sizes()[0].1;
    let refused = run(here.path(), &["w"]);
    assert_eq!(error(&refused), (json!("log-older-than-witness"), 8), "{}", refused.stdout);
    let fault = &refused.json()["error"];
    let message = fault["message"].as_str().unwrap();
    assert!(message.contains(&format!("cosigned {seen} events")), "{message}");
    assert!(message.contains(&format!("has only {before}")), "{message}");
    assert_eq!(fault["place"], witness.name());
    assert!(fault["hint"].as_str().unwrap().contains("stepward restore"), "{fault}");
    assert_eq!(refused.json()["steps"], json!([]));
    assert_eq!(events(here.path()), before, "nothing is written to a copy that is not the newest");
    // Nor does anything else go on with it.
    let resolved = stepward(here.path(), &["runs", "cancel", "none", "--json"]);
    assert_eq!(error(&resolved), (json!("log-older-than-witness"), 8), "{}", resolved.stdout);
    put_back(here.path(), newest.path());
    run(here.path(), &["w"]).must(0);
    published(here.path(), &key, &[&witness]);
}

/// A log that is gone altogether is an older copy too.
#[test]
fn a_log_that_was_emptied_is_refused() {
    let witness = Witness::start(1);
    let (here, _) = watched(&witness, "");
    run(here.path(), &["w"]).must(0);
    for file in fs::read_dir(state(here.path())).unwrap().map(|entry| entry.unwrap().path()) {
        let name = file.file_name().unwrap().to_str().unwrap().to_owned();
        if name == "tiles" {
            fs::remove_dir_all(file).unwrap();
        } else if name.contains(".db") {
            fs::remove_file(file).unwrap();
        }
    }
    let refused = run(here.path(), &["w"]);
    assert_eq!(error(&refused), (json!("log-older-than-witness"), 8), "{}", refused.stdout);
    assert_eq!(events(here.path()), 0);
}

/// Two copies that went on separately, the second one without being seen: with `stop` it does not, and
/// where runs go on the log says so before their first effect.
#[test]
fn a_log_that_went_on_twice_is_refused() {
    let witness = Witness::start(1);
    let (here, _) = watched(&witness, "");
    run(here.path(), &["w"]).must(0);
    let older = folder(&[]);
    copy(&state(here.path()), older.path());
    run(here.path(), &["w"]).must(0);
    put_back(here.path(), older.path());
    let seen = events(here.path());
    witness.is(Flaw::Absent);
    // The older copy was cosigned within the hours that the environment allows, and so would any be.
    let refused = run(here.path(), &["w"]);
    assert_eq!(error(&refused), (json!("witnesses-too-few"), 7), "{}", refused.stdout);
    let message = refused.json()["error"]["message"].as_str().unwrap().to_owned();
    assert!(message.contains("0 of the 1 witnesses that are needed answered since"), "{message}");
    assert_eq!(refused.json()["steps"], json!([]));

    put_back(here.path(), older.path());
    set_environment(here.path(), &[&witness], "mark-gap", "");
    let unseen = run(here.path(), &["w"]).must(0);
    assert!(unseen.stderr.contains(witness.name()), "{}", unseen.stderr);
    assert!(unseen.stderr.contains("the log goes on unwatched, and says so"), "{}", unseen.stderr);
    let gap = format!("\"action\":\"gap-found\",\"gap\":\"witnesses\",\"from\":{seen}");
    let place = |words: &str| {
        let sql = "SELECT min(sequence) FROM leaf WHERE sequence >= ?1 AND instr(CAST(bytes AS TEXT), ?2)";
        let log = rusqlite::Connection::open(state(here.path()).join("ledger.db")).unwrap();
        log.query_row(sql, (seen, words), |row| row.get::<_, Option<u64>>(0)).unwrap().unwrap()
    };
    assert!(place(&gap) < place("\"action\":\"run-started\""));
    witness.is(Flaw::None);
    set_environment(here.path(), &[&witness], "stop", "");
    let refused = run(here.path(), &["w"]);
    assert_eq!(error(&refused), (json!("log-differs-from-witness"), 8), "{}", refused.stdout);
    assert_eq!(refused.json()["steps"], json!([]));
}

/// Changes the last letter but one of the last line of a note: that of its newest cosignature.
fn damaged(note: &str) -> String {
    let at = note.trim_end().len() - 6;
    let other = if &note[at..=at] == "A" { "B" } else { "A" };
    format!("{}{other}{}", &note[..at], &note[at + 1..])
}

/// Damages the cosignature of the newest checkpoint in ledger.db, and gives the size that it is over.
fn damage_newest(here: &Path) -> u64 {
    let log = rusqlite::Connection::open(state(here).join("ledger.db")).unwrap();
    let newest = "SELECT size, note FROM checkpoint ORDER BY size DESC LIMIT 1";
    let (size, note): (u64, String) =
        log.query_row(newest, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    log.execute("UPDATE checkpoint SET note = ?2 WHERE size = ?1", (size, damaged(&note))).unwrap();
    size
}

#[test]
fn a_store_is_verified_with_the_witnesses_of_its_environment() {
    let witness = Witness::start(1);
    let (here, _) = watched(&witness, "");
    run(here.path(), &["w"]).must(0);
    let verify = |code| stepward(here.path(), &["verify", ".stepward/dev", "--json"]).must(code).json();
    let report = verify(0);
    for part in report["parts"].as_array().unwrap() {
        let seen = &part["established"]["signed"]["cosigned"][0];
        assert_eq!((&seen["witness"], &seen["key_from"]), (&json!(witness.name()), &json!("given")));
        assert_eq!(seen["vkey"], witness.key());
    }
    assert!(!report.to_string().contains("no known witness"), "{report}");
    // Where the project is not at hand nobody knows them.
    let elsewhere = folder(&[]);
    let there = state(here.path()).to_str().unwrap().to_owned();
    let said = stepward(elsewhere.path(), &["verify", &there]).must(0).stdout;
    assert!(said.contains("no known witness cosigned"), "{said}");

    let published = state(here.path()).join("tiles/checkpoint");
    let note = fs::read_to_string(&published).unwrap();
    fs::write(&published, damaged(&note)).unwrap();
    let found = &verify(8)["parts"][1]["findings"][0];
    assert_eq!(found["rule"], "note-signature-wrong", "{found}");
    assert!(found["place"].as_str().unwrap().ends_with("tiles/checkpoint"), "{found}");
    fs::write(&published, note).unwrap();

    let size = damage_newest(here.path());
    let found = &verify(8)["parts"][0]["findings"][0];
    assert_eq!(found["rule"], "note-signature-wrong", "{found}");
    assert_eq!(found["place"], format!("the checkpoint over {size} events"));
    // It stops nobody: the witness is asked again.
    let gone_on = run(here.path(), &["w"]).must(0);
    assert!(gone_on.stderr.contains("does not verify"), "{}", gone_on.stderr);
    assert_eq!(verify(0)["verdict"], "holds");
    // Not even whoever only prints it.
    damage_newest(here.path());
    let printed = stepward(here.path(), &["ledger", "checkpoint", "--json"]).must(0);
    assert_eq!(printed.json()["cosignatures"][0]["witness"], witness.name(), "{}", printed.stdout);
}

#[test]
fn evidence_brings_what_the_witnesses_said() {
    let witness = Witness::start(1);
    let (here, key) = watched(&witness, "");
    let run_name = run(here.path(), &["w"]).must(0).json()["run"].as_str().unwrap().to_owned();
    let python = |arguments: &[&str]| {
        let verifier = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/verify_log.py");
        let output = Command::new("python3").arg(verifier).args(arguments).current_dir(&here).output();
        let output = output.unwrap();
        (output.status.success(), String::from_utf8(output.stdout).unwrap())
    };
    let given = ["--key", &key, "--key", &witness.key()];
    let seen = |kind: &str, name: &str| {
        let report =
            stepward(here.path(), &[&["verify", name, "--json"], &given[..]].concat()).must(0).json();
        let signed = &report["parts"][0]["established"]["signed"];
        assert_eq!(signed["cosigned"][0]["vkey"], witness.key(), "{report}");
        let (holds, said) = python(&[&[kind, name], &given[..]].concat());
        assert!(holds && said.contains("no newer or other log, after "), "{said}");
        signed["size"].as_u64().unwrap()
    };
    stepward(here.path(), &["evidence", &run_name, "--out", "e"]).must(0);
    let newest = seen("evidence", "e");
    assert_eq!(newest, events(here.path()));
    let keys = fs::read_to_string(here.path().join("e/keys.txt")).unwrap();
    assert_eq!(keys, format!("{key}\n{}\n", witness.key()));

    // What is signed after the witness went away is not better evidence than what it saw.
    witness.is(Flaw::Absent);
    let ended = stepward(here.path(), &["evidence", &run_name, "--out", "later"]).must(0);
    assert!(!ended.stderr.contains("enough witnesses"), "{}", ended.stderr);
    assert_eq!(seen("evidence", "later"), newest);
    assert!(events(here.path()) > newest);
    let ended = stepward(here.path(), &["ledger", "export", "--out", "log"]).must(0);
    assert!(ended.stderr.contains("are left out"), "{}", ended.stderr);
    assert_eq!(seen("export", "log"), newest);
    stepward(here.path(), &["ledger", "prove", "2", "--out", "p"]).must(0);
    assert_eq!(seen("proof", "p"), newest);
    // Of an event that it did not see there is only what the log says.
    let last = (events(here.path()) - 1).to_string();
    let ended = stepward(here.path(), &["ledger", "prove", &last, "--out", "q"]).must(0);
    assert!(ended.stderr.contains("no checkpoint was cosigned by enough witnesses"), "{}", ended.stderr);
    stepward(here.path(), &["verify", "q", "--key", &key]).must(0);
    // An operator can have it seen without a run.
    witness.is(Flaw::None);
    let checkpoint = stepward(here.path(), &["ledger", "checkpoint", "--json"]).must(0).json();
    assert_eq!(checkpoint["cosignatures"][0]["witness"], witness.name(), "{checkpoint}");
    let proof = stepward(here.path(), &["ledger", "prove", &last, "--out", "r", "--json"]).must(0).json();
    assert_eq!(proof["vkeys"], json!([key, witness.key()]));
    assert_eq!(seen("proof", "r"), events(here.path()));
}

/// What a witness knows stops whoever only signs, too.
#[test]
fn an_older_copy_is_not_signed() {
    let witness = Witness::start(1);
    let (here, _) = watched(&witness, "");
    run(here.path(), &["w"]).must(0);
    let older = folder(&[]);
    copy(&state(here.path()), older.path());
    run(here.path(), &["w"]).must(0);
    put_back(here.path(), older.path());
    let log = rusqlite::Connection::open(state(here.path()).join("ledger.db")).unwrap();
    log.execute_batch("DELETE FROM checkpoint WHERE size = (SELECT max(size) FROM checkpoint)").unwrap();
    drop(log);
    let refused = stepward(here.path(), &["ledger", "checkpoint", "--json"]);
    assert_eq!(error(&refused), (json!("log-older-than-witness"), 8), "{}", refused.stdout);
}

#[test]
fn a_witness_that_is_away_stops_runs_or_marks_a_gap() {
    let witness = Witness::start(1);
    witness.is(Flaw::Absent);
    let here = unwatched(&[&witness], "stop", "");
    let refused = run(here.path(), &["w"]);
    assert_eq!(error(&refused), (json!("witnesses-too-few"), 7), "{}", refused.stdout);
    let fault = &refused.json()["error"];
    let message = fault["message"].as_str().unwrap();
    assert!(message.contains(&format!("asked `{}` at https://localhost:", witness.name())), "{message}");
    assert!(message.contains("cannot be reached"), "{message}");
    assert!(fault["place"].as_str().unwrap().ends_with("environment.toml:4:1"), "{fault}");
    assert_eq!(refused.json()["steps"], json!([]));
    assert!(!is_in_log(here.path(), "\"action\":\"run-started\""));
    let key = log_key(&refused);
    // An operator may go on, and is told.
    let path = |name: &str| here.path().join(name).to_str().unwrap().to_owned();
    let (log, keys) = (path("backup/log"), path("backup/keys"));
    let backed_up = stepward(here.path(), &["backup", "--to", &log, "--keys-to", &keys]).must(0);
    assert!(backed_up.stderr.contains("no run would start now"), "{}", backed_up.stderr);

    set_environment(here.path(), &[&witness], "mark-gap", "");
    let gone_on = run(here.path(), &["w"]).must(0);
    assert!(gone_on.stderr.contains("the log goes on unwatched, and says so"), "{}", gone_on.stderr);
    assert!(is_in_log(here.path(), "\"action\":\"gap-found\",\"gap\":\"witnesses\",\"from\":0"));
    published(here.path(), &key, &[]);

    witness.is(Flaw::None);
    witness.watch(&key);
    let caught_up = run(here.path(), &["w"]).must(0);
    assert!(!caught_up.stderr.contains("unwatched"), "{}", caught_up.stderr);
    assert_eq!(published(here.path(), &key, &[&witness]), events(here.path()));

    // Another one that is away stops nobody, and is named.
    let other = Witness::start(2);
    other.is(Flaw::Absent);
    set_environment(here.path(), &[&witness, &other], "stop", "");
    let one_of_two = run(here.path(), &["w"]).must(0);
    assert!(one_of_two.stderr.contains(other.name()), "{}", one_of_two.stderr);
    published(here.path(), &key, &[&witness]);
}

#[test]
fn what_is_no_fresh_cosignature_does_not_count() {
    let slow = Flaw::Slow(Duration::from_secs(3));
    for (flaw, says) in [
        (Flaw::Late(2 * 24 * 3600), "too long ago"),
        (Flaw::SignsWrongly, "does not verify"),
        (Flaw::Endless, "larger than is read"),
        (slow, "did not answer in time"),
    ] {
        let witness = Witness::start(1);
        let (here, _) = watched(&witness, "timeouts = { total-ms = 1500 }");
        witness.is(flaw);
        let started = Instant::now();
        let refused = run(here.path(), &["w"]);
        assert!(started.elapsed() < SOON, "{flaw:?}");
        assert_eq!(error(&refused), (json!("witnesses-too-few"), 7), "{flaw:?}: {}", refused.stdout);
        let message = refused.json()["error"]["message"].as_str().unwrap().to_owned();
        assert!(message.contains(says), "{flaw:?}: {message}");
        assert_eq!(refused.json()["steps"], json!([]));
        witness.is(Flaw::None);
        run(here.path(), &["w"]).must(0);
    }
}

#[test]
fn the_key_of_another_witness_is_found_out() {
    let (witness, other) = (Witness::start(1), Witness::start(2));
    let (here, _) = watched(&witness, "");
    let right = fs::read_to_string(here.path().join(ENVIRONMENT)).unwrap();
    fs::write(here.path().join(ENVIRONMENT), right.replace(&witness.key(), &other.key())).unwrap();
    let refused = run(here.path(), &["w"]);
    assert_eq!(error(&refused), (json!("witnesses-too-few"), 7), "{}", refused.stdout);
    let message = refused.json()["error"]["message"].as_str().unwrap().to_owned();
    assert!(message.contains("none by its key"), "{message}");

    let no_key = right.replace(&witness.key(), "witness.example/w1+00000000+BA==");
    fs::write(here.path().join(ENVIRONMENT), no_key).unwrap();
    let refused = run(here.path(), &["w"]);
    assert_eq!(error(&refused), (json!("environment-witness-key"), 9), "{}", refused.stdout);
    let place = refused.json()["error"]["place"].as_str().unwrap().to_owned();
    assert!(place.ends_with("environment.toml:9:7"), "{place}");
    let checked = stepward(here.path(), &["check", "--json"]).must(9).json();
    assert_eq!(checked["errors"][0]["rule"], "environment-witness-key", "{checked}");
    fs::write(here.path().join(ENVIRONMENT), right).unwrap();
    fs::remove_file(here.path().join("environments/dev/trust/w0.pem")).unwrap();
    let checked = stepward(here.path(), &["check", "--env", "dev", "--json"]).must(9).json();
    assert_eq!(checked["errors"][0]["rule"], "environment-roots", "{checked}");
    assert!(checked["errors"][0]["message"].as_str().unwrap().contains("witness `w0`"), "{checked}");
}

/// A restored log has another name, so no witness ever sees one shrink.
#[test]
fn a_restored_log_is_a_new_one_for_its_witnesses() {
    let witness = Witness::start(1);
    let (here, key) = watched(&witness, "");
    run(here.path(), &["w"]).must(0);
    let path = |name: &str| here.path().join(name).to_str().unwrap().to_owned();
    let (log, keys) = (path("backup/log"), path("backup/keys"));
    stepward(here.path(), &["backup", "--to", &log, "--keys-to", &keys, "--json"]).must(0);
    run(here.path(), &["w"]).must(0);
    stepward(here.path(), &["restore", "--from", &log, "--keys-from", &keys, "--replace", "--json"]).must(0);
    let refused = run(here.path(), &["w"]);
    assert_eq!(error(&refused), (json!("witnesses-too-few"), 7), "{}", refused.stdout);
    let restored = log_key(&refused);
    assert_ne!(restored, key);
    let before = witness.sizes();
    witness.watch(&restored);
    run(here.path(), &["w"]).must(0);
    let size = published(here.path(), &restored, &[&witness]);
    let mut expected = [before[0].clone(), (restored.split('+').next().unwrap().to_owned(), size)];
    expected.sort();
    let mut sizes = witness.sizes();
    sizes.sort();
    assert_eq!(sizes, expected);
}
