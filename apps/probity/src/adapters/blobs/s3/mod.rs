//! Artifacts in an S3-compatible object store, shared by any number of servers. Chunks are objects of
//! their own, so they come in any order, at any node, and again; the blob is made of them by the store
//! itself.

mod assembly;
mod bringing;
mod copying;
mod keys;
mod reader;
mod remote;
mod signing;
mod sink;

use std::fmt;
use std::ops::Range;
use std::path::{Path as FilePath, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use object_store::path::Path;
use probity_artifacts::{
    BlobError, BlobKey, BlobStore, Chunk, ChunkWrite, HoldOn, ServedAs, Sha256Digest, StagedUpload,
    StoredBlob, UploadPlace,
};
use probity_kernel::{Clock as _, SystemClock};
use time::OffsetDateTime;

use self::assembly::{LEAST_PART, Note};
use self::keys::Keys;
pub(crate) use self::reader::S3Reader;
use self::remote::Remote;
pub(crate) use self::sink::S3Sink;
use super::holds::{Hold, Holds};
use crate::settings::S3Settings;

/// How long the store is taken to be as ready as it was.
const READY_FOR: Duration = Duration::from_secs(10);
/// How many objects are removed at a time.
const PARALLEL: usize = 16;

/// Why the store cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenS3Error {
    #[error("the bucket `{bucket}` is not there at {endpoint}")]
    NoBucket { bucket: String, endpoint: String },
    #[error(
        "the keys may not write to the bucket `{bucket}` at {endpoint}, or are wrong: {source}"
    )]
    Refused {
        bucket: String,
        endpoint: String,
        source: object_store::Error,
    },
    #[error("the object store at {endpoint} does not answer as it should: {source}")]
    Unreachable {
        endpoint: String,
        source: object_store::Error,
    },
    #[error(transparent)]
    Settings(#[from] object_store::Error),
    #[error("cannot use the folder of chunks on their way: {0}")]
    Spool(#[from] std::io::Error),
}

/// Artifacts in a bucket.
#[derive(Clone)]
pub(crate) struct S3Blobs {
    inner: Arc<Inner>,
}

struct Inner {
    remote: Remote,
    keys: Keys,
    bucket: String,
    /// Where chunks are gathered before they are sent.
    spool: PathBuf,
    redirects: bool,
    link_lifetime: Duration,
    holds: Holds,
    ready: Mutex<Option<Instant>>,
}

impl fmt::Debug for S3Blobs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("S3Blobs").field(&self.inner.bucket).finish()
    }
}

impl S3Blobs {
    /// Opens the bucket after it was seen to take and give bytes.
    pub(crate) fn open(settings: &S3Settings, spool: &FilePath) -> Result<Self, OpenS3Error> {
        let store = Self::beside(settings, spool)?;
        super::files::make_folder(spool)?;
        let (probe, folder) = (store.keys().probe(), store.keys().staging());
        let tried = store.remote().probe(probe, folder);
        tried.map_err(|source| unusable(settings, source))?;
        Ok(store)
    }

    /// The bucket for those who only read.
    pub(crate) fn beside(settings: &S3Settings, spool: &FilePath) -> Result<Self, OpenS3Error> {
        Ok(Self {
            inner: Arc::new(Inner {
                remote: Remote::new(settings)?,
                keys: Keys::below(&settings.prefix),
                bucket: settings.bucket.clone(),
                spool: spool.to_owned(),
                redirects: settings.redirects,
                link_lifetime: settings.link_lifetime,
                holds: Holds::default(),
                ready: Mutex::default(),
            }),
        })
    }

    fn remote(&self) -> &Remote {
        &self.inner.remote
    }

    fn keys(&self) -> &Keys {
        &self.inner.keys
    }

    fn spool(&self) -> &FilePath {
        &self.inner.spool
    }

    /// Ends a multipart upload that somebody noted.
    async fn end_noted(&self, note: Path) -> Result<(), BlobError> {
        let told = match self.remote().get_whole(note).await {
            Ok(told) => told,
            Err(BlobError::NotFound) => return Ok(()),
            Err(error) => return Err(error),
        };
        let Ok(told) = serde_json::from_slice::<Note>(&told) else {
            return Ok(());
        };
        self.remote().abort(Path::from(told.target), told.id).await
    }

    async fn remove_staged(&self, path: Path) -> Result<(), BlobError> {
        if keys::is_assembly(&path) {
            self.end_noted(path.clone()).await?;
        }
        self.remote().delete(path).await
    }

    fn ready_since(&self) -> std::sync::MutexGuard<'_, Option<Instant>> {
        let ready = self.inner.ready.lock();
        ready.unwrap_or_else(PoisonError::into_inner)
    }
}

fn unusable(settings: &S3Settings, source: object_store::Error) -> OpenS3Error {
    let bucket = settings.bucket.clone();
    let endpoint = settings.endpoint_shown();
    // Not every error of a listing has a kind: the store's own words are in it.
    let text = format!("{source:?}");
    let says = |codes: &[&str]| codes.iter().any(|code| text.contains(code));
    if says(&["NoSuchBucket"]) {
        return OpenS3Error::NoBucket { bucket, endpoint };
    }
    if says(&[
        "AccessDenied",
        "SignatureDoesNotMatch",
        "InvalidAccessKeyId",
        "status: 403",
    ]) {
        return OpenS3Error::Refused {
            bucket,
            endpoint,
            source,
        };
    }
    OpenS3Error::Unreachable { endpoint, source }
}

fn before(instant: OffsetDateTime) -> impl Fn(&object_store::ObjectMeta) -> bool + Send {
    let seconds = instant.unix_timestamp();
    move |meta| meta.last_modified.timestamp() < seconds
}

impl BlobStore for S3Blobs {
    type Sink = S3Sink;
    type Reader = S3Reader;
    type Hold = Hold;

    fn backend(&self) -> &'static str {
        "s3"
    }

    fn least_chunk(&self) -> u64 {
        LEAST_PART
    }

    fn reads_chunks(&self) -> bool {
        true
    }

    fn uri(&self, blob: &BlobKey) -> String {
        let path = self.keys().blob(blob).unwrap_or_default();
        format!("s3://{}/{path}", self.inner.bucket)
    }

    async fn ready(&self) -> Result<(), BlobError> {
        let recent = *self.ready_since();
        if recent.is_some_and(|at| at.elapsed() < READY_FOR) {
            return Ok(());
        }
        let probe = self.keys().probe();
        self.remote().put(probe, "probity".into()).await?;
        *self.ready_since() = Some(Instant::now());
        Ok(())
    }

    async fn hold(&self, on: HoldOn) -> Hold {
        self.inner.holds.take(on).await
    }

    /// Nothing is made before there are bytes.
    async fn open(&self, _: &UploadPlace) -> Result<Option<String>, BlobError> {
        Ok(None)
    }

    async fn write_chunk(
        &self,
        place: &UploadPlace,
        write: ChunkWrite,
    ) -> Result<S3Sink, BlobError> {
        S3Sink::begin(self, place, write).await
    }

    async fn release(&self, place: &UploadPlace, location: &str) {
        if let Ok(path) = self.keys().chunk(place, location) {
            // What stays behind goes with the upload.
            let _ = self.remote().delete(path).await;
        }
    }

    async fn read_chunk(&self, place: &UploadPlace, chunk: &Chunk) -> Result<S3Reader, BlobError> {
        let path = self.keys().chunk(place, &chunk.location)?;
        S3Reader::open(self.remote(), path, 0..chunk.span.size).await
    }

    async fn assemble(
        &self,
        place: &UploadPlace,
        chunks: &[Chunk],
        digest: Option<Sha256Digest>,
    ) -> Result<BlobKey, BlobError> {
        let digest = digest.ok_or(BlobError::NotFound)?;
        self.assemble_chunks(place, chunks, digest).await
    }

    async fn discard(&self, place: &UploadPlace) -> Result<(), BlobError> {
        let folder = self.keys().upload(place);
        let all = |meta: object_store::ObjectMeta| Some(meta.location);
        let found = self.remote().list(folder, None, usize::MAX, all).await?;
        let removed = stream::iter(found).map(|path| self.remove_staged(path));
        removed.buffer_unordered(PARALLEL).try_collect().await
    }

    async fn size(&self, blob: &BlobKey) -> Result<Option<u64>, BlobError> {
        match self.keys().blob(blob) {
            Ok(path) => self.remote().size(path).await,
            Err(_) => Ok(None),
        }
    }

    async fn read(&self, blob: &BlobKey, range: Range<u64>) -> Result<S3Reader, BlobError> {
        S3Reader::open(self.remote(), self.keys().blob(blob)?, range).await
    }

    async fn signed_url(
        &self,
        blob: &BlobKey,
        served: &ServedAs,
    ) -> Result<Option<String>, BlobError> {
        if !self.inner.redirects {
            return Ok(None);
        }
        let (path, lifetime) = (self.keys().blob(blob)?, self.inner.link_lifetime);
        let now = SystemClock.now();
        let signed = self.remote().signed(path, served.clone(), lifetime, now);
        signed.await.map(Some)
    }

    async fn remove(&self, blob: &BlobKey) -> Result<(), BlobError> {
        self.remote().delete(self.keys().blob(blob)?).await
    }

    async fn list(
        &self,
        until: OffsetDateTime,
        after: Option<&BlobKey>,
        limit: usize,
    ) -> Result<Vec<StoredBlob>, BlobError> {
        let behind = after.map(|after| self.keys().blob(after)).transpose()?;
        let (keys, old) = (self.keys().clone(), before(until));
        let wanted = move |meta: object_store::ObjectMeta| {
            old(&meta).then(|| keys.blob_at(&meta.location)).flatten()
        };
        let folder = self.keys().blobs();
        self.remote().list(folder, behind, limit, wanted).await
    }

    async fn list_staged(
        &self,
        until: OffsetDateTime,
        after: Option<StagedUpload>,
        limit: usize,
    ) -> Result<Vec<StagedUpload>, BlobError> {
        let behind = after.map(|after| self.keys().behind(after));
        let (keys, old, mut last) = (self.keys().clone(), before(until), None);
        let wanted = move |meta: object_store::ObjectMeta| {
            let staged = keys.upload_at(&meta.location).filter(|_| old(&meta))?;
            (last.replace(staged) != Some(staged)).then_some(staged)
        };
        let folder = self.keys().staging();
        self.remote().list(folder, behind, limit, wanted).await
    }
}

#[cfg(test)]
mod tests;
