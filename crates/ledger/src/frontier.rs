//! The frontier: the roots of the complete subtrees on the right edge, all that appending needs.

use crate::hash::Hash;
use crate::tree::STORED_STEP;

/// The most leaves a tree may have: 2^53, so that every index is an exact integer in JSON.
pub const MAX_SIZE: u64 = 1 << 53;

/// A compact range from leaf 0 to leaf `size`: one hash for each bit set in `size`, largest subtree first.
/// Appending costs one node hash on average; the head of a log is its size and these hashes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Frontier {
    size: u64,
    hashes: Vec<Hash>,
}

/// The root of a complete subtree of `2^level` leaves, level 4, 8, 12, ..., that an append completed.
/// The store keeps these rows so that a proof reads a few of them instead of every leaf hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoredHash {
    /// The height of the subtree, a multiple of 4.
    pub level: u8,
    /// Its place among the subtrees of that height: it covers the leaves from `index << level`.
    pub index: u64,
    /// Its root.
    pub hash: Hash,
}

impl Frontier {
    /// The frontier of the empty tree.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The frontier of these leaf hashes.
    pub fn from_leaves(leaves: impl IntoIterator<Item = Hash>) -> Self {
        let mut frontier = Self::new();
        for leaf in leaves {
            frontier.append(leaf);
        }
        frontier
    }

    /// Restores a stored frontier.
    ///
    /// # Errors
    /// A size beyond [`MAX_SIZE`], or bytes that are not 32 for each bit set in `size`.
    pub fn from_bytes(size: u64, bytes: &[u8]) -> Result<Self, FrontierError> {
        let (hashes, rest) = bytes.as_chunks::<{ Hash::LEN }>();
        if !rest.is_empty() {
            return Err(FrontierError::Length {
                size,
                bytes: bytes.len(),
            });
        }
        Self::from_hashes(size, hashes.iter().copied().map(Hash::from_bytes).collect())
    }

    /// A frontier from its parts.
    pub(crate) fn from_hashes(size: u64, hashes: Vec<Hash>) -> Result<Self, FrontierError> {
        if size > MAX_SIZE {
            return Err(FrontierError::Size(size));
        }
        if usize::try_from(size.count_ones()) != Ok(hashes.len()) {
            let bytes = hashes.len().saturating_mul(Hash::LEN);
            return Err(FrontierError::Length { size, bytes });
        }
        Ok(Self { size, hashes })
    }

    /// The bytes to store beside the size: 32 for each hash, largest subtree first.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.hashes
            .iter()
            .flat_map(Hash::as_bytes)
            .copied()
            .collect()
    }

    /// The number of leaves, which is also the index of the next one.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The hashes, largest subtree first.
    #[must_use]
    pub fn hashes(&self) -> &[Hash] {
        &self.hashes
    }

    /// Appends one leaf hash. For a store that keeps hashes, see [`append_batch`](Self::append_batch).
    pub fn append(&mut self, leaf: Hash) {
        self.absorb(0, leaf, |_| {});
    }

    /// Appends leaf hashes in order and names every hash to store that they complete: one in 16 leaves, one more in
    /// 256, and so on.
    #[must_use = "the hashes have to be stored, or proofs cannot be made"]
    pub fn append_batch(&mut self, leaves: &[Hash]) -> Vec<StoredHash> {
        let mut completed = Vec::new();
        for leaf in leaves {
            self.absorb(0, *leaf, |hash| completed.push(hash));
        }
        completed
    }

    /// Appends the root of a complete subtree of `2^level` leaves. The size has to be a multiple of that.
    pub(crate) fn append_subtree(&mut self, level: u8, root: Hash) {
        debug_assert_eq!(
            self.size & ((1 << level) - 1),
            0,
            "a subtree starts at a multiple of its size"
        );
        self.absorb(level, root, |_| {});
    }

    /// The carry of binary addition: each bit set at the bottom of the size is a complete left sibling.
    fn absorb(&mut self, level: u8, root: Hash, mut completed: impl FnMut(StoredHash)) {
        let next = self.size + (1 << level);
        let (mut height, mut carry) = (level, root);
        while (self.size >> height) & 1 == 1 {
            let Some(left) = self.hashes.pop() else { break };
            carry = Hash::node(&left, &carry);
            height += 1;
            if height.is_multiple_of(STORED_STEP) {
                completed(StoredHash {
                    level: height,
                    index: (next >> height) - 1,
                    hash: carry,
                });
            }
        }
        self.hashes.push(carry);
        self.size = next;
    }

    /// The root of the tree: RFC 6962 `MTH`, [`Hash::EMPTY`] at size 0.
    #[must_use]
    pub fn root(&self) -> Hash {
        join(&self.hashes).unwrap_or(Hash::EMPTY)
    }
}

/// The root over neighbouring subtrees of falling size; `None` of none.
pub(crate) fn join(subtrees: &[Hash]) -> Option<Hash> {
    subtrees
        .iter()
        .copied()
        .rev()
        .reduce(|right, left| Hash::node(&left, &right))
}

/// Why stored bytes are no frontier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FrontierError {
    /// More leaves than [`MAX_SIZE`].
    #[error("a tree of {0} leaves is larger than 2^53")]
    Size(u64),
    /// Not one hash for each bit set in the size.
    #[error("{bytes} bytes are no frontier of a tree of {size} leaves")]
    Length {
        /// The size given.
        size: u64,
        /// The bytes given.
        bytes: usize,
    },
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::{naive_root, synthetic_leaves};

    #[test]
    fn root_is_the_definition_at_every_size() {
        let leaves = synthetic_leaves(600);
        let mut frontier = Frontier::new();
        for size in 0..=leaves.len() {
            assert_eq!(frontier.root(), naive_root(&leaves[..size]), "size {size}");
            assert_eq!(usize::try_from(frontier.size()), Ok(size));
            if let Some(leaf) = leaves.get(size) {
                frontier.append(*leaf);
            }
        }
    }

    #[test]
    fn stored_frontier_needs_exactly_its_hashes() {
        let frontier = Frontier::from_leaves(synthetic_leaves(11));
        let bytes = frontier.to_bytes();
        assert_eq!(bytes.len(), 3 * 32);
        assert_eq!(Frontier::from_bytes(11, &bytes), Ok(frontier));
        assert_eq!(Frontier::from_bytes(0, &[]), Ok(Frontier::new()));
        for (size, bytes) in [
            (10, bytes.as_slice()),
            (15, &bytes),
            (11, &bytes[1..]),
            (11, &bytes[32..]),
            (11, &[]),
            (0, &bytes),
        ] {
            assert_eq!(
                Frontier::from_bytes(size, bytes),
                Err(FrontierError::Length {
                    size,
                    bytes: bytes.len()
                })
            );
        }
    }

    #[test]
    fn size_stops_at_two_to_the_fifty_three() {
        assert!(Frontier::from_bytes(MAX_SIZE, &[0; 32]).is_ok());
        assert_eq!(
            Frontier::from_bytes(MAX_SIZE + 1, &[0; 64]),
            Err(FrontierError::Size(MAX_SIZE + 1))
        );
    }

    #[test]
    fn batch_names_each_completed_hash_once() {
        let leaves = synthetic_leaves(65_537);
        let mut frontier = Frontier::new();
        assert_eq!(frontier.append_batch(&leaves[..15]), []);
        let first = frontier.append_batch(&leaves[15..16]);
        let expected = StoredHash {
            level: 4,
            index: 0,
            hash: naive_root(&leaves[..16]),
        };
        assert_eq!(first, [expected]);
        let rest = frontier.append_batch(&leaves[16..]);
        assert_eq!(rest.len(), 4095 + 256 + 16 + 1);
        let (top, lower) = rest.split_last().unwrap();
        let expected = StoredHash {
            level: 16,
            index: 0,
            hash: naive_root(&leaves[..65_536]),
        };
        assert_eq!(*top, expected);
        for (level, first) in [(4, 1), (8, 0), (12, 0)] {
            let of_level = lower.iter().filter(|hash| hash.level == level);
            for (hash, index) in of_level.zip(first..) {
                assert_eq!(hash.index, index, "level {level}");
            }
        }
        let last = lower.iter().rfind(|hash| hash.level == 8).unwrap();
        assert_eq!(last.hash, naive_root(&leaves[65_280..65_536]));
    }

    proptest! {
        #[test]
        fn a_batch_is_its_appends(size in 0_usize..700, cut in 0_usize..700) {
            let leaves = synthetic_leaves(size);
            let (before, after) = leaves.split_at(cut.min(size));
            let mut frontier = Frontier::from_leaves(before.iter().copied());
            let restored = Frontier::from_bytes(frontier.size(), &frontier.to_bytes());
            prop_assert_eq!(restored.as_ref(), Ok(&frontier));
            let _ = frontier.append_batch(after);
            prop_assert_eq!(frontier.root(), naive_root(&leaves));
        }
    }
}
