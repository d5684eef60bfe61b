//! Two stores behind one trait answer alike, whatever is written.

use crate::support::{Batches, entry, writer};
use proptest::prelude::*;
use stepward_ledger::store::simulated::{Disk, Simulated};
use stepward_ledger::store::{Checkpoint, Entry, Fact, MAX_PAGE, Records, RunChange, RunLink, Store};

/// What is done to both.
#[derive(Clone, Debug)]
enum Act {
    Commit(Vec<Entry>, Vec<u8>, Option<u8>),
    Erase(u8),
    Reopen,
}

fn name(run: u8) -> String {
    format!("run {run}")
}

fn change() -> impl Strategy<Value = RunChange> {
    prop_oneof![Just(RunChange::Opens), Just(RunChange::Stays), Just(RunChange::Closes)]
}

fn one_entry() -> impl Strategy<Value = Entry> {
    let run = proptest::option::of((0..6_u8, change()));
    let body = proptest::option::of(proptest::collection::vec(any::<u8>(), 0..40));
    (proptest::collection::vec(any::<u8>(), 1..60), run, body).prop_map(|(leaf, run, body)| Entry {
        run: run.map(|(run, change)| RunLink { run: name(run), change }),
        body,
        ..entry(leaf)
    })
}

fn act() -> impl Strategy<Value = Act> {
    let facts = proptest::collection::vec(0..4_u8, 0..3);
    let commit = (proptest::collection::vec(one_entry(), 0..40), facts, proptest::option::of(any::<u8>()))
        .prop_map(|(entries, facts, checkpoint)| Act::Commit(entries, facts, checkpoint));
    prop_oneof![8 => commit, 1 => (0..6_u8).prop_map(Act::Erase), 1 => Just(Act::Reopen)]
}

/// Everything that can be asked.
fn answers(store: &dyn Records) -> String {
    let head = store.head().unwrap();
    let size = head.size.get();
    let mut leaves = Vec::new();
    store
        .leaves(0..size, &mut |leaf| {
            leaves.push((leaf.sequence, leaf.bytes.to_vec(), leaf.hash));
            Ok(())
        })
        .unwrap();
    let bodies: Vec<_> = (0..size).map(|place| store.body(place).unwrap()).collect();
    let single: Vec<_> = [0, size / 2, size, u64::MAX].map(|place| store.leaf(place).unwrap()).into();
    let hashes = store.hashes(0, size / 2, usize::try_from(size / 2).unwrap().min(256)).unwrap();
    let above = store.hashes(1, 0, usize::try_from(size / 256).unwrap()).unwrap();
    let runs: Vec<_> = (0..7)
        .map(|run| {
            let events = store.events_of(&name(run), 0, MAX_PAGE).unwrap();
            (store.run(&name(run)).unwrap(), events, store.events_of(&name(run), 9, 2).unwrap())
        })
        .collect();
    let lists = (
        store.open_runs(0, MAX_PAGE).unwrap(),
        store.open_runs(5, 2).unwrap(),
        store.runs(u64::MAX, MAX_PAGE).unwrap(),
        store.runs(20, 2).unwrap(),
    );
    let checkpoints = (
        store.checkpoint(u64::MAX).unwrap(),
        store.checkpoint(size / 2).unwrap(),
        store.checkpoints(0, MAX_PAGE).unwrap(),
        store.checkpoints(size / 2, 1).unwrap(),
    );
    let facts: Vec<_> = (0..5).map(|fact| store.fact(&name(fact)).unwrap()).collect();
    let index = store.index().unwrap();
    let mut known = index.facts;
    known.sort_unstable_by(|a, b| a.name.cmp(&b.name));
    let index = (index.head, index.seal, index.open, known);
    format!(
        "{index:?} {head:?} {leaves:?} {bodies:?} {single:?} {hashes:?} {above:?} {runs:?} {lists:?} {checkpoints:?} {facts:?}"
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn both_stores_answer_alike(acts in proptest::collection::vec(act(), 1..20)) {
        let folder = tempfile::tempdir().unwrap();
        let mut disk = Disk::new();
        let mut real: Box<dyn Store> = Box::new(writer(folder.path()).unwrap());
        let mut simulated = Simulated::open(disk.clone()).unwrap();
        let mut batches = Batches::default();
        let mut started = std::collections::BTreeSet::new();
        for (number, act) in acts.into_iter().enumerate() {
            match act {
                Act::Commit(mut entries, facts, checkpoint) => {
                    // A run starts once.
                    for link in entries.iter_mut().filter_map(|entry| entry.run.as_mut()) {
                        if link.change == RunChange::Opens && !started.insert(link.run.clone()) {
                            link.change = RunChange::Stays;
                        }
                    }
                    let mut batch = batches.next(entries);
                    let size = batch.head.size.get();
                    batch.checkpoints.extend(checkpoint.map(|part| Checkpoint {
                        size: size * u64::from(part) / 255,
                        note: format!("note {number}"),
                    }));
                    batch.facts.extend(
                        facts.into_iter().map(|fact| Fact { name: name(fact), value: vec![fact, 7] }),
                    );
                    real.commit(&batch).unwrap();
                    simulated.commit(&batch).unwrap();
                }
                Act::Erase(run) => {
                    let erased = real.erase_bodies(&name(run)).unwrap();
                    prop_assert_eq!(erased, simulated.erase_bodies(&name(run)).unwrap());
                }
                Act::Reopen => {
                    drop(real);
                    real = Box::new(writer(folder.path()).unwrap());
                    disk = disk.restarted();
                    simulated = Simulated::open(disk.clone()).unwrap();
                }
            }
            prop_assert_eq!(answers(&*real), answers(&simulated));
        }
    }
}

#[test]
fn a_batch_out_of_step_is_refused_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let stores: [Box<dyn Store>; 2] =
        [Box::new(writer(folder.path()).unwrap()), Box::new(Simulated::open(Disk::new()).unwrap())];
    for mut store in stores {
        let mut batches = Batches::default();
        store.commit(&batches.next(vec![entry("one"), entry("two")])).unwrap();
        let before = answers(&*store);
        let right = batches.next(vec![entry("three")]);
        for first in [0, 1, 3] {
            let refused =
                store.commit(&stepward_ledger::store::Batch { first, ..right.clone() }).unwrap_err();
            assert_eq!(refused.rule().as_str(), "store-out-of-step");
        }
        let longer = batches.next(vec![entry("four")]).head;
        let refused = store.commit(&stepward_ledger::store::Batch { head: longer, ..right.clone() });
        assert_eq!(refused.unwrap_err().rule().as_str(), "store-out-of-step");
        assert_eq!(answers(&*store), before);
        store.commit(&right).unwrap();
    }
}

#[test]
fn lists_are_cut_to_a_page_and_go_on_from_there() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = writer(folder.path()).unwrap();
    let mut batches = Batches::default();
    let count = MAX_PAGE as u64 + 10;
    let linked = |run: String, change| Entry { run: Some(RunLink { run, change }), ..entry("x") };
    let opened = |run| linked(format!("run {run}"), RunChange::Opens);
    store.commit(&batches.next((0..count).map(opened).collect())).unwrap();
    let more = |_| linked("run 0".to_owned(), RunChange::Stays);
    store.commit(&batches.next((0..count).map(more).collect())).unwrap();
    let page = store.runs(u64::MAX, usize::MAX).unwrap();
    assert_eq!((page.len(), page[0].opened), (MAX_PAGE, count - 1));
    let rest = store.runs(page.last().unwrap().opened, usize::MAX).unwrap();
    assert_eq!((rest.len(), rest.last().unwrap().opened), (10, 0));
    let page = store.open_runs(0, usize::MAX).unwrap();
    let rest = store.open_runs(page.last().unwrap().opened + 1, usize::MAX).unwrap();
    assert_eq!((page.len(), rest.len()), (MAX_PAGE, 10));
    let page = store.events_of("run 0", 0, usize::MAX).unwrap();
    let rest = store.events_of("run 0", page.last().unwrap() + 1, usize::MAX).unwrap();
    assert_eq!((page.len(), rest.len()), (MAX_PAGE, 11));
}
