//! The proof that one entry is in a log, as one file (C2SP tlog-proof).

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::checkpoint::{Checkpoint, CheckpointError};
use crate::frontier::MAX_SIZE;
use crate::hash::Hash;
use crate::note_key::NoteVerifier;
use crate::proof::{InclusionProof, ProofError, verify_inclusion};

/// The first line.
const MAGIC: &str = "c2sp.org/tlog-proof@v1";

/// An inclusion proof with the signed checkpoint that it leads to. `Display` and `FromStr` are the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlogProof {
    index: u64,
    proof: InclusionProof,
    note: String,
}

impl TlogProof {
    /// A proof of the entry `index` in the tree of the checkpoint that `note` signs.
    #[must_use]
    pub const fn new(index: u64, proof: InclusionProof, note: String) -> Self {
        Self { index, proof, note }
    }

    /// The number of the entry.
    #[must_use]
    pub const fn index(&self) -> u64 {
        self.index
    }

    /// The signed checkpoint, unverified.
    #[must_use]
    pub fn note(&self) -> &str {
        &self.note
    }

    /// Checks that a known key signed the checkpoint, and that the leaf with this hash is in its tree.
    ///
    /// # Errors
    /// A checkpoint that is refused, or a proof that does not lead to it.
    pub fn verify(
        &self,
        leaf_hash: &Hash,
        known: &[NoteVerifier],
    ) -> Result<Checkpoint, TlogProofError> {
        let checkpoint = Checkpoint::verify(self.note.as_bytes(), known)?;
        let (size, root) = (checkpoint.size(), checkpoint.root());
        verify_inclusion(leaf_hash, self.index, size, &self.proof, &root)?;
        Ok(checkpoint)
    }
}

impl fmt::Display for TlogProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{MAGIC}\nindex {}", self.index)?;
        for hash in self.proof.hashes() {
            writeln!(f, "{}", STANDARD.encode(hash.as_bytes()))?;
        }
        write!(f, "\n{}", self.note)
    }
}

/// Reads a file in its one spelling. An `extra` line is refused: this log puts nothing there.
impl FromStr for TlogProof {
    type Err = TlogProofError;

    fn from_str(text: &str) -> Result<Self, TlogProofError> {
        let (head, note) = text.split_once("\n\n").ok_or(TlogProofError::Malformed)?;
        let mut lines = head.split('\n');
        if lines.next() != Some(MAGIC) {
            return Err(TlogProofError::Malformed);
        }
        let index = lines
            .next()
            .and_then(|line| line.strip_prefix("index "))
            .and_then(|number| number.parse().ok())
            .filter(|index| *index < MAX_SIZE)
            .ok_or(TlogProofError::Malformed)?;
        let hashes = lines
            .map(|line| {
                let bytes = STANDARD.decode(line).ok()?;
                Hash::try_from(bytes.as_slice()).ok()
            })
            .collect::<Option<Vec<Hash>>>()
            .ok_or(TlogProofError::Malformed)?;
        let made = Self::new(index, InclusionProof::new(hashes)?, note.to_owned());
        if made.to_string() == text {
            Ok(made)
        } else {
            Err(TlogProofError::Malformed)
        }
    }
}

/// Why a proof is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TlogProofError {
    /// Not a proof in its one spelling.
    #[error("not a tlog-proof: magic, index, hashes, empty line, checkpoint")]
    Malformed,
    /// The checkpoint is refused.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The hashes do not lead from the leaf to the checkpoint.
    #[error(transparent)]
    Proof(#[from] ProofError),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::InMemoryTree;
    use crate::note_key::NoteSigner;
    use crate::testing::synthetic_leaves;
    use crate::tree::inclusion_proof;

    fn made(index: u64) -> (TlogProof, Hash, NoteVerifier) {
        let leaves = synthetic_leaves(11);
        let mut tree = InMemoryTree::new();
        tree.append_batch(&leaves);
        let key = NoteSigner::from_seed("gov.example/log", &[3; 32]).unwrap();
        let checkpoint = Checkpoint::new("gov.example/log", tree.size(), tree.root()).unwrap();
        let note = checkpoint.sign(&[&key]).unwrap().to_string();
        let proof = inclusion_proof(&tree, index, tree.size()).unwrap();
        let leaf = leaves[usize::try_from(index).unwrap()];
        (
            TlogProof::new(index, proof, note),
            leaf,
            key.verifier().clone(),
        )
    }

    #[test]
    fn a_file_proves_its_entry_and_no_other() {
        for index in 0..11 {
            let (proof, leaf, key) = made(index);
            let read: TlogProof = proof.to_string().parse().unwrap();
            assert_eq!(read, proof);
            assert_eq!(
                read.verify(&leaf, std::slice::from_ref(&key))
                    .unwrap()
                    .size(),
                11
            );
            assert!(read.verify(&Hash::leaf(b"other"), &[key]).is_err());
        }
    }

    #[test]
    fn no_single_bit_can_be_changed() {
        let (proof, leaf, key) = made(4);
        let known = [key];
        let bytes = proof.to_string().into_bytes();
        for place in 0..bytes.len() {
            {
                let mut changed = bytes.clone();
                changed[place] ^= 1 << (place % 8);
                let accepted = String::from_utf8(changed)
                    .ok()
                    .and_then(|text| text.parse::<TlogProof>().ok())
                    .is_some_and(|proof| proof.index() == 4 && proof.verify(&leaf, &known).is_ok());
                assert!(!accepted, "byte {place}");
            }
        }
    }
}
