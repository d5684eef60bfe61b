//! Publishing into a folder and reading it back.

use crate::{Memory, cosigned, index, log, open, size};
use std::path::Path;
use stepward_ledger::merkle::{Frontier, Hashes as _, Inclusion, LeafHash};
use stepward_ledger::note::LogSigner;
use stepward_ledger::store::simulated::{Disk, Simulated};
use stepward_ledger::store::{Batch, Entry, Records, Seal, Store as _, Subtree};
use stepward_ledger::tiles::Source as _;

fn publish(folder: &Path, memory: &Memory, leaves: u64) {
    try_publish(folder, memory, leaves).unwrap();
}

fn try_publish(folder: &Path, memory: &Memory, leaves: u64) -> Result<(), stepward_fault::Fault> {
    open(folder).publish(memory, &log().verifier(), &cosigned(memory.head_at(leaves)))
}

/// Every file below a folder, by its path.
fn listed(folder: &Path) -> Vec<String> {
    let mut paths = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                paths.push(path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned());
            }
        }
    }
    paths.sort();
    paths
}

#[test]
fn a_folder_has_the_checkpoint_and_the_tiles_of_its_size() {
    let folder = tempfile::tempdir().unwrap();
    publish(folder.path(), &Memory::numbered(300), 300);
    let expected = [
        "checkpoint",
        "tile/0/000",
        "tile/0/001.p/44",
        "tile/1/000.p/1",
        "tile/entries/000",
        "tile/entries/001.p/44",
    ];
    assert_eq!(listed(folder.path()), expected);
}

#[test]
fn proofs_and_entries_come_out_of_a_folder_that_grew() {
    let folder = tempfile::tempdir().unwrap();
    let memory = Memory::numbered(700);
    let steps = [0, 1, 200, 255, 256, 257, 300, 300, 511, 512, 700];
    for leaves in steps {
        publish(folder.path(), &memory, leaves);
    }
    let tiles = open(folder.path());
    let checkpoint = tiles.checkpoint(&log().verifier()).unwrap().unwrap();
    assert_eq!(checkpoint.head(), memory.head());
    // Older sizes that had a checkpoint can still be read, and no others have their tiles.
    for leaves in steps {
        let tree = tiles.tree(size(leaves));
        assert_eq!(tree.head(size(leaves)).unwrap(), memory.head_at(leaves));
        for place in (0..leaves).step_by(83) {
            let proof = Inclusion::prove(&tree, index(place), size(leaves)).unwrap();
            let included = proof.verify(LeafHash::of(&place.to_be_bytes()), memory.head_at(leaves)).unwrap();
            assert_eq!(included.index(), index(place));
        }
    }
    let mut seen = Vec::new();
    let tree = tiles.tree(size(700));
    tree.entries(250..515, &mut |entry| {
        seen.push(entry.to_vec());
        Ok(())
    })
    .unwrap();
    assert_eq!(seen, memory.entries[250..515]);
    assert_eq!(tree.entries(699..701, &mut |_| Ok(())).unwrap_err().rule().as_str(), "tiles-file-missing");
}

#[test]
fn superseded_partial_tiles_can_go_and_older_sizes_stay_readable() {
    let folder = tempfile::tempdir().unwrap();
    let memory = Memory::numbered(700);
    for leaves in [200, 300, 700] {
        publish(folder.path(), &memory, leaves);
    }
    let tiles = open(folder.path());
    tiles.prune(size(0), size(700)).unwrap();
    let left = listed(folder.path());
    assert_eq!(
        left.iter().filter(|path| path.contains(".p/")).collect::<Vec<_>>(),
        ["tile/0/002.p/188", "tile/1/000.p/1", "tile/1/000.p/2", "tile/entries/002.p/188"]
    );
    for leaves in [200, 300, 700] {
        assert_eq!(tiles.tree(size(leaves)).head(size(leaves)).unwrap(), memory.head_at(leaves));
    }
    tiles.prune(size(0), size(700)).unwrap();
    assert_eq!(listed(folder.path()), left);
}

#[test]
fn a_full_tile_whose_partial_forms_are_all_there_is_stays_readable() {
    let folder = tempfile::tempdir().unwrap();
    let memory = Memory::numbered(300);
    for leaves in [200, 300] {
        publish(folder.path(), &memory, leaves);
    }
    std::fs::remove_file(folder.path().join("tile/0/000")).unwrap();
    open(folder.path()).prune(size(200), size(300)).unwrap();
    assert!(folder.path().join("tile/0/000.p/200").is_file());
    assert!(!folder.path().join("tile/entries/000.p").exists());
}

/// A log that was changed after it was published cannot be published over it, wherever it changed.
#[test]
fn a_fork_stops_the_publication_and_leaves_the_checkpoint() {
    let folder = tempfile::tempdir().unwrap();
    let memory = Memory::numbered(300);
    publish(folder.path(), &memory, 300);
    let before = std::fs::read(folder.path().join("checkpoint")).unwrap();
    for changed in [0, 255, 256, 299] {
        let mut entries: Vec<_> = (0..400u64).map(|leaf| leaf.to_be_bytes().to_vec()).collect();
        entries[changed].push(0);
        let refused = try_publish(folder.path(), &Memory::of(entries), 400).unwrap_err();
        assert_eq!((refused.rule().as_str(), refused.place()), ("tiles-forked", "checkpoint"));
        assert_eq!(std::fs::read(folder.path().join("checkpoint")).unwrap(), before);
    }
}

/// Also where the checkpoint that would show it is gone: a tile never changes.
#[test]
fn a_tile_with_other_bytes_stops_the_publication() {
    for name in
        ["tile/0/000", "tile/0/001.p/44", "tile/1/000.p/1", "tile/entries/000", "tile/entries/001.p/44"]
    {
        let folder = tempfile::tempdir().unwrap();
        let memory = Memory::numbered(300);
        publish(folder.path(), &memory, 300);
        std::fs::remove_file(folder.path().join("checkpoint")).unwrap();
        let tile = folder.path().join(name);
        let mut bytes = std::fs::read(&tile).unwrap();
        bytes[7] ^= 1;
        std::fs::write(&tile, &bytes).unwrap();
        let refused = try_publish(folder.path(), &memory, 300).unwrap_err();
        assert_eq!((refused.rule().as_str(), refused.place()), ("tiles-forked", name));
        assert_eq!(std::fs::read(&tile).unwrap(), bytes);
        assert!(!folder.path().join("checkpoint").exists());
    }
}

#[test]
fn another_log_and_an_older_copy_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let memory = Memory::numbered(300);
    publish(folder.path(), &memory, 300);
    assert_eq!(
        try_publish(folder.path(), &memory, 299).unwrap_err().rule().as_str(),
        "tiles-larger-than-the-log"
    );
    let second = std::num::NonZeroU32::new(2).unwrap();
    let restored = LogSigner::of_environment("prod", second, &[1; 32]).unwrap();
    let tiles = open(folder.path());
    let newest = restored.sign(memory.head());
    let with = |key: &LogSigner| tiles.publish(&memory, &key.verifier(), &newest).unwrap_err();
    assert_eq!(with(&log()).rule().as_str(), "tiles-of-another-log");
    assert_eq!(with(&restored).rule().as_str(), "note-not-signed-by-a-known-key");
    assert_eq!(tiles.checkpoint(&log().verifier()).unwrap().unwrap().head(), memory.head());
}

#[test]
fn a_checkpoint_that_is_not_the_log_is_never_published() {
    let folder = tempfile::tempdir().unwrap();
    let other = cosigned(Memory::numbered(301).head_at(300));
    let mut memory = Memory::numbered(299);
    memory.append(b"something else".to_vec());
    let refused = open(folder.path()).publish(&memory, &log().verifier(), &other).unwrap_err();
    assert_eq!((refused.rule().as_str(), refused.place()), ("tiles-forked", "checkpoint"));
    assert!(listed(folder.path()).is_empty());
}

/// Whatever was left behind by a writer that died, the next one goes on.
#[test]
fn an_interrupted_publication_goes_on() {
    let memory = Memory::numbered(600);
    let whole = tempfile::tempdir().unwrap();
    publish(whole.path(), &memory, 600);
    let all = listed(whole.path());
    for missing in &all {
        let folder = tempfile::tempdir().unwrap();
        publish(folder.path(), &memory, 600);
        // As if the writer had died before it named this file.
        let gone = folder.path().join(missing);
        std::fs::write(folder.path().join(format!("{missing}.new")), b"half").unwrap();
        std::fs::remove_file(gone).unwrap();
        std::fs::remove_file(folder.path().join("checkpoint")).ok();
        publish(folder.path(), &memory, 600);
        assert_eq!(listed(folder.path()), all, "{missing}");
    }
}

/// What happens to a file's bytes.
type Change = fn(&mut Vec<u8>);

#[test]
fn damaged_files_are_named() {
    let memory = Memory::numbered(300);
    let damage: [(&str, Change, &str); 5] = [
        ("tile/0/000", |bytes| bytes.truncate(8191), "tiles-file-malformed"),
        ("tile/0/001.p/44", |bytes| bytes.push(0), "tiles-file-malformed"),
        ("tile/entries/000", |bytes| bytes[1] = 9, "tiles-file-malformed"),
        ("tile/entries/001.p/44", |bytes| bytes.push(0), "tiles-file-malformed"),
        ("tile/entries/000", |bytes| bytes.resize(17 << 20, 0), "tiles-file-malformed"),
    ];
    for (file, change, rule) in damage {
        let folder = tempfile::tempdir().unwrap();
        publish(folder.path(), &memory, 300);
        let mut bytes = std::fs::read(folder.path().join(file)).unwrap();
        change(&mut bytes);
        std::fs::write(folder.path().join(file), bytes).unwrap();
        let tiles = open(folder.path());
        let tree = tiles.tree(size(300));
        let hashes = tree.hashes(0, 0, 300);
        let entries = tree.entries(0..300, &mut |_| Ok(()));
        let refused = hashes.map(drop).and(entries).unwrap_err();
        assert_eq!((refused.rule().as_str(), refused.place()), (rule, file));
    }
    let folder = tempfile::tempdir().unwrap();
    publish(folder.path(), &memory, 300);
    std::fs::remove_file(folder.path().join("tile/0/001.p/44")).unwrap();
    let refused = open(folder.path()).tree(size(300)).head(size(300)).unwrap_err();
    assert_eq!((refused.rule().as_str(), refused.place()), ("tiles-file-missing", "tile/0/001.p/44"));
}

/// What a store keeps is all that a publication needs.
#[test]
fn a_store_can_be_published() {
    let memory = Memory::numbered(600);
    let mut frontier = Frontier::default();
    let mut subtrees = Vec::new();
    let entry = |leaf: &Vec<u8>| {
        let hash = LeafHash::of(leaf);
        frontier.append_with(hash, |node, hash| subtrees.extend(Subtree::kept(node, hash))).unwrap();
        Entry { leaf: leaf.clone(), hash, run: None, body: None }
    };
    let entries = memory.entries.iter().map(entry).collect();
    let (head, checkpoints, facts) = (memory.head(), Vec::new(), Vec::new());
    let mut store = Simulated::open(Disk::new()).unwrap();
    let seal = Seal::from_bytes([7; 32]);
    store.commit(&Batch { first: 0, entries, subtrees, head, seal, checkpoints, facts }).unwrap();

    let folder = tempfile::tempdir().unwrap();
    let records: &dyn Records = &store;
    for leaves in [300, 600] {
        let checkpoint = cosigned(memory.head_at(leaves));
        open(folder.path()).publish(records, &log().verifier(), &checkpoint).unwrap();
    }
    let whole = tempfile::tempdir().unwrap();
    for leaves in [300, 600] {
        publish(whole.path(), &memory, leaves);
    }
    assert_eq!(listed(folder.path()), listed(whole.path()));
    for file in listed(folder.path()) {
        let bytes = |folder: &Path| std::fs::read(folder.join(&file)).unwrap();
        assert_eq!(bytes(folder.path()), bytes(whole.path()), "{file}");
    }
}
