//! Every test vector that transparency-dev/merkle publishes for proofs of inclusion and consistency, most of
//! them proofs that must be refused.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use stepward_ledger::merkle::{
    Consistency, HASH_BYTES, Inclusion, LeafHash, LeafIndex, NodeHash, RootHash, TreeHead, TreeSize,
};

const VECTORS: &str = include_str!("transparency-dev.txt");

/// Its two roots are the same twelve bytes: no hash here can be that, so what it asks cannot be asked.
const NO_HASHES: &str = "consistency/additional/sizes-are-equal-one-and-proof-is-empty";

/// A hash; nothing where it has another length, which is refused before any proof is looked at.
fn hash(text: &str) -> Option<[u8; HASH_BYTES]> {
    STANDARD.decode(if text == "-" { "" } else { text }).unwrap().try_into().ok()
}

/// Whether a case holds here. What is no hash and no number of a tree does not.
fn holds(kind: &str, numbers: [u64; 2], hashes: &[&str]) -> Option<()> {
    let hashes = hashes.iter().map(|text| hash(text)).collect::<Option<Vec<_>>>()?;
    let path = hashes[2..].iter().copied().map(NodeHash::from_bytes).collect();
    let head = |leaves, at: usize| {
        let root = RootHash::from_bytes(hashes[at]);
        Some(TreeHead { size: TreeSize::new(leaves).ok()?, root })
    };
    match kind {
        "inclusion" => {
            let claim = Inclusion::new(LeafIndex::new(numbers[0]).ok()?, path);
            claim.verify(LeafHash::from_bytes(hashes[1]), head(numbers[1], 0)?).ok().map(drop)
        }
        "consistency" => {
            let (older, newer) = (head(numbers[0], 0)?, head(numbers[1], 1)?);
            Consistency::new(path).verify(older, newer).ok().map(drop)
        }
        _ => panic!("{kind}"),
    }
}

#[test]
fn every_published_proof_holds_or_is_refused_as_it_must() {
    let (mut held, mut refused) = (0, 0);
    for line in VECTORS.lines().filter(|line| !line.starts_with('#')) {
        let words: Vec<&str> = line.split(' ').collect();
        let numbers = [words[2], words[3]].map(|number| number.parse().unwrap());
        let expected = match words[1] {
            "holds" => true,
            "refused" => false,
            other => panic!("{other}"),
        };
        if words[0] == NO_HASHES {
            assert!(expected && hash(words[4]).is_none());
            continue;
        }
        let kind = words[0].split('/').next().unwrap();
        assert_eq!(holds(kind, numbers, &words[4..]).is_some(), expected, "{line}");
        *if expected { &mut held } else { &mut refused } += 1;
    }
    assert_eq!((held, refused), (11, 184));
}
