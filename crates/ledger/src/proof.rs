//! The verifiers of RFC 9162 section 2.1, complete: every hash and every bit of the sizes is consumed.

use crate::hash::Hash;

/// The most hashes a proof may have: no tree of fewer than 2^63 leaves needs more.
pub const MAX_PROOF_LEN: usize = 63;

macro_rules! proof {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Default)]
        pub struct $name(Vec<Hash>);

        impl $name {
            /// Wraps the hashes of a proof received from somewhere.
            ///
            /// # Errors
            /// More than [`MAX_PROOF_LEN`] hashes.
            pub fn new(hashes: Vec<Hash>) -> Result<Self, ProofError> {
                if hashes.len() > MAX_PROOF_LEN {
                    return Err(ProofError::TooLong);
                }
                Ok(Self(hashes))
            }

            /// A proof made here; the size of the tree bounds its length.
            pub(crate) const fn made(hashes: Vec<Hash>) -> Self {
                Self(hashes)
            }

            /// The hashes, in the order of the RFC: nearest the leaf first.
            #[must_use]
            pub fn hashes(&self) -> &[Hash] {
                &self.0
            }
        }
    };
}

proof! {
    /// The proof that a leaf is in a tree.
    InclusionProof
}

proof! {
    /// The proof that a tree only appends to an earlier one. The default, no hashes, is the proof between equal sizes.
    ConsistencyProof
}

/// Checks that the leaf with hash `leaf_hash` is at `index` in the tree of `size` leaves with root `root`.
///
/// A root does not contain its size: for some neighbouring sizes the same proof fits. Take size and root from the
/// same verified checkpoint.
///
/// # Errors
/// The reason for which the proof proves nothing.
pub fn verify_inclusion(
    leaf_hash: &Hash,
    index: u64,
    size: u64,
    proof: &InclusionProof,
    root: &Hash,
) -> Result<(), ProofError> {
    if index >= size {
        return Err(ProofError::IndexOutOfRange);
    }
    let mut walk = Walk {
        node: index,
        last: size - 1,
    };
    let mut made = *leaf_hash;
    for sibling in proof.hashes() {
        made = match walk.step()? {
            Side::Left => Hash::node(sibling, &made),
            Side::Right => Hash::node(&made, sibling),
        };
    }
    walk.finish()?;
    if made == *root {
        Ok(())
    } else {
        Err(ProofError::RootMismatch)
    }
}

/// Checks that the tree of `to` leaves with root `root_to` begins with the tree of `from` leaves with root `root_from`.
///
/// # Errors
/// The reason for which the proof proves nothing; `from` zero is one, since every tree begins with the empty one.
pub fn verify_consistency(
    from: u64,
    to: u64,
    proof: &ConsistencyProof,
    root_from: &Hash,
    root_to: &Hash,
) -> Result<(), ProofError> {
    if from == 0 {
        return Err(ProofError::FromEmpty);
    }
    if from > to {
        return Err(ProofError::Shrunk);
    }
    if from == to {
        return same_size(proof, root_from, root_to);
    }
    let mut walk = Walk {
        node: from - 1,
        last: to - 1,
    };
    walk.climb(walk.node.trailing_ones());
    // A complete old tree is a node of the new one, so the proof starts with the root the verifier holds.
    let (seed, path) = if walk.node == 0 {
        (root_from, proof.hashes())
    } else {
        proof
            .hashes()
            .split_first()
            .ok_or(ProofError::TooFewHashes)?
    };
    let (mut old, mut new) = (*seed, *seed);
    for sibling in path {
        match walk.step()? {
            Side::Left => {
                old = Hash::node(sibling, &old);
                new = Hash::node(sibling, &new);
            }
            Side::Right => new = Hash::node(&new, sibling),
        }
    }
    walk.finish()?;
    if old != *root_from {
        return Err(ProofError::OldRootMismatch);
    }
    if new == *root_to {
        Ok(())
    } else {
        Err(ProofError::RootMismatch)
    }
}

fn same_size(proof: &ConsistencyProof, from: &Hash, to: &Hash) -> Result<(), ProofError> {
    if !proof.hashes().is_empty() {
        return Err(ProofError::TooManyHashes);
    }
    if from == to {
        Ok(())
    } else {
        Err(ProofError::RootMismatch)
    }
}

/// The climb from a node to the root: `node` is its index at the present height, `last` the index of the last node.
struct Walk {
    node: u64,
    last: u64,
}

/// On which side of the node its sibling stands.
enum Side {
    Left,
    Right,
}

impl Walk {
    /// Climbs to the next height at which the node has a sibling, and past it.
    fn step(&mut self) -> Result<Side, ProofError> {
        if self.last == 0 {
            return Err(ProofError::TooManyHashes);
        }
        let side = if self.node & 1 == 1 || self.node == self.last {
            // A last node with an even index has no sibling until the height where its index is odd.
            self.climb(self.node.trailing_zeros());
            Side::Left
        } else {
            Side::Right
        };
        self.climb(1);
        Ok(side)
    }

    fn climb(&mut self, levels: u32) {
        self.node = self.node.checked_shr(levels).unwrap_or(0);
        self.last = self.last.checked_shr(levels).unwrap_or(0);
    }

    fn finish(&self) -> Result<(), ProofError> {
        if self.last == 0 {
            Ok(())
        } else {
            Err(ProofError::TooFewHashes)
        }
    }
}

/// Why a proof proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// More than [`MAX_PROOF_LEN`] hashes.
    #[error("a proof has at most 63 hashes")]
    TooLong,
    /// The index is not below the size.
    #[error("the leaf is not in a tree of that size")]
    IndexOutOfRange,
    /// Consistency with the empty tree, which every tree has.
    #[error("consistency with an empty tree proves nothing")]
    FromEmpty,
    /// The later tree is smaller than the earlier one.
    #[error("the later tree is smaller than the earlier one")]
    Shrunk,
    /// The proof ends below the root.
    #[error("the proof has too few hashes for a tree of that size")]
    TooFewHashes,
    /// The proof goes on above the root.
    #[error("the proof has too many hashes for a tree of that size")]
    TooManyHashes,
    /// The hashes left of a range are not those of a tree that ends there.
    #[error("the hashes left of the range do not belong to its start")]
    WrongLeftSide,
    /// The proof leads to another root than that of the earlier tree.
    #[error("the proof does not lead to the earlier root")]
    OldRootMismatch,
    /// The proof leads to another root.
    #[error("the proof does not lead to the root")]
    RootMismatch,
}
