//! The bytes of artifacts, out of whichever store has them and back into it.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;

use probity_artifacts::{BlobKey, BlobReader as _, BlobStore as _};
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

/// Copies every blob into a backup. Bytes are written before the row that names them: what the
/// database knew is there.
pub(super) async fn copy_out(blobs: &Blobs, to: &Path) -> Result<Vec<CopiedFile>, Fault> {
    let mut files = Vec::new();
    for blob in all(blobs).await? {
        let name = Path::new(FOLDER).join(blobs.shelf(&blob)?);
        let path = to.join(&name);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        let mut file = File::create_new(&path)?;
        // It may have been cleared away with its artifact since it was listed.
        let Some(size) = blobs.size(&blob).await? else {
            std::fs::remove_file(&path)?;
            continue;
        };
        let mut reader = blobs.read(&blob, 0..size).await?;
        while let Some(piece) = reader.next().await? {
            file.write_all(&piece)?;
        }
        file.sync_all()?;
        files.push(CopiedFile::of(to, &name)?);
    }
    Ok(files)
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
