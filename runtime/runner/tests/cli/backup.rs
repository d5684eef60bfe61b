//! Backups of a log in use, and what becomes of runs when one is restored.

use crate::{
    Ended, command, folder,
    reach::{DEV, WORKFLOW, component, error, project},
    spawn, stepward,
};
use serde_json::{Value, json};
use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Child,
    thread,
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// Far longer than anything here takes.
const SOON: Duration = Duration::from_mins(2);
/// A step that asks for the time, over and over: each answer is an event.
const TICKS: &str = r#"(component
  (import "stepward:step/types@0.1.0" (instance $types
    (type $kind' (enum "retryable" "permanent"))
    (export "error-kind" (type $kind (eq $kind')))
    (type $error' (record (field "kind" $kind) (field "code" string) (field "message" string)))
    (export "step-error" (type (eq $error')))))
  (alias export $types "step-error" (type $step-error))
  (import "time" (instance $time (export "now" (func (result u64)))))
  (core func $now (canon lower (func $time "now")))
  (core module $step
    (import "time" "now" (func $now (result i64)))
    (memory (export "memory") 2)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 4096))
    (func (export "run") (param i32 i32) (result i32) (local $i i32)
      (loop $forever
        (drop (call $now))
        (local.set $i (i32.const 200000))
        (loop $wait (br_if $wait (local.tee $i (i32.sub (local.get $i) (i32.const 1)))))
        (br $forever))
      (i32.const 1024)))
  (core instance $step (instantiate $step (with "time" (instance (export "now" (func $now))))))
  (func (export "run") (param "input" string) (result (result string (error $step-error)))
    (canon lift (core func $step "run") (memory $step "memory") (realloc (func $step "realloc")))))"#;
const TICKING: (&str, &str) = (
    "workflows/t.toml",
    "name = 't'\n[[steps]]\nname = 'b'\n[steps.grants.clock.time]\n[steps.limits]\nfuel = 1_000_000_000_000\n\
     wall-time-ms = 600_000\nhost-calls = 1_000_000\n",
);

/// A project with a workflow `w` that ends at once, and `t` that ticks.
fn ticking() -> TempDir {
    let here = project(&component("", ""), &[WORKFLOW, DEV]);
    fs::write(here.path().join("b.wasm"), wat::parse_str(TICKS).unwrap()).unwrap();
    let more = "[project]\nname = 'p'\n[steps.a]\ncomponent = 'a.wasm'\n[steps.b]\ncomponent = 'b.wasm'\n";
    fs::write(here.path().join("stepward.toml"), more).unwrap();
    fs::write(here.path().join(TICKING.0), TICKING.1).unwrap();
    stepward(here.path(), &["build"]).must(0);
    here
}

fn state(here: &Path) -> PathBuf {
    here.join(".stepward/dev")
}

fn run(here: &Path) -> Ended {
    stepward(here, &["run", "w", "--input", "in.json", "--json"])
}

/// Starts a run that ticks, and waits until it has.
fn tick(here: &Path) -> Child {
    let before = events(here);
    let child = spawn(here, &["run", "t", "--input", "in.json", "--json"]);
    let deadline = Instant::now() + SOON;
    while events(here) < before + 20 {
        assert!(Instant::now() < deadline, "{}", Ended::of(child.wait_with_output().unwrap()).stderr);
        thread::yield_now();
    }
    child
}

/// How many events the log has, as SQLite's own files say it; 0 without a log.
fn events(here: &Path) -> u64 {
    let reader = rusqlite::Connection::open_with_flags(
        state(here).join("ledger.db"),
        rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY,
    );
    let size = |reader: rusqlite::Connection| reader.query_row("SELECT size FROM head", [], |row| row.get(0));
    reader.and_then(size).unwrap_or(0)
}

fn kill(mut child: Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

/// Makes the backup `to` beside the project, and its wrapping keys beside that.
fn backup(here: &Path, to: &str) -> (String, String) {
    let path = |name: String| here.join(name).to_str().unwrap().to_owned();
    (path(format!("backups/{to}/log")), path(format!("backups/{to}/keys")))
}

fn backed_up(here: &Path, to: &str) -> Value {
    let (to, keys_to) = backup(here, to);
    stepward(here, &["backup", "--to", &to, "--keys-to", &keys_to, "--json"]).must(0).json()
}

fn restore(here: &Path, from: &str, more: &[&str]) -> Ended {
    let (from, keys_from) = backup(here, from);
    stepward(here, &[&["restore", "--from", &from, "--keys-from", &keys_from, "--json"], more].concat())
}

fn standings(here: &Path) -> Vec<(String, String)> {
    let listed = stepward(here, &["runs", "list", "--json"]).must(0).json();
    let text = |run: &Value, key: &str| run[key].as_str().unwrap_or_default().to_owned();
    listed["runs"].as_array().unwrap().iter().map(|run| (text(run, "run"), text(run, "standing"))).collect()
}

fn checkpoint(here: &Path) -> Vec<String> {
    let note = fs::read_to_string(state(here).join("tiles/checkpoint")).unwrap();
    note.lines().map(str::to_owned).collect()
}

#[test]
fn a_backup_is_made_while_a_run_writes_and_restored_elsewhere() {
    let here = ticking();
    let here = here.path();
    run(here).must(0);
    let child = tick(here);
    let mut sizes = Vec::new();
    for to in ["1", "2", "3"] {
        let (to, keys_to) = backup(here, to);
        let ended = stepward(here, &["backup", "--to", &to, "--keys-to", &keys_to]).must(0);
        assert!(ended.stderr.contains("the log is in use"), "{}", ended.stderr);
        assert!(
            ended.stdout.contains("verified") && ended.stdout.contains("keep it separately"),
            "{}",
            ended.stdout
        );
        let manifest: Value =
            serde_json::from_str(&fs::read_to_string(format!("{to}/backup.json")).unwrap()).unwrap();
        sizes.push(manifest["size"].as_u64().unwrap());
        for file in [format!("{to}/ledger.db"), format!("{to}/keys.db"), format!("{keys_to}/wrapping.db")] {
            assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600, "{file}");
            assert!(!Path::new(&format!("{file}-wal")).exists());
        }
    }
    assert_eq!(backed_up(here, "4")["recorded"], false, "the log is another process's");
    assert!(sizes.is_sorted() && sizes.first() < sizes.last(), "{sizes:?}");
    kill(child);
    let unfinished = standings(here);
    assert_eq!(
        unfinished.iter().map(|(_, standing)| standing.as_str()).collect::<Vec<_>>(),
        ["can-go-on", "finished"]
    );
    // Elsewhere: another copy of the project, with the environment's key and nothing else.
    let there = here.join("there");
    for file in
        ["stepward.toml", "stepward.lock", "in.json", "a.wasm", "b.wasm", WORKFLOW.0, TICKING.0, DEV.0]
    {
        fs::create_dir_all(there.join(file).parent().unwrap()).unwrap();
        fs::copy(here.join(file), there.join(file)).unwrap();
    }
    let (from, keys_from) = backup(here, "2");
    let restore = ["restore", "--from", &from, "--keys-from", &keys_from, "--json"];
    // Without the key there is nothing to open it with, and none is made up.
    assert_eq!(error(&stepward(&there, &restore)), (json!("environment-key-absent"), 7));
    fs::copy(state(here).join("keys/environment.key"), state(&there).join("keys/environment.key")).unwrap();
    let restored = stepward(&there, &restore).must(0).json();
    assert_eq!((&restored["size"], &restored["generation"]), (&json!(sizes[1]), &json!(2)));
    assert_eq!(events(&there), sizes[1] + 1, "the events of the backup, and the one that says so");
    let (before, after) = (checkpoint(here), checkpoint(&there));
    assert_eq!(
        (after[0].clone(), after[1].clone()),
        (format!("{}/g2", before[0]), (sizes[1] + 1).to_string())
    );
    assert_eq!(restored["origin"], after[0].as_str());
    let doubted = json!([{"run": unfinished[0].0, "standing": "in-doubt"}]);
    assert_eq!(restored["unfinished"], doubted);
    let mut expected = unfinished.clone();
    expected[0].1 = "in-doubt".to_owned();
    assert_eq!(standings(&there), expected);
}

#[test]
fn what_happened_after_a_backup_is_in_doubt_after_a_restore() {
    let here = ticking();
    let here = here.path();
    kill(tick(here));
    let [(ticking, _)] = &standings(here)[..] else { panic!("one run") };
    let made = backed_up(here, "1");
    assert_eq!(made["manifest"]["origin"], checkpoint(here)[0].as_str());
    run(here).must(0);
    let newest = events(here);
    assert_eq!(standings(here).len(), 2);
    // Nothing is replaced unasked.
    assert_eq!(error(&restore(here, "1", &[])), (json!("restore-log-present"), 3));
    assert_eq!(events(here), newest);
    let restored = restore(here, "1", &["--replace"]).must(0).json();
    let replaced = here.join(restored["replaced"].as_str().unwrap());
    for name in ["ledger.db", "keys.db", "wrapping.db", "tiles/checkpoint"] {
        assert!(replaced.join(name).exists(), "{name}");
    }
    assert_eq!(standings(here), [(ticking.clone(), "in-doubt".to_owned())], "the finished run is gone");
    let resumed = stepward(here, &["runs", "resume", ticking, "--json"]);
    assert_eq!(error(&resumed), (json!("run-cannot-go-on"), 6), "{}", resumed.stdout);
    let hint = resumed.json()["error"]["hint"].to_string();
    assert!(hint.contains(&format!("stepward runs resolve {ticking} since-restore")), "{hint}");
    let resolve = ["runs", "resolve", ticking, "since-restore", "--as", "not-applied", "--reason", "looked"];
    stepward(here, &resolve).must(0);
    assert_eq!(standings(here), [(ticking.clone(), "can-go-on".to_owned())]);
    // A run that starts after the restore is a run like any other.
    run(here).must(0);
    // Twice from one backup: the name is another one each time.
    let again = restore(here, "1", &["--replace"]).must(0).json();
    assert_eq!((&again["generation"], &again["size"]), (&json!(3), &restored["size"]));
    assert!(checkpoint(here)[0].ends_with("/g3"));
    assert_ne!(again["replaced"], restored["replaced"]);
    run(here).must(0);
    // A restored log is backed up and restored like any other, also over one that nobody can read.
    assert_eq!(backed_up(here, "2")["manifest"]["generation"], 3);
    fs::write(state(here).join("ledger.db"), "not a database, and long enough to look at").unwrap();
    assert_eq!(run(here).code, 8);
    assert_eq!(restore(here, "2", &["--replace"]).must(0).json()["generation"], 4);
    run(here).must(0);
}

#[test]
fn the_log_says_that_a_backup_was_made_where_nobody_else_writes() {
    let here = ticking();
    let here = here.path();
    run(here).must(0);
    assert_eq!(backed_up(here, "1")["recorded"], true);
    let shown = leaves(here);
    assert!(
        shown.iter().any(|leaf| leaf.contains(r#""action":"operator-acted","act":"backup""#)),
        "{shown:?}"
    );
    let settings = |leaf: &&String| leaf.contains("configuration-changed");
    assert_eq!(shown.iter().filter(settings).count(), 1, "a backup changes no configuration");
    assert_eq!(error(&with_backup(here, "1")), (json!("backup-exists"), 3));
    let inside = here.join("backups/2");
    let (to, keys_to) = (inside.to_str().unwrap(), inside.join("keys"));
    let keys_to = keys_to.to_str().unwrap();
    for (to, keys_to) in [(to, keys_to), (keys_to, to), (to, to)] {
        let ended = stepward(here, &["backup", "--to", to, "--keys-to", keys_to, "--json"]);
        assert_eq!(error(&ended), (json!("backup-apart"), 3));
    }
    let empty = folder(&[DEV, ("stepward.toml", "[project]\nname = 'p'\n")]);
    assert_eq!(error(&with_backup(empty.path(), "1")), (json!("log-missing"), 9));
}

#[test]
fn a_backup_lies_neither_in_the_state_nor_around_it() {
    let here = ticking();
    let here = here.path();
    run(here).must(0);
    let (elsewhere, before) = (here.join("backups/1"), events(here));
    std::os::unix::fs::symlink(state(here), here.join("link")).unwrap();
    for together in ["", ".stepward", ".stepward/copy", ".stepward/dev", ".stepward/dev/a/b", "link/a"] {
        let together = here.join(together);
        for (to, keys_to) in [(&together, &elsewhere), (&elsewhere, &together)] {
            let (to, keys_to) = (to.to_str().unwrap(), keys_to.to_str().unwrap());
            let ended = stepward(here, &["backup", "--to", to, "--keys-to", keys_to, "--json"]);
            assert_eq!(error(&ended), (json!("backup-apart"), 3), "{to} {keys_to}");
        }
    }
    assert!(!here.join(".stepward/copy").exists() && !state(here).join("a").exists());
    assert_eq!(events(here), before);
}

#[test]
fn a_run_that_is_ended_in_doubt_goes_on_saying_what_nobody_knows() {
    let here = ticking();
    let here = here.path();
    let child = tick(here);
    backed_up(here, "1");
    kill(child);
    restore(here, "1", &["--replace"]).must(0);
    let (name, standing) = standings(here).remove(0);
    assert_eq!(standing, "in-doubt");
    let ended = stepward(here, &["runs", "cancel", &name, "--json"]).must(0).json();
    assert_eq!(ended["unknown"], json!([{"call": "since-restore"}]));
    let shown = stepward(here, &["runs", "show", &name, "--json"]).must(0).json();
    assert_eq!((&shown["standing"], &shown["in_doubt"]), (&json!("finished"), &json!([])));
    assert_eq!(shown["unknown"], ended["unknown"]);
    let said = stepward(here, &["runs", "show", &name]).must(0).stdout;
    assert!(said.contains("nobody knows what it did after the backup"), "{said}");
}

#[test]
fn folders_of_a_backup_that_are_mistaken_are_told() {
    let here = ticking();
    let here = here.path();
    run(here).must(0);
    backed_up(here, "1");
    let (log, keys) = backup(here, "1");
    for (from, keys_from, hint) in [
        (&*log, &*log, "backup --keys-to"),
        (&*keys, &*log, "exchange the two"),
        (&*log, "no-such-folder", "backup --keys-to"),
    ] {
        let ended =
            stepward(here, &["restore", "--from", from, "--keys-from", keys_from, "--replace"]).must(9);
        assert!(ended.stderr.contains(hint), "{}", ended.stderr);
    }
    restore(here, "1", &["--replace"]).must(0);
}

fn with_backup(here: &Path, to: &str) -> Ended {
    let (to, keys_to) = backup(here, to);
    stepward(here, &["backup", "--to", &to, "--keys-to", &keys_to, "--json"])
}

fn leaves(here: &Path) -> Vec<String> {
    let reader = rusqlite::Connection::open(state(here).join("ledger.db")).unwrap();
    let mut leaves = reader.prepare("SELECT bytes FROM leaf ORDER BY sequence").unwrap();
    let leaves = leaves.query_map([], |row| row.get::<_, Vec<u8>>(0)).unwrap();
    leaves.map(|leaf| String::from_utf8(leaf.unwrap()).unwrap()).collect()
}

/// Puts an older copy of a file in the place of the newer one, as people do.
fn put_back(from: &Path, to: &Path) {
    for end in ["-wal", "-shm"] {
        drop(fs::remove_file(format!("{}{end}", to.display())));
    }
    fs::copy(from, to).unwrap();
}

#[test]
fn an_older_copy_is_told_from_the_log_and_its_keys() {
    let here = ticking();
    let here = here.path();
    run(here).must(0);
    let older = here.join("older");
    fs::create_dir(&older).unwrap();
    let (state, names) = (state(here), ["ledger.db", "keys.db", "wrapping.db"]);
    for name in names {
        fs::copy(state.join(name), older.join(name)).unwrap();
    }
    run(here).must(0);
    let newer = here.join("newer");
    fs::create_dir(&newer).unwrap();
    for name in names {
        fs::copy(state.join(name), newer.join(name)).unwrap();
    }
    put_back(&older.join("ledger.db"), &state.join("ledger.db"));
    let ended = run(here);
    assert_eq!(error(&ended), (json!("log-shorter"), 8), "{}", ended.stdout);
    let fault = ended.json()["error"].clone();
    assert!(fault["hint"].as_str().unwrap().contains("stepward restore"), "{fault}");
    put_back(&newer.join("ledger.db"), &state.join("ledger.db"));
    run(here).must(0);
    // The keys are older than the log.
    put_back(&older.join("keys.db"), &state.join("keys.db"));
    let ended = run(here);
    assert_eq!(error(&ended), (json!("keys-behind-log"), 8), "{}", ended.stdout);
}

#[test]
fn another_key_of_the_environment_is_refused() {
    let here = ticking();
    let here = here.path();
    run(here).must(0);
    backed_up(here, "1");
    let key = state(here).join("keys/environment.key");
    let right = fs::read(&key).unwrap();
    fs::write(&key, [7; 32]).unwrap();
    let ended = run(here);
    assert_eq!(error(&ended), (json!("environment-key-mismatch"), 8), "{}", ended.stdout);
    let ended = restore(here, "1", &["--replace"]);
    assert_eq!(error(&ended), (json!("backup-other-key"), 8), "{}", ended.stdout);
    // Where the key is gone, no other one is made.
    fs::remove_file(&key).unwrap();
    let ended = run(here);
    assert_eq!(error(&ended), (json!("environment-key-absent"), 7), "{}", ended.stdout);
    assert!(!key.exists());
    fs::write(&key, right).unwrap();
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    run(here).must(0);
}

#[test]
fn a_damaged_backup_changes_nothing() {
    let here = ticking();
    let here = here.path();
    run(here).must(0);
    backed_up(here, "1");
    let (log, keys) = backup(here, "1");
    let refused = |path: String, change: &dyn Fn(&mut Vec<u8>), rule: &str, code: i32| {
        let before = events(here);
        let good = fs::read(&path).unwrap();
        let mut bytes = good.clone();
        change(&mut bytes);
        fs::write(&path, bytes).unwrap();
        let ended = restore(here, "1", &["--replace"]);
        assert_eq!(error(&ended), (json!(rule), code), "{path}\n{}", ended.stdout);
        fs::write(&path, good).unwrap();
        assert_eq!(events(here), before);
    };
    let flip = |bytes: &mut Vec<u8>| {
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
    };
    for file in [format!("{log}/ledger.db"), format!("{log}/keys.db"), format!("{keys}/wrapping.db")] {
        refused(file.clone(), &flip, "backup-file-changed", 8);
        refused(file.clone(), &|bytes| bytes.push(0), "backup-file-changed", 8);
        refused(file, &|bytes| bytes.truncate(100), "backup-file-changed", 8);
    }
    let manifest = format!("{log}/backup.json");
    let replace = |old: &'static str, new: &'static str| {
        move |bytes: &mut Vec<u8>| *bytes = String::from_utf8_lossy(bytes).replacen(old, new, 1).into_bytes()
    };
    refused(manifest.clone(), &replace("\"size\": ", "\"size\": 1"), "backup-checkpoint", 8);
    refused(
        manifest.clone(),
        &replace("\"environment\": \"dev\"", "\"environment\": \"live\""),
        "backup-environment",
        3,
    );
    // The keys of an older backup, under their own hash: they do not know the newest run.
    run(here).must(0);
    backed_up(here, "2");
    let (newer, newer_keys) = backup(here, "2");
    fs::copy(format!("{log}/keys.db"), format!("{newer}/keys.db")).unwrap();
    let read = |folder: &str| -> Value {
        serde_json::from_slice(&fs::read(format!("{folder}/backup.json")).unwrap()).unwrap()
    };
    let mut mixed = read(&newer);
    mixed["files"]["keys.db"] = read(&log)["files"]["keys.db"].clone();
    fs::write(format!("{newer}/backup.json"), mixed.to_string()).unwrap();
    let before = events(here);
    let ended = restore(here, "2", &["--replace"]);
    assert_eq!(
        (error(&ended), events(here)),
        ((json!("backup-keys-behind"), 8), before),
        "{newer_keys}\n{}",
        ended.stdout
    );
    refused(manifest.clone(), &replace("backup/1", "backup/2"), "backup-manifest", 9);
    refused(manifest.clone(), &replace("{", "{\"more\": 1,"), "backup-manifest", 9);
    fs::remove_file(&manifest).unwrap();
    assert_eq!(error(&restore(here, "1", &["--replace"])), (json!("backup-manifest"), 9));
    assert!(
        !fs::read_dir(state(here)).unwrap().any(|entry| entry
            .unwrap()
            .file_name()
            .to_str()
            .unwrap()
            .contains("restor"))
    );
    run(here).must(0);
}

/// A restore that was killed between any two of its moves is finished by doing it again, and until
/// then nothing else opens the environment.
#[test]
fn a_restore_that_was_interrupted_is_finished() {
    let here = ticking();
    let here = here.path();
    run(here).must(0);
    let older = events(here);
    backed_up(here, "1");
    run(here).must(0);
    backed_up(here, "2");
    restore(here, "1", &["--replace"]).must(0);
    let state = state(here);
    // As it was before the last of the moves: new files are in their places, one is not.
    let staged = state.join(".restoring-x");
    fs::create_dir(&staged).unwrap();
    fs::rename(state.join("wrapping.db"), staged.join("wrapping.db")).unwrap();
    let (log, _) = backup(here, "1");
    let manifest: Value =
        serde_json::from_str(&fs::read_to_string(format!("{log}/backup.json")).unwrap()).unwrap();
    let note = json!({
        "schema": "stepward.restore-pending/1", "staged": ".restoring-x", "aside": "replaced-x", "phase": "moving-in",
        "told": {
            "manifest": manifest, "origin": "log/g2", "generation": 2, "replaced": "replaced-x",
            "unfinished": [{"run": "r-1", "standing": "in-doubt", "words": "is in doubt: look"}], "erased": ["r-2"],
        }
    });
    fs::write(state.join("restore.json"), note.to_string()).unwrap();
    for command in [&["run", "w", "--input", "in.json", "--json"][..], &["runs", "list", "--json"]] {
        let ended = stepward(here, command);
        assert_eq!(error(&ended), (json!("restore-unfinished"), 7), "{}", ended.stdout);
        assert!(ended.stdout.contains("stepward restore"), "{}", ended.stdout);
    }
    // Another backup is not installed in its name, and what was found out before is told.
    assert_eq!(error(&restore(here, "2", &["--replace"])), (json!("restore-other"), 3));
    let told = restore(here, "1", &["--replace"]).must(0).json();
    assert_eq!((&told["finished"], &told["erased"]), (&json!(true), &json!(["r-2"])));
    assert_eq!(told["unfinished"], json!([{"run": "r-1", "standing": "in-doubt"}]));
    assert!(!staged.exists() && !state.join("restore.json").exists());
    assert!(events(here) > older);
    run(here).must(0);
}

/// Killed by the kernel at moments that nobody chose: the old log is there, or the restored one, or
/// restoring again finishes it.
#[test]
fn a_restore_that_is_killed_leaves_the_old_or_the_new() {
    let here = ticking();
    let here = here.path();
    run(here).must(0);
    backed_up(here, "1");
    run(here).must(0);
    let (from, keys_from) = backup(here, "1");
    for turn in 0..12 {
        let arguments = ["restore", "--from", &from, "--keys-from", &keys_from, "--replace", "--json"];
        let mut child = command(here, &arguments).spawn().unwrap();
        // The moments are spread over what a restore takes, from its start to past its end.
        thread::sleep(Duration::from_millis(turn * 15));
        child.kill().unwrap();
        child.wait().unwrap();
        let ended = run(here);
        if ended.code != 0 {
            assert_eq!(error(&ended), (json!("restore-unfinished"), 7), "{}", ended.stdout);
            restore(here, "1", &["--replace"]).must(0);
            run(here).must(0);
        }
    }
}

/// An erasure that came after the backup is undone by it: whoever restores is told.
#[test]
fn a_run_that_was_erased_since_is_named() {
    let here = ticking();
    let here = here.path();
    run(here).must(0);
    backed_up(here, "1");
    let (erased, _) = standings(here).remove(0);
    stepward(here, &["runs", "erase", &erased, "--json"]).must(0);
    let (from, keys_from) = backup(here, "1");
    let ended = stepward(here, &["restore", "--from", &from, "--keys-from", &keys_from, "--replace"]).must(0);
    assert!(ended.stderr.contains(&format!("stepward runs erase {erased}")), "{}", ended.stderr);
    // The log that knows of it was moved aside, and is asked all the same.
    assert_eq!(restore(here, "1", &["--replace"]).must(0).json()["erased"], json!([erased]));
    stepward(here, &["runs", "erase", &erased]).must(0);
    backed_up(here, "2");
    assert_eq!(restore(here, "2", &["--replace"]).must(0).json()["erased"], json!([]), "there it is erased");
}

/// The index of unfinished runs is under no hash of the log: without it, nobody is told what to look for.
#[test]
fn a_backup_whose_index_was_edited_is_refused() {
    let here = ticking();
    let here = here.path();
    kill(tick(here));
    backed_up(here, "1");
    let (log, _) = backup(here, "1");
    let (ledger, manifest) = (format!("{log}/ledger.db"), format!("{log}/backup.json"));
    let good = fs::read(&ledger).unwrap();
    for edit in ["DELETE FROM run", "UPDATE run SET open = 0"] {
        fs::write(&ledger, &good).unwrap();
        let edited = rusqlite::Connection::open(&ledger).unwrap();
        edited.execute_batch(&format!("PRAGMA journal_mode = DELETE; {edit}")).unwrap();
        drop(edited);
        let mut says: Value = serde_json::from_str(&fs::read_to_string(&manifest).unwrap()).unwrap();
        let bytes = fs::read(&ledger).unwrap();
        says["files"]["ledger.db"] =
            json!({"bytes": bytes.len(), "sha256": stepward_trust::Digest::of(&bytes)});
        fs::write(&manifest, says.to_string()).unwrap();
        let before = events(here);
        let refused = restore(here, "1", &["--replace"]);
        assert_eq!(error(&refused), (json!("log-seal"), 8), "{edit}\n{}", refused.stdout);
        assert_eq!(events(here), before);
    }
}
