//! A chunk on its way to the object store. Its bytes are gathered in a file without a name first: an
//! object is sent as a whole, and senders may be slow and many.

use std::fs::File;
use std::sync::Arc;

use bytes::Bytes;
use probity_artifacts::{
    BlobError, ChunkSink, ChunkWrite, Landed, Sha256Digest, StreamingSha256, Tally, UploadPlace,
};

use super::S3Blobs;
use super::keys::{digest_at, location_of};
use crate::adapters::blobs::files::{self, blocking};
use crate::adapters::blobs::inflow::{Inflow, Put};
use crate::adapters::blobs::nonce;

/// A chunk that is being gathered.
pub(crate) struct S3Sink {
    store: S3Blobs,
    place: UploadPlace,
    index: u32,
    known: Option<String>,
    file: Arc<File>,
    inflow: Inflow,
}

impl S3Sink {
    pub(super) async fn begin(
        store: &S3Blobs,
        place: &UploadPlace,
        write: ChunkWrite,
    ) -> Result<Self, BlobError> {
        let spool = store.spool().to_owned();
        let file = Arc::new(blocking(move || tempfile::tempfile_in(spool)).await?);
        let into = file.clone();
        let put: Put =
            Arc::new(move |pieces, at| files::write_pieces(&into, pieces, at).map(|_| true));
        let tally = Tally {
            chunk: Some(write.tally.chunk.unwrap_or_default()),
            ..write.tally
        };
        Ok(Self {
            store: store.clone(),
            place: place.clone(),
            index: write.span.index,
            known: write.known,
            file,
            inflow: Inflow::new(put, 0, tally),
        })
    }

    /// Everything that was gathered.
    async fn bytes(&self) -> Result<Bytes, BlobError> {
        let (file, size) = (self.file.clone(), self.inflow.taken());
        blocking(move || files::read_whole(&file, size)).await
    }

    async fn send(&self, digest: Sha256Digest) -> Result<String, BlobError> {
        let location = location_of(self.index, digest, nonce()?);
        let path = self.store.keys().chunk(&self.place, &location)?;
        let remote = self.store.remote();
        let _room = remote.room(self.inflow.taken()).await?;
        remote.put(path, self.bytes().await?).await?;
        Ok(location)
    }
}

impl ChunkSink for S3Sink {
    async fn write(&mut self, piece: Bytes) -> Result<(), BlobError> {
        self.inflow.write(piece).await
    }

    async fn finish(&mut self) -> Result<Landed, BlobError> {
        self.inflow.land().await?;
        let tally = self.inflow.tally().await?;
        let digest = tally.chunk.clone().unwrap_or_default();
        let digest = StreamingSha256::finish(digest);
        let location = self.send(digest).await?;
        let same = |known: &String| digest_at(known) == Some(digest);
        Ok(Landed {
            location,
            same_as: self.known.take().filter(same),
            tally,
        })
    }
}
