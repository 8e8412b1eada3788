//! Through the public interface: proofs against the printed RFC 6962 vectors, the definitions, another implementation, and damage.

mod damage;
mod differential;
mod exhaustive;
mod tiles;
mod vectors;

use crate::{Hash, InMemoryTree};

/// A tree over these leaf hashes.
fn tree(leaves: &[Hash]) -> InMemoryTree {
    let mut tree = InMemoryTree::new();
    tree.append_batch(leaves);
    tree
}

/// Lengths as the tree counts them.
fn wide(size: usize) -> u64 {
    u64::try_from(size).unwrap()
}
