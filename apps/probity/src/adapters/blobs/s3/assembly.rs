//! One object of many chunks: a multipart upload whose parts the store copies by itself. Only chunks
//! that are too small for a part pass through the server, put together.

use bytes::{Bytes, BytesMut};
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use object_store::multipart::PartId;
use object_store::path::Path;
use probity_artifacts::{BlobError, BlobKey, Chunk, Sha256Digest, UploadPlace};
use serde::{Deserialize, Serialize};

use super::S3Blobs;
use super::keys::key_of;
use crate::adapters::blobs::nonce;

/// The fewest bytes of a part, but for the last.
pub(super) const LEAST_PART: u64 = 5 << 20;
/// How many parts are copied at a time.
const PARALLEL: usize = 16;

/// A multipart upload that is under way, noted beside the chunks: whoever clears them away ends it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Note {
    pub(super) target: String,
    pub(super) id: String,
}

/// A part of the object.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    /// The store copies the chunk.
    Copied(Chunk),
    /// Chunks that are too small, one behind the other.
    Gathered(Vec<Chunk>),
}

/// The parts of chunks that lie in order: none smaller than the least, but for the last.
fn parts_of(chunks: &[Chunk]) -> Vec<Part> {
    let (mut parts, mut small, mut bytes) = (Vec::new(), Vec::new(), 0);
    for chunk in chunks {
        if small.is_empty() && chunk.span.size >= LEAST_PART {
            parts.push(Part::Copied(chunk.clone()));
            continue;
        }
        small.push(chunk.clone());
        bytes += chunk.span.size;
        if bytes >= LEAST_PART {
            parts.push(Part::Gathered(std::mem::take(&mut small)));
            bytes = 0;
        }
    }
    match small.as_slice() {
        [] => {}
        [last] => parts.push(Part::Copied(last.clone())),
        [..] => parts.push(Part::Gathered(small)),
    }
    parts
}

impl S3Blobs {
    pub(super) async fn assemble_chunks(
        &self,
        place: &UploadPlace,
        chunks: &[Chunk],
        digest: Sha256Digest,
    ) -> Result<BlobKey, BlobError> {
        let key = key_of(place, digest);
        let target = self.keys().blob(&key)?;
        // A completion that was cut off behind this.
        if self.remote().size(target.clone()).await? == Some(place.total_size) {
            return Ok(key);
        }
        if chunks.is_empty() {
            self.remote().put(target, Bytes::new()).await?;
            return Ok(key);
        }
        self.join(place, &target, chunks).await?;
        match self.remote().size(target).await? {
            Some(size) if size == place.total_size => Ok(key),
            Some(_) | None => Err(BlobError::Unavailable(
                "the assembled object has another size than its parts".into(),
            )),
        }
    }

    async fn join(
        &self,
        place: &UploadPlace,
        target: &Path,
        chunks: &[Chunk],
    ) -> Result<(), BlobError> {
        let id = self.remote().create_multipart(target.clone()).await?;
        let note = self.keys().assembly(place, nonce()?);
        let joined = self.join_noted(place, target, chunks, &id, &note).await;
        if joined.is_err() {
            // What stays behind is ended by whoever clears the upload away.
            let _ = self.remote().abort(target.clone(), id).await;
        }
        joined?;
        let _ = self.remote().delete(note).await;
        Ok(())
    }

    async fn join_noted(
        &self,
        place: &UploadPlace,
        target: &Path,
        chunks: &[Chunk],
        id: &str,
        note: &Path,
    ) -> Result<(), BlobError> {
        let told = Note {
            target: target.to_string(),
            id: id.to_owned(),
        };
        let told =
            serde_json::to_vec(&told).map_err(|error| BlobError::Unavailable(Box::new(error)))?;
        self.remote().put(note.clone(), told.into()).await?;
        let parts = stream::iter(parts_of(chunks).into_iter().enumerate());
        let sent = parts.map(|(index, part)| self.send_part(place, target, id, index, part));
        let parts: Vec<PartId> = sent.buffered(PARALLEL).try_collect().await?;
        let remote = self.remote();
        remote.complete(target.clone(), id.to_owned(), parts).await
    }

    async fn send_part(
        &self,
        place: &UploadPlace,
        target: &Path,
        id: &str,
        index: usize,
        part: Part,
    ) -> Result<PartId, BlobError> {
        let (target, id) = (target.clone(), id.to_owned());
        match part {
            Part::Copied(chunk) => {
                let from = self.keys().chunk(place, &chunk.location)?;
                self.remote().copy_part(from, target, id, index).await
            }
            Part::Gathered(chunks) => {
                let size = chunks.iter().map(|chunk| chunk.span.size).sum();
                let _room = self.remote().room(size).await?;
                let bytes = self.gather(place, &chunks, size).await?;
                self.remote().put_part(target, id, index, bytes).await
            }
        }
    }

    async fn gather(
        &self,
        place: &UploadPlace,
        chunks: &[Chunk],
        size: u64,
    ) -> Result<Bytes, BlobError> {
        let mut gathered = BytesMut::with_capacity(usize::try_from(size).unwrap_or_default());
        for chunk in chunks {
            let from = self.keys().chunk(place, &chunk.location)?;
            gathered.extend_from_slice(&self.remote().get(from, 0..chunk.span.size).await?);
        }
        Ok(gathered.freeze())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use probity_artifacts::Span;
    use proptest::prelude::*;

    fn chunks(sizes: &[u64]) -> Vec<Chunk> {
        let mut offset = 0;
        let chunk = |(index, size): (usize, &u64)| {
            let span = Span {
                index: u32::try_from(index).unwrap(),
                offset,
                size: *size,
            };
            offset += size;
            Chunk {
                span,
                location: index.to_string(),
            }
        };
        sizes.iter().enumerate().map(chunk).collect()
    }

    fn inside(part: &Part) -> Vec<Chunk> {
        match part {
            Part::Copied(chunk) => vec![chunk.clone()],
            Part::Gathered(chunks) => chunks.clone(),
        }
    }

    #[test]
    fn chunks_of_one_size_are_copied() {
        let chunks = chunks(&[LEAST_PART, LEAST_PART, 1]);
        let copied: Vec<Part> = chunks.iter().cloned().map(Part::Copied).collect();
        assert_eq!(parts_of(&chunks), copied);
        assert_eq!(parts_of(&[]), []);
    }

    proptest! {
        #[test]
        fn parts_hold_every_chunk_and_are_large_enough(
            sizes in proptest::collection::vec(1..2 * LEAST_PART, 0..40)
        ) {
            let chunks = chunks(&sizes);
            let parts = parts_of(&chunks);
            let all: Vec<Chunk> = parts.iter().flat_map(inside).collect();
            prop_assert_eq!(all, chunks);
            for part in parts.iter().rev().skip(1) {
                let size: u64 = inside(part).iter().map(|chunk| chunk.span.size).sum();
                prop_assert!(size >= LEAST_PART);
            }
        }
    }
}
