//! Bytes on their way into a file: gathered while what came before is written on one thread and hashed
//! on another. Nothing of them is copied.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use probity_artifacts::{BlobError, Tally};
use tokio::task::JoinHandle;

use super::files::{finished, settled, start};
use super::share::Share;

/// Writes pieces behind one another from a place on; answers whether it may still do so.
pub(super) type Put = Arc<dyn Fn(&[Bytes], u64) -> io::Result<bool> + Send + Sync>;

/// How many pieces are gathered however small they are: what a system writes with one call.
const MOST_PIECES: usize = 1024;

/// The bytes of a chunk, on their way.
pub(super) struct Inflow {
    put: Put,
    share: Share,
    gathered: Vec<Bytes>,
    /// How many bytes are gathered.
    waiting: usize,
    /// Where they go.
    next: u64,
    taken: u64,
    tally: Option<Tally>,
    writing: Option<JoinHandle<Result<io::Result<bool>, BlobError>>>,
    hashing: Option<JoinHandle<Result<Tally, BlobError>>>,
}

impl Inflow {
    /// Bytes that go to a place and behind it.
    pub(super) fn new(put: Put, at: u64, tally: Tally) -> Self {
        Self {
            put,
            share: Share::take(),
            gathered: Vec::new(),
            waiting: 0,
            next: at,
            taken: 0,
            tally: Some(tally),
            writing: None,
            hashing: None,
        }
    }

    /// How many bytes were taken.
    pub(super) const fn taken(&self) -> u64 {
        self.taken
    }

    /// Takes the next piece.
    pub(super) async fn write(&mut self, piece: Bytes) -> Result<(), BlobError> {
        self.waiting += piece.len();
        self.taken += length(piece.len());
        self.gathered.push(piece);
        if self.is_due() {
            self.hand_on().await?;
        }
        Ok(())
    }

    /// What is gathered goes on when it is the transfer's share, and from half of it on as soon as there
    /// is somebody to take it: handing on costs two wake-ups however little it is.
    fn is_due(&self) -> bool {
        let share = self.share.bytes();
        let full = self.waiting >= share || self.gathered.len() >= MOST_PIECES;
        full || (self.waiting >= share / 2 && !self.is_busy())
    }

    fn is_busy(&self) -> bool {
        let writes = self.writing.as_ref().is_some_and(|it| !it.is_finished());
        writes || self.hashing.as_ref().is_some_and(|it| !it.is_finished())
    }

    /// Starts on what is gathered, once what came before has landed.
    async fn hand_on(&mut self) -> Result<(), BlobError> {
        self.hashed().await?;
        self.written().await?;
        let pieces: Arc<[Bytes]> = std::mem::take(&mut self.gathered).into();
        let (put, at, written) = (self.put.clone(), self.next, pieces.clone());
        self.next += length(std::mem::take(&mut self.waiting));
        self.writing = Some(start(move || put(&written, at)));
        let hashes = |tally: &Tally| tally.running.is_some() || tally.chunk.is_some();
        if let Some(mut tally) = self.tally.take_if(|tally| hashes(tally)) {
            self.hashing = Some(start(move || {
                pieces.iter().for_each(|piece| tally.update(piece));
                tally
            }));
        }
        Ok(())
    }

    async fn written(&mut self) -> Result<(), BlobError> {
        let Some(writing) = self.writing.take() else {
            return Ok(());
        };
        if settled(writing).await? {
            Ok(())
        } else {
            Err(BlobError::Closed)
        }
    }

    async fn hashed(&mut self) -> Result<(), BlobError> {
        if let Some(hashing) = self.hashing.take() {
            self.tally = Some(finished(hashing).await?);
        }
        Ok(())
    }

    /// Waits until everything that was taken is written. It may still be hashed.
    pub(super) async fn land(&mut self) -> Result<(), BlobError> {
        if self.waiting > 0 {
            self.hand_on().await?;
        }
        self.written().await
    }

    /// What was computed over the bytes, once all of them have been.
    pub(super) async fn tally(&mut self) -> Result<Tally, BlobError> {
        self.hashed().await?;
        Ok(self.tally.take().unwrap_or_default())
    }
}

fn length(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}
