//! Artifacts on a local disk, one server per folder.
//!
//! ```text
//! staging/<organisation>/<upload>/base            the chunks that came first, each at its offset
//! staging/<organisation>/<upload>/part-<i>-<n>    a chunk that came when another was in its place
//! blobs/<organisation>/<first two digits>/<digest>
//! ```
//!
//! A chunk is written to `base` only while nothing is counted in its place and nobody else writes
//! there; otherwise it gets a file of its own. So what was acknowledged is never written over, and
//! a file holds one sender's bytes or another's, never both. Everything is durable (file, then
//! folder) before a row names it.

mod sink;

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::SystemTime;

use probity_artifacts::{
    BlobError, BlobKey, BlobStore, Chunk, ChunkWrite, HoldOn, ServedAs, Sha256Digest, StagedUpload,
    StoredBlob, UploadPlace,
};
use probity_kernel::{OrganizationId, UploadSessionId};
use time::OffsetDateTime;

pub(crate) use self::sink::LocalSink;
use super::files::{self, FileReader, Part, blocking, told};
use super::holds::{Hold, Holds};

const BASE: &str = "base";

/// Why the folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenStoreError {
    #[error("cannot use the folder {folder}: {source}")]
    Folder { folder: PathBuf, source: io::Error },
    #[error("the folder {0} is in use by another server")]
    InUse(PathBuf),
}

/// Artifacts in a folder.
#[derive(Debug, Clone)]
pub(crate) struct LocalBlobs {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    root: PathBuf,
    holds: Holds,
    uploads: Mutex<HashMap<UploadSessionId, Arc<Upload>>>,
    /// Held as long as the server runs: two servers would not see each other's slots.
    #[expect(dead_code, reason = "held, not read")]
    lock: Option<File>,
}

/// Who writes to the base of an upload.
#[derive(Debug, Default)]
struct Upload {
    /// The chunks that are being written in place.
    slots: Mutex<HashSet<u32>>,
    /// Set when the upload is assembled: from then on nobody writes in place.
    closed: RwLock<bool>,
}

impl LocalBlobs {
    /// Opens the folder for the only server that may use it.
    pub(crate) fn open(root: &Path) -> Result<Self, OpenStoreError> {
        let failed = |source| OpenStoreError::Folder {
            folder: root.to_owned(),
            source,
        };
        files::make_folder(root).map_err(failed)?;
        let lock = File::create(root.join(".lock")).map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self::over(root, Some(lock))),
            Err(std::fs::TryLockError::WouldBlock) => Err(OpenStoreError::InUse(root.to_owned())),
            Err(std::fs::TryLockError::Error(source)) => Err(failed(source)),
        }
    }

    /// The folder beside the server that uses it, for those who only read.
    pub(crate) fn beside(root: &Path) -> Self {
        Self::over(root, None)
    }

    fn over(root: &Path, lock: Option<File>) -> Self {
        Self {
            inner: Arc::new(Inner {
                root: root.to_owned(),
                holds: Holds::default(),
                uploads: Mutex::default(),
                lock,
            }),
        }
    }

    fn staging(&self, place: &UploadPlace) -> PathBuf {
        let mut path = self.inner.root.join("staging");
        path.push(place.organization.to_string());
        path.push(place.upload.to_string());
        path
    }

    /// The file of a blob; a key that is no digest names none.
    fn blob(&self, blob: &BlobKey) -> Result<PathBuf, BlobError> {
        let digest: Sha256Digest = blob.key.parse().map_err(|_| BlobError::NotFound)?;
        let name = digest.to_string();
        let mut path = self.inner.root.join("blobs");
        path.push(blob.organization.to_string());
        path.push(name.get(..2).unwrap_or_default());
        path.push(name);
        Ok(path)
    }

    /// Where a blob lies below the folder of blobs.
    pub(super) fn shelf(&self, blob: &BlobKey) -> Result<PathBuf, BlobError> {
        let path = self.blob(blob)?;
        let below = path.strip_prefix(self.inner.root.join("blobs"));
        below.map(Path::to_owned).map_err(|_| BlobError::NotFound)
    }

    /// Brings a blob in that lay there in a backup.
    pub(super) async fn bring_in(&self, place: &Path, from: &Path) -> Result<(), BlobError> {
        let (to, from) = (self.inner.root.join("blobs").join(place), from.to_owned());
        blocking(move || {
            let folder = to.parent().unwrap_or(&to);
            files::make_folder(folder)?;
            std::fs::copy(&from, &to)?;
            File::open(&to)?.sync_all()?;
            files::sync_folder(folder)
        })
        .await
    }

    fn upload(&self, id: UploadSessionId) -> Arc<Upload> {
        let mut uploads = self
            .inner
            .uploads
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        uploads.entry(id).or_default().clone()
    }
}

/// The file of a location, and where its chunk begins in it. Locations are names that this store
/// gave; anything else is none.
fn file_of(staging: &Path, location: &str, offset: u64) -> Result<(PathBuf, u64), BlobError> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
    if location == BASE {
        return Ok((staging.join(BASE), offset));
    }
    if location.starts_with("part-") && location.chars().all(plain) {
        return Ok((staging.join(location), 0));
    }
    Err(BlobError::NotFound)
}

/// Brings the chunks that lie elsewhere into the base, makes it durable and gives it its name.
fn assemble(
    upload: &Upload,
    staging: &Path,
    target: &Path,
    total: u64,
    chunks: &[Chunk],
) -> Result<(), BlobError> {
    *upload
        .closed
        .write()
        .unwrap_or_else(PoisonError::into_inner) = true;
    let base_path = staging.join(BASE);
    let base = match files::open(&base_path, true) {
        Ok(base) => base,
        // A completion that was cut off after the renaming.
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let made = files::open(target, false).map_err(told)?;
            let size = made.metadata().map_err(told)?.len();
            return if size == total {
                Ok(())
            } else {
                Err(BlobError::NotFound)
            };
        }
        Err(error) => return Err(told(error)),
    };
    for chunk in chunks.iter().filter(|chunk| chunk.location != BASE) {
        let (path, offset) = file_of(staging, &chunk.location, chunk.span.offset)?;
        let file = files::open(&path, false).map_err(told)?;
        let size = chunk.span.size;
        let part = Part {
            file: &file,
            offset,
            size,
        };
        files::copy(part, &base, chunk.span.offset).map_err(told)?;
    }
    publish(&base, &base_path, target, total).map_err(told)
}

fn publish(base: &File, base_path: &Path, target: &Path, total: u64) -> io::Result<()> {
    if base.metadata()?.len() != total {
        return Err(io::Error::other(
            "the chunks have another length than the artifact",
        ));
    }
    base.sync_all()?;
    let folder = target.parent().unwrap_or(target);
    files::make_folder(folder)?;
    std::fs::rename(base_path, target)?;
    files::sync_folder(folder)
}

/// The names in a folder, in ascending order; none when it is not there.
fn names(folder: &Path) -> io::Result<Vec<String>> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut names = Vec::new();
    for entry in entries {
        names.extend(entry?.file_name().into_string().ok());
    }
    names.sort();
    Ok(names)
}

/// The blobs behind a key that were last written before an instant.
fn list(
    root: &Path,
    before: SystemTime,
    after: Option<&BlobKey>,
    limit: usize,
) -> io::Result<Vec<StoredBlob>> {
    let mut found = Vec::new();
    for owner in names(&root.join("blobs"))? {
        let Ok(organization) = owner.parse::<OrganizationId>() else {
            continue;
        };
        if after.is_some_and(|after| organization < after.organization) {
            continue;
        }
        for shelf in names(&root.join("blobs").join(&owner))? {
            let folder = root.join("blobs").join(&owner).join(&shelf);
            for name in names(&folder)? {
                let key = BlobKey {
                    organization,
                    key: name,
                };
                if after.is_some_and(|after| key <= *after)
                    || key.key.parse::<Sha256Digest>().is_err()
                {
                    continue;
                }
                let written = std::fs::symlink_metadata(folder.join(&key.key))?.modified()?;
                if written < before {
                    found.push(StoredBlob { key, upload: None });
                }
                if found.len() == limit {
                    return Ok(found);
                }
            }
        }
    }
    Ok(found)
}

/// The uploads behind one whose folders were last written to before an instant.
fn list_staged(
    root: &Path,
    before: SystemTime,
    after: Option<StagedUpload>,
    limit: usize,
) -> io::Result<Vec<StagedUpload>> {
    let mut found = Vec::new();
    let staging = root.join("staging");
    for owner in names(&staging)? {
        let Ok(organization) = owner.parse::<OrganizationId>() else {
            continue;
        };
        for name in names(&staging.join(&owner))? {
            let Ok(upload) = name.parse::<UploadSessionId>() else {
                continue;
            };
            let staged = StagedUpload {
                organization,
                upload,
            };
            let folder = staging.join(&owner).join(&name);
            let written = std::fs::symlink_metadata(folder)?.modified()?;
            if Some(staged) > after && written < before {
                found.push(staged);
            }
            if found.len() == limit {
                return Ok(found);
            }
        }
    }
    Ok(found)
}

impl BlobStore for LocalBlobs {
    type Sink = LocalSink;
    type Reader = FileReader;
    type Hold = Hold;

    fn backend(&self) -> &'static str {
        "local"
    }

    fn least_chunk(&self) -> u64 {
        1
    }

    fn reads_chunks(&self) -> bool {
        true
    }

    fn uri(&self, blob: &BlobKey) -> String {
        format!("local:blobs/{blob}")
    }

    async fn ready(&self) -> Result<(), BlobError> {
        let path = self.inner.root.join(".ready");
        blocking(move || std::fs::write(&path, [0_u8; 4096])).await
    }

    async fn hold(&self, on: HoldOn) -> Hold {
        self.inner.holds.take(on).await
    }

    async fn open(&self, place: &UploadPlace) -> Result<Option<String>, BlobError> {
        let staging = self.staging(place);
        blocking(move || {
            files::make_folder(&staging)?;
            files::create(&staging.join(BASE))?.sync_all()?;
            files::sync_folder(&staging)
        })
        .await?;
        Ok(None)
    }

    async fn write_chunk(
        &self,
        place: &UploadPlace,
        write: ChunkWrite,
    ) -> Result<LocalSink, BlobError> {
        LocalSink::begin(self, place, write).await
    }

    async fn release(&self, place: &UploadPlace, location: &str) {
        if location == BASE {
            return;
        }
        let Ok((path, _)) = file_of(&self.staging(place), location, 0) else {
            return;
        };
        // What stays behind goes with the upload.
        let _ = blocking(move || files::remove(&path)).await;
    }

    async fn read_chunk(
        &self,
        place: &UploadPlace,
        chunk: &Chunk,
    ) -> Result<FileReader, BlobError> {
        let span = chunk.span;
        let (path, offset) = file_of(&self.staging(place), &chunk.location, span.offset)?;
        let file = blocking(move || files::open(&path, false)).await?;
        Ok(FileReader::new(file, offset, span.size))
    }

    async fn assemble(
        &self,
        place: &UploadPlace,
        chunks: &[Chunk],
        digest: Option<Sha256Digest>,
    ) -> Result<BlobKey, BlobError> {
        let digest = digest.ok_or(BlobError::NotFound)?;
        let key = BlobKey {
            organization: place.organization,
            key: digest.to_string(),
        };
        let (upload, staging) = (self.upload(place.upload), self.staging(place));
        let (target, total, chunks) = (self.blob(&key)?, place.total_size, chunks.to_vec());
        let work = move || Ok(assemble(&upload, &staging, &target, total, &chunks));
        blocking(work).await??;
        Ok(key)
    }

    async fn discard(&self, place: &UploadPlace) -> Result<(), BlobError> {
        let upload = self.upload(place.upload);
        let staging = self.staging(place);
        blocking(move || {
            *upload
                .closed
                .write()
                .unwrap_or_else(PoisonError::into_inner) = true;
            files::remove_folder(&staging)
        })
        .await?;
        let mut uploads = self
            .inner
            .uploads
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        uploads.remove(&place.upload);
        Ok(())
    }

    async fn size(&self, blob: &BlobKey) -> Result<Option<u64>, BlobError> {
        let Ok(path) = self.blob(blob) else {
            return Ok(None);
        };
        match blocking(move || std::fs::symlink_metadata(path)).await {
            Ok(found) => Ok(found.is_file().then_some(found.len())),
            Err(BlobError::NotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn read(&self, blob: &BlobKey, range: Range<u64>) -> Result<FileReader, BlobError> {
        let path = self.blob(blob)?;
        let file = blocking(move || files::open(&path, false)).await?;
        let size = range.end.saturating_sub(range.start);
        Ok(FileReader::new(file, range.start, size))
    }

    async fn signed_url(&self, _: &BlobKey, _: &ServedAs) -> Result<Option<String>, BlobError> {
        Ok(None)
    }

    async fn remove(&self, blob: &BlobKey) -> Result<(), BlobError> {
        let path = self.blob(blob)?;
        blocking(move || files::remove(&path)).await
    }

    async fn list(
        &self,
        before: OffsetDateTime,
        after: Option<&BlobKey>,
        limit: usize,
    ) -> Result<Vec<StoredBlob>, BlobError> {
        let (root, after) = (self.inner.root.clone(), after.cloned());
        blocking(move || list(&root, before.into(), after.as_ref(), limit)).await
    }

    async fn list_staged(
        &self,
        before: OffsetDateTime,
        after: Option<StagedUpload>,
        limit: usize,
    ) -> Result<Vec<StagedUpload>, BlobError> {
        let root = self.inner.root.clone();
        blocking(move || list_staged(&root, before.into(), after, limit)).await
    }
}

#[cfg(test)]
mod tests;
