#![doc = include_str!("../README.md")]

pub mod artifact;
pub mod blob;
pub mod digest;
pub mod error;
pub mod event;
#[cfg(any(test, feature = "testing"))]
pub mod memory;
#[cfg(any(test, feature = "testing"))]
pub mod memory_blobs;
pub mod new_upload;
pub mod plan;
pub mod refusal;
pub mod repository;
pub mod service;
pub mod session;
pub mod signature;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod vocabulary;

pub use artifact::{Artifact, ArtifactSummary, actor_reference};
pub use blob::{
    BlobError, BlobKey, BlobReader, BlobStore, ChunkSink, ChunkWrite, HoldOn, Landed, ServedAs,
    StagedUpload, StoredBlob, UploadPlace,
};
pub use digest::{DamagedState, MalformedDigest, Sha256Digest, StreamingSha256, Tally};
pub use error::ArtifactError;
pub use event::{ArtifactEvent, DamageReason, Move, UploadEnd};
#[cfg(any(test, feature = "testing"))]
pub use memory::InMemoryArtifacts;
#[cfg(any(test, feature = "testing"))]
pub use memory_blobs::InMemoryBlobs;
pub use new_upload::{ArtifactFacts, NewUpload, UploadInput};
pub use plan::{ChunkPlan, Span};
pub use refusal::UploadRefusal;
pub use repository::{ArtifactChange, ArtifactRepository, ArtifactUpkeep, ArtifactWrite};
pub use service::{ArtifactService, ChunkUpload, Completion, Policy, Swept};
pub use session::{Accepted, Chunk, HashAdvance, HashProgress, Receipt, UploadSession};
pub use signature::{ArtifactSignature, SignatureProof, VerifiedSignature};
pub use vocabulary::{ArtifactKind, ArtifactStatus, Layout, UploadStatus};
