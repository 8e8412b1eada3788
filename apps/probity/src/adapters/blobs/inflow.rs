//! Bytes on their way into a file: written on one thread and hashed on another while the next piece
//! comes in.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use probity_artifacts::{BlobError, Tally};
use tokio::task::JoinHandle;

use super::files::{finished, settled, start};

/// Writes a piece at a place; answers whether it may still do so.
pub(super) type Put = Arc<dyn Fn(&[u8], u64) -> io::Result<bool> + Send + Sync>;

/// The bytes of a chunk, on their way.
pub(super) struct Inflow {
    put: Put,
    /// Where the next piece goes.
    next: u64,
    written: u64,
    tally: Option<Tally>,
    writing: Option<JoinHandle<Result<io::Result<bool>, BlobError>>>,
    hashing: Option<JoinHandle<Result<Tally, BlobError>>>,
}

impl Inflow {
    /// Bytes that go to a place and behind it.
    pub(super) fn new(put: Put, at: u64, tally: Tally) -> Self {
        Self {
            put,
            next: at,
            written: 0,
            tally: Some(tally),
            writing: None,
            hashing: None,
        }
    }

    /// How many bytes were taken.
    pub(super) const fn written(&self) -> u64 {
        self.written
    }

    /// Takes the next piece; the one before has landed then.
    pub(super) async fn write(&mut self, piece: Bytes) -> Result<(), BlobError> {
        self.settle().await?;
        let (put, at, written) = (self.put.clone(), self.next, piece.clone());
        let size = u64::try_from(piece.len()).unwrap_or_default();
        self.next += size;
        self.written += size;
        self.writing = Some(start(move || put(&written, at)));
        let hashes = |tally: &Tally| tally.running.is_some() || tally.chunk.is_some();
        if let Some(mut tally) = self.tally.take_if(|tally| hashes(tally)) {
            self.hashing = Some(start(move || {
                tally.update(&piece);
                tally
            }));
        }
        Ok(())
    }

    /// Waits for the piece that is under way.
    pub(super) async fn settle(&mut self) -> Result<(), BlobError> {
        if let Some(hashing) = self.hashing.take() {
            self.tally = Some(finished(hashing).await?);
        }
        if let Some(writing) = self.writing.take()
            && !settled(writing).await?
        {
            return Err(BlobError::Closed);
        }
        Ok(())
    }

    /// What was computed over the bytes, once they have settled.
    pub(super) fn take_tally(&mut self) -> Tally {
        self.tally.take().unwrap_or_default()
    }
}
