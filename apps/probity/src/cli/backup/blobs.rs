//! The bytes of artifacts, out of whichever store has them and back into it.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;

use probity_artifacts::{BlobKey, BlobReader as _, BlobStore as _};
use probity_store::CopiedBlob;
use time::macros::datetime;

use super::Fault;
use super::manifest::CopiedFile;
use crate::adapters::blobs::Blobs;

/// The folder of the bytes in a backup.
const FOLDER: &str = "blobs";
/// How many are asked for at a time.
const STEP: usize = 1000;

/// Every blob that the store has.
async fn all(blobs: &Blobs) -> Result<Vec<BlobKey>, Fault> {
    let mut found: Vec<BlobKey> = Vec::new();
    loop {
        let ever = datetime!(9999-01-01 00:00 UTC);
        let more = blobs.list(ever, found.last(), STEP).await?;
        if more.is_empty() {
            return Ok(found);
        }
        found.extend(more.into_iter().map(|blob| blob.key));
    }
}

/// Whether the store has none.
pub(super) async fn is_empty(blobs: &Blobs) -> Result<bool, Fault> {
    let ever = datetime!(9999-01-01 00:00 UTC);
    Ok(blobs.list(ever, None, 1).await?.is_empty())
}

/// What was copied of the bytes.
#[derive(Default)]
pub(super) struct CopiedBytes {
    pub(super) files: Vec<CopiedFile>,
    /// What the store has lost of what the rows name, or has changed.
    pub(super) lost: Vec<String>,
}

/// Copies the bytes that rows name into a backup. Nobody clears them away meanwhile.
pub(super) async fn copy_out(
    blobs: &Blobs,
    wanted: &[CopiedBlob],
    to: &Path,
) -> Result<CopiedBytes, Fault> {
    let mut copied = CopiedBytes::default();
    for wanted in wanted {
        let name = Path::new(FOLDER).join(blobs.shelf(&wanted.blob)?);
        let file = copy_one(blobs, &wanted.blob, to, &name).await?;
        let found = file.as_ref().map(|file| file.sha256.as_str());
        let expected = wanted.sha256.map(|digest| digest.to_string());
        if expected.is_some() && found != expected.as_deref() {
            copied.lost.push(blobs.uri(&wanted.blob));
        }
        copied.files.extend(file);
    }
    Ok(copied)
}

/// Copies one; `None` where the store does not have it.
async fn copy_one(
    blobs: &Blobs,
    blob: &BlobKey,
    to: &Path,
    name: &Path,
) -> Result<Option<CopiedFile>, Fault> {
    let Some(size) = blobs.size(blob).await? else {
        return Ok(None);
    };
    let path = to.join(name);
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent)?;
    }
    let mut file = File::create_new(&path)?;
    let mut reader = blobs.read(blob, 0..size).await?;
    while let Some(piece) = reader.next().await? {
        file.write_all(&piece)?;
    }
    file.sync_all()?;
    CopiedFile::of(to, name).map(Some)
}

/// Brings the blobs of a backup back; answers how many they were.
pub(super) async fn copy_in(
    blobs: &Blobs,
    from: &Path,
    files: &[CopiedFile],
) -> Result<u64, Fault> {
    let mut count = 0;
    for file in files {
        let Ok(name) = Path::new(&file.path).strip_prefix(FOLDER) else {
            continue;
        };
        blobs.bring_in(name, &from.join(&file.path)).await?;
        count += 1;
    }
    Ok(count)
}

/// The blobs that hold a text, by their addresses. They are named by their digest and cannot be
/// changed: who owns them has to replace them.
pub(in crate::cli) async fn holding(blobs: &Blobs, text: &str) -> Result<Vec<String>, Fault> {
    let mut found = Vec::new();
    for blob in all(blobs).await? {
        if holds(blobs, &blob, text.as_bytes()).await? {
            found.push(blobs.uri(&blob));
        }
    }
    Ok(found)
}

/// Whether a blob holds some bytes; read in pieces, whatever its size.
async fn holds(blobs: &Blobs, blob: &BlobKey, text: &[u8]) -> Result<bool, Fault> {
    let size = blobs.size(blob).await?.unwrap_or_default();
    let mut window: Vec<u8> = Vec::new();
    let mut reader = blobs.read(blob, 0..size).await?;
    while let Some(piece) = reader.next().await? {
        window.extend_from_slice(&piece);
        if window.windows(text.len().max(1)).any(|part| part == text) {
            return Ok(true);
        }
        // What begins at the end of one piece may go on in the next.
        let keep = window.len().min(text.len().saturating_sub(1));
        window.drain(..window.len() - keep);
    }
    Ok(false)
}
