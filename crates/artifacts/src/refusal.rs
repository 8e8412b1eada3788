//! Why an upload session does not take something.

/// Why an upload session does not take something. A repository that refuses on the session as it is
/// in its transaction answers `RepositoryError::Conflict` with [`Self::key`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UploadRefusal {
    /// It became an artifact.
    Completed,
    /// Its bytes were not those that were expected.
    Failed,
    /// Nobody touched it in time.
    Expired,
    /// Its completion has begun.
    Sealed,
    /// It does not exist, or not any more.
    Gone,
    /// The artifact has no chunk of that index.
    NoSuchChunk,
    /// The piece does not begin where the bytes end.
    OffsetMoved,
    /// It has as many pieces as an upload can have.
    TooManyChunks,
    /// Chunks are missing.
    ChunksMissing,
}

impl UploadRefusal {
    /// Every refusal.
    pub const ALL: &'static [Self] = &[
        Self::Completed,
        Self::Failed,
        Self::Expired,
        Self::Sealed,
        Self::Gone,
        Self::NoSuchChunk,
        Self::OffsetMoved,
        Self::TooManyChunks,
        Self::ChunksMissing,
    ];

    /// Its stable code, and the key under which a repository tells it.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Completed => "upload_completed",
            Self::Failed => "upload_failed",
            Self::Expired => "upload_expired",
            Self::Sealed => "upload_completing",
            Self::Gone => "upload_not_found",
            Self::NoSuchChunk => "no_such_chunk",
            Self::OffsetMoved => "offset_mismatch",
            Self::TooManyChunks => "too_many_chunks",
            Self::ChunksMissing => "chunks_missing",
        }
    }

    /// The refusal of a key.
    #[must_use]
    pub fn of(key: &str) -> Option<Self> {
        let mut all = Self::ALL.iter().copied();
        all.find(|refusal| refusal.key() == key)
    }

    /// What a person reads.
    #[must_use]
    pub const fn told(self) -> &'static str {
        match self {
            Self::Completed => "the upload is completed and takes no more chunks",
            Self::Failed => "the upload failed; open a new one",
            Self::Expired => "the upload expired and its bytes are gone; open a new one",
            Self::Sealed => "the upload is being completed and takes no more chunks",
            Self::Gone => "no such upload",
            Self::NoSuchChunk => "the artifact has no chunk with this index",
            Self::OffsetMoved => "the piece does not begin where the received bytes end",
            Self::TooManyChunks => "the upload has 10000 pieces already; send larger ones",
            Self::ChunksMissing => "chunks are missing",
        }
    }
}
