//! A restore that is stopped after any of its steps.

use super::{
    Moved, Pending, Phase, SCHEMA, Told, aside, check_settled, disk::Facts, finish, manifest,
    manifest::Manifest, present, settle, write,
};
use std::{fs, path::Path};
use stepward_fault::{Class, Fault, Owner, Rule};

const OLD: [&str; 5] = ["ledger.db", "ledger.db-wal", "keys.db", "wrapping.db", "tiles"];
const NEW: [&str; 4] = ["ledger.db", "keys.db", "wrapping.db", "tiles"];

fn put(folder: &Path, names: &[&str], text: &str) {
    fs::create_dir_all(folder).unwrap();
    for name in names {
        if *name == "tiles" {
            fs::create_dir(folder.join(name)).unwrap();
            fs::write(folder.join(name).join("checkpoint"), text).unwrap();
        } else {
            fs::write(folder.join(name), text).unwrap();
        }
    }
}

fn has(folder: &Path, names: &[&str], text: &str) {
    assert_eq!(present(folder).len(), names.len());
    for name in names {
        let path = folder.join(name);
        let path = if *name == "tiles" { path.join("checkpoint") } else { path };
        assert_eq!(fs::read_to_string(&path).unwrap(), text, "{name}");
    }
}

/// What a restore of a backup of so many events came to.
fn told(size: u64) -> Told {
    let sha256 = stepward_trust::Digest::of(b"file");
    let file = Facts { bytes: 4, sha256 };
    let manifest = Manifest {
        schema: manifest::SCHEMA.to_owned(),
        environment: "dev".to_owned(),
        origin: "log".to_owned(),
        generation: 1,
        size,
        root: sha256,
        checkpoint: "note".to_owned(),
        time_ms: 5,
        files: manifest::Files { ledger: file, keys: file, wrapping: file },
    };
    let (unfinished, erased) = (Vec::new(), vec!["r-1".to_owned()]);
    Told { manifest, origin: "log/g2".to_owned(), generation: 2, replaced: None, unfinished, erased }
}

fn stop_after(steps: usize) -> impl FnMut() -> Result<(), Fault> {
    let mut left = steps;
    move || match left.checked_sub(1) {
        Some(less) => {
            left = less;
            Ok(())
        }
        None => Err(Fault::new(Class::Internal, Owner::Stepward, Rule::new("stopped"))),
    }
}

fn begin(root: &Path, stop: Moved<'_>) -> Result<Told, Fault> {
    put(&root.join(".restoring-x"), &NEW, "new");
    let (schema, staged, aside) = (SCHEMA.to_owned(), ".restoring-x".to_owned(), "replaced-x".to_owned());
    let pending = Pending { schema, staged, aside, phase: Phase::MovingAside, told: told(7) };
    write(root, &pending).unwrap();
    finish(root, pending, stop)
}

#[test]
fn it_is_finished_from_wherever_it_was_stopped() {
    for (old, steps) in [(&OLD[..], 13), (&[], 8)] {
        for stopped in 0..steps {
            let folder = tempfile::tempdir().unwrap();
            let root = folder.path();
            put(root, old, "old");
            let done = begin(root, &mut stop_after(stopped));
            assert_eq!(done.is_ok(), stopped == steps - 1, "{stopped}");
            if done.is_err() {
                assert_eq!(check_settled(root).unwrap_err().rule().as_str(), "restore-unfinished");
                // Another backup is not what was begun; the one that was is finished, and tells all of it.
                let other = settle(root, || Ok(told(8).manifest)).unwrap_err();
                assert_eq!(other.rule().as_str(), "restore-other");
                assert_eq!(settle(root, || Ok(told(7).manifest)).unwrap(), Some(told(7)));
            }
            check_settled(root).unwrap();
            assert_eq!(settle(root, || Ok(told(8).manifest)).unwrap(), None);
            has(root, &NEW, "new");
            has(&root.join("replaced-x"), old, "old");
            assert!(!root.join(".restoring-x").exists());
        }
    }
}

#[test]
fn a_note_that_leads_elsewhere_moves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (root, elsewhere) = (folder.path().join("state"), folder.path().join("elsewhere"));
    put(&root, &OLD, "old");
    put(&elsewhere, &NEW, "new");
    for (staged, aside) in
        [("../elsewhere", "a"), ("..", "a"), ("", "a"), ("a", "../elsewhere"), ("a/b", "c")]
    {
        let note = format!(
            r#"{{"schema":"{SCHEMA}","staged":"{staged}","aside":"{aside}","phase":"moving-in","told":{}}}"#,
            serde_json::to_string(&told(7)).unwrap()
        );
        fs::write(root.join("restore.json"), note).unwrap();
        assert_eq!(settle(&root, || Ok(told(7).manifest)).unwrap_err().rule().as_str(), "restore-note");
    }
    has(&root, &OLD, "old");
    has(&elsewhere, &NEW, "new");
}

#[test]
fn two_logs_are_never_moved_into_one_folder() {
    let folder = tempfile::tempdir().unwrap();
    let names = [(); 3].map(|()| {
        let name = aside(folder.path(), 1_795_257_776);
        fs::create_dir(folder.path().join(&name)).unwrap();
        name
    });
    assert_eq!(
        names,
        ["replaced-20261121T104256Z", "replaced-20261121T104256Z-2", "replaced-20261121T104256Z-3"]
    );
}
