//! Proofs from a stored tree are those from a tree in memory.

use crate::support::{Batches, fill, writer};
use stepward_ledger::merkle::{
    Consistency, Frontier, Hashes, Inclusion, LeafHash, LeafIndex, MemoryTree, TreeSize,
};
use stepward_ledger::store::sqlite::Reader;
use stepward_ledger::store::{Nodes, Records};

fn size(leaves: u64) -> TreeSize {
    TreeSize::new(leaves).unwrap()
}

#[test]
fn heads_and_proofs_at_every_kind_of_size() {
    const LEAVES: u64 = 66_000;
    let folder = tempfile::tempdir().unwrap();
    let mut store = writer(folder.path()).unwrap();
    fill(&mut store, &mut Batches::default(), LEAVES);
    let mut tree = MemoryTree::default();
    for place in 0..LEAVES {
        tree.append(LeafHash::of(&place.to_be_bytes())).unwrap();
    }
    let reader = Reader::open(&folder.path().join("ledger.db")).unwrap();
    let nodes = Nodes::of(&reader);
    assert_eq!(reader.head().unwrap(), tree.head());
    let sizes = [0, 1, 2, 3, 255, 256, 257, 511, 512, 5000, 65_279, 65_535, 65_536, 65_537, LEAVES];
    for newer in sizes {
        let head = Hashes::head(&tree, size(newer)).unwrap();
        assert_eq!(Hashes::head(&nodes, size(newer)).unwrap(), head, "head at {newer}");
        assert_eq!(Frontier::resume(&nodes, size(newer)).unwrap().head(), head, "frontier at {newer}");
        for older in sizes.into_iter().filter(|older| (1..=newer).contains(older)) {
            let proof = Consistency::prove(&nodes, size(older), size(newer)).unwrap();
            assert_eq!(proof, Consistency::prove(&tree, size(older), size(newer)).unwrap());
            let index = LeafIndex::new(older - 1).unwrap();
            let proof = Inclusion::prove(&nodes, index, size(newer)).unwrap();
            let hash = LeafHash::of(&(older - 1).to_be_bytes());
            assert_eq!(proof.verify(hash, head).unwrap().index(), index);
        }
    }
    Hashes::head(&nodes, size(LEAVES + 1)).unwrap_err();
}
