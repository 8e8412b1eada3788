//! Checkpoints (C2SP tlog-checkpoint): what a log says about itself, signed, and short enough to read out.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::frontier::MAX_SIZE;
use crate::hash::Hash;
use crate::note::{NoteError, SignedNote};
use crate::note_key::{KeyError, NoteSigner, NoteVerifier, check_name};
use crate::proof::{ConsistencyProof, ProofError, verify_consistency};

/// The size and root of a log at one moment. The body has three lines: origin, size, root in base64.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    origin: String,
    size: u64,
    root: Hash,
}

impl Checkpoint {
    /// A checkpoint of the log `origin`, which is also the name of its key.
    ///
    /// # Errors
    /// An origin that is no key name, a size beyond [`MAX_SIZE`], or size 0 with a root other than [`Hash::EMPTY`].
    pub fn new(origin: &str, size: u64, root: Hash) -> Result<Self, CheckpointError> {
        check_name(origin)?;
        if size > MAX_SIZE || (size == 0 && root != Hash::EMPTY) {
            return Err(CheckpointError::Malformed);
        }
        Ok(Self {
            origin: origin.to_owned(),
            size,
            root,
        })
    }

    /// The log, by the convention of this project `<host>/<org>/audit/<epoch>`.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The number of leaves.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The root of that many leaves.
    #[must_use]
    pub const fn root(&self) -> Hash {
        self.root
    }

    /// The text that is signed.
    #[must_use]
    pub fn body(&self) -> String {
        let root = STANDARD.encode(self.root.as_bytes());
        format!("{}\n{}\n{root}\n", self.origin, self.size)
    }

    /// Reads a body, strictly: three lines, each in its one spelling. Extension lines are refused.
    ///
    /// # Errors
    /// [`CheckpointError::Malformed`].
    pub fn parse_body(body: &str) -> Result<Self, CheckpointError> {
        let mut lines = body.split('\n');
        let (Some(origin), Some(size), Some(root)) = (lines.next(), lines.next(), lines.next())
        else {
            return Err(CheckpointError::Malformed);
        };
        let size = size.parse().map_err(|_| CheckpointError::Malformed)?;
        let root = STANDARD
            .decode(root)
            .map_err(|_| CheckpointError::Malformed)?;
        let root = Hash::try_from(root.as_slice()).map_err(|_| CheckpointError::Malformed)?;
        let checkpoint = Self::new(origin, size, root)?;
        // Writing it again refuses signs, leading zeros, further lines and a missing newline in one comparison.
        if checkpoint.body() == body {
            Ok(checkpoint)
        } else {
            Err(CheckpointError::Malformed)
        }
    }

    /// Signs the checkpoint with the log's key or, while keys rotate, with both. Does not look at what was signed
    /// before: that is [`CheckpointSigner::sign_next`].
    ///
    /// # Errors
    /// A key whose name is not the origin, or no key.
    pub fn sign(&self, keys: &[&NoteSigner]) -> Result<SignedNote, CheckpointError> {
        if keys.iter().any(|key| key.verifier().name() != self.origin) {
            return Err(CheckpointError::OtherOrigin);
        }
        Ok(SignedNote::sign(&self.body(), keys)?)
    }

    /// Reads and verifies a signed checkpoint. One of the `known` keys that signed must be the log's own, that is, named
    /// like the origin; any others known, such as witnesses, are checked as well.
    ///
    /// # Errors
    /// A malformed note or body, a wrong signature, or no signature by the log.
    pub fn verify(message: &[u8], known: &[NoteVerifier]) -> Result<Self, CheckpointError> {
        let note = SignedNote::parse(message)?;
        let signed = note.verify(known)?;
        let checkpoint = Self::parse_body(note.text())?;
        if signed
            .iter()
            .any(|key| key.name() == checkpoint.origin && !key.is_witness())
        {
            Ok(checkpoint)
        } else {
            Err(CheckpointError::OtherOrigin)
        }
    }

    /// Checks that this checkpoint only appends to `earlier` of the same log.
    ///
    /// # Errors
    /// Another origin, fewer leaves, another root at the same size, or a proof that does not lead from one to the other.
    pub fn follows(&self, earlier: &Self, proof: &ConsistencyProof) -> Result<(), CheckpointError> {
        if self.origin != earlier.origin {
            return Err(CheckpointError::OtherOrigin);
        }
        if self.size < earlier.size {
            return Err(CheckpointError::Shrunk {
                last: earlier.size,
                next: self.size,
            });
        }
        if self.size == earlier.size && self.root != earlier.root {
            return Err(CheckpointError::Forked(self.size));
        }
        if earlier.size == 0 {
            return nothing_to_prove(proof);
        }
        verify_consistency(earlier.size, self.size, proof, &earlier.root, &self.root)?;
        Ok(())
    }
}

/// Every tree follows the empty one; a proof for that would be noise.
fn nothing_to_prove(proof: &ConsistencyProof) -> Result<(), CheckpointError> {
    if proof.hashes().is_empty() {
        Ok(())
    } else {
        Err(ProofError::TooManyHashes.into())
    }
}

/// Signs the checkpoints of one log and refuses every one that does not follow the last. The caller keeps the last one
/// signed, durably and before handing it out.
#[derive(Debug, Clone)]
pub struct CheckpointSigner {
    keys: Vec<NoteSigner>,
}

impl CheckpointSigner {
    /// A signer for the log named like the key.
    #[must_use]
    pub fn new(key: NoteSigner) -> Self {
        Self { keys: vec![key] }
    }

    /// Signs with a further key of the same log too, so that a key can be rotated without a gap.
    ///
    /// # Errors
    /// A key with another name.
    pub fn with_key(mut self, key: NoteSigner) -> Result<Self, CheckpointError> {
        if self
            .keys
            .iter()
            .any(|known| known.verifier().name() != key.verifier().name())
        {
            return Err(CheckpointError::OtherOrigin);
        }
        self.keys.push(key);
        Ok(self)
    }

    /// Signs `next` if it follows `last`, the last checkpoint signed (`None` for a new log, with an empty proof).
    ///
    /// # Errors
    /// Another origin, fewer leaves, another root at the same size, or a proof that does not lead from one to the other.
    pub fn sign_next(
        &self,
        last: Option<&Checkpoint>,
        next: &Checkpoint,
        proof: &ConsistencyProof,
    ) -> Result<SignedNote, CheckpointError> {
        match last {
            Some(last) => next.follows(last, proof)?,
            None => nothing_to_prove(proof)?,
        }
        next.sign(&self.keys.iter().collect::<Vec<_>>())
    }
}

/// Why a checkpoint is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// Not three lines of origin, size and root, each in its one spelling.
    #[error("not a checkpoint: origin, size and root, one line each")]
    Malformed,
    /// The checkpoint, the key and the last checkpoint are not of the same log.
    #[error("the checkpoint belongs to another log")]
    OtherOrigin,
    /// Fewer leaves than before: a cut log or an old backup.
    #[error("the log shrank from {last} to {next} leaves")]
    Shrunk {
        /// The size last signed.
        last: u64,
        /// The size to be signed.
        next: u64,
    },
    /// Two roots for one size: the log was rewritten.
    #[error("the log has two roots at {0} leaves")]
    Forked(u64),
    /// The proof does not connect the two checkpoints.
    #[error("the checkpoint does not follow the last one: {0}")]
    Inconsistent(#[from] ProofError),
    /// The note around it is refused.
    #[error(transparent)]
    Note(#[from] NoteError),
}

impl From<KeyError> for CheckpointError {
    fn from(_: KeyError) -> Self {
        Self::Malformed
    }
}

#[cfg(test)]
mod tests;
