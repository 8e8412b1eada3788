//! What a backup holds: every file with its digest, and where the records stood.

use std::fs::File;
use std::path::{Component, Path, PathBuf};

use probity_store::CopiedLog;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::Fault;
use crate::cli::digest;

/// The name and version of the format.
pub(super) const FORMAT: &str = "probity-backup/1";
/// The manifest's own file.
pub(super) const MANIFEST: &str = "manifest.json";

/// A file of a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CopiedFile {
    /// Relative to the backup's folder.
    pub(super) path: String,
    pub(super) bytes: u64,
    /// Hexadecimal.
    pub(super) sha256: String,
}

/// Where a record stood.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LogState {
    pub(super) organization: String,
    pub(super) epoch: u64,
    pub(super) size: u64,
    pub(super) root: String,
}

impl From<CopiedLog> for LogState {
    fn from(log: CopiedLog) -> Self {
        Self {
            organization: log.organization.to_string(),
            epoch: log.epoch,
            size: log.size,
            root: log.root,
        }
    }
}

fn local() -> String {
    "local".to_owned()
}

/// What a backup holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Manifest {
    pub(super) format: String,
    pub(super) release: String,
    pub(super) made_at: String,
    pub(super) database: String,
    pub(super) migrations: Vec<String>,
    pub(super) logs: Vec<LogState>,
    /// The store that had the bytes of artifacts.
    #[serde(default = "local")]
    pub(super) blob_store: String,
    pub(super) files: Vec<CopiedFile>,
}

impl Manifest {
    /// How many bytes the files have together.
    pub(super) fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }

    /// Writes it as the last file of a backup.
    pub(super) fn write(&self, folder: &Path) -> Result<(), Fault> {
        let path = folder.join(MANIFEST);
        std::fs::write(&path, serde_json::to_vec_pretty(self)?)?;
        File::open(&path)?.sync_all()?;
        File::open(folder)?.sync_all()?;
        Ok(())
    }

    /// Reads the manifest of a backup.
    pub(super) fn read(folder: &Path) -> Result<Self, Fault> {
        let path = folder.join(MANIFEST);
        let wrong = |reason: String| format!("{}: {reason}", path.display());
        let text = std::fs::read(&path).map_err(|error| wrong(error.to_string()))?;
        let manifest: Self =
            serde_json::from_slice(&text).map_err(|error| wrong(error.to_string()))?;
        if manifest.format != FORMAT {
            return Err(wrong(format!("the format is not {FORMAT}")).into());
        }
        Ok(manifest)
    }

    /// Compares every file with its digest; a file that is missing, too many or another is named.
    pub(super) fn verify(&self, folder: &Path) -> Result<(), Fault> {
        for file in &self.files {
            let path = Path::new(&file.path);
            let plain = |part: Component<'_>| matches!(part, Component::Normal(_));
            if !path.components().all(plain) {
                return Err(format!("{}: not a path inside the backup", file.path).into());
            }
            let found =
                CopiedFile::of(folder, path).map_err(|error| format!("{}: {error}", file.path))?;
            if found != *file {
                return Err(
                    format!("{}: the file is not the one that was copied", file.path).into(),
                );
            }
        }
        for found in files_below(folder)? {
            let known = |file: &CopiedFile| Path::new(&file.path) == found;
            if found != Path::new(MANIFEST) && !self.files.iter().any(known) {
                return Err(format!("{}: the manifest does not name it", found.display()).into());
            }
        }
        Ok(())
    }
}

impl CopiedFile {
    /// A file of the folder with its digest.
    pub(super) fn of(folder: &Path, name: &Path) -> Result<Self, Fault> {
        let mut file = File::open(folder.join(name))?;
        let mut hash = Sha256::new();
        let bytes = digest::read_into(&mut file, &mut hash)?;
        Ok(Self {
            path: name.to_string_lossy().into_owned(),
            bytes,
            sha256: digest::hex(hash),
        })
    }
}

/// Every file below a folder, relative to it and in order; none where there is no folder.
pub(super) fn files_below(folder: &Path) -> Result<Vec<PathBuf>, Fault> {
    let mut found = Vec::new();
    let mut waiting = vec![PathBuf::new()];
    if !folder.is_dir() {
        return Ok(found);
    }
    while let Some(inside) = waiting.pop() {
        for entry in std::fs::read_dir(folder.join(&inside))? {
            let entry = entry?;
            let name = inside.join(entry.file_name());
            if entry.file_type()?.is_dir() {
                waiting.push(name);
            } else {
                found.push(name);
            }
        }
    }
    found.sort();
    Ok(found)
}
