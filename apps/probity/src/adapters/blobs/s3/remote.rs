//! Requests to the object store. All of them run on threads of their own: connections are shared by
//! every worker, and must not depend on who happened to open one.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{StreamExt as _, TryStreamExt as _};
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::client::{HttpClient, HttpConnector as _, ReqwestConnector};
use object_store::multipart::{MultipartStore as _, PartId};
use object_store::path::Path;
use object_store::signer::Signer as _;
use object_store::{
    ClientOptions, Error, ObjectMeta, ObjectStore as _, ObjectStoreExt as _, PutPayload,
    RetryConfig,
};
use probity_artifacts::{BlobError, ServedAs};
use tokio::runtime::Runtime;
use tokio::sync::{Semaphore, SemaphorePermit};
use url::Url;

use super::{OpenS3Error, copying, signing};
use crate::settings::S3Settings;

/// How many bytes of objects the server holds at a time on their way out.
const ROOM: u64 = 64 << 20;
const MIB: u64 = 1 << 20;

/// The store, and what requests to it need.
#[derive(Clone)]
pub(super) struct Remote(Arc<Inner>);

struct Inner {
    store: AmazonS3,
    /// The store as clients reach it.
    public: AmazonS3,
    http: HttpClient,
    bucket: String,
    region: String,
    room: Semaphore,
    threads: Threads,
}

/// The threads of requests; they end with the store, wherever it is dropped.
struct Threads(Option<Runtime>);

impl Threads {
    fn new() -> std::io::Result<Self> {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        let runtime = builder.worker_threads(2).thread_name("s3").enable_all();
        Ok(Self(Some(runtime.build()?)))
    }

    fn spawn<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Result<tokio::task::JoinHandle<T>, BlobError> {
        let runtime = self.0.as_ref();
        let runtime = runtime.ok_or_else(|| unavailable("the store is closed"))?;
        Ok(runtime.spawn(work))
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

fn unavailable(what: &'static str) -> BlobError {
    BlobError::Unavailable(what.into())
}

/// What an error of the store means.
pub(super) fn told(error: Error) -> BlobError {
    /// What stores say when they have no space left or may take no more.
    const FULL: [&str; 4] = [
        "XMinioStorageFull",
        "QuotaExceeded",
        "InsufficientStorage",
        "507 Insufficient Storage",
    ];
    if let Error::NotFound { .. } = error {
        return BlobError::NotFound;
    }
    let text = error.to_string();
    if FULL.iter().any(|code| text.contains(code)) {
        return BlobError::Full;
    }
    tracing::error!(error = %error, "the object store failed");
    BlobError::Unavailable(Box::new(error))
}

fn options(plain: bool) -> ClientOptions {
    ClientOptions::new()
        .with_allow_http(plain)
        .with_connect_timeout(Duration::from_secs(5))
        .with_timeout(Duration::from_mins(2))
}

/// The store at an endpoint; without keys of its own it takes those of the environment or the machine.
fn build(settings: &S3Settings, endpoint: Option<&Url>) -> Result<AmazonS3, Error> {
    let builder = match &settings.keys {
        Some(keys) => AmazonS3Builder::new()
            .with_access_key_id(&keys.id)
            .with_secret_access_key(&keys.secret),
        None => AmazonS3Builder::from_env(),
    };
    let builder = builder
        .with_bucket_name(&settings.bucket)
        .with_region(&settings.region)
        .with_virtual_hosted_style_request(!settings.path_style)
        .with_client_options(options(endpoint.is_some_and(|it| it.scheme() == "http")))
        .with_retry(RetryConfig {
            max_retries: 4,
            retry_timeout: Duration::from_secs(30),
            ..RetryConfig::default()
        });
    match endpoint {
        Some(endpoint) => builder.with_endpoint(host_of(settings, endpoint)).build(),
        None => builder.build(),
    }
}

/// Where the bucket is part of the host name, an endpoint names it.
fn host_of(settings: &S3Settings, endpoint: &Url) -> String {
    let text = endpoint.as_str().trim_end_matches('/');
    match text.split_once("://") {
        Some((scheme, rest)) if !settings.path_style => {
            format!("{scheme}://{}.{rest}", settings.bucket)
        }
        Some(_) | None => text.to_owned(),
    }
}

impl Remote {
    pub(super) fn new(settings: &S3Settings) -> Result<Self, OpenS3Error> {
        let endpoint = settings.endpoint.as_ref();
        let public = settings.public_endpoint.as_ref().or(endpoint);
        let plain = endpoint.is_some_and(|it| it.scheme() == "http");
        Ok(Self(Arc::new(Inner {
            store: build(settings, endpoint)?,
            public: build(settings, public)?,
            http: ReqwestConnector::default().connect(&options(plain))?,
            bucket: settings.bucket.clone(),
            region: settings.region.clone(),
            room: Semaphore::new(usize::try_from(ROOM / MIB).unwrap_or(1)),
            threads: Threads::new()?,
        })))
    }

    /// Does something on the threads of the store.
    async fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, Error>> + Send + 'static,
    ) -> Result<T, BlobError> {
        let task = self.0.threads.spawn(work)?;
        match task.await {
            Ok(done) => done.map_err(told),
            Err(error) => Err(BlobError::Unavailable(Box::new(error))),
        }
    }

    /// The same where nothing may wait for a future: before the server serves.
    pub(super) fn run_blocking<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, BlobError> {
        let (answer, answered) = std::sync::mpsc::channel();
        self.0.threads.spawn(async move {
            let _ = answer.send(work.await);
        })?;
        answered
            .recv()
            .map_err(|error| BlobError::Unavailable(Box::new(error)))
    }

    /// Waits until so many bytes may be held.
    pub(super) async fn room(&self, bytes: u64) -> Result<SemaphorePermit<'_>, BlobError> {
        let wanted = bytes.div_ceil(MIB).clamp(1, ROOM / MIB);
        let wanted = u32::try_from(wanted).unwrap_or(1);
        let room = self.0.room.acquire_many(wanted).await;
        room.map_err(|error| BlobError::Unavailable(Box::new(error)))
    }

    /// What the store says when it is tried, in its own words.
    pub(super) fn probe(&self, path: Path, folder: Path) -> Result<(), Error> {
        let store = self.0.store.clone();
        let tried = self.run_blocking(async move {
            store.list(Some(&folder)).try_next().await?;
            store
                .put(&path, PutPayload::from_static(b"probity"))
                .await?;
            store.get_range(&path, 0..7).await.map(|_| ())
        });
        tried.unwrap_or_else(|error| {
            Err(Error::Generic {
                store: "S3",
                source: Box::new(error),
            })
        })
    }

    pub(super) async fn put(&self, path: Path, bytes: Bytes) -> Result<(), BlobError> {
        let store = self.0.store.clone();
        self.run(async move { store.put(&path, bytes.into()).await.map(|_| ()) })
            .await
    }

    /// The bytes of a part of an object, all of them.
    pub(super) async fn get(&self, path: Path, range: Range<u64>) -> Result<Bytes, BlobError> {
        let (store, wanted) = (self.0.store.clone(), range.end.saturating_sub(range.start));
        let bytes = self
            .run(async move { store.get_range(&path, range).await })
            .await?;
        if u64::try_from(bytes.len()).is_ok_and(|size| size == wanted) {
            return Ok(bytes);
        }
        Err(unavailable("an object is shorter than it was"))
    }

    /// The bytes of a small object.
    pub(super) async fn get_whole(&self, path: Path) -> Result<Bytes, BlobError> {
        let store = self.0.store.clone();
        self.run(async move { store.get(&path).await?.bytes().await })
            .await
    }

    /// How many bytes an object has; `None` when there is none.
    pub(super) async fn size(&self, path: Path) -> Result<Option<u64>, BlobError> {
        let store = self.0.store.clone();
        let found = self.run(async move { store.head(&path).await }).await;
        match found {
            Ok(meta) => Ok(Some(meta.size)),
            Err(BlobError::NotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Removes an object; nothing there is no error.
    pub(super) async fn delete(&self, path: Path) -> Result<(), BlobError> {
        let store = self.0.store.clone();
        match self.run(async move { store.delete(&path).await }).await {
            Err(BlobError::NotFound) => Ok(()),
            done => done,
        }
    }

    /// Everything below a folder, in the order of names and behind one, as far as it is wanted.
    pub(super) async fn list<T: Send + 'static>(
        &self,
        folder: Path,
        behind: Option<Path>,
        limit: usize,
        wanted: impl FnMut(ObjectMeta) -> Option<T> + Send + 'static,
    ) -> Result<Vec<T>, BlobError> {
        let store = self.0.store.clone();
        self.run(async move {
            let listed = match &behind {
                Some(behind) => store.list_with_offset(Some(&folder), behind),
                None => store.list(Some(&folder)),
            };
            // Not every store knows how to begin behind a name.
            let further = |meta: &ObjectMeta| behind.as_ref().is_none_or(|it| meta.location > *it);
            let listed = listed.try_filter(move |meta| std::future::ready(further(meta)));
            let mut wanted = wanted;
            let found = listed.try_filter_map(move |meta| std::future::ready(Ok(wanted(meta))));
            found.take(limit).try_collect().await
        })
        .await
    }

    pub(super) async fn create_multipart(&self, path: Path) -> Result<String, BlobError> {
        let store = self.0.store.clone();
        self.run(async move { store.create_multipart(&path).await })
            .await
    }

    pub(super) async fn put_part(
        &self,
        path: Path,
        id: String,
        index: usize,
        bytes: Bytes,
    ) -> Result<PartId, BlobError> {
        let store = self.0.store.clone();
        self.run(async move { store.put_part(&path, &id, index, bytes.into()).await })
            .await
    }

    /// Has the store copy an object to a part.
    pub(super) async fn copy_part(
        &self,
        from: Path,
        to: Path,
        id: String,
        index: usize,
    ) -> Result<PartId, BlobError> {
        let inner = self.0.clone();
        let source = format!("{}/{from}", inner.bucket);
        self.run(async move {
            let part = copying::PartCopy {
                target: address(&inner.store, &to).await?,
                source,
                id,
                index,
            };
            let credentials = inner.store.credentials();
            let credential = credentials.get_credential().await?;
            part.send(&inner.http, &credential, &inner.region).await
        })
        .await
    }

    pub(super) async fn complete(
        &self,
        path: Path,
        id: String,
        parts: Vec<PartId>,
    ) -> Result<(), BlobError> {
        let store = self.0.store.clone();
        self.run(async move {
            let completed = store.complete_multipart(&path, &id, parts).await;
            completed.map(|_| ())
        })
        .await
    }

    /// Ends a multipart upload; one that is over already is no error.
    pub(super) async fn abort(&self, path: Path, id: String) -> Result<(), BlobError> {
        let store = self.0.store.clone();
        let aborted = self.run(async move { store.abort_multipart(&path, &id).await });
        match aborted.await {
            Err(BlobError::NotFound) => Ok(()),
            done => done,
        }
    }

    /// An address under which a client gets an object by itself.
    pub(super) async fn signed(
        &self,
        path: Path,
        served: ServedAs,
        lifetime: Duration,
        now: time::OffsetDateTime,
    ) -> Result<String, BlobError> {
        let inner = self.0.clone();
        self.run(async move {
            let address = address(&inner.public, &path).await?;
            let credential = inner.public.credentials().get_credential().await?;
            let region = &inner.region;
            Ok(signing::sign(
                address,
                &credential,
                region,
                lifetime,
                &served,
                now,
            ))
        })
        .await
    }
}

/// The address of an object, unsigned.
async fn address(store: &AmazonS3, path: &Path) -> Result<Url, Error> {
    let second = Duration::from_secs(1);
    let mut url = store.signed_url(http::Method::GET, path, second).await?;
    url.set_query(None);
    Ok(url)
}
