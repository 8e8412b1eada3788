//! Blobs out of a backup, which are files and no chunks.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use probity_artifacts::{BlobError, BlobKey};

use super::S3Blobs;
use crate::adapters::blobs::files::blocking;

/// How large a part is, where the file has no more than 10,000 of them.
const PART: u64 = 16 << 20;
const MOST_PARTS: u64 = 10_000;

impl S3Blobs {
    /// Where a blob lies in a backup.
    pub(in crate::adapters::blobs) fn shelf(&self, blob: &BlobKey) -> Result<PathBuf, BlobError> {
        self.keys().blob(blob)?;
        Ok(Path::new(&blob.organization.to_string()).join(&blob.key))
    }

    /// Brings a blob in that lay there in a backup.
    pub(in crate::adapters::blobs) async fn bring_in(
        &self,
        place: &Path,
        from: &Path,
    ) -> Result<(), BlobError> {
        let name = place.to_str().and_then(|place| place.split_once('/'));
        let (organization, key) = name.ok_or(BlobError::NotFound)?;
        let organization = organization.parse().map_err(|_| BlobError::NotFound)?;
        let key = key.to_owned();
        let target = self.keys().blob(&BlobKey { organization, key })?;
        let from = from.to_owned();
        let (file, size) = blocking(move || {
            let file = File::open(from)?;
            let size = file.metadata()?.len();
            Ok((Arc::new(file), size))
        })
        .await?;
        let part = PART.max(size.div_ceil(MOST_PARTS));
        if size <= part {
            let bytes = read_at(&file, 0, size).await?;
            return self.remote().put(target, bytes).await;
        }
        let id = self.remote().create_multipart(target.clone()).await?;
        let mut parts = Vec::new();
        while let Some(rest) = size
            .checked_sub(offset_of(parts.len(), part))
            .filter(|it| *it > 0)
        {
            let bytes = read_at(&file, size - rest, rest.min(part)).await?;
            let (target, id, index) = (target.clone(), id.clone(), parts.len());
            parts.push(self.remote().put_part(target, id, index, bytes).await?);
        }
        self.remote().complete(target, id, parts).await
    }
}

fn offset_of(index: usize, part: u64) -> u64 {
    part.saturating_mul(u64::try_from(index).unwrap_or(u64::MAX))
}

async fn read_at(file: &Arc<File>, offset: u64, size: u64) -> Result<Bytes, BlobError> {
    let file = file.clone();
    blocking(move || {
        let mut bytes = vec![0; usize::try_from(size).unwrap_or_default()];
        file.read_exact_at(&mut bytes, offset)?;
        Ok(bytes.into())
    })
    .await
}
