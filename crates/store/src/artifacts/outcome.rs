//! The outcome of a commit as the idempotency record keeps it.

use probity_artifacts::{ArtifactWrite, SignatureProof, UploadSession};
use probity_kernel::{RepositoryError, Version};
use serde::{Deserialize, Serialize};

use super::rows::{ArtifactRow, ChunkRow, UploadRow};
use crate::idempotency::Remembered;

/// A session with its chunks.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Kept(UploadRow, Vec<ChunkRow>);

impl Kept {
    fn of(session: &UploadSession) -> Box<Self> {
        let chunks = session.chunks.values();
        let chunks = chunks.map(|chunk| ChunkRow::of(session, chunk)).collect();
        Box::new(Self(UploadRow::from(session), chunks))
    }

    fn session(self) -> Result<Box<UploadSession>, RepositoryError> {
        self.0.with(self.1).map(Box::new)
    }
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Outcome {
    Open(Box<Kept>, Option<u64>),
    End(Box<Kept>, i64),
    Complete(Box<Kept>, i64, Box<ArtifactRow>, Option<String>),
    Sign(Box<ArtifactRow>, i64, (String, String)),
    Update(Box<ArtifactRow>, i64),
}

impl Remembered for ArtifactWrite {
    type Record = Outcome;

    fn to_record(&self) -> Result<Outcome, RepositoryError> {
        Ok(match self {
            Self::Open { session, quota } => Outcome::Open(Kept::of(session), *quota),
            Self::End { next, expected } => Outcome::End(Kept::of(next), expected.get()),
            Self::Complete {
                session,
                expected,
                artifact,
                shared,
            } => {
                let artifact = Box::new(artifact.as_ref().into());
                Outcome::Complete(Kept::of(session), expected.get(), artifact, shared.clone())
            }
            Self::Sign {
                next,
                expected,
                proof,
            } => {
                let proof = (proof.bundle.clone(), proof.public_key.clone());
                Outcome::Sign(Box::new(next.as_ref().into()), expected.get(), proof)
            }
            Self::Update { next, expected } => {
                Outcome::Update(Box::new(next.as_ref().into()), expected.get())
            }
        })
    }

    fn from_record(outcome: Outcome) -> Result<Self, RepositoryError> {
        Ok(match outcome {
            Outcome::Open(kept, quota) => Self::Open {
                session: kept.session()?,
                quota,
            },
            Outcome::End(kept, expected) => Self::End {
                next: kept.session()?,
                expected: Version::new(expected),
            },
            Outcome::Complete(kept, expected, artifact, shared) => Self::Complete {
                session: kept.session()?,
                expected: Version::new(expected),
                artifact: Box::new((*artifact).try_into()?),
                shared,
            },
            Outcome::Sign(row, expected, (bundle, public_key)) => Self::Sign {
                next: Box::new((*row).try_into()?),
                expected: Version::new(expected),
                proof: Box::new(SignatureProof { bundle, public_key }),
            },
            Outcome::Update(row, expected) => Self::Update {
                next: Box::new((*row).try_into()?),
                expected: Version::new(expected),
            },
        })
    }
}
