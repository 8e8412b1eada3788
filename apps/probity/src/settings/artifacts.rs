//! Settings of artifacts.

use std::path::{Path, PathBuf};

use probity_artifacts::plan::{LARGEST_CHUNK, SMALLEST_CHUNK};

use super::{S3Settings, SettingError, Sources};

/// Where the bytes of artifacts are, and what is asked of them.
#[derive(Debug, Clone)]
pub(crate) struct ArtifactSettings {
    /// The folder.
    pub(crate) store: PathBuf,
    /// The object store that has them in place of the folder.
    pub(crate) s3: Option<S3Settings>,
    /// The size of chunks.
    pub(crate) chunk_bytes: u64,
    /// How many bytes each space may hold.
    pub(crate) space_quota: Option<u64>,
    /// How long the bytes of an artifact are taken for what they were.
    pub(crate) scrub_after: Option<time::Duration>,
}

impl ArtifactSettings {
    /// Where chunks are gathered on their way to an object store.
    pub(crate) fn spool(&self) -> PathBuf {
        self.store.join("spool")
    }

    pub(super) fn read(sources: &Sources, data_dir: &Path) -> Result<Self, SettingError> {
        let store = sources
            .text("blob-store")
            .filter(|text| !text.trim().is_empty());
        let quota: u64 = sources.number("space-quota-bytes", 0..=u64::from(u32::MAX) << 30)?;
        let days: i64 = sources.number("scrub-days", 0..=3650)?;
        Ok(Self {
            s3: S3Settings::read(sources)?,
            store: store.map_or_else(|| data_dir.join("artifacts"), PathBuf::from),
            chunk_bytes: sources.number("artifact-chunk-bytes", SMALLEST_CHUNK..=LARGEST_CHUNK)?,
            space_quota: Some(quota).filter(|quota| *quota > 0),
            scrub_after: Some(days)
                .filter(|days| *days > 0)
                .map(time::Duration::days),
        })
    }
}
