//! Why a command about artifacts is refused.

use std::ops::RangeInclusive;
use std::time::Duration;

use probity_kernel::{DomainError, ErrorKind, FieldError, RepositoryError};
use serde_json::{Map, Value, json};

use crate::blob::BlobError;
use crate::refusal::UploadRefusal;

/// The most ranges of missing chunks that an answer lists.
const MOST_RANGES: usize = 1000;

/// What a command about artifacts may answer instead of doing its work.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ArtifactError {
    /// The input has faulty fields, all of them listed.
    #[error("{}", told(.0))]
    Invalid(Vec<FieldError>),
    /// The product has no such artifact.
    #[error("no such artifact")]
    NotFound,
    /// The bytes of the artifact are not in the store.
    #[error("Artifact file not found.")]
    FileNotFound,
    /// The artifact has no signature.
    #[error("the artifact has no signature")]
    NotSigned,
    /// The upload session does not take it.
    #[error("{}", .0.told())]
    Upload(UploadRefusal),
    /// Chunks are missing; these indexes.
    #[error("chunks are missing; `missing_ranges` lists their indexes")]
    ChunksMissing(Vec<RangeInclusive<u32>>),
    /// A chunk of another size than its place has.
    #[error("the chunk must have exactly {expected} bytes")]
    WrongSize {
        /// How many bytes it has to have.
        expected: u64,
    },
    /// More bytes than the place of the chunk has.
    #[error("the chunk has more than {expected} bytes")]
    TooLong {
        /// How many bytes it has to have.
        expected: u64,
    },
    /// The body broke off.
    #[error("the body ended before the chunk was whole; nothing of it was stored")]
    Cut,
    /// The bytes of a chunk are not those of its `Content-Digest`.
    #[error("the bytes of the chunk do not have the digest that was sent with them")]
    ChunkDigest,
    /// The bytes do not have the expected digest; the upload has failed.
    #[error("the bytes do not have the expected SHA-256 digest; the upload has failed")]
    DigestMismatch,
    /// The upload is completed, and its artifact has another digest than the one that is asked for.
    #[error(
        "the upload is completed and its artifact has another SHA-256 digest; it stays as it is"
    )]
    CompletedOtherwise,
    /// The space may not hold as many bytes.
    #[error("the space has no room for {asked} bytes: it holds {held} of {quota}")]
    QuotaExceeded {
        /// How many bytes are asked for.
        asked: u64,
        /// How many the space holds, open uploads included.
        held: u64,
        /// How many it may hold.
        quota: u64,
    },
    /// An archived product is kept as it was.
    #[error("the product is archived and takes no changes")]
    ProductArchived,
    /// The blob store did not do its work.
    #[error(transparent)]
    Blob(#[from] BlobError),
    /// The repository did not do its work.
    #[error(transparent)]
    Repository(#[from] RepositoryError),
}

fn told(faults: &[FieldError]) -> String {
    match faults {
        [only] => format!("{}: {}", only.field, only.message),
        faults => format!("the input has {} faulty fields", faults.len()),
    }
}

impl From<UploadRefusal> for ArtifactError {
    fn from(refusal: UploadRefusal) -> Self {
        Self::Upload(refusal)
    }
}

impl ArtifactError {
    /// What a refusal of the repository means here.
    pub(crate) fn of(error: RepositoryError) -> Self {
        let RepositoryError::Conflict(key) = error else {
            return Self::Repository(error);
        };
        if let Some(refusal) = UploadRefusal::of(key) {
            return Self::Upload(refusal);
        }
        let unknown = |field: &str, what: &str| {
            let message = format!("must name {what} of this product");
            Self::Invalid(vec![FieldError::new(field, "unknown_value", message)])
        };
        match key {
            "archived" => Self::ProductArchived,
            "product_version_id" => unknown("/product_version_id", "a version"),
            "training_run_id" => unknown("/training_run_id", "a training run"),
            _ => Self::Repository(error),
        }
    }
}

impl DomainError for ArtifactError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Invalid(_) | Self::Cut => ErrorKind::Invalid,
            Self::NotFound
            | Self::FileNotFound
            | Self::NotSigned
            | Self::Upload(UploadRefusal::Gone) => ErrorKind::NotFound,
            Self::Upload(UploadRefusal::NoSuchChunk | UploadRefusal::TooManyChunks)
            | Self::WrongSize { .. }
            | Self::TooLong { .. }
            | Self::ChunkDigest
            | Self::DigestMismatch
            | Self::CompletedOtherwise
            | Self::QuotaExceeded { .. } => ErrorKind::Unprocessable,
            Self::Upload(
                UploadRefusal::Completed
                | UploadRefusal::Failed
                | UploadRefusal::Expired
                | UploadRefusal::Sealed
                | UploadRefusal::OffsetMoved
                | UploadRefusal::ChunksMissing,
            )
            | Self::ChunksMissing(_)
            | Self::ProductArchived => ErrorKind::Conflict,
            Self::Blob(error) => error.kind(),
            Self::Repository(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Invalid(_) => "validation_error",
            Self::NotFound => "artifact_not_found",
            Self::FileNotFound => "artifact_file_not_found",
            Self::NotSigned => "signature_not_found",
            Self::Upload(refusal) => refusal.key(),
            Self::ChunksMissing(_) => UploadRefusal::ChunksMissing.key(),
            Self::WrongSize { .. } => "wrong_chunk_size",
            Self::TooLong { .. } => "chunk_too_long",
            Self::Cut => "body_incomplete",
            Self::ChunkDigest => "chunk_digest_mismatch",
            Self::DigestMismatch | Self::CompletedOtherwise => "digest_mismatch",
            Self::QuotaExceeded { .. } => "quota_exceeded",
            Self::ProductArchived => "product_archived",
            Self::Blob(error) => error.code(),
            Self::Repository(error) => error.code(),
        }
    }

    fn fields(&self) -> Vec<FieldError> {
        if let Self::Invalid(fields) = self {
            fields.clone()
        } else {
            Vec::new()
        }
    }

    fn extensions(&self) -> Map<String, Value> {
        let mut members = Map::new();
        if let Self::ChunksMissing(ranges) = self {
            let told = ranges.iter().take(MOST_RANGES);
            let told = told.map(|range| json!({"first": range.start(), "last": range.end()}));
            members.insert("missing_ranges".to_owned(), told.collect());
            let missing: u64 = ranges
                .iter()
                .map(|range| u64::from(range.end() - range.start()) + 1)
                .sum();
            members.insert("missing_chunks".to_owned(), json!(missing));
        }
        members
    }

    fn retry_after(&self) -> Option<Duration> {
        if let Self::Repository(error) = self {
            error.retry_after()
        } else if let Self::Blob(error) = self {
            error.retry_after()
        } else {
            None
        }
    }
}
