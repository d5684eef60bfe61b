//! A real disk that is full or cannot be written: a small file system in memory, where this account
//! may mount one.

use crate::support::{Batches, HOLDER, entry, fill, lock, writer};
use std::path::Path;
use std::process::{Command, Stdio};
use stepward_fault::Class;
use stepward_ledger::store::owner::Ownership;
use stepward_ledger::store::sqlite::Writer;
use stepward_ledger::store::{Entry, Records, Store};
use tempfile::TempDir;

/// A mounted file system, unmounted in the end.
struct Mount {
    folder: TempDir,
}

impl Mount {
    /// Mounts so many KiB; nothing, and a word about it, where that is not allowed.
    fn of(kibibytes: u32) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let size = format!("size={kibibytes}k");
        if run("mount", &["-t", "tmpfs", "-o", &size, "tmpfs"], folder.path()) {
            return Some(Self { folder });
        }
        eprintln!("SKIPPED: this account may not mount a small file system to fill");
        None
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        run("umount", &[], self.folder.path());
    }
}

fn run(program: &str, arguments: &[&str], path: &Path) -> bool {
    let mut command = Command::new(program);
    command.args(arguments).arg(path).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

#[test]
fn a_full_disk_refuses_the_batch_and_keeps_everything_before_it() {
    let Some(mount) = Mount::of(1024) else { return };
    let mut store = writer(mount.path()).unwrap();
    let mut batches = Batches::default();
    let (mut acknowledged, mut last) = (store.head().unwrap(), batches.clone());
    let fault = loop {
        let large = Entry { body: Some(vec![7; 20_000]), ..entry("event") };
        let batch = batches.next(vec![large]);
        match store.commit(&batch) {
            Ok(()) => (acknowledged, last) = (batch.head, batches.clone()),
            Err(fault) => break fault,
        }
    };
    assert_eq!((fault.rule().as_str(), fault.class()), ("store-disk-full", Class::Unavailable));
    assert!(fault.remedy().contains("make room"), "{fault:?}");
    assert!(acknowledged.size.get() > 5);
    drop(store);
    assert!(run("mount", &["-o", "remount,size=8m"], mount.path()));
    let mut store = writer(mount.path()).unwrap();
    assert_eq!(store.head().unwrap(), acknowledged);
    fill(&mut store, &mut last, acknowledged.size.get() + 300);
}

#[test]
fn a_read_only_disk_is_named_as_such() {
    let Some(mount) = Mount::of(4096) else { return };
    fill(&mut writer(mount.path()).unwrap(), &mut Batches::default(), 10);
    let ownership = Ownership::claim(lock(mount.path()), "ledger.lock", &HOLDER).unwrap();
    // The lock file is open for writing, so only a second view of the disk can be read-only.
    let view = tempfile::tempdir().unwrap();
    let path = mount.path().to_str().unwrap();
    assert!(run("mount", &["--bind", path], view.path()));
    assert!(run("mount", &["-o", "remount,bind,ro"], view.path()));
    let outcome = Writer::open(&view.path().join("ledger.db"), ownership);
    assert!(run("umount", &[], view.path()));
    let fault = outcome.unwrap_err();
    assert_eq!((fault.rule().as_str(), fault.class()), ("store-read-only", Class::Unavailable));
    assert!(fault.remedy().contains("mount options"), "{fault:?}");
}
