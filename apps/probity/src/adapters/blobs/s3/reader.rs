//! Reads a part of an object in requests of a bounded size, one ahead of who takes them: a client that
//! is slow holds no connection to the store open.

use std::ops::Range;

use bytes::Bytes;
use object_store::path::Path;
use probity_artifacts::{BlobError, BlobReader};
use tokio::task::JoinHandle;

use super::remote::Remote;

/// How many bytes are asked for at a time.
const READ: u64 = 2 << 20;

/// Gives the bytes of a part of an object.
pub(crate) struct S3Reader {
    remote: Remote,
    path: Path,
    next: u64,
    end: u64,
    first: Option<Bytes>,
    ahead: Option<JoinHandle<Result<Bytes, BlobError>>>,
}

impl S3Reader {
    /// Reads the first piece, so that what is not there is known at once.
    pub(super) async fn open(
        remote: &Remote,
        path: Path,
        range: Range<u64>,
    ) -> Result<Self, BlobError> {
        let mut reader = Self {
            remote: remote.clone(),
            path,
            next: range.start,
            end: range.end,
            first: None,
            ahead: None,
        };
        if range.is_empty() {
            let size = remote.size(reader.path.clone()).await?;
            return size.map(|_| reader).ok_or(BlobError::NotFound);
        }
        reader.first = reader.fetched().await?;
        reader.fetch();
        Ok(reader)
    }

    fn fetch(&mut self) {
        let end = self.end.min(self.next.saturating_add(READ));
        if self.next >= end {
            return;
        }
        let (remote, path, range) = (self.remote.clone(), self.path.clone(), self.next..end);
        self.next = end;
        self.ahead = Some(tokio::spawn(async move { remote.get(path, range).await }));
    }

    async fn fetched(&mut self) -> Result<Option<Bytes>, BlobError> {
        if self.ahead.is_none() {
            self.fetch();
        }
        let Some(ahead) = self.ahead.take() else {
            return Ok(None);
        };
        let piece = ahead
            .await
            .map_err(|error| BlobError::Unavailable(Box::new(error)))??;
        Ok(Some(piece))
    }
}

impl BlobReader for S3Reader {
    async fn next(&mut self) -> Result<Option<Bytes>, BlobError> {
        if let Some(first) = self.first.take() {
            return Ok(Some(first));
        }
        let piece = self.fetched().await?;
        self.fetch();
        Ok(piece)
    }
}
