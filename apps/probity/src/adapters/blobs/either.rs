//! The store that the settings choose.

use std::ops::Range;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use probity_artifacts::{
    BlobError, BlobKey, BlobReader, BlobStore, Chunk, ChunkSink, ChunkWrite, HoldOn, Landed,
    ServedAs, Sha256Digest, StagedUpload, StoredBlob, UploadPlace,
};
use time::OffsetDateTime;

use super::files::FileReader;
use super::holds::Hold;
use super::local::LocalSink;
use super::s3::{S3Reader, S3Sink};
use super::{LocalBlobs, OpenS3Error, OpenStoreError, S3Blobs};
use crate::settings::ArtifactSettings;

/// Why the store of the settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenBlobsError {
    #[error("setting `blob-store`: {0}")]
    Local(#[from] OpenStoreError),
    #[error("setting `s3-bucket`: {0}")]
    S3(#[from] OpenS3Error),
}

/// The store of a server.
#[derive(Debug, Clone)]
pub(crate) enum Blobs {
    Local(LocalBlobs),
    S3(S3Blobs),
}

/// Takes a chunk.
pub(crate) enum Sink {
    Local(LocalSink),
    S3(S3Sink),
}

/// Gives bytes.
pub(crate) enum Reader {
    Local(FileReader),
    S3(S3Reader),
}

/// Does the same with whichever it is.
macro_rules! either {
    ($of:ident, $it:expr, $inner:ident => $done:expr) => {
        match $it {
            $of::Local($inner) => $done,
            $of::S3($inner) => $done,
        }
    };
}

impl Blobs {
    /// Opens the store for a server.
    pub(crate) fn open(settings: &ArtifactSettings) -> Result<Self, OpenBlobsError> {
        Ok(match &settings.s3 {
            Some(s3) => Self::S3(S3Blobs::open(s3, &settings.spool())?),
            None => Self::Local(LocalBlobs::open(&settings.store)?),
        })
    }

    /// The store beside the server that uses it, for those who only read.
    pub(crate) fn beside(settings: &ArtifactSettings) -> Result<Self, OpenBlobsError> {
        Ok(match &settings.s3 {
            Some(s3) => Self::S3(S3Blobs::beside(s3, &settings.spool())?),
            None => Self::Local(LocalBlobs::beside(&settings.store)),
        })
    }
}

/// Backups.
impl Blobs {
    /// Where a blob lies in a backup.
    pub(crate) fn shelf(&self, blob: &BlobKey) -> Result<PathBuf, BlobError> {
        either!(Self, self, it => it.shelf(blob))
    }

    /// Brings a blob in that lay there in a backup.
    pub(crate) async fn bring_in(&self, place: &Path, from: &Path) -> Result<(), BlobError> {
        either!(Self, self, it => it.bring_in(place, from).await)
    }
}

impl ChunkSink for Sink {
    async fn write(&mut self, piece: Bytes) -> Result<(), BlobError> {
        either!(Self, self, it => it.write(piece).await)
    }

    async fn finish(&mut self) -> Result<Landed, BlobError> {
        either!(Self, self, it => it.finish().await)
    }
}

impl BlobReader for Reader {
    async fn next(&mut self) -> Result<Option<Bytes>, BlobError> {
        either!(Self, self, it => it.next().await)
    }
}

impl BlobStore for Blobs {
    type Sink = Sink;
    type Reader = Reader;
    type Hold = Hold;

    fn backend(&self) -> &'static str {
        either!(Self, self, it => it.backend())
    }

    fn least_chunk(&self) -> u64 {
        either!(Self, self, it => it.least_chunk())
    }

    fn reads_chunks(&self) -> bool {
        either!(Self, self, it => it.reads_chunks())
    }

    fn uri(&self, blob: &BlobKey) -> String {
        either!(Self, self, it => it.uri(blob))
    }

    async fn ready(&self) -> Result<(), BlobError> {
        either!(Self, self, it => it.ready().await)
    }

    async fn hold(&self, on: HoldOn) -> Hold {
        either!(Self, self, it => it.hold(on).await)
    }

    async fn open(&self, place: &UploadPlace) -> Result<Option<String>, BlobError> {
        either!(Self, self, it => BlobStore::open(it, place).await)
    }

    async fn write_chunk(&self, place: &UploadPlace, write: ChunkWrite) -> Result<Sink, BlobError> {
        Ok(match self {
            Self::Local(it) => Sink::Local(it.write_chunk(place, write).await?),
            Self::S3(it) => Sink::S3(it.write_chunk(place, write).await?),
        })
    }

    async fn release(&self, place: &UploadPlace, location: &str) {
        either!(Self, self, it => it.release(place, location).await);
    }

    async fn read_chunk(&self, place: &UploadPlace, chunk: &Chunk) -> Result<Reader, BlobError> {
        Ok(match self {
            Self::Local(it) => Reader::Local(it.read_chunk(place, chunk).await?),
            Self::S3(it) => Reader::S3(it.read_chunk(place, chunk).await?),
        })
    }

    async fn assemble(
        &self,
        place: &UploadPlace,
        chunks: &[Chunk],
        digest: Option<Sha256Digest>,
    ) -> Result<BlobKey, BlobError> {
        either!(Self, self, it => it.assemble(place, chunks, digest).await)
    }

    async fn discard(&self, place: &UploadPlace) -> Result<(), BlobError> {
        either!(Self, self, it => it.discard(place).await)
    }

    async fn size(&self, blob: &BlobKey) -> Result<Option<u64>, BlobError> {
        either!(Self, self, it => it.size(blob).await)
    }

    async fn read(&self, blob: &BlobKey, range: Range<u64>) -> Result<Reader, BlobError> {
        Ok(match self {
            Self::Local(it) => Reader::Local(it.read(blob, range).await?),
            Self::S3(it) => Reader::S3(it.read(blob, range).await?),
        })
    }

    async fn signed_url(
        &self,
        blob: &BlobKey,
        served: &ServedAs,
    ) -> Result<Option<String>, BlobError> {
        either!(Self, self, it => it.signed_url(blob, served).await)
    }

    async fn remove(&self, blob: &BlobKey) -> Result<(), BlobError> {
        either!(Self, self, it => it.remove(blob).await)
    }

    async fn list(
        &self,
        before: OffsetDateTime,
        after: Option<&BlobKey>,
        limit: usize,
    ) -> Result<Vec<StoredBlob>, BlobError> {
        either!(Self, self, it => it.list(before, after, limit).await)
    }

    async fn list_staged(
        &self,
        before: OffsetDateTime,
        after: Option<StagedUpload>,
        limit: usize,
    ) -> Result<Vec<StagedUpload>, BlobError> {
        either!(Self, self, it => it.list_staged(before, after, limit).await)
    }
}
