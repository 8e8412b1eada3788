//! A blob store in memory, for tests and for trying things out.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use probity_kernel::{OrganizationId, UploadSessionId};
use time::OffsetDateTime;

use crate::blob::{
    BlobError, BlobKey, BlobReader, BlobStore, ChunkSink, ChunkWrite, HoldOn, Landed, ServedAs,
    StagedUpload, StoredBlob, UploadPlace,
};
use crate::digest::Sha256Digest;
use crate::session::Chunk;

/// A blob store in memory. Blobs go by their digest, as on a local disk, or by their upload, as in
/// an object store, whose chunks cannot be read back.
#[derive(Debug, Clone, Default)]
pub struct InMemoryBlobs {
    state: Arc<Mutex<State>>,
    by_upload: bool,
}

#[derive(Debug, Default)]
struct State {
    chunks: HashMap<(UploadSessionId, String), Bytes>,
    /// Whose the uploads are.
    owners: HashMap<UploadSessionId, OrganizationId>,
    blobs: BTreeMap<BlobKey, Bytes>,
    held: BTreeSet<String>,
    made: u64,
    full: bool,
}

impl State {
    fn staged(&self) -> BTreeSet<StagedUpload> {
        let known = self.chunks.keys().filter_map(|(upload, _)| {
            let organization = *self.owners.get(upload)?;
            Some(StagedUpload {
                organization,
                upload: *upload,
            })
        });
        known.collect()
    }
}

impl InMemoryBlobs {
    /// A store that behaves like an object store.
    #[must_use]
    pub fn by_upload() -> Self {
        Self {
            by_upload: true,
            ..Self::default()
        }
    }

    /// From now on it has no space left, or has some again.
    pub fn set_full(&self, full: bool) {
        self.state().full = full;
    }

    /// How many chunks it keeps.
    #[must_use]
    pub fn chunks(&self) -> usize {
        self.state().chunks.len()
    }

    /// How many blobs it keeps.
    #[must_use]
    pub fn blobs(&self) -> usize {
        self.state().blobs.len()
    }

    /// Puts other bytes in the place of a blob; none takes it away.
    pub fn damage(&self, blob: &BlobKey, bytes: Option<Bytes>) {
        let mut state = self.state();
        match bytes {
            Some(bytes) => {
                state.blobs.insert(blob.clone(), bytes);
            }
            None => {
                state.blobs.remove(blob);
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes a chunk.
#[derive(Debug)]
pub struct MemorySink {
    store: InMemoryBlobs,
    upload: UploadSessionId,
    write: ChunkWrite,
    bytes: Vec<u8>,
}

impl ChunkSink for MemorySink {
    async fn write(&mut self, piece: Bytes) -> Result<(), BlobError> {
        if self.store.state().full {
            return Err(BlobError::Full);
        }
        self.write.tally.update(&piece);
        self.bytes.extend_from_slice(&piece);
        Ok(())
    }

    async fn finish(&mut self) -> Result<Landed, BlobError> {
        let mut state = self.store.state();
        if state.full {
            return Err(BlobError::Full);
        }
        state.made += 1;
        let location = state.made.to_string();
        let bytes = Bytes::from(std::mem::take(&mut self.bytes));
        let known = self.write.known.take();
        let same_as = known.filter(|known| {
            let before = state.chunks.get(&(self.upload, known.clone()));
            before.is_some_and(|before| *before == bytes)
        });
        state.chunks.insert((self.upload, location.clone()), bytes);
        Ok(Landed {
            location,
            same_as,
            tally: std::mem::take(&mut self.write.tally),
        })
    }
}

/// Gives bytes.
#[derive(Debug)]
pub struct MemoryReader(Bytes);

impl BlobReader for MemoryReader {
    async fn next(&mut self) -> Result<Option<Bytes>, BlobError> {
        let piece = self.0.split_to(self.0.len().min(64 * 1024));
        Ok((!piece.is_empty()).then_some(piece))
    }
}

/// Lets others go on when it is dropped.
#[derive(Debug)]
pub struct MemoryHold {
    store: InMemoryBlobs,
    on: String,
}

impl Drop for MemoryHold {
    fn drop(&mut self) {
        self.store.state().held.remove(&self.on);
    }
}

impl BlobStore for InMemoryBlobs {
    type Sink = MemorySink;
    type Reader = MemoryReader;
    type Hold = MemoryHold;

    fn backend(&self) -> &'static str {
        "memory"
    }

    fn least_chunk(&self) -> u64 {
        1
    }

    fn reads_chunks(&self) -> bool {
        !self.by_upload
    }

    fn uri(&self, blob: &BlobKey) -> String {
        format!("memory:{blob}")
    }

    async fn ready(&self) -> Result<(), BlobError> {
        if self.state().full {
            Err(BlobError::Full)
        } else {
            Ok(())
        }
    }

    async fn hold(&self, on: HoldOn) -> MemoryHold {
        let on = format!("{on:?}");
        std::future::poll_fn(|context| {
            if self.state().held.insert(on.clone()) {
                return std::task::Poll::Ready(());
            }
            context.waker().wake_by_ref();
            std::task::Poll::Pending
        })
        .await;
        MemoryHold {
            store: self.clone(),
            on,
        }
    }

    async fn open(&self, place: &UploadPlace) -> Result<Option<String>, BlobError> {
        self.ready().await?;
        let mut state = self.state();
        state.owners.insert(place.upload, place.organization);
        Ok(None)
    }

    async fn write_chunk(
        &self,
        place: &UploadPlace,
        write: ChunkWrite,
    ) -> Result<MemorySink, BlobError> {
        Ok(MemorySink {
            store: self.clone(),
            upload: place.upload,
            write,
            bytes: Vec::new(),
        })
    }

    async fn release(&self, place: &UploadPlace, location: &str) {
        let location = (place.upload, location.to_owned());
        self.state().chunks.remove(&location);
    }

    async fn read_chunk(
        &self,
        place: &UploadPlace,
        chunk: &Chunk,
    ) -> Result<MemoryReader, BlobError> {
        let state = self.state();
        let found = state.chunks.get(&(place.upload, chunk.location.clone()));
        found.cloned().map(MemoryReader).ok_or(BlobError::NotFound)
    }

    async fn assemble(
        &self,
        place: &UploadPlace,
        chunks: &[Chunk],
        digest: Option<Sha256Digest>,
    ) -> Result<BlobKey, BlobError> {
        let mut state = self.state();
        if state.full {
            return Err(BlobError::Full);
        }
        let digest = digest.filter(|_| !self.by_upload);
        let key = BlobKey {
            organization: place.organization,
            key: digest.map_or_else(|| place.upload.to_string(), |digest| digest.to_string()),
        };
        let staged = state
            .chunks
            .keys()
            .any(|(upload, _)| *upload == place.upload);
        if !staged && state.blobs.contains_key(&key) {
            return Ok(key);
        }
        let mut bytes = Vec::new();
        for chunk in chunks {
            let location = (place.upload, chunk.location.clone());
            let part = state.chunks.get(&location).ok_or(BlobError::NotFound)?;
            bytes.extend_from_slice(part);
        }
        // The blob is made of the chunks themselves: none is there any more.
        state
            .chunks
            .retain(|(upload, _), _| *upload != place.upload);
        state.blobs.insert(key.clone(), bytes.into());
        Ok(key)
    }

    async fn discard(&self, place: &UploadPlace) -> Result<(), BlobError> {
        self.state()
            .chunks
            .retain(|(upload, _), _| *upload != place.upload);
        Ok(())
    }

    async fn size(&self, blob: &BlobKey) -> Result<Option<u64>, BlobError> {
        let state = self.state();
        Ok(state
            .blobs
            .get(blob)
            .map(|bytes| u64::try_from(bytes.len()).unwrap_or(u64::MAX)))
    }

    async fn read(&self, blob: &BlobKey, range: Range<u64>) -> Result<MemoryReader, BlobError> {
        let state = self.state();
        let bytes = state.blobs.get(blob).ok_or(BlobError::NotFound)?;
        let at = |place: u64| {
            usize::try_from(place)
                .unwrap_or(usize::MAX)
                .min(bytes.len())
        };
        Ok(MemoryReader(bytes.slice(at(range.start)..at(range.end))))
    }

    async fn signed_url(&self, _: &BlobKey, _: &ServedAs) -> Result<Option<String>, BlobError> {
        Ok(None)
    }

    async fn remove(&self, blob: &BlobKey) -> Result<(), BlobError> {
        self.state().blobs.remove(blob);
        Ok(())
    }

    async fn list(
        &self,
        _: OffsetDateTime,
        after: Option<&BlobKey>,
        limit: usize,
    ) -> Result<Vec<StoredBlob>, BlobError> {
        let state = self.state();
        let behind = state
            .blobs
            .keys()
            .filter(|key| after.is_none_or(|after| *key > after));
        Ok(behind
            .take(limit)
            .map(|key| StoredBlob {
                key: key.clone(),
                upload: key.key.parse().ok(),
            })
            .collect())
    }

    async fn list_staged(
        &self,
        _: OffsetDateTime,
        after: Option<StagedUpload>,
        limit: usize,
    ) -> Result<Vec<StagedUpload>, BlobError> {
        let staged = self.state().staged();
        let behind = staged.into_iter().filter(|it| Some(*it) > after);
        Ok(behind.take(limit).collect())
    }
}
