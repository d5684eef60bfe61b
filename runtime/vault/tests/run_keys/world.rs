//! A real store in a folder of its own.

use std::{
    fs,
    path::{Path, PathBuf},
};
use stepward_seam::SecretBytes;
use stepward_vault::{BodyContext, EnvironmentRoot, Lookup, RunKey, RunKeys, Sealed};
use tempfile::TempDir;

/// A Monday, 00:00 UTC.
pub(crate) const MONDAY: u64 = 1_794_787_200_000;
pub(crate) const WEEK: u64 = 7 * 24 * 60 * 60 * 1000;

pub(crate) struct World {
    pub(crate) folder: TempDir,
}

pub(crate) fn root(byte: u8) -> EnvironmentRoot {
    EnvironmentRoot::derive(&SecretBytes::new(vec![byte; 32])).unwrap()
}

pub(crate) fn context(run: &str) -> BodyContext<'_> {
    BodyContext { environment: "dev", run, kind: "call-answered" }
}

impl World {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn try_open(&self) -> Result<RunKeys, stepward_fault::Fault> {
        RunKeys::open(&self.path("keys.db"), &self.path("wrapping.db"), &root(1))
    }

    pub(crate) fn open(&self) -> RunKeys {
        self.try_open().unwrap()
    }

    /// The rule that refuses to open the store.
    pub(crate) fn refused(&self) -> &'static str {
        self.try_open().unwrap_err().rule().as_str()
    }

    pub(crate) fn sql(&self, file: &str, sql: &str) {
        let changed = rusqlite::Connection::open(self.path(file)).unwrap().execute(sql, []).unwrap();
        assert!(changed > 0, "nothing was edited");
    }

    pub(crate) fn wrapped_run(&self, run: &str) -> Vec<u8> {
        let sql = "SELECT wrapped FROM run_key WHERE run = ?1";
        let connection = rusqlite::Connection::open(self.path("keys.db")).unwrap();
        connection.query_row(sql, [run], |row| row.get(0)).unwrap()
    }

    pub(crate) fn wrapped_wrapping(&self, id: i64) -> Vec<u8> {
        let sql = "SELECT wrapped FROM wrapping_key WHERE id = ?1";
        let connection = rusqlite::Connection::open(self.path("wrapping.db")).unwrap();
        connection.query_row(sql, [id], |row| row.get(0)).unwrap()
    }

    /// The files, besides the shared index of the log, that hold these bytes.
    pub(crate) fn holding(&self, bytes: &[u8]) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(self.folder.path())
            .unwrap()
            .map(|entry| entry.unwrap())
            .filter(|entry| contains(&entry.path(), bytes))
            .map(|entry| entry.file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    /// Copies the files as a crash at this moment would leave them.
    pub(crate) fn snapshot(&self) -> Self {
        let copy = Self::new();
        for entry in fs::read_dir(self.folder.path()).unwrap() {
            let entry = entry.unwrap();
            if !entry.file_name().to_string_lossy().ends_with("-shm") {
                fs::copy(entry.path(), copy.path(entry.file_name().to_str().unwrap())).unwrap();
            }
        }
        copy
    }
}

#[expect(clippy::disallowed_methods, reason = "a test looks at the real file")]
pub(crate) fn contains(path: &Path, bytes: &[u8]) -> bool {
    fs::read(path).unwrap().windows(bytes.len()).any(|window| window == bytes)
}

pub(crate) fn key(keys: &RunKeys, run: &str) -> RunKey {
    match keys.get(run).unwrap() {
        Lookup::Key(key) => key,
        other => unreachable!("{run}: {other:?}"),
    }
}

pub(crate) fn create(keys: &RunKeys, run: &str, now_ms: u64) -> Sealed {
    keys.create(run, now_ms).unwrap().seal(context(run), run.as_bytes()).unwrap()
}

/// The run's key opens the run's body.
pub(crate) fn opens(keys: &RunKeys, run: &str, sealed: &Sealed) {
    let body = key(keys, run).open(context(run), &sealed.commitment, &sealed.bytes).unwrap();
    assert_eq!(body, run.as_bytes());
}
