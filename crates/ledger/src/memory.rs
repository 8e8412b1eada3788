//! A tree in memory, for tests and for embedders whose log fits there.

use std::convert::Infallible;
use std::ops::Range;

use crate::frontier::{Frontier, StoredHash};
use crate::hash::Hash;
use crate::tree::{HashReader, STORED_STEP};

/// Leaf hashes and stored hashes in vectors, one for each stored level.
#[derive(Debug, Clone, Default)]
pub struct InMemoryTree {
    frontier: Frontier,
    levels: Vec<Vec<Hash>>,
}

impl InMemoryTree {
    /// The empty tree.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends one leaf hash and returns its index.
    pub fn append(&mut self, leaf: Hash) -> u64 {
        let index = self.size();
        self.append_batch(&[leaf]);
        index
    }

    /// Appends leaf hashes in order.
    pub fn append_batch(&mut self, leaves: &[Hash]) {
        for leaf in leaves.iter().copied() {
            self.keep(0, leaf);
        }
        for StoredHash { level, hash, .. } in self.frontier.append_batch(leaves) {
            self.keep(level, hash);
        }
    }

    fn keep(&mut self, level: u8, hash: Hash) {
        let place = usize::from(level / STORED_STEP);
        if place == self.levels.len() {
            self.levels.push(Vec::new());
        }
        if let Some(hashes) = self.levels.get_mut(place) {
            hashes.push(hash);
        }
    }

    /// The number of leaves.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.frontier.size()
    }

    /// The root of all leaves.
    #[must_use]
    pub fn root(&self) -> Hash {
        self.frontier.root()
    }

    /// The frontier, as a store would keep it.
    #[must_use]
    pub const fn frontier(&self) -> &Frontier {
        &self.frontier
    }
}

impl HashReader for InMemoryTree {
    type Error = Infallible;

    fn read(&self, level: u8, range: Range<u64>) -> Result<Vec<Hash>, Infallible> {
        let bounds = usize::try_from(range.start)
            .ok()
            .zip(usize::try_from(range.end).ok());
        let hashes = self
            .levels
            .get(usize::from(level / STORED_STEP))
            .zip(bounds)
            .and_then(|(hashes, (start, end))| hashes.get(start..end));
        Ok(hashes.unwrap_or_default().to_vec())
    }
}
