//! Damaged proofs: cut, extended, and every single bit of them flipped; and arbitrary ones, which must never panic.

use crate::testing::{naive_root, synthetic_leaves};
use crate::{
    ConsistencyProof, Hash, InclusionProof, ProofError, RangeProof, consistency_proof,
    inclusion_proof, range_proof, verify_consistency, verify_inclusion, verify_range,
};
use proptest::prelude::*;

use super::{tree, wide};

/// Every proof that differs from this one by one bit.
fn flips(hashes: &[Hash]) -> impl Iterator<Item = Vec<Hash>> {
    (0..hashes.len() * 256).map(|bit| {
        let mut damaged = hashes.to_vec();
        damaged[bit / 256] = flip(&hashes[bit / 256], bit % 256);
        damaged
    })
}

fn flip(hash: &Hash, bit: usize) -> Hash {
    let mut bytes = *hash.as_bytes();
    bytes[bit / 8] ^= 1 << (bit % 8);
    Hash::from_bytes(bytes)
}

/// This proof with one hash more, at each place.
fn extended(hashes: &[Hash]) -> impl Iterator<Item = Vec<Hash>> {
    (0..=hashes.len()).map(|place| {
        let mut longer = hashes.to_vec();
        longer.insert(place, Hash::EMPTY);
        longer
    })
}

/// This proof with one hash less, at each place.
fn shortened(hashes: &[Hash]) -> impl Iterator<Item = Vec<Hash>> {
    (0..hashes.len()).map(|place| {
        let mut shorter = hashes.to_vec();
        shorter.remove(place);
        shorter
    })
}

#[test]
fn damaged_inclusion_proofs_are_refused() {
    let leaves = synthetic_leaves(70);
    let tree = tree(&leaves);
    for (index, size) in [(0, 2), (5, 8), (6, 7), (64, 65), (37, 70), (69, 70)] {
        let root = naive_root(&leaves[..size]);
        let good = inclusion_proof(&tree, wide(index), wide(size)).unwrap();
        let verify = |leaf: &Hash, hashes: Vec<Hash>, root: &Hash| {
            let proof = InclusionProof::new(hashes).unwrap();
            verify_inclusion(leaf, wide(index), wide(size), &proof, root)
        };
        for bad in flips(good.hashes()) {
            assert_eq!(
                verify(&leaves[index], bad, &root),
                Err(ProofError::RootMismatch)
            );
        }
        for bad in extended(good.hashes()) {
            assert_eq!(
                verify(&leaves[index], bad, &root),
                Err(ProofError::TooManyHashes)
            );
        }
        for bad in shortened(good.hashes()) {
            assert_eq!(
                verify(&leaves[index], bad, &root),
                Err(ProofError::TooFewHashes)
            );
        }
        for bit in 0..256 {
            let proof = good.hashes().to_vec();
            assert!(verify(&flip(&leaves[index], bit), proof.clone(), &root).is_err());
            assert!(verify(&leaves[index], proof, &flip(&root, bit)).is_err());
        }
    }
}

#[test]
fn damaged_consistency_proofs_are_refused() {
    let leaves = synthetic_leaves(70);
    let tree = tree(&leaves);
    for (from, to) in [(1, 2), (2, 5), (6, 8), (4, 8), (64, 70), (33, 70), (69, 70)] {
        let (old, new) = (naive_root(&leaves[..from]), naive_root(&leaves[..to]));
        let good = consistency_proof(&tree, wide(from), wide(to)).unwrap();
        let verify = |hashes: Vec<Hash>, old: &Hash, new: &Hash| {
            let proof = ConsistencyProof::new(hashes).unwrap();
            verify_consistency(wide(from), wide(to), &proof, old, new)
        };
        for bad in flips(good.hashes())
            .chain(extended(good.hashes()))
            .chain(shortened(good.hashes()))
        {
            assert!(verify(bad, &old, &new).is_err());
        }
        for bit in 0..256 {
            let proof = good.hashes().to_vec();
            assert!(verify(proof.clone(), &flip(&old, bit), &new).is_err());
            assert!(verify(proof, &old, &flip(&new, bit)).is_err());
        }
    }
}

#[test]
fn damaged_range_proofs_are_refused() {
    let leaves = synthetic_leaves(70);
    let tree = tree(&leaves);
    let root = naive_root(&leaves);
    for (start, end) in [(0, 70), (0, 3), (7, 21), (63, 64), (69, 70)] {
        let good = range_proof(&tree, wide(start)..wide(end), 70).unwrap();
        let verify = |left: Vec<Hash>, right: Vec<Hash>| {
            verify_range(
                wide(start),
                &leaves[start..end],
                70,
                &RangeProof { left, right },
                &root,
            )
        };
        assert_eq!(verify(good.left.clone(), good.right.clone()), Ok(()));
        for bad in flips(&good.left) {
            assert_eq!(
                verify(bad, good.right.clone()),
                Err(ProofError::RootMismatch)
            );
        }
        for bad in flips(&good.right) {
            assert_eq!(
                verify(good.left.clone(), bad),
                Err(ProofError::RootMismatch)
            );
        }
        for bad in extended(&good.left).chain(shortened(&good.left)) {
            assert_eq!(
                verify(bad, good.right.clone()),
                Err(ProofError::WrongLeftSide)
            );
        }
        for bad in extended(&good.right) {
            assert_eq!(
                verify(good.left.clone(), bad),
                Err(ProofError::TooManyHashes)
            );
        }
        for bad in shortened(&good.right) {
            assert_eq!(
                verify(good.left.clone(), bad),
                Err(ProofError::TooFewHashes)
            );
        }
    }
    let long = RangeProof {
        left: vec![Hash::EMPTY; 64],
        right: Vec::new(),
    };
    assert_eq!(
        verify_range(0, &[], 0, &long, &root),
        Err(ProofError::TooLong)
    );
}

fn any_hashes() -> impl Strategy<Value = Vec<Hash>> {
    prop::collection::vec(any::<[u8; 32]>().prop_map(Hash::from), 0..=63)
}

proptest! {
    #[test]
    fn arbitrary_proofs_never_panic_and_never_pass(
        first in any::<u64>(), second in any::<u64>(), hashes in any_hashes(), right in any_hashes(),
    ) {
        let (leaf, root) = (Hash::leaf(b"leaf"), Hash::leaf(b"root"));
        let proof = InclusionProof::new(hashes.clone()).unwrap();
        prop_assert!(verify_inclusion(&leaf, first, second, &proof, &root).is_err());
        let proof = ConsistencyProof::new(hashes.clone()).unwrap();
        let passes = verify_consistency(first, second, &proof, &leaf, &root);
        prop_assert!(passes.is_err());
        let proof = RangeProof { left: hashes, right };
        prop_assert!(verify_range(first, &[leaf], second, &proof, &root).is_err());
    }
}
