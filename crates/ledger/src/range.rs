//! Range proofs: that a run of leaves is whole, with nothing left out, added or moved.

use std::ops::Range;

use crate::frontier::Frontier;
use crate::hash::Hash;
use crate::proof::{MAX_PROOF_LEN, ProofError};
use crate::tree::{HashReader, Stored, Subtree, TreeError, subtrees};

/// The roots of the largest complete subtrees on both sides of a range of leaves, each side from left to right.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RangeProof {
    /// Before the range: the frontier of a tree that ends where the range starts.
    pub left: Vec<Hash>,
    /// After the range, up to the size of the tree.
    pub right: Vec<Hash>,
}

/// The proof that belongs to the leaves `range` of the tree of the first `size` leaves.
///
/// # Errors
/// A range that is not inside the tree, a size beyond [`MAX_SIZE`](crate::MAX_SIZE), or the reader's own failure.
pub fn range_proof<R: HashReader>(
    reader: R,
    range: Range<u64>,
    size: u64,
) -> Result<RangeProof, TreeError<R::Error>> {
    if range.start > range.end {
        return Err(TreeError::SizesOutOfOrder {
            from: range.start,
            to: range.end,
        });
    }
    if range.end > size {
        return Err(TreeError::IndexOutOfRange {
            index: range.end,
            size,
        });
    }
    let sides = subtrees(0..range.start).chain(subtrees(range.end..size));
    let sides: Vec<Subtree> = sides.collect();
    let mut left = Stored::new(reader, size)?.hashes(&sides)?;
    let right = left.split_off(subtrees(0..range.start).count());
    Ok(RangeProof { left, right })
}

/// Checks that `leaves`, the first of them at index `start`, are exactly the leaves of that range in the tree of `size`
/// leaves with root `root`.
///
/// # Errors
/// The reason for which the proof proves nothing.
pub fn verify_range(
    start: u64,
    leaves: &[Hash],
    size: u64,
    proof: &RangeProof,
    root: &Hash,
) -> Result<(), ProofError> {
    if proof.left.len() > MAX_PROOF_LEN || proof.right.len() > MAX_PROOF_LEN {
        return Err(ProofError::TooLong);
    }
    let end = u64::try_from(leaves.len())
        .ok()
        .and_then(|count| start.checked_add(count));
    if end.is_none_or(|end| end > size) {
        return Err(ProofError::IndexOutOfRange);
    }
    let mut frontier =
        Frontier::from_hashes(start, proof.left.clone()).map_err(|_| ProofError::WrongLeftSide)?;
    for leaf in leaves {
        frontier.append(*leaf);
    }
    Closing {
        frontier,
        size,
        right: &proof.right,
    }
    .verify(root)
}

/// A tree up to the end of a range, and the subtrees that complete it.
pub(crate) struct Closing<'a> {
    pub(crate) frontier: Frontier,
    pub(crate) size: u64,
    pub(crate) right: &'a [Hash],
}

impl Closing<'_> {
    /// Checks that the whole has this root.
    pub(crate) fn verify(mut self, root: &Hash) -> Result<(), ProofError> {
        let mut right = self.right.iter();
        for subtree in subtrees(self.frontier.size()..self.size) {
            let root = right.next().ok_or(ProofError::TooFewHashes)?;
            self.frontier.append_subtree(subtree.level, *root);
        }
        if right.next().is_some() {
            return Err(ProofError::TooManyHashes);
        }
        if self.frontier.root() == *root {
            Ok(())
        } else {
            Err(ProofError::RootMismatch)
        }
    }
}
