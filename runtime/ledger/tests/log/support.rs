//! Logs and leaves for the tests.

use std::future::Future;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use stepward_fault::{Class, Fault, Owner, Rule};
use stepward_ledger::log::{Attached, Clock, Log, Opened, Sealer, Stamp, Ticket, Trusted};
use stepward_ledger::merkle::TreeHead;
use stepward_ledger::store::owner::{Holder, Ownership};
use stepward_ledger::store::sqlite::Writer;
use stepward_ledger::store::{RunChange, RunLink, Store};

pub(crate) const HOLDER: Holder<'static> = Holder { pid: 4711, since: "2026-01-02T03:04:05Z", what: "test" };

/// A clock that ticks whenever it is looked at.
pub(crate) fn clock() -> Arc<dyn Clock> {
    let ticks = AtomicU64::new(1);
    Arc::new(move || {
        let mono_us = ticks.fetch_add(1, Ordering::Relaxed);
        Stamp { unix_us: 1_700_000_000_000_000 + mono_us, error_us: None, mono_us }
    })
}

/// Seals under a key that nobody else has.
pub(crate) fn sealer() -> Sealer {
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, &[7; 32]);
    Sealer::new(move |message| aws_lc_rs::hmac::sign(&key, message).as_ref().try_into().unwrap())
}

pub(crate) fn leaf(sequence: u64, text: &str) -> Vec<u8> {
    format!(r#"{{"v":1,"sequence":{sequence},"text":"{text}"}}"#).into_bytes()
}

pub(crate) fn sequence_of(leaf: &[u8]) -> Result<u64, Fault> {
    let number = || serde_json::from_slice::<serde_json::Value>(leaf).ok()?.get("sequence")?.as_u64();
    number().ok_or_else(|| Fault::new(Class::EvidenceInvalid, Owner::Operator, Rule::new("test-leaf")))
}

pub(crate) fn open(store: impl Store + 'static, trusted: &[Trusted]) -> Result<(Log, Opened), Fault> {
    Log::open(Box::new(store), clock(), trusted, &sequence_of, &sealer())
}

pub(crate) fn writer(folder: &Path) -> Result<Writer, Fault> {
    let lock = std::fs::File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(folder.join("ledger.lock"))
        .unwrap();
    let ownership = Ownership::claim(lock, "ledger.lock", &HOLDER)?;
    Writer::open(&folder.join("ledger.db"), ownership)
}

pub(crate) fn append(log: &Log, text: &str) -> Result<Ticket, Fault> {
    log.append(Attached::default(), |sequence, _| leaf(sequence, text))
}

pub(crate) fn of_run(run: &str, change: RunChange) -> Attached {
    Attached { run: Some(RunLink { run: run.to_owned(), change }), ..Attached::default() }
}

pub(crate) fn trusted(head: TreeHead) -> Trusted {
    Trusted { head, source: "the last checkpoint".to_owned() }
}

pub(crate) fn run<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}
