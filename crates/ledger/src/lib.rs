#![doc = include_str!("../README.md")]

mod absence;
pub mod bundle;
pub mod canonical;
mod checkpoint;
mod frontier;
mod hash;
mod leaf;
mod memory;
mod note;
mod note_key;
mod note_list;
mod proof;
mod range;
mod slot;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
#[cfg(test)]
mod tests;
mod tlog_proof;
mod tree;
mod witness;

pub use absence::{
    Absence, AbsenceError, EntrySet, Explanations, ParseEntrySetError, Prune, Redaction,
};
pub use canonical::{CanonicalError, to_canonical};
pub use checkpoint::{Checkpoint, CheckpointError, CheckpointSigner};
pub use frontier::{Frontier, FrontierError, MAX_SIZE, StoredHash};
pub use hash::{Hash, ParseHashError};
pub use leaf::{
    ArgValue, Args, Leaf, LeafError, LeafHeader, MAX_LEAF_LEN, Slots, Target, VERSION, instant_text,
};
pub use memory::InMemoryTree;
pub use note::{MAX_SIGNATURES, NoteError, NoteSignature, SignedNote};
pub use note_key::{KeyError, NoteSigner, NoteVerifier};
pub use note_list::{END_OF_NOTE, NoteList};
pub use proof::{
    ConsistencyProof, InclusionProof, MAX_PROOF_LEN, ProofError, verify_consistency,
    verify_inclusion,
};
pub use range::{RangeProof, range_proof, verify_range};
pub use slot::{Commitment, ParseSlotError, Salt, SlotName};
pub use tlog_proof::{TlogProof, TlogProofError};
pub use tree::{
    HashReader, STORED_STEP, Span, TILE_HEIGHT, TILE_WIDTH, TreeError, consistency_proof,
    frontier_at, inclusion_proof, root_at,
};
pub use witness::{AddCheckpoint, ParseAddCheckpointError};
