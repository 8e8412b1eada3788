//! For tests, here and in the stores that keep a log: the RFC 6962 definitions word for word, synthetic leaves, and the
//! contract of [`HashReader`].

use std::fmt::Debug;

use crate::hash::Hash;
use crate::proof::{verify_consistency, verify_inclusion};
use crate::range::{range_proof, verify_range};
use crate::tree::{HashReader, consistency_proof, inclusion_proof, root_at};

/// `count` different leaf hashes, the same in every run.
#[must_use]
pub fn synthetic_leaves(count: usize) -> Vec<Hash> {
    (0..count)
        .map(|index| Hash::leaf(format!("leaf {index}").as_bytes()))
        .collect()
}

/// The Merkle tree hash as RFC 6962 section 2.1 defines it, by recursion.
#[must_use]
pub fn naive_root(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => Hash::EMPTY,
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
            Hash::node(&naive_root(left), &naive_root(right))
        }
    }
}

/// Checks a [`HashReader`] over these leaves: roots, inclusion, consistency and range proofs at the sizes around every
/// power of two and every tile edge.
///
/// # Panics
/// If the reader fails, or if anything it serves does not lead to the root that the definition gives.
pub fn check_reader<R: HashReader>(reader: &R, leaves: &[Hash])
where
    R::Error: Debug,
{
    let sizes = edges(leaves.len());
    for to in sizes.iter().copied().filter(|size| *size > 0) {
        let prefix = leaves.get(..to).unwrap_or_default();
        let root = naive_root(prefix);
        let size = wide(to);
        assert_eq!(sound(root_at(reader, size)), root, "root at {size}");
        for from in sizes.iter().copied().filter(|from| *from < to) {
            let index = wide(from);
            let proof = sound(inclusion_proof(reader, index, size));
            let leaf = prefix.get(from).copied().unwrap_or(Hash::EMPTY);
            assert_eq!(verify_inclusion(&leaf, index, size, &proof, &root), Ok(()));
            let run = prefix.get(from..).unwrap_or_default();
            let proof = sound(range_proof(reader, index..size, size));
            assert_eq!(verify_range(index, run, size, &proof, &root), Ok(()));
            if from > 0 {
                let old = naive_root(prefix.get(..from).unwrap_or_default());
                let proof = sound(consistency_proof(reader, index, size));
                assert_eq!(verify_consistency(index, size, &proof, &old, &root), Ok(()));
            }
        }
    }
}

/// The sizes around every power of two up to `count`, and `count` itself.
fn edges(count: usize) -> Vec<usize> {
    let mut sizes: Vec<usize> = std::iter::successors(Some(1_usize), |power| power.checked_mul(2))
        .take_while(|power| *power <= count)
        .flat_map(|power| [power - 1, power, power + 1])
        .chain([count])
        .filter(|size| *size <= count)
        .collect();
    sizes.sort_unstable();
    sizes.dedup();
    sizes
}

fn wide(size: usize) -> u64 {
    u64::try_from(size).unwrap_or(u64::MAX)
}

/// A contract suite reports by panicking, as assertions do.
fn sound<T, E: Debug>(result: Result<T, E>) -> T {
    match result {
        Ok(value) => value,
        Err(error) => panic!("the reader broke its contract: {error:?}"),
    }
}
