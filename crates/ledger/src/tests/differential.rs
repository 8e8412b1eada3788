//! Against another implementation, byte for byte in both directions.

use crate::{Hash, InMemoryTree, consistency_proof, inclusion_proof, root_at};
use ct_merkle::mem_backed_tree::MemoryBackedTree;
use ct_merkle::{ConsistencyProof as TheirConsistency, InclusionProof as TheirInclusion};
use proptest::prelude::*;
use sha2::Sha256;

use super::wide;

fn both(leaves: &[Vec<u8>]) -> (InMemoryTree, MemoryBackedTree<Sha256, Vec<u8>>) {
    let mut theirs = MemoryBackedTree::new();
    let mut ours = InMemoryTree::new();
    for leaf in leaves {
        ours.append(Hash::leaf(leaf));
        theirs.push(leaf.clone());
    }
    (ours, theirs)
}

fn bytes(hashes: &[Hash]) -> Vec<u8> {
    hashes.iter().flat_map(Hash::as_bytes).copied().collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn roots_and_proofs_are_the_same(
        leaves in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..20), 1..700),
        place in any::<prop::sample::Index>(),
    ) {
        let (ours, theirs) = both(&leaves);
        let size = wide(leaves.len());
        let root = theirs.root();
        let made = ours.root();
        prop_assert_eq!(made.as_bytes().as_slice(), root.as_bytes().as_slice());
        prop_assert_eq!(root_at(&ours, size).unwrap(), ours.root());

        let index = place.index(leaves.len());
        let proof = bytes(inclusion_proof(&ours, wide(index), size).unwrap().hashes());
        let expected = theirs.prove_inclusion(index);
        prop_assert_eq!(proof.as_slice(), expected.as_bytes());
        let read = TheirInclusion::try_from_bytes(proof).unwrap();
        prop_assert!(root.verify_inclusion(&leaves[index], wide(index), &read).is_ok());

        let from = index + 1;
        let (_, earlier) = both(&leaves[..from]);
        let proof = bytes(consistency_proof(&ours, wide(from), size).unwrap().hashes());
        if from < leaves.len() {
            let expected = theirs.prove_consistency(leaves.len() - from);
            prop_assert_eq!(proof.as_slice(), expected.as_bytes());
            let read = TheirConsistency::try_from_bytes(proof).unwrap();
            prop_assert!(root.verify_consistency(&earlier.root(), &read).is_ok());
        }
    }
}
