//! Every proof in every tree of up to 128 leaves, against the definition of the root. Every wrong leaf, index, size and root
//! is tried in the trees of up to 48.

#![expect(
    clippy::needless_range_loop,
    reason = "the laws speak of indexes and sizes"
)]

use crate::testing::{naive_root, synthetic_leaves};
use crate::{
    ConsistencyProof, Hash, InclusionProof, ProofError, TreeError, consistency_proof,
    inclusion_proof, range_proof, root_at, verify_consistency, verify_inclusion, verify_range,
};

use super::{tree, wide};

const MOST: usize = 128;
const CROSSED: usize = 48;

/// How many other indexes or sizes to try.
fn crossed(size: usize) -> usize {
    if size <= CROSSED { size } else { 0 }
}

fn roots(leaves: &[Hash]) -> Vec<Hash> {
    (0..=leaves.len())
        .map(|size| naive_root(&leaves[..size]))
        .collect()
}

#[test]
fn every_leaf_is_included_and_no_other() {
    let leaves = synthetic_leaves(MOST);
    let (tree, roots) = (tree(&leaves), roots(&leaves));
    for size in 1..=MOST {
        for index in 0..size {
            let proof = inclusion_proof(&tree, wide(index), wide(size)).unwrap();
            let verify = |leaf: usize, index: usize| {
                verify_inclusion(&leaves[leaf], wide(index), wide(size), &proof, &roots[size])
            };
            assert_eq!(verify(index, index), Ok(()), "{index} of {size}");
            for other in (0..crossed(size)).filter(|other| *other != index) {
                assert!(
                    verify(index, other).is_err(),
                    "{index} passes for {other} of {size}"
                );
                assert_eq!(verify(other, index), Err(ProofError::RootMismatch));
            }
            assert_eq!(verify(index, size), Err(ProofError::IndexOutOfRange));
        }
    }
}

/// Which sibling stands where, from the leaf up, by the recursive definition of the path.
fn shape(index: usize, size: usize) -> Vec<bool> {
    if size == 1 {
        return Vec::new();
    }
    let middle = size.next_power_of_two() / 2;
    let is_left = index < middle;
    let mut path = if is_left {
        shape(index, middle)
    } else {
        shape(index - middle, size - middle)
    };
    path.push(is_left);
    path
}

#[test]
fn another_size_passes_only_where_the_path_is_the_same() {
    let leaves = synthetic_leaves(40);
    let (tree, roots) = (tree(&leaves), roots(&leaves));
    for size in 1..=40 {
        for index in 0..size {
            let proof = inclusion_proof(&tree, wide(index), wide(size)).unwrap();
            for other in index + 1..=80 {
                let passes = verify_inclusion(
                    &leaves[index],
                    wide(index),
                    wide(other),
                    &proof,
                    &roots[size],
                );
                assert_eq!(passes.is_ok(), shape(index, size) == shape(index, other));
            }
        }
    }
}

#[test]
fn every_size_is_consistent_with_every_later_one() {
    let leaves = synthetic_leaves(MOST);
    let (tree, roots) = (tree(&leaves), roots(&leaves));
    for to in 1..=MOST {
        for from in 1..=to {
            let proof = consistency_proof(&tree, wide(from), wide(to)).unwrap();
            let verify = |old: usize, from: usize, new: usize| {
                verify_consistency(wide(from), wide(to), &proof, &roots[old], &roots[new])
            };
            assert_eq!(verify(from, from, to), Ok(()), "{from} to {to}");
            for other in 1..=crossed(to) {
                if other != from {
                    assert!(
                        verify(other, from, to).is_err(),
                        "root {other} passes for {from}"
                    );
                    assert!(
                        verify(from, other, to).is_err(),
                        "{from} passes for {other} of {to}"
                    );
                }
                if other != to {
                    assert!(
                        verify(from, from, other).is_err(),
                        "root {other} passes for {to}"
                    );
                }
            }
            assert_eq!(verify(from, 0, to), Err(ProofError::FromEmpty));
            assert_eq!(verify(from, to + 1, to), Err(ProofError::Shrunk));
        }
    }
}

#[test]
fn every_range_is_whole() {
    let leaves = synthetic_leaves(40);
    let (tree, roots) = (tree(&leaves), roots(&leaves));
    for size in 0..=40 {
        for end in 0..=size {
            for start in 0..=end {
                let (from, of) = (wide(start), wide(size));
                let proof = range_proof(&tree, from..wide(end), of).unwrap();
                let root = &roots[size];
                let run = &leaves[start..end];
                assert_eq!(verify_range(from, run, of, &proof, root), Ok(()));
                if let Some((last, shorter)) = run.split_last() {
                    assert!(verify_range(from, shorter, of, &proof, root).is_err());
                    assert!(verify_range(from, &run[1..], of, &proof, root).is_err());
                    let twice = [run, &[*last]].concat();
                    assert!(verify_range(from, &twice, of, &proof, root).is_err());
                    let mut changed = run.to_vec();
                    changed[0] = Hash::EMPTY;
                    assert_eq!(
                        verify_range(from, &changed, of, &proof, root),
                        Err(ProofError::RootMismatch)
                    );
                }
                if run.len() > 1 {
                    let mut swapped = run.to_vec();
                    swapped.swap(0, 1);
                    assert!(verify_range(from, &swapped, of, &proof, root).is_err());
                }
            }
        }
    }
}

#[test]
fn requests_outside_the_tree_are_refused() {
    let tree = tree(&synthetic_leaves(5));
    assert_eq!(
        inclusion_proof(&tree, 5, 5),
        Err(TreeError::IndexOutOfRange { index: 5, size: 5 })
    );
    assert_eq!(
        inclusion_proof(&tree, 0, 0),
        Err(TreeError::IndexOutOfRange { index: 0, size: 0 })
    );
    assert_eq!(
        consistency_proof(&tree, 0, 5),
        Err(TreeError::SizesOutOfOrder { from: 0, to: 5 })
    );
    assert_eq!(
        consistency_proof(&tree, 5, 4),
        Err(TreeError::SizesOutOfOrder { from: 5, to: 4 })
    );
    assert_eq!(
        root_at(&tree, 6),
        Err(TreeError::Missing { level: 0, index: 0 })
    );
    let beyond = (1 << 53) + 1;
    assert_eq!(root_at(&tree, beyond), Err(TreeError::TooLarge(beyond)));
    assert_eq!(
        inclusion_proof(&tree, 0, u64::MAX),
        Err(TreeError::TooLarge(u64::MAX))
    );
    let (end, start) = (3, 4);
    assert_eq!(
        range_proof(&tree, start..end, 5),
        Err(TreeError::SizesOutOfOrder { from: 4, to: 3 })
    );
    assert_eq!(
        range_proof(&tree, 0..6, 5),
        Err(TreeError::IndexOutOfRange { index: 6, size: 5 })
    );
}

#[test]
fn equal_sizes_need_equal_roots_and_no_hashes() {
    let (old, new) = (Hash::leaf(b"a"), Hash::leaf(b"b"));
    let none = ConsistencyProof::default();
    let one = ConsistencyProof::new(vec![old]).unwrap();
    assert_eq!(verify_consistency(7, 7, &none, &old, &old), Ok(()));
    assert_eq!(
        verify_consistency(7, 7, &none, &old, &new),
        Err(ProofError::RootMismatch)
    );
    assert_eq!(
        verify_consistency(7, 7, &one, &old, &old),
        Err(ProofError::TooManyHashes)
    );
    assert_eq!(
        verify_consistency(0, 0, &none, &Hash::EMPTY, &Hash::EMPTY),
        Err(ProofError::FromEmpty)
    );
}

#[test]
fn a_proof_has_at_most_sixty_three_hashes() {
    assert!(InclusionProof::new(vec![Hash::EMPTY; 63]).is_ok());
    assert_eq!(
        InclusionProof::new(vec![Hash::EMPTY; 64]),
        Err(ProofError::TooLong)
    );
    assert!(ConsistencyProof::new(vec![Hash::EMPTY; 63]).is_ok());
    assert_eq!(
        ConsistencyProof::new(vec![Hash::EMPTY; 64]),
        Err(ProofError::TooLong)
    );
}
