//! What artifacts need from a store of bytes.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::ops::Range;
use std::time::Duration;

use bytes::Bytes;
use probity_kernel::{DomainError, ErrorKind, OrganizationId, UploadSessionId};
use time::OffsetDateTime;

use crate::digest::{Sha256Digest, Tally};
use crate::plan::Span;
use crate::session::{Chunk, UploadSession};

/// Why a blob store did not do its work. What it was doing can be done again.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BlobError {
    /// There are no such bytes.
    #[error("the bytes are not in the store")]
    NotFound,
    /// There is no room; nothing was kept.
    #[error("the blob store has no space left")]
    Full,
    /// The upload is being completed, or is gone: its chunks are not written any more.
    #[error("the upload is being completed")]
    Closed,
    /// The store is out of reach or a device fails.
    #[error("the blob store does not answer as it should")]
    Unavailable(#[source] Box<dyn Error + Send + Sync>),
}

impl DomainError for BlobError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound => ErrorKind::NotFound,
            Self::Full => ErrorKind::InsufficientStorage,
            Self::Closed => ErrorKind::Conflict,
            Self::Unavailable(_) => ErrorKind::Unavailable,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::NotFound => "artifact_file_not_found",
            Self::Full => "insufficient_storage",
            Self::Closed => "upload_completing",
            Self::Unavailable(_) => "storage_unavailable",
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        matches!(self, Self::Unavailable(_)).then_some(Duration::from_secs(5))
    }
}

/// The place of an upload in a blob store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UploadPlace {
    /// The organisation.
    pub organization: OrganizationId,
    /// The session.
    pub upload: UploadSessionId,
    /// How many bytes the artifact has.
    pub total_size: u64,
    /// What the store called the upload when it was opened.
    pub staging: Option<String>,
}

impl From<&UploadSession> for UploadPlace {
    fn from(session: &UploadSession) -> Self {
        Self {
            organization: session.organization,
            upload: session.id,
            total_size: session.total_size,
            staging: session.staging.clone(),
        }
    }
}

/// The key of a blob: whose it is, and the store's own word for it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BlobKey {
    /// The organisation; nothing is shared between two.
    pub organization: OrganizationId,
    /// The store's word.
    pub key: String,
}

impl fmt::Display for BlobKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.organization, self.key)
    }
}

/// What nobody else in the process works on meanwhile.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum HoldOn {
    /// The completion or removal of an upload.
    Upload(UploadSessionId),
    /// The making or removal of a blob.
    Blob(BlobKey),
}

/// A chunk whose bytes are durable.
#[derive(Debug)]
pub struct Landed {
    /// Where the store keeps it.
    pub location: String,
    /// The location of the chunk that was there before, if its bytes are the same.
    pub same_as: Option<String>,
    /// What was computed while the bytes passed.
    pub tally: Tally,
}

/// Takes the bytes of one chunk. Dropped before [`finish`](Self::finish), it leaves nothing behind
/// that anybody would find. What is finished stays until it is released; while the sink lives,
/// nobody else writes to its location.
pub trait ChunkSink: Send {
    /// Takes the next bytes.
    fn write(&mut self, piece: Bytes) -> impl Future<Output = Result<(), BlobError>> + Send;

    /// Makes the bytes durable. Called once, when all of them were taken.
    fn finish(&mut self) -> impl Future<Output = Result<Landed, BlobError>> + Send;
}

/// Gives the bytes of a chunk or a blob, in pieces.
pub trait BlobReader: Send {
    /// The next piece, never an empty one; `None` at the end.
    fn next(&mut self) -> impl Future<Output = Result<Option<Bytes>, BlobError>> + Send;
}

/// A chunk to be written.
#[derive(Debug, Clone)]
pub struct ChunkWrite {
    /// Where it lies in the artifact; no more bytes than that follow.
    pub span: Span,
    /// The location that is counted in its place already; its bytes stay as they are. With `None`
    /// the caller looks again once it has the sink, since somebody may have been faster.
    pub known: Option<String>,
    /// Whether it is the last of the artifact.
    pub is_last: bool,
    /// What is to be computed over the bytes in passing.
    pub tally: Tally,
}

/// A blob that a store has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredBlob {
    /// Its key.
    pub key: BlobKey,
    /// The upload that it came from, where the key tells.
    pub upload: Option<UploadSessionId>,
}

/// An upload of which a store has something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StagedUpload {
    /// The organisation.
    pub organization: OrganizationId,
    /// The session.
    pub upload: UploadSessionId,
}

impl From<StagedUpload> for UploadPlace {
    fn from(staged: StagedUpload) -> Self {
        Self {
            organization: staged.organization,
            upload: staged.upload,
            total_size: 0,
            staging: None,
        }
    }
}

/// As what a client gets a blob from the backend itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServedAs {
    /// The media type.
    pub content_type: String,
    /// The value of `Content-Disposition`.
    pub disposition: String,
}

/// A store of bytes: chunks of uploads that are under way, and blobs that are whole.
///
/// # Contract
/// - What is answered with success survives the end of the process and of the machine.
/// - A failure keeps what was durable before and leaves nothing half visible.
/// - Of two writers of one chunk each gets a location of its own, or one of them fails; locations
///   never hold a mixture.
/// - [`assemble`](Self::assemble) can be repeated after success and after a crash at any point.
///
/// `testing::blob_contract` holds a store against it.
pub trait BlobStore: Send + Sync + 'static {
    /// Takes a chunk.
    type Sink: ChunkSink;
    /// Gives bytes.
    type Reader: BlobReader;
    /// Lets others go on when it is dropped.
    type Hold: Send;

    /// The name of the backend: `local`, `s3`.
    fn backend(&self) -> &'static str;

    /// Chunks of one size are made at least so large: smaller ones cost the store more when it makes
    /// a blob of them. It takes any.
    fn least_chunk(&self) -> u64;

    /// Whether chunks can be read before the upload is assembled.
    fn reads_chunks(&self) -> bool;

    /// The address of a blob as it is shown.
    fn uri(&self, blob: &BlobKey) -> String;

    /// Whether the store can be written to now.
    fn ready(&self) -> impl Future<Output = Result<(), BlobError>> + Send;

    /// Waits until nobody else in this process holds the same. Blobs that several uploads may share
    /// are made and removed by one process only.
    fn hold(&self, on: HoldOn) -> impl Future<Output = Self::Hold> + Send;

    /// Makes room for an upload; answers the store's name for it, to be kept with the session.
    fn open(
        &self,
        place: &UploadPlace,
    ) -> impl Future<Output = Result<Option<String>, BlobError>> + Send;

    /// Begins a chunk.
    fn write_chunk(
        &self,
        place: &UploadPlace,
        write: ChunkWrite,
    ) -> impl Future<Output = Result<Self::Sink, BlobError>> + Send;

    /// Removes a location that is not counted any more.
    fn release(&self, place: &UploadPlace, location: &str) -> impl Future<Output = ()> + Send;

    /// The bytes of a chunk, where [`reads_chunks`](Self::reads_chunks).
    fn read_chunk(
        &self,
        place: &UploadPlace,
        chunk: &Chunk,
    ) -> impl Future<Output = Result<Self::Reader, BlobError>> + Send;

    /// Makes one durable blob of all chunks, which lie gapless and in order. No chunk of the upload
    /// is written from here on. The digest is known where chunks can be read.
    fn assemble(
        &self,
        place: &UploadPlace,
        chunks: &[Chunk],
        digest: Option<Sha256Digest>,
    ) -> impl Future<Output = Result<BlobKey, BlobError>> + Send;

    /// Removes everything of an upload that did not become a blob; nothing there is no error.
    fn discard(&self, place: &UploadPlace) -> impl Future<Output = Result<(), BlobError>> + Send;

    /// How many bytes a blob has; `None` when there is none.
    fn size(&self, blob: &BlobKey) -> impl Future<Output = Result<Option<u64>, BlobError>> + Send;

    /// The bytes of a blob within a range that lies inside it.
    fn read(
        &self,
        blob: &BlobKey,
        range: Range<u64>,
    ) -> impl Future<Output = Result<Self::Reader, BlobError>> + Send;

    /// An address under which a client gets the blob from the backend itself, for a short time;
    /// `None` where it is to come from the server.
    fn signed_url(
        &self,
        blob: &BlobKey,
        served: &ServedAs,
    ) -> impl Future<Output = Result<Option<String>, BlobError>> + Send;

    /// Removes a blob; nothing there is no error.
    fn remove(&self, blob: &BlobKey) -> impl Future<Output = Result<(), BlobError>> + Send;

    /// Blobs that were last written before then, up to `limit` of them, in an order of the store's
    /// own behind `after`.
    fn list(
        &self,
        before: OffsetDateTime,
        after: Option<&BlobKey>,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<StoredBlob>, BlobError>> + Send;

    /// Uploads of which the store has something that was written before then, up to `limit` of
    /// them, in an order of the store's own behind `after`.
    fn list_staged(
        &self,
        before: OffsetDateTime,
        after: Option<StagedUpload>,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<StagedUpload>, BlobError>> + Send;
}
