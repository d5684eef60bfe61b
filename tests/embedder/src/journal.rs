//! The desk's event log: what its runs read and came to, durable and in an order that can be checked.
//!
//! It lies in a folder beside the desk's own database, and both are SQLite in one program.

use std::{
    error::Error,
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Read as _, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::Path,
    process,
    sync::Arc,
    time::{Instant, SystemTime, UNIX_EPOCH},
};
use stepward::{
    Digest, SecretBytes,
    journal::{Journal, Opened, sealer},
    ledger::{
        event::{Event, Name},
        log::{Clock, Log, Stamp},
        store::{
            owner::{Holder, Ownership},
            sqlite::Writer,
        },
    },
    vault::{EnvironmentRoot, RunKeys},
};

/// Opens the log in `folder`, and makes it where it is missing.
pub(crate) async fn open(folder: &Path) -> Result<Journal, Box<dyn Error>> {
    if !folder.is_dir() {
        DirBuilder::new().mode(0o700).create(folder)?;
    }
    let lock = private().read(true).create(true).truncate(false).open(folder.join("ledger.lock"))?;
    let holder = Holder { pid: process::id(), since: "its start", what: "order-desk" };
    let store = Writer::open(&folder.join("ledger.db"), Ownership::claim(lock, "ledger.lock", &holder)?)?;
    let clock = clock();
    let place = |leaf: &[u8]| Event::decode(leaf).map(|event| event.sequence);
    let root = EnvironmentRoot::derive(&key(&folder.join("environment.key"))?)?;
    let (log, _) = Log::open(Box::new(store), Arc::clone(&clock), &[], &place, &sealer(&root))?;
    let keys = RunKeys::open(&folder.join("keys.db"), &folder.join("wrapping.db"), &root)?;
    let (desk, version) = (Name::new("desk")?, Name::new(env!("CARGO_PKG_VERSION"))?);
    let Opened { journal, unfinished } =
        Journal::open(log, keys, clock, desk, Digest::of(b"orders: GET /orders/*"), version).await?;
    // Each start is a moment to complete what was erased in an earlier week.
    for held in journal.rotate().await?.held {
        eprintln!(
            "order-desk: {} runs keep wrapping key {}: their keys are damaged",
            held.runs, held.wrapping_key
        );
    }
    for run in unfinished {
        eprintln!("order-desk: {} was cut off and only read: nothing is left to do", run.name);
    }
    Ok(journal)
}

/// The wall clock, and one that never goes back.
fn clock() -> Arc<dyn Clock> {
    let start = Instant::now();
    let micros = |since: std::time::Duration| u64::try_from(since.as_micros()).unwrap_or(u64::MAX);
    Arc::new(move || Stamp {
        unix_us: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, micros),
        error_us: None,
        mono_us: micros(start.elapsed()),
    })
}

/// The key under which everything is sealed, made at the first start.
fn key(path: &Path) -> io::Result<SecretBytes> {
    if !path.exists() {
        let mut bytes = [0; 32];
        File::open("/dev/urandom")?.read_exact(&mut bytes)?;
        let mut file = private().create_new(true).open(path)?;
        file.write_all(&bytes)?;
        file.sync_all()?;
    }
    fs::read(path).map(SecretBytes::new)
}

/// Files that their owner alone can open.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).mode(0o600);
    options
}
